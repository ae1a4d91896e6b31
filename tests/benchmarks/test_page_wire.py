"""What the wire of a page tells: which runs are whole, how long they took, and what an update weighs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.page_wire import PageWire

PAGE, BOARD = "1", "2"
DONE = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
PART_DONE = ForwardMsg(script_finished=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
CUT = ForwardMsg(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN)


class Browser:
    """Tells a wire what a browser's debugging protocol would."""

    def __init__(self) -> None:
        self.heard: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.wire = PageWire(self)
        for socket, place in ((PAGE, "/_stcore/stream"), (BOARD, "/live/run?run=1")):
            self.tell("webSocketCreated", {"requestId": socket, "url": f"ws://127.0.0.1{place}"})

    def on(self, event: str, hear: Callable[[dict[str, Any]], None]) -> None:
        self.heard[event.removeprefix("Network.")] = hear

    def send(self, _command: str) -> None:
        """Nothing need be switched on here."""

    def tell(self, event: str, what: dict[str, Any]) -> None:
        self.heard[event](what)

    def says(self, *messages: ForwardMsg, at: float = 0.0) -> None:
        for message in messages:
            self._frame("webSocketFrameReceived", message.SerializeToString(), at)

    def asks(self, at: float) -> None:
        message = BackMsg()
        message.rerun_script.query_string = "run=1"
        self._frame("webSocketFrameSent", message.SerializeToString(), at)

    def _frame(self, event: str, payload: bytes, at: float) -> None:
        response = {"opcode": 2, "payloadData": base64.b64encode(payload).decode()}
        self.tell(event, {"requestId": PAGE, "timestamp": at, "response": response})


def delta(fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.delta.fragment_id = fragment
    message.delta.new_element.markdown.body = "words"
    return message


def test_a_run_takes_from_the_first_asking_to_its_end() -> None:
    browser = Browser()
    browser.asks(at=1.0)
    browser.asks(at=2.0)
    browser.says(delta(), DONE, at=2.5)
    assert browser.wire.whole_runs == [1.5]


def test_a_run_that_another_one_cuts_short_is_told_from_a_part_that_was_cut() -> None:
    browser = Browser()
    browser.says(delta("part"), CUT)
    assert browser.wire.interrupted == 0
    browser.says(delta(), delta("part"), CUT)
    assert browser.wire.interrupted == 1


def test_an_update_is_all_that_one_part_gets_at_a_time() -> None:
    browser = Browser()
    browser.asks(at=1.0)
    browser.says(delta(), DONE)
    browser.says(delta("part"), delta("part"), PART_DONE)
    assert browser.wire.updates == [2 * delta("part").ByteSize() + PART_DONE.ByteSize()]


def test_the_first_message_to_a_board_is_all_of_it_and_no_update() -> None:
    browser = Browser()
    for text in ("all of it", "what changed"):
        frame = {"opcode": 1, "payloadData": text}
        browser.tell("webSocketFrameReceived", {"requestId": BOARD, "timestamp": 0.0, "response": frame})
    assert browser.wire.updates == [len("what changed")]
