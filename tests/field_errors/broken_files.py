"""Loads of the real model with a shard that is cut off, or missing; and memory that cannot be had."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from transformers import LlavaForConditionalGeneration

from tests.field_errors.said import begin, told

whole = Path(sys.argv[1])
what = sys.argv[2]
begin()
if what == "no memory":
    told(lambda: torch.empty(10**15))
else:
    with tempfile.TemporaryDirectory() as place:
        folder = shutil.copytree(whole, Path(place) / "llava")
        shard = sorted(folder.glob("*.safetensors"))[-1]
        if what == "cut off":
            shard.write_bytes(shard.read_bytes()[:100])
        else:
            shard.unlink()
        told(lambda: LlavaForConditionalGeneration.from_pretrained(folder))
