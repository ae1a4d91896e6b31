"""In doubt: it cannot be imported here."""

import a_package_that_nobody_has  # noqa: F401


def get_model():
    return object()
