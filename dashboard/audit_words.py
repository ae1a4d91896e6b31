"""An audit in words: for a terminal, with the lines of the source that it is about. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

import click

from dashboard.auditing.findings import Audit
from dashboard.printable import printable
from dashboard.wording import plural

__all__ = ["audit_headline", "audit_lines"]

_WIDTH: Final = 100


def audit_headline(audit: Audit) -> str:
    """Return what came of an audit, in one sentence."""
    if not audit.findings:
        what = ", ".join(audit.functions) or "what loads at import"
        return f"Nothing is wrong with {what}: one lock, a second look, published last; or no load to guard."
    certain = sum(finding.certain for finding in audit.findings)
    doubts = len(audit.findings) - certain
    parts = [plural(certain, "certain finding")] if certain else []
    parts += [plural(doubts, "doubt")] if doubts else []
    return f"{' and '.join(parts)} in {', '.join(audit.functions) or audit.place}."


def audit_lines(audit: Audit) -> Iterator[str]:
    """Yield the lines that tell an audit on a terminal; colours go where there is none."""
    tone = {0: "green", 1: "red"}.get(audit.exit_code, "yellow")
    yield click.style(printable(audit_headline(audit)), fg=tone, bold=True)
    for finding in audit.findings:
        sure = click.style("certain", fg="red") if finding.certain else click.style("doubt  ", fg="yellow")
        yield f"{printable(audit.place)}:{finding.line}  {sure}  [{finding.code}]"
        quoted = printable(audit.quoted(finding)).strip()
        if quoted:
            yield click.style(f"    {finding.line:>4} | {quoted}", dim=True)
        yield from textwrap.wrap(
            printable(finding.text),
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
