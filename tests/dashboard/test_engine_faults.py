"""What an engine that takes its time is told as, apart from one that is not there."""

from __future__ import annotations

import socket

import pytest
import requests

from dashboard.engine.faults import EngineError, said_by_engine


def test_an_engine_that_takes_too_long_is_not_told_as_absent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with (
            pytest.raises(EngineError, match=r"^Restarting yh failed: .* did not finish it within 0\.2 s\."),
            said_by_engine("tcp://engine", "Restarting yh failed"),
        ):
            requests.post(url, timeout=0.2)
