"""A container's log as it is counted for a verdict, against a real engine: the same as line by line."""

from __future__ import annotations

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.whole_log import read_lines, sift_log
from dashboard.profiles import own_profile
from dashboard.timeline import Timeline
from tests.engine.conftest import Containers

OWN = own_profile("jobs", {"started": ["get /jobs/(?P<model>[0-9]+)"], "completed": ["^llava .* on cuda$"]})
ODD = r"""
import os, time
out = [
    b"INFO:     Started server process [8]\n",
    b"Loading LLaVa model: a/b on cuda\n",
    b"Loading LL", b"aVa model: a/b on cuda",  # one line, in two writes
    b"Loading LLaVa model: a/b on cuda\n",
    b"\x1b[32mLoading \x1b[1mLLaVA\x1b[0m model: a/b on cuda\r\n",
    b"\rLoading weights:  10%|#| 1/10 [0]\rLoading weights:  20%|#| 2/10 [0]\n",
    b"x" * 16380 + b"Loading LLaVa model: a/b on cuda" + b"x" * 40000 + b"\n",
    b"\xff\xfe Loading LLaVa model: a/b on cuda \xc3\n",
    b"Loading LLaVa\n", b" model: a/b on cuda\n",
    b"\n\n",
    b"LLaVa model loaded successfully on cuda\n",
    b"Cannot copy out of meta tensor; no data",
]
for n, piece in enumerate(out):
    os.write(1 if n % 3 else 2, piece)
    os.write(1, b"GET /jobs/7 200 OK\n" * 50)
"""


@pytest.mark.parametrize("options", [(), ("-t",)], ids=["frames", "terminal"])
def test_what_is_sifted_out_of_a_log_tells_the_same_as_all_of_it(
    containers: Containers, engine: Engine, options: tuple[str, ...]
) -> None:
    made = containers.python(ODD, *options)
    containers.private.client("wait", made.name)
    container = engine.container(made.name)
    lines = list(read_lines(engine, container))
    for profile in (None, OWN):
        every, picked = Timeline(profile), Timeline(profile)
        for line in lines:
            every.feed(line)
        sifted = list(sift_log(engine, container, profile=profile))
        for line, before in (one for each in sifted for one in each.telling):
            picked.feed(line, before=before)
        assert picked.events() == every.events()
        assert sum(each.count for each in sifted) == len(lines)
        assert {event.kind for event in picked.events()} == {
            "started",
            "progress",
            "completed",
            "meta_tensor_error",
        }
