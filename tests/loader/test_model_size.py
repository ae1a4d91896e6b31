"""How many bytes a model takes: by its tensors as they are now, whatever its file holds."""

from __future__ import annotations

import pytest
import torch

from loader.model_size import gpu_bytes, model_bytes

pytestmark = pytest.mark.model


def test_a_model_takes_what_its_parameters_and_buffers_take() -> None:
    model = torch.nn.Linear(100, 10)
    model.register_buffer("seen", torch.zeros(5, dtype=torch.int64))
    assert model_bytes(("a processor", model)) == {"cpu": 4 * (1000 + 10) + 8 * 5}


def test_a_cast_counts_as_it_is_and_not_as_it_was() -> None:
    model = torch.nn.Linear(100, 10, dtype=torch.bfloat16)
    assert model_bytes(model) == {"cpu": 2 * 1010}
    assert model_bytes(model.float()) == {"cpu": 4 * 1010}


def test_tied_weights_count_once() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    assert model_bytes(model) == {"cpu": 4 * 64}


def test_what_has_been_moved_away_takes_nothing() -> None:
    assert model_bytes(torch.nn.Linear(8, 8, device="meta")) == {}


def test_a_process_that_uses_no_gpu_says_so_and_does_not_begin_to() -> None:
    assert gpu_bytes() is None
    assert not torch.cuda.is_initialized()
