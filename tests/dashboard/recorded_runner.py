"""A runner for page tests: it remembers recorded runs, and notes what it was asked instead of doing it."""

from __future__ import annotations

from dashboard.runs import RunInProgress
from dashboard.targets.base import Warmth


class RecordedRunner:
    """Holds the records that it is given; the checks of a launch are the real ones."""

    def __init__(self, *records, warmth=None):
        self.records = {record.run_id: record for record in records}
        self.state = warmth or Warmth("ready", "Ready: a trial starts at once.")
        self.launched, self.aborted, self.refuses = [], [], None
        self.closed = 0

    def launch(self, settings, *, actor, sweep=None):
        settings.check()
        if self.refuses is not None:
            raise self.refuses
        active = self.active()
        if active is not None:
            raise RunInProgress(active.run_id)
        self.launched.append((settings, actor))
        return next(iter(self.records))

    def abort(self, run_id, *, actor):
        self.aborted.append((run_id, actor))
        return True

    def record(self, run_id):
        return self.records.get(run_id)

    def active(self):
        return next((record for record in self.records.values() if record.running), None)

    def version(self, run_id):
        return 1

    def rings(self, run_id):
        return {}

    def warmth(self):
        return self.state

    def close(self):
        self.closed += 1
