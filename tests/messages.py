"""What the console says, read off its source, and beside it the catalogue: `python -m tests.messages` brings
`dashboard/languages/ko.po` up to date, keeps what is translated, and names what is not.

Two kinds of words are found: what goes through `_()`, `n_()` and in the browser `tr()`; and the sentences of
the modules that speak far from any page (`FAR`), which `dashboard.retold` finds again by their words: each
literal with two words in a row, an f-string as a message with places named after what stands in them.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from dashboard.components.words import texts_of
from dashboard.language import FOLDER, TOLD
from dashboard.retold import COUNT

DASHBOARD = Path(__file__).resolve().parents[1] / "dashboard"
CATALOGUE = FOLDER / "ko.po"
FAR = (
    "auditing/*.py",
    "console.py",
    "curation.py",
    "cut_runs.py",
    "database.py",
    "doubts.py",
    "engine/*.py",
    "failure_rate.py",
    "history_reader.py",
    "interrupted.py",
    "journal.py",
    "load_history.py",
    "log_files.py",
    "log_range.py",
    "logs.py",
    "memory.py",
    "moments.py",
    "probe_desk.py",
    "probing/[cfjrsw]*.py",
    "redfacts.py",
    "release.py",
    "remedies.py",
    "run.py",
    "runs.py",
    "settings.py",
    "shown.py",
    "store.py",
    "storefault.py",
    "sweep.py",
    "sweep_desk.py",
    "sweeps.py",
    "target_settings/*.py",
    "targets/*.py",
    "timeline.py",
    "trial.py",
    "triggers/*.py",
    "verdict.py",
    "vigil.py",
    "watch_desk.py",
    "watch_file.py",
    "watching.py",
    "webhook.py",
    "witnesses.py",
)
"""Modules whose sentences are made in English, and translated where they are shown."""
NEAR = (
    "audit_desk.py",
    "audit_words.py",
    "comparison.py",
    "comparison_desk.py",
    "comparison_words.py",
    "gauge_cards.py",
    "launch_form.py",
    "listing.py",
    "log_choice.py",
    "log_desk.py",
    "load_spans.py",
    "log_verdict.py",
    "phases.py",
    "probe_words.py",
    "session.py",
    "spans.py",
    "sweep_table.py",
    "variant_panel.py",
    "wording.py",
)
"""… that the command line and reports share with pages: of these the labels of one word are read, too."""

_WORDS = re.compile(r"[A-Za-z]{2,}[,.:;]? +\(?[“A-Za-z]{2,}")
_BESIDE_A_PLACE = re.compile(r"^in \{|\} [a-z]{2,}|\b[A-Za-z]{4,}:? \{")
_EDGES = re.compile(r"^[\s✓✕?!…–●○‖↻·▶]+|\s+$")
_LABEL = re.compile(r"[A-Z][a-z]+")
_PLACE = re.compile(r"\{\w+\}")
_COUNTED = ("counted", "plural")
_PLAIN_CALLS = ("str", "repr", "len", "max", "join", "map", "printable")
_NOT_SAID = re.compile(r"^(re|_LOG)\.|\.execute$")
_NO_WORDS = re.compile(r"^(SELECT|PRAGMA|GET|import) |^extract\(|^<image> |^What is this")
"""To a database, an engine, a process or a model; never to people."""


def own_messages() -> dict[Any, set[str]]:
    """Return what goes through `_()`, `n_()` and, in the browser, `tr()`, with the modules that say it."""
    found: dict[Any, set[str]] = {}
    for path in sorted((DASHBOARD / "components").glob("*.[jh]*")):
        for text in texts_of(path.name):
            found.setdefault(text, set()).add(path.relative_to(DASHBOARD).as_posix())
    for path in sorted(DASHBOARD.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):  # Babel's own reader looks into no f-string
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("_", "n_"):
                said = [each.value for each in node.args if isinstance(each, ast.Constant)]
                texts = tuple(text for text in said if isinstance(text, str))
                if texts:  # words of a component are read off its own source
                    key = texts[:2] if ast.unparse(node.func) == "n_" else texts[0]
                    found.setdefault(key, set()).add(path.relative_to(DASHBOARD).as_posix())
    return found


def far_messages() -> dict[str, set[str]]:
    """Return the sentences of the modules of `FAR`, with the modules that say them."""
    found: dict[str, set[str]] = {}
    for path in sorted({path for pattern in (*FAR, *NEAR) for path in DASHBOARD.glob(pattern)}):
        labels = path.name in NEAR
        for message in _sentences(ast.parse(path.read_text("utf-8")), labels=labels):
            found.setdefault(message, set()).add(path.relative_to(DASHBOARD).as_posix())
    return found


def _sentences(tree: ast.Module, *, labels: bool) -> Iterator[str]:
    unsaid = _unsaid(tree, keys=not labels)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _COUNTED and len(node.args) > 1:
            yield from _nouns(node)
        if id(node) in unsaid:
            continue
        if isinstance(node, ast.JoinedStr | ast.Constant):
            texts = (_EDGES.sub("", text) for text in _forms(node))
            yield from (text for text in texts if _is_said(text) or (labels and _LABEL.fullmatch(text)))


def _is_said(text: str) -> bool:
    plain = _PLACE.sub("", text)
    return bool(_WORDS.search(plain) or _BESIDE_A_PLACE.search(text)) and not _NO_WORDS.match(text)


def _unsaid(tree: ast.Module, *, keys: bool) -> set[int]:
    """Return the nodes that nobody reads: docstrings, patterns, names, keys, parts of a longer text."""
    found: set[int] = set()
    for node in ast.walk(tree):
        inner: list[ast.AST] = []
        if isinstance(node, ast.Expr):
            inner = [node.value]
        elif isinstance(node, ast.Call) and _NOT_SAID.match(ast.unparse(node.func)):
            inner = [each for argument in node.args for each in ast.walk(argument)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _COUNTED:
            inner = [*node.args[1:]]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            inner = [*ast.walk(node.value)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("_", "n_"):
            inner = [*node.args]  # translated where it is said
        elif isinstance(node, ast.Dict) and keys:
            inner = [each for each in node.keys if each is not None]
        elif isinstance(node, ast.Compare):
            inner = [node.left, *node.comparators]
        elif isinstance(node, ast.JoinedStr):
            # What an alternative inside says is said with the whole: see `_forms`
            inner = [value for value in node.values if isinstance(value, ast.Constant)]
            inner += [
                each
                for value in node.values
                if isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.IfExp)
                for each in ast.walk(value.value)
                if isinstance(each, ast.Constant | ast.JoinedStr)
            ]
        found |= set(map(id, inner))
    return found


def _nouns(call: ast.Call) -> Iterator[str]:
    nouns = [each.value for each in call.args[1:] if isinstance(each, ast.Constant)]
    if nouns:
        yield f"{{{COUNT}}} {nouns[0]}"
        yield f"{{{COUNT}}} {nouns[1] if len(nouns) > 1 else f'{nouns[0]}s'}"


def _forms(node: ast.expr) -> list[str]:
    """Return the messages that a literal can become: one, or one for each choice of its alternatives."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return [*_forms(node.body), *_forms(node.orelse)]
    if isinstance(node, ast.FormattedValue):
        counted = node.format_spec is not None and ast.unparse(node.format_spec) == "f','"
        return [f"{{{COUNT}_{_name(node.value)}}}"] if counted else _forms(node.value)
    if not isinstance(node, ast.JoinedStr):
        return [f"{{{_name(node)}}}"]
    return [_numbered("".join(chosen)) for chosen in product(*map(_forms, node.values))]


def _name(node: ast.expr) -> str:
    """Return what a place is called: the last name in its expression."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _COUNTED and len(node.args) > 1:
        node = node.args[1]
    if isinstance(node, ast.Constant):
        return re.sub(r"\W", "_", f"{node.value}s")
    found = [each for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]
    names = [each.id if isinstance(each, ast.Name) else each.attr for each in found]
    plain = [each.strip("_") for each in names if each not in _PLAIN_CALLS]
    return plain[0] if plain else "value"


def _numbered(text: str) -> str:
    """Give places of one name names of their own."""
    seen: dict[str, int] = {}

    def named(place: re.Match[str]) -> str:
        name = place[0][1:-1]
        seen[name] = seen.get(name, 0) + 1
        return place[0] if seen[name] == 1 else f"{{{name}{seen[name]}}}"

    return _PLACE.sub(named, text)


def wanted() -> Catalog:
    """Return a catalogue of everything that is said, without translations."""
    dated = datetime(2026, 11, 23, tzinfo=UTC)  # by hand: a file that says the same stays the same
    catalogue = Catalog(
        locale="ko",
        header_comment="# The console in Korean. `python -m tests.messages` keeps its English up to date.",
        project="Loadonce",
        version="1",
        msgid_bugs_address="see CONTRIBUTING.md",
        last_translator="Loadonce",
        language_team="Loadonce",
        creation_date=dated,
        revision_date=dated,
        fuzzy=False,
    )
    for message, places in own_messages().items():
        catalogue.add(message, "" if isinstance(message, str) else ("",), auto_comments=sorted(places))
    for message, places in far_messages().items():
        catalogue.add(message, context=TOLD, auto_comments=sorted(places))
    return catalogue


def kept() -> Catalog:
    """Return the catalogue as it stands in the repository."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ko")


def translated(message: Message) -> bool:
    """Tell whether a message says something in Korean."""
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def main() -> int:
    """Bring the catalogue up to date."""
    before, after = kept() if CATALOGUE.exists() else Catalog(locale="ko"), wanted()
    missing = 0
    for message in after:
        if message.id:
            known = before.get(message.id, message.context)
            message.string = known.string if known is not None else message.string
            missing += not translated(message)
    written = io.BytesIO()
    write_po(written, after, width=110, sort_output=True, no_location=True, omit_header=False)
    CATALOGUE.write_bytes(written.getvalue())
    sys.stdout.write(f"{len(after):,} messages in {CATALOGUE.name}, {missing:,} without a translation\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
