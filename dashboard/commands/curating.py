"""`history tag | note | delete | prune`: what is done to runs that were kept; each is recorded there."""

from __future__ import annotations

import time
from typing import Final

import click

from dashboard.commands import CommandError, print_json
from dashboard.commands.asking import agreed
from dashboard.commands.kept import find_id, open_store

__all__ = ["delete", "note", "prune", "tag"]

_ACTOR: Final = "local"


@click.command()
@click.argument("run_id", metavar="ID")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away; repeatable.")
def tag(run_id: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Give a run tags, or take tags away, and print those that it has.

    A run with a tag is kept, however old it is: see `history prune`.
    """
    from dashboard.curation import read_tags, tag_runs

    with open_store() as store:
        found = find_id(store, run_id)
        added, removed = read_tags(" ".join(tags)), read_tags(" ".join(remove))
        if added or removed:
            tag_runs(store, [found], add=added, remove=removed, actor=_ACTOR)
        summary = store.summary(found)
        for each in summary.tags if summary is not None else ():
            click.echo(each)


@click.command()
@click.argument("run_id", metavar="ID")
@click.argument("text", required=False)
@click.option("--clear", is_flag=True, help="Take the note away.")
def note(run_id: str, text: str | None, clear: bool) -> None:
    """Write the note of a run; without TEXT, print it."""
    from dashboard.curation import write_note
    from dashboard.printable import printable

    if clear and text is not None:
        raise click.UsageError("Give a TEXT or --clear, not both.")
    with open_store() as store:
        found = find_id(store, run_id)
        if clear or text is not None:
            write_note(store, found, text or "", actor=_ACTOR)
            return
        summary = store.summary(found)
        for line in summary.note.splitlines() if summary is not None else ():
            click.echo(printable(line))


@click.command()
@click.argument("run_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def delete(run_ids: tuple[str, ...], yes: bool) -> None:
    """Delete runs with their logs, tags and notes; asks first on a terminal. A run under way stays."""
    from dashboard.curation import delete_runs

    with open_store() as store:
        found = list(dict.fromkeys(find_id(store, each) for each in run_ids))
        names = "\n".join(f"  {each}" for each in found)
        many = "this run" if len(found) == 1 else f"these {len(found):,} runs"
        if not yes and not agreed(lambda: names, f"Delete {many} for good?"):
            raise CommandError("Nothing was deleted.")
        delete_runs(store, found, actor=_ACTOR)
        store.give_back_space()
    click.echo(f"Deleted:\n{names}", err=True)


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing.")
@click.option("--keep-days", metavar="DAYS", help="Instead of LOADONCE_KEEP_DAYS.")
@click.option("--keep-mb", metavar="MEGABYTES", help="Instead of LOADONCE_KEEP_MB.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def prune(dry_run: bool, keep_days: str | None, keep_mb: str | None, as_json: bool) -> None:
    """Delete the runs that are too old or too much, as the console does by itself.

    The limits are LOADONCE_KEEP_DAYS and LOADONCE_KEEP_MB. Runs with a tag stay, and so does a run under way.
    """
    import os

    from dashboard import retention

    given = {retention.DAYS: keep_days, retention.MEGABYTES: keep_mb}
    asked = {name: value for name, value in given.items() if value is not None}
    with open_store() as store:
        limits = retention.retention({**os.environ, **asked})
        if not limits.limited:
            raise CommandError(
                "There is no limit to prune by. Set LOADONCE_KEEP_DAYS or LOADONCE_KEEP_MB, or give "
                "--keep-days or --keep-mb."
            )
        if dry_run:
            gone = retention.surplus(store.list(limit=None), limits, time.time())
        else:
            gone = retention.prune(store, limits, time.time(), actor=_ACTOR)
    if as_json:
        rows = [
            {"run_id": each.run.run_id, "why": each.why, "size_bytes": each.run.size_bytes} for each in gone
        ]
        print_json({"dry_run": dry_run, "runs": rows})
        return
    for each in gone:
        click.echo(f"{each.run.run_id}  {each.run.size_bytes / 1e6:8.2f} MB  {each.why}")
    size = sum(each.run.size_bytes for each in gone) / 1e6
    click.echo(f"{'Would delete' if dry_run else 'Deleted'} {len(gone):,} runs, {size:.2f} MB.", err=True)
