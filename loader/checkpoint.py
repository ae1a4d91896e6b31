"""Makes a small LLaVA with random weights: a checkpoint folder for trials, demonstrations and tests.

    python -m loader.checkpoint [DIR]          make it, unless it is there; the default is the demo checkpoint
    python -m loader.checkpoint --check DIR    only look whether DIR holds a whole LLaVA: exit 0, or 2 and why

It is a real LLaVA in every respect but its size: sharded safetensors, a CLIP vision tower, a processor. Its
input and output embeddings are tied, because that is what makes overlapping loads fail as those of large
models do. Looking takes milliseconds; torch is imported only to make one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.checkpoint_folder import check_checkpoint
from loader.errors import CheckpointError, LoaderError
from loader.settings import absolute_path, home_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["check_checkpoint", "demo_folder", "ensure_checkpoint", "main", "make_checkpoint"]

_SEED: Final = 20_231_017
_SHARDS: Final = 9  # at least eight are wanted, and the last is cut wherever the tensors end
_IMAGE_SIZE: Final = 56
_PATCH: Final = 14
_HIDDEN: Final = 320
# Many vision layers and few text layers: a load has tensors enough to be seen, a generation stays short.
_VISION_LAYERS: Final = 12
_TEXT_LAYERS: Final = 2
_NEW_TOKENS: Final = 6
_MARK: Final = "made_by_loadonce.txt"
_SPREAD: Final = 0.08  # wide enough that the layers outweigh the tied embeddings, which repeat the last word
_SPECIAL: Final = ("<pad>", "<s>", "</s>", "<unk>", "<image>")
_WORDS: Final = (
    "a an the this that one two three some many of in on at by with under over near behind between and or "
    "but not is are was has holds shows stands lies sits runs looks seems USER ASSISTANT : what where who "
    "which how describe picture image photo scene colour shape line light shadow red orange yellow green "
    "blue indigo violet crimson gold teal royal grey black white pale deep warm cold bright dark small "
    "large round square flat tall old new quiet plain sky sea river lake hill field forest tree leaf "
    "flower grass stone sand snow rain cloud sun moon star road bridge house roof door window wall table "
    "chair cup bowl book lamp clock boat train wheel cat dog bird horse fish person child hand face left "
    "right top bottom middle edge "
)


def demo_folder() -> Path:
    """Return where the demo checkpoint lies, whether it is there or not."""
    return home_folder() / "checkpoints" / "demo"


def ensure_checkpoint(folder: Path) -> Path:
    """Return `folder`, holding a whole checkpoint; one is made if there is none.

    It is made by a process of its own, so that no torch operation runs in this one, which may want to fork.
    Several processes may ask at once: one makes it, the others wait.

    Raises:
        CheckpointError: it could not be made. NoPermission: the one that is there may not be read.
    """
    try:
        check_checkpoint(folder)
    except CheckpointError:
        made = subprocess.run(
            [sys.executable, "-m", "loader.checkpoint", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": _python_path()},
        )
        if made.returncode != 0:
            said = made.stderr.strip().splitlines()
            raise CheckpointError(
                said[-1] if said else f"The maker of the checkpoint {folder} ended with {made.returncode}."
            ) from None
    return folder


def make_checkpoint(folder: Path) -> None:
    """Make the checkpoint in `folder`, in this process; nothing happens if a whole one is there.

    It is written beside the folder and renamed into place, so that nobody ever sees half of it.

    Raises:
        CheckpointError: the folder holds something else, or cannot be written.
    """
    import filelock  # late: looking at a checkpoint needs the standard library only

    folder = absolute_path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.exists() and any(folder.iterdir()):
                try:
                    check_checkpoint(folder)
                    return
                except CheckpointError:
                    if not (folder / _MARK).exists():  # not ours: it may be somebody's half-finished download
                        raise
            for stale in folder.parent.glob(
                f".{folder.name}-*"
            ):  # of a maker that was killed: we hold the lock
                shutil.rmtree(stale, ignore_errors=True)
            beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                _write(beside)
                check_checkpoint(beside)
                beside.chmod(0o755)
                for file in beside.iterdir():
                    file.chmod(0o644)  # safetensors writes them for the owner alone
                if folder.exists():
                    folder.replace(beside.with_name(beside.name + "-old"))
                beside.replace(folder)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
                shutil.rmtree(beside.with_name(beside.name + "-old"), ignore_errors=True)
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {folder} cannot be made ({error.strerror or error}). "
            "It needs a folder that can be written to, with 60 MB free."
        ) from error


def _write(folder: Path) -> None:
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
    from transformers.models.llava.processing_llava import LlavaProcessor

    vision = CLIPVisionConfig(
        hidden_size=_HIDDEN // 2,
        intermediate_size=_HIDDEN * 2,
        num_hidden_layers=_VISION_LAYERS,
        num_attention_heads=4,
        image_size=_IMAGE_SIZE,
        patch_size=_PATCH,
        projection_dim=64,
    )
    text = LlamaConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=_HIDDEN,
        intermediate_size=_HIDDEN * 3,
        num_hidden_layers=_TEXT_LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        initializer_range=_SPREAD,
        # Tied here and in the LLaVA config: with one of the two alone even a single load goes wrong.
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=_SPECIAL.index("<image>"),
        image_seq_length=(_IMAGE_SIZE // _PATCH) ** 2,
        tie_word_embeddings=True,
    )
    torch.manual_seed(_SEED)
    model = LlavaForConditionalGeneration(config)
    model.generation_config.max_new_tokens = _NEW_TOKENS
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    model.save_pretrained(folder, max_shard_size=size // _SHARDS)
    LlavaProcessor(  # type: ignore[no-untyped-call]  # transformers types its classes in part
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": _IMAGE_SIZE},
            crop_size={"height": _IMAGE_SIZE, "width": _IMAGE_SIZE},
        ),
        tokenizer=_tokenizer(),
        patch_size=_PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    (folder / _MARK).write_text(
        "A small LLaVA with random weights, for trials. Delete the folder at will.\n", "utf-8"
    )


def _vocabulary() -> list[str]:
    return [*_SPECIAL, *dict.fromkeys(_WORDS.split())]


def _tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(_vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # as above
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )


def _python_path() -> str:
    root = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status: 0, 1 if it could not be made, 2 if a check failed."""
    parser = argparse.ArgumentParser(
        prog="python -m loader.checkpoint",
        description="Make a small LLaVA with random weights, or check one.",
    )
    parser.add_argument(
        "dir", nargs="?", type=Path, help="the checkpoint folder; the demo checkpoint by default"
    )
    parser.add_argument("--check", action="store_true", help="make nothing; exit 2 if it is no whole LLaVA")
    options = parser.parse_args(arguments)
    folder = absolute_path(options.dir or demo_folder())
    try:
        if options.check:
            check_checkpoint(folder)
        else:
            make_checkpoint(folder)
    except LoaderError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if options.check else 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
