"""What flows from a data set through its transforms: the type of one field of one sample."""

from __future__ import annotations

from typing import NamedTuple


class SampleType(NamedTuple):
    """One field of one sample, as far as it is known before the data is opened; None is unknown."""

    shape: tuple[int | None, ...] | None = None
    """Without a batch axis; an image is (channels, height, width)."""
    dtype: str | None = None
    classes: int | None = None
    """Of a label: it counts from 0 up to this, exclusive."""
    image: bool = False
    """Whether 0 to 255 means black to white: what `ToTensor` scales to 0 to 1."""

    def __str__(self) -> str:
        if self.shape is None:
            return "of a shape that is not known yet"
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"[{sizes}] {self.dtype or ''}".rstrip()
