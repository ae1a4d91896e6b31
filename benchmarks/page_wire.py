"""What goes over a page's WebSockets, with the browser's own times: runs of its script, and live updates."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["PageWire"]

_SCRIPT: Final = "/_stcore/stream"
_BOARD: Final = "/live/run"
_BINARY: Final = 2


class PageWire:
    """Listens to one tab. For the thread that opened it.

    Attributes:
        whole_runs: the seconds from asking for each run of the whole script to its end; fragments' are none.
        interrupted: how many runs of the whole script ended early, because another one was asked for.
        updates: the bytes of each run of a fragment, and of each message to the board of a run but its first.
    """

    def __init__(self, cdp: Any) -> None:
        self.whole_runs: list[float] = []
        self.interrupted = 0
        self.updates: list[int] = []
        self._places: dict[str, str] = {}
        self._boards: set[str] = set()
        self._asked: float | None = None
        self._bytes = 0
        self._whole = False
        cdp.on("Network.webSocketCreated", self._opened)
        cdp.on("Network.webSocketFrameSent", self._sent)
        cdp.on("Network.webSocketFrameReceived", self._received)
        cdp.send("Network.enable")

    def _opened(self, event: Mapping[str, Any]) -> None:
        self._places[event["requestId"]] = event["url"]

    def _sent(self, event: Mapping[str, Any]) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg  # late: few benchmarks read the wire

        if _SCRIPT not in self._places.get(event["requestId"], ""):
            return
        message = BackMsg.FromString(_payload(event))
        whole = message.WhichOneof("type") == "rerun_script" and not message.rerun_script.fragment_id
        if whole and self._asked is None:  # who asks twice has waited since the first time
            self._asked = event["timestamp"]

    def _received(self, event: Mapping[str, Any]) -> None:
        place, payload = self._places.get(event["requestId"], ""), _payload(event)
        if _BOARD in place:
            if event["requestId"] in self._boards:
                self.updates.append(len(payload))
            self._boards.add(event["requestId"])
        elif _SCRIPT in place:
            self._said(payload, event["timestamp"])

    def _said(self, payload: bytes, time: float) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # late: as above

        message = ForwardMsg.FromString(payload)
        self._bytes += len(payload)
        # What a fragment draws names it; that of the whole script names none but its own fragments'
        self._whole |= message.WhichOneof("type") == "delta" and not message.delta.fragment_id
        if message.WhichOneof("type") != "script_finished":
            return
        if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            self.updates.append(self._bytes)
        elif message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self.interrupted += self._whole
        elif self._asked is not None:
            self.whole_runs.append(time - self._asked)
            self._asked = None
        self._bytes, self._whole = 0, False


def _payload(event: Mapping[str, Any]) -> bytes:
    """Return the bytes of a message: the browser tells binary ones in base64."""
    frame, text = event["response"], event["response"]["payloadData"]
    return base64.b64decode(text) if frame["opcode"] == _BINARY else text.encode()
