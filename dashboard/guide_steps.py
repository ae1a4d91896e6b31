"""The guide's steps: what one did by hand, what is done here instead, and how far it has come. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dashboard.evidence import Colour
from dashboard.guide import GuideAction, GuideFacts, GuideStep, Tone
from dashboard.guide_shell import container_lines, local_lines
from dashboard.language import _, n_, number
from dashboard.record import RunRecord
from dashboard.retold import told
from dashboard.wording import COLOUR_ICONS, COLOUR_WORDS, running_headline, seconds, settings_title, when

__all__ = ["guide_steps"]

_TONES: Final[dict[Colour, Tone]] = {"green": "good", "red": "bad", "inconclusive": "doubt"}
_READ: Final[dict[int | None, Tone]] = {0: "good", 1: "bad"}


def guide_steps(facts: GuideFacts) -> tuple[GuideStep, ...]:
    """Return the steps for a target, in the order in which the guide does them."""
    if facts.name is None:
        lines = local_lines(facts.python)
    else:
        lines = container_lines(facts.name, facts.module, facts.container, facts.trigger)
    return tuple(replace(step, shell=lines[step.key]) for step in _steps(facts))


def _steps(facts: GuideFacts) -> Iterator[GuideStep]:
    yield _source(facts)
    yield _restart(facts)
    yield _release(facts)
    yield _wait(facts)
    yield _look(facts)
    yield _count(facts)
    yield _meta(facts)
    yield _one_model(facts)


def _source(facts: GuideFacts) -> GuideStep:
    title = _("See that the lock is in the code: double-checked locking")
    if facts.name is None:
        here = _(
            "The local target runs the loader of this project. What it guarantees, and the tests that hold "
            "it, stand at the end of this page."
        )
        return GuideStep("source", title, here, (), "none", _("Nothing to do here."))
    here = _(
        "Reads the module in the container and says by line whether its load is guarded. Nothing is run."
    )
    query = (("source", facts.name), ("module", facts.module))
    actions = (
        GuideAction("read", _("Read the source"), ":material/code:"),
        GuideAction("audit", _("With its lines"), ":material/open_in_new:", "probe", query),
    )
    read = facts.source
    if read is None:
        return GuideStep("source", title, here, actions, "none", _("Not read yet."))
    tone = _READ.get(read.exit_code, "doubt")
    return GuideStep("source", title, here, actions, tone, _at(read.at, told(read.text)))


def _restart(facts: GuideFacts) -> GuideStep:
    title = _("Start the service anew")
    if facts.name is None:
        here = _("Every trial begins in a worker process of its own, which is waited for until it answers.")
        return GuideStep("restart", title, here, (), "none", _("Done by every run."))
    here = _(
        "A run restarts the container and waits until it is ready, for as long as that takes and no longer."
    )
    tone: Tone = "doubt"
    state = _("The container cannot be seen now.")
    if facts.container is not None and not facts.container.running:
        state = _("It is not running ({state}).", state=facts.container.state)
    elif facts.container is not None and facts.container.started_at is not None:
        state, tone = _("It runs since {time}.", time=when(facts.container.started_at)), "none"
    actions = (
        GuideAction(
            "launch", _("Set it on Launch"), ":material/tune:", "launch", (("target", facts.target),)
        ),
    )
    return GuideStep("restart", title, here, actions, tone, state)


def _release(facts: GuideFacts) -> GuideStep:
    here = _(
        "Releases them at the same instant, behind one barrier, and measures how far apart they really left."
    )
    actions = tuple(
        GuideAction(f"release-{many}", n_("Release {count} variant", "Release {count} variants", many),
                    ":material/rocket_launch:", primary=many == 3)
        for many in (3, 5)
    )  # fmt: skip
    tone, state = _run_state(facts.record)
    title = _("Start three or five variants at once")
    return GuideStep("release", title, here, actions, tone, state)


def _run_state(record: RunRecord | None) -> tuple[Tone, str]:
    if record is None:
        return "none", _("No run at this target yet.")
    what = told(settings_title(record.settings))
    if record.running:
        return "busy", _("Under way: {run}", run=what)
    if record.verdict is None:
        return "doubt", _at(record.created_at, _("{run}: ended without a verdict.", run=what))
    colour = record.verdict.verdict
    mark, word = COLOUR_ICONS[colour], told(COLOUR_WORDS[colour])
    return _TONES[colour], _at(record.created_at, f"{mark} {word} · {what}")


def _wait(facts: GuideFacts) -> GuideStep:
    record = facts.record
    here = _("Settled by evidence: every variant has ended, and the log has shown every event that there is.")
    tone: Tone = "none"
    state = _("Nothing to wait for.")
    actions: tuple[GuideAction, ...] = ()
    if record is not None:
        actions = (
            GuideAction("watch", _("Watch the run") if record.running else _("Open the run"),
                        ":material/monitor_heart:", "run", (("run", record.run_id),)),
        )  # fmt: skip
        if record.running:
            tone, state = "busy", told(running_headline(record))
        elif record.finished_at is not None:
            took = seconds(record.finished_at - record.created_at)
            tone, state = "good", _("It took {time}, all of it.", time=took)
    title = _("Wait two or three minutes") if facts.name is not None else _("Wait for the load")
    return GuideStep("wait", title, here, actions, tone, state)


def _look(facts: GuideFacts) -> GuideStep:
    title = _("Look at the log")
    query: tuple[tuple[str, str], ...] = ()
    if facts.name is not None:
        query = (("container", facts.name), ("since", "start"))
    elif facts.record is not None:
        query = (("run", facts.record.run_id),)
    here = _(
        "Every line as it is printed, from this start of the service on, with search and through restarts."
    )
    actions = (GuideAction("logs", _("Open the log"), ":material/article:", "logs", query),) if query else ()
    state = _("It can be read at any time.") if query else _("No run at this target yet.")
    return GuideStep("look", title, here, actions, "none", state)


def _count(facts: GuideFacts) -> GuideStep:
    here = _(
        "Counts starts and ends for each worker, model and life of the service, also where lines were joined."
    )
    return _of_the_log(facts, "count", _("Count the loads: 1 is right"), here)


def _meta(facts: GuideFacts) -> GuideStep:
    here = _(
        "Finds the errors in every spelling, in retries and in answers, and the process that they poisoned."
    )
    return _of_the_log(facts, "meta", _("Look for meta tensor errors: 0 is right"), here)


def _of_the_log(facts: GuideFacts, key: str, title: str, here: str) -> GuideStep:
    actions: tuple[GuideAction, ...] = ()
    if facts.name is not None:
        actions = (GuideAction(f"judge-{key}", _("Judge its log"), ":material/gavel:"),)
    elif facts.record is not None:
        query = (("run", facts.record.run_id),)
        actions = (GuideAction(f"why-{key}", _("Open the run"), ":material/monitor_heart:", "run", query),)
    tone, state = _counted(facts, key)
    return GuideStep(key, title, here, actions, tone, state)


def _counted(facts: GuideFacts, key: str) -> tuple[Tone, str]:
    if facts.log is not None and facts.log.problem:
        return "doubt", _at(facts.log.at, told(facts.log.problem))
    counts = facts.counts
    if counts is None:
        return "none", _("Nothing was counted yet.")
    if key == "meta":
        errors = counts.meta_tensor_errors
        return "bad" if errors else "good", _("Meta tensor errors: {count}", count=number(errors))
    right = max(counts.workers or 1, 1)
    tone: Tone = "good" if counts.load_started == counts.load_completed == right else "bad"
    if counts.load_started < right or counts.load_completed < counts.load_started:
        tone = "bad" if counts.load_failed or counts.meta_tensor_errors else "doubt"
    return tone, _(
        "Model loads: {starts} begun, {ends} completed", starts=number(counts.load_started),
        ends=number(counts.load_completed),
    )  # fmt: skip


def _one_model(facts: GuideFacts) -> GuideStep:
    title = _("Ask several threads whether they hold the same model")
    if facts.name is None:
        here = _("Each answer names its worker and the load that its model came from.")
        counts = facts.counts
        if counts is None or counts.unique_models is None:
            return GuideStep("model", title, here, (), "none", _("Nobody has answered yet."))
        models = counts.unique_models
        tone: Tone = "good" if models == 1 else "bad" if models else "none"
        return GuideStep("model", title, here, (), tone, _("Different models: {count}", count=number(models)))
    here = _("Calls the function by several threads at once in a fresh process there; nothing is installed.")
    query = (("container", facts.name),)
    actions = (GuideAction("probe", _("Probe it"), ":material/science:", "probe", query),)
    tone, state = _probed(facts)
    return GuideStep("model", title, here, actions, tone, state)


def _probed(facts: GuideFacts) -> tuple[Tone, str]:
    probe = facts.probe
    if probe is None or probe.container != facts.name:
        return "none", _("Not probed yet.")
    if probe.running:
        return "busy", _("A probe is under way.")
    if probe.judged is None:
        return "doubt", _at(probe.began, told(probe.problem))
    verdict = probe.judged.verdict
    reason = verdict.reasons[0].text if verdict.reasons else ""
    return _TONES[verdict.verdict], _at(probe.began, f"{COLOUR_ICONS[verdict.verdict]} {told(reason)}")


def _at(time: float, text: str) -> str:
    return _("{time}: {text}", time=when(time), text=text)
