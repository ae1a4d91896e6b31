"""Callables that a probe cannot call, and must not try to."""


def get_model(name):
    raise AssertionError("it was called")


class Service:
    def get(self):
        raise AssertionError("it was called")
