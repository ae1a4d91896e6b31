"""Makes the large checkpoints of the benchmarks: LLaVA's shape, random bf16 weights, eight shards.

    python -m benchmarks.large_checkpoint SHAPE DIR

Written tensor by tensor and shard by shard, so that making one needs memory for a shard, not for the model.
The weights are not tied, as LLaVA-1.5's are not: overlapping loads of it then end, and can be timed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.checkpoint import demo_folder, ensure_checkpoint
from loader.checkpoint_folder import check_checkpoint
from loader.errors import CheckpointError
from loader.settings import home_folder

if TYPE_CHECKING:
    from transformers import LlavaConfig

__all__ = ["SHAPES", "NoRoom", "Shape", "available_memory", "check_memory", "ensure_large", "shard_bytes"]

_PROJECT: Final = Path(__file__).resolve().parent.parent
_PROCESSOR: Final = ("processor_config.json", "tokenizer.json", "tokenizer_config.json")
_VOCABULARY: Final = 32_064  # LLaVA-1.5's
_IMAGE_SIZE, _PATCH = 56, 14  # the demo's, whose processor is used


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a LLaVA: text and vision layers, their widths, and the files it comes in.

    `size` is about what it takes in bytes, to look for room before it is made.
    """

    name: str
    size: int
    shards: int
    text: tuple[int, int, int, int]  # width, inner width, layers, heads
    vision: tuple[int, int, int, int]
    vocabulary: int = _VOCABULARY


SHAPES: Final = {
    shape.name: shape
    for shape in (
        Shape("tiny", 500_000, 8, (64, 128, 2, 4), (32, 64, 3, 4), vocabulary=144),
        # Just above what the memory witness needs to speak: the smallest that shows a second model
        Shape("0.3gb", 320_000_000, 4, (1024, 2048, 10, 8), (256, 1024, 12, 4)),
        # As many tensors as LLaVA-1.5-7B, to within a tenth: their number is what a load costs beside bytes
        Shape("1.3gb", 1_300_000_000, 8, (1536, 4096, 17, 12), (512, 2048, 24, 8)),
        Shape("7b", 14_200_000_000, 8, (4096, 11008, 32, 32), (1024, 4096, 24, 16)),
    )
}


class NoRoom(Exception):
    """There is not enough disk or memory. The message tells how much there is, and how much it takes."""


def ensure_large(shape: Shape, folder: Path | None = None) -> Path:
    """Return the folder of a checkpoint of that shape; made if there is none, which takes a while.

    Raises:
        NoRoom: the disk is too full for it.
        CheckpointError: it could not be made.
    """
    folder = folder or home_folder() / "benchmarks" / f"llava-{shape.name}"
    try:
        check_checkpoint(folder)
    except CheckpointError:
        pass
    else:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if free < shape.size * 1.2:
        raise NoRoom(
            f"The {shape.name} checkpoint takes {shape.size / 1e9:.1f} GB in {folder.parent}, and "
            f"{free / 1e9:.1f} GB are free. Free some, or set LOADONCE_HOME to a folder on another disk."
        )
    processor = ensure_checkpoint(demo_folder())
    # A process of its own, so that no torch operation runs in this one, from which others may be forked
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.large_checkpoint", shape.name, str(folder), str(processor)],
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise CheckpointError(
            f"The {shape.name} checkpoint could not be made:\n{made.stderr.strip()[-2000:]}"
        )
    return folder


def check_memory(shape: Shape, dtype: str = "auto") -> None:
    """Return when a single load of that shape has room in memory.

    Raises:
        NoRoom: it has not.
    """
    needed = shape.size * (1.2 if dtype == "auto" else 2.4)  # a cast holds the file's bytes and its own
    available = available_memory()
    if available is not None and available < needed:
        raise NoRoom(
            f"A load of the {shape.name} checkpoint as {dtype} takes {needed / 1e9:.1f} GB of memory; "
            f"{available / 1e9:.1f} GB are available. Close something, or take a smaller --model-shape."
        )


def shard_bytes(folder: Path) -> int:
    """Return the bytes of the checkpoint's weights."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def available_memory() -> int | None:
    """Return the bytes of memory that can be had without swapping; None where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:  # not Linux
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _make(shape: Shape, folder: Path, processor: Path) -> None:
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(shape, beside)
        for name in _PROCESSOR:
            shutil.copy(processor / name, beside / name)
        check_checkpoint(beside)
        beside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(shape: Shape, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration

    torch.manual_seed(20_231_017)
    config = _config(shape)
    with torch.device("meta"):  # names and sizes only
        model = LlavaForConditionalGeneration(config)
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    sizes = {_name_in_file(key): tensor.shape for key, tensor in model.state_dict().items()}
    total = sum(size.numel() for size in sizes.values())
    where: dict[str, str] = {}
    shard: dict[str, torch.Tensor] = {}
    left, filled, number = total, 0, 0
    for key, size in sizes.items():
        shard[key] = torch.empty(size, dtype=torch.bfloat16).normal_(std=0.02)
        filled += size.numel()
        # Cut when it has its share of what is left, so that the number comes out whatever the tensors' sizes
        if filled * (shape.shards - number) >= left:
            left, filled, number = left - filled, 0, number + 1
            file = f"model-{number:05}-of-{shape.shards:05}.safetensors"
            save_file(shard, folder / file, metadata={"format": "pt"})
            _settle(folder / file)
            where.update(dict.fromkeys(shard, file))
            shard.clear()
    if number != shape.shards:
        raise CheckpointError(
            f"{shape.name} came out in {number} shards. Give it more tensors, or fewer shards."
        )
    index = {"metadata": {"total_size": total * 2}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), "utf-8")


def _config(shape: Shape) -> LlavaConfig:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    width, inner, layers, heads = shape.text
    text = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        tie_word_embeddings=False,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    width, inner, layers, heads = shape.vision
    vision = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=_IMAGE_SIZE,
        patch_size=_PATCH,
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=4,
        image_seq_length=(_IMAGE_SIZE // _PATCH) ** 2,
        tie_word_embeddings=False,
        dtype="bfloat16",
    )


def _name_in_file(key: str) -> str:
    """Return a tensor's name as published LLaVA checkpoints have it, which transformers translates."""
    if key.startswith("model.language_model."):
        return "language_model.model." + key.removeprefix("model.language_model.")
    return "language_model." + key if key.startswith("lm_head.") else key.removeprefix("model.")


def _settle(file: Path) -> None:
    """Have the file written to the disk now, and not during the measurements."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


if __name__ == "__main__":
    _make(SHAPES[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3]))
