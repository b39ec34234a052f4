"""What data sets of image files have in common."""

from collections.abc import Mapping
from typing import Final, Literal

Mode = Literal["RGB", "L", "RGBA"]
CHANNELS: Final[Mapping[str, int]] = {"RGB": 3, "L": 1, "RGBA": 4}
"""Of an image, by Pillow's mode."""
READ_BY_PILLOW: Final[Mapping[str, str]] = {
    "loader": "images are read by Pillow, in the `mode` that is written",
    "is_valid_file": "a document holds no Python; files are chosen by their endings",
}
