"""The audit on sources of any size and shape: it neither crashes nor hangs, and never keeps silent."""

from __future__ import annotations

import contextlib
import sysconfig
from pathlib import Path

import pytest

from dashboard.auditing.findings import Audit
from dashboard.auditing.reading import MOST_BYTES, NoSuchCallable, SourceError, audit_source

STDLIB = Path(sysconfig.get_path("stdlib"))


def whole(audit: Audit) -> bool:
    """Whether the audit came through a source, which it must whatever that holds."""
    return not any("stumbled" in finding.text for finding in audit.findings)


def doubted(audit: Audit) -> bool:
    return any(finding.code == "unknown" and not finding.certain for finding in audit.findings)


def test_a_source_that_is_too_large_is_a_doubt() -> None:
    assert doubted(audit_source(b"x = 1\n" * (MOST_BYTES // 6 + 1), "large.py"))


def test_what_is_nested_too_deep_is_a_doubt() -> None:
    source = "def get_model():\n    return " + " + ".join(["load_model()"] * 800)
    assert doubted(audit_source(source.encode(), "deep.py", "get_model"))


def test_more_ways_than_anybody_follows_are_a_doubt() -> None:
    fork = "    if a{0}():\n        b{0} = f{1}()\n    else:\n        b{0} = f{1}()\n"
    functions = [
        f"def f{n}():\n" + "".join(fork.format(m, n + 1) for m in range(8)) + "    return b0\n"
        for n in range(12)
    ]
    source = "\n".join([*functions, "def f12():\n    return load_model()"])
    assert doubted(audit_source(source.encode(), "wide.py", "f0"))


def test_functions_that_call_each_other_come_to_an_end() -> None:
    source = b"def a():\n    return b()\ndef b():\n    return a() or load_model()\n"
    assert audit_source(source, "round.py", "a").findings


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n",
        "@x.y(z)[0]\nclass A(B, metaclass=C): a: int; b = [c for c in d if e]",
        "def f(a, /, b=1, *c, d, e=2, **g) -> None: return (yield from a)",
        "async def f():\n async with a as (b, c), d: pass\n async for e in g: break\n else: return",
        "try:\n pass\nexcept* ValueError as e:\n raise\nelse: pass\nfinally: pass",
        "match a:\n case {'b': c, **d} | [e, *f] | G(h=1): pass\n case _ if i: pass",
        "del a, b[c], d.e\nassert f, g\na[b:c, ...] = *d, e\nfor a.b in c: continue",
        "global x\nx = lambda *a, **k: (y := a)\nwith (a() as b, c): pass\nwhile 1: break",
        "class A:\n  __slots__ = ()\n  def __new__(cls): return cls.x.y(cls)\n  x = property(lambda s: s)",
        "class A:\n  x = ()\n  y = (), (z,)\nf = A()\ndef f(): return A(), A.x[0], A().y[1][2]",
        "def f(model=load_model()): return model\nf.g.h = f()()()[0].i",
        "a = b = (c, (d, *e)) = f'{g!r:>{h}}' if i else not j",
        "def f():\n  nonlocal_ = 1\n  def g():\n    nonlocal nonlocal_\n    del nonlocal_\n  return g\nf()()",
    ],
)
@pytest.mark.parametrize("name", [None, "f", "A"])
def test_any_syntax_is_read(source: str, name: str | None) -> None:
    with contextlib.suppress(NoSuchCallable):
        assert whole(audit_source(source.encode(), "any.py", name))


@pytest.mark.parametrize("name", ["threading.py", "functools.py", "dataclasses.py", "contextlib.py"])
def test_modules_of_the_standard_library_are_read(name: str) -> None:
    assert whole(audit_source((STDLIB / name).read_bytes(), name))


@pytest.mark.slow
def test_every_module_of_some_packages_is_read() -> None:
    read = 0
    for folder in ("concurrent", "multiprocessing"):
        for path in (STDLIB / folder).rglob("*.py"):
            try:
                assert whole(audit_source(path.read_bytes(), str(path))), path
            except SourceError as error:
                raise AssertionError(path) from error
            read += 1
    assert read > 20


def test_a_fault_of_the_audit_is_a_doubt_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr("dashboard.auditing.reading.Program", fails)
    audit = audit_source(b"x = 1\n", "any.py")
    assert doubted(audit)
    assert not whole(audit)
