"""Image files as inputs. Imports no torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

from specbuild.data.decoding import channels_first
from specbuild.data.failure import first_line
from specbuild.predicting.form import Form
from specbuild.predicting.given import Array, Given, Place, Refused

SAME = {"L": ("1", "L"), "RGB": ("1", "L", "P", "RGB"), "RGBA": ("1", "L", "P", "LA", "PA", "RGB", "RGBA")}
"""The modes that are brought into each without loss."""
DEEP = ("I", "F")
"""How the modes of more than 8 bits begin."""
WORDS = {"1": "black and white", "L": "gray", "RGB": "colour", "RGBA": "colour with transparency"}


def image(place: Place, form: Form, content: bytes | None = None) -> Given:
    """An image; raises `Refused` for what is none, or is of a kind that the network was not trained on.

    content: of the file, where it has been read.
    """
    import numpy as np
    from PIL import Image

    if content is not None and not content:
        raise Refused(place.refused("it is empty"))
    source = place.file if content is None else io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", "Palette images with Transparency", UserWarning)
            with Image.open(source) as opened:
                require_mode(opened.mode, "transparency" in opened.info, place, form)
                pixels = channels_first(np.array(opened.convert(form.mode)))
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{Image.MAX_IMAGE_PIXELS or 0:,}"
        raise Refused(place.refused(f"it has more than {most} pixels, the most that Pillow opens")) from None
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error...
        raise Refused(place.refused(f"it is not an image that can be read: {reason(error)}")) from None
    return Given(place, {form.image: pixels})


def reason(error: Exception) -> str:
    """What Pillow says, without the file's name."""
    said = first_line(error)
    if said.startswith("cannot identify image file"):
        return "it is of no format that Pillow knows"
    return getattr(error, "strerror", None) or said


def require_mode(mode: str, transparent: bool, place: Place, form: Form) -> None:
    """Raise `Refused` for a mode whose conversion was no part of the training, or would lose what is seen."""
    if mode.startswith(DEEP):
        message = f"it has more than 8 bits a channel ({mode}), which would be cut off at 255"
        raise Refused(place.refused(message, "scale it to 0 to 255, and save it with 8 bits"))
    if form.converts or (mode in SAME[form.mode] and not (transparent and form.mode != "RGBA")):
        return
    kind = f"{WORDS.get(mode, 'an image')} ({mode}{', transparent' if transparent and mode == 'P' else ''})"
    message = f"it is {kind}, but the network was trained on images in {WORDS[form.mode]} ({form.mode})"
    raise Refused(place.refused(message, f"convert it: Image.open(...).convert({form.mode!r})"))


def image_rows(arrays: Array, layout: str) -> Iterator[Array]:
    """Images of an array, each `[C, H, W]`."""
    for row in arrays:
        yield row[None] if layout == "NHW" else row.transpose(2, 0, 1) if layout == "NHWC" else row
