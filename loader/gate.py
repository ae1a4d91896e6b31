"""The gate: one load at a time in the whole process, whatever model it is for.

A lock for each model is not enough. `from_pretrained` swaps functions of torch and transformers while it
works, and two loads of different models break each other as surely as two of the same one. So everything that
goes through transformers, accelerate or diffusers passes one gate.

    load of A ──holds──> gate          A asks for B and waits: it lends the gate to B's load,
        └──waits for──> load of B      and goes on when B's load has given it back

Without the lending, A would hold the gate that B's load needs, and wait for B for ever.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from loader.errors import RecursiveLoad
from loader.process_globals import Fingerprint, fingerprint

__all__ = ["PROCESS_GATE", "Fingerprint", "Gate", "Tenant", "fingerprint"]

# Guards, for all gates together, who holds a gate and which load waits for which: a chain of waits may run
# through several gates, so that a lock for each gate could not follow it. It is held for a few steps of
# bookkeeping, never during a load. Whoever waits for a change waits on this condition.
_TURNS = threading.Condition()

_TENANT: ContextVar[Tenant | None] = ContextVar("loadonce_tenant", default=None)


class Tenant:
    """One activity that holds the gate, or waits for others while it does: a load, or a guarded call.

    It is known by a context variable and not by its thread, because a load runs on its own thread and its
    caller's context goes with it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid = os.getpid()
        self.over = False
        self.waits_for: list[Tenant] = []
        self.gates: list[Gate] = []

    @staticmethod
    def current() -> Tenant | None:
        """Return the tenant on whose behalf the calling code runs; None outside any load."""
        tenant = _TENANT.get()
        # A context can outlive its load, in a task that the load began, and it is copied by a fork.
        return None if tenant is None or tenant.over or tenant.pid != os.getpid() else tenant

    @contextmanager
    def here(self) -> Iterator[None]:
        """Make this the current tenant inside, and end it afterwards."""
        token = _TENANT.set(self)
        try:
            yield
        finally:
            self.over = True
            _TENANT.reset(token)

    @contextmanager
    def waiting_for(self, other: Tenant) -> Iterator[None]:
        """Say that this load can only go on when `other` has ended, and lend it every gate held.

        Leaving takes the gates back, and blocks until the borrower has given them back: two loads must not
        run at once, even if this one has given up waiting.

        Raises:
            RecursiveLoad: `other` waits for this one, directly or through others.
        """
        with _TURNS:
            if other is self or _reaches(other, self):
                raise RecursiveLoad(
                    f"The load of {self.name} needs {other.name}, whose own load needs {self.name}. "
                    "Let one of the two be loaded without the other."
                )
            self.waits_for.append(other)
            _TURNS.notify_all()
        try:
            yield
        finally:
            with _TURNS:
                _TURNS.wait_for(lambda: all(gate.tenant is self for gate in self.gates))
                self.waits_for.remove(other)


def _reaches(start: Tenant, goal: Tenant) -> bool:
    open_, seen = [start], set[int]()
    while open_:
        for tenant in open_.pop().waits_for:
            if tenant is goal:
                return True
            if id(tenant) not in seen:
                seen.add(id(tenant))
                open_.append(tenant)
    return False


_GATES: Final = weakref.WeakSet["Gate"]()  # for a forked child, which must open them all


class Gate:
    """Lets one tenant through at a time; those that it waits for come in under it.

    Threading: any thread. Entering blocks until the gate is free or lent. It may be entered again by the
    load that holds it, from any thread that runs in that load's context.
    """

    def __init__(self, name: str = "gate") -> None:
        self.name = name
        _GATES.add(self)
        self._tenants: list[Tenant] = []  # the last one runs; each before it has lent the gate to the next

    @property
    def tenant(self) -> Tenant | None:
        """Who runs inside now."""
        return self._tenants[-1] if self._tenants else None

    @contextmanager
    def hold(self, name: str = "a guarded call") -> Iterator[None]:
        """Hold the gate inside. `name` stands in the errors of others that run into this one."""
        tenant = Tenant.current()
        if tenant is not None:
            with self._entered(tenant):
                yield
            return
        tenant = Tenant(name)
        with tenant.here(), self._entered(tenant):
            yield

    @contextmanager
    def _entered(self, tenant: Tenant) -> Iterator[None]:
        with _TURNS:
            again = tenant in self._tenants
            if again:
                # … but not beside the load that it has been lent to
                _TURNS.wait_for(lambda: self.tenant is tenant)
            else:
                _TURNS.wait_for(lambda: self.tenant is None or _reaches(self._tenants[-1], tenant))
                self._tenants.append(tenant)
                tenant.gates.append(self)
        try:
            yield
        finally:
            if not again:
                with _TURNS:
                    # A forked child has emptied the list: what its parent held is not held there.
                    if tenant in self._tenants:
                        self._tenants.remove(tenant)
                        tenant.gates.remove(self)
                        _TURNS.notify_all()

    def forget(self) -> bool:
        """Open the gate in a forked child, where whoever held it does not run. Tell whether it was held."""
        held = bool(self._tenants)
        for tenant in self._tenants:
            tenant.gates.clear()
        self._tenants = []
        return held


PROCESS_GATE: Final = Gate("process")
"""The gate of everything in this process that loads through transformers, accelerate or diffusers."""

_before_load: Fingerprint | None = None


@contextmanager
def watched() -> Iterator[Fingerprint]:
    """Remember the process globals as they are before a load, for a child that is forked in its middle."""
    global _before_load
    outer, found = _before_load, fingerprint()
    _before_load = outer or found
    try:
        yield found
    finally:
        _before_load = outer


def _after_fork() -> None:
    global _TURNS, _before_load
    _TURNS = threading.Condition()
    held = [gate.forget() for gate in list(_GATES)]
    if any(held) and _before_load is not None:
        _before_load.restore()  # the load that swapped them does not run here, and can never put them back
    _before_load = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
