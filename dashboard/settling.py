"""Whether a trial has settled: a roll call of the known workers, by the reports they give of themselves.

    known (/healthz, answers) --+
    seen of each in the log  ---+--> RollCall --> settled, and who could not be asked
    /loader, again and again ---+

Several processes may stand behind one address, and each question is answered by one of them, nobody knows by
which. So all that are known must have told the same as the log; the word of one settles nothing for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["RollCall"]

_MOST: Final = 60
"""Questions in a row that a worker may leave to others; then it counts as one that cannot be asked."""


class RollCall:
    """One trial's roll call. For one thread.

    Attributes: `unasked`, the known workers that never answered, once all others have; empty until then.
    """

    def __init__(self) -> None:
        self._told: dict[str, int | None] = {}
        self._busy: set[str] = set()
        self._left: dict[str, int] = {}
        self.unasked: tuple[str, ...] = ()

    def settled(self, report: Mapping[str, Any], seen: Mapping[str, int | None]) -> bool:
        """Take one report, and tell whether all known workers have nothing more to tell.

        Args:
            report: of `/loader`, asked for the events after those that were seen.
            seen: boot of each known worker -> number of its newest event in the log; None where its numbers
                began before the log did, and none was seen.
        """
        if not seen:
            return report["state"] != "loading" and not report["events"]
        boot = report.get("boot", next(iter(seen)))  # who tells no name is the only one
        if boot in seen:
            self._take(boot, report, seen[boot])
        for other in seen:
            self._left[other] = 0 if other == boot else self._left.get(other, 0) + 1
        missing = [each for each in seen if not self._is_settled(each, seen[each])]
        silent = [each for each in missing if self._left[each] >= _MOST and each not in self._busy]
        if missing and silent == missing:
            self.unasked = tuple(sorted(silent))
            return True
        self.unasked = ()
        return not missing

    def _take(self, boot: str, report: Mapping[str, Any], seen: int | None) -> None:
        if report["state"] == "loading":
            self._busy.add(boot)
            self._told.pop(boot, None)
            return
        self._busy.discard(boot)
        newest = report.get("seq")
        if not isinstance(newest, int):  # what it has told, the log has, or else not
            newest = seen if not report["events"] else -1
        self._told[boot] = newest

    def _is_settled(self, boot: str, seen: int | None) -> bool:
        # Events that the report has and the log has not are on their way to us; the other way round it is old
        return boot in self._told and (seen is None or self._told[boot] == seen)
