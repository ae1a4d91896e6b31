"""What a request to the worker may hold, and the decoding of its image."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Annotated, Final

from fastapi.exceptions import RequestValidationError
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["MAX_BODY", "VariantRequest", "decode_image"]

MAX_BODY: Final = 16 * 1024 * 1024
"""Bytes of a request's body, at most."""

_MAX_IMAGE: Final = 14 * 1024 * 1024  # characters of base64: some 10 MB of PNG
_MAX_PIXELS: Final = 16_000_000
_MAX_PROMPT: Final = 4_000

# Nothing in an id can end a log line, add a pair to it or look like another one.
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]


class VariantRequest(BaseModel):
    """One variant: a prompt and, if wanted, an image as base64 of a PNG or JPEG."""

    model_config = ConfigDict(extra="forbid")

    job_id: Id
    variant_id: Id
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=_MAX_PROMPT)]
    image: Annotated[str | None, Field(default=None, max_length=_MAX_IMAGE)] = None


def decode_image(text: str | None) -> Image.Image | None:
    """Return the image, whole and in RGB. Any thread; some milliseconds for each megapixel.

    Raises:
        RequestValidationError: it is no base64, no PNG or JPEG, damaged, or too large. Names the field.
    """
    if text is None:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(
            "image_base64", "The image is no base64. Send the bytes of a PNG or JPEG as base64."
        ) from None
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width * height > _MAX_PIXELS:
                raise _wrong(
                    "image_size",
                    f"The image has {width} × {height} pixels; at most {_MAX_PIXELS:,} are taken. "
                    "Send a smaller one.",
                )
            return image.convert("RGB")
    except RequestValidationError:
        raise
    except Exception:  # noqa: BLE001 - Pillow's decoders raise a dozen types for a damaged file
        raise _wrong("image_type", "The image is no whole PNG or JPEG. Send one of the two.") from None


def _wrong(kind: str, message: str) -> RequestValidationError:
    # Without `input`, which would send the whole image back
    return RequestValidationError([{"type": kind, "loc": ("body", "image"), "msg": message}])
