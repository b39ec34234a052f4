"""From a data set of the catalogue to its source: found, verified, read.

A module a kind of data set; each has `OPENERS`, by the class of the entry.
"""

from __future__ import annotations

from pathlib import Path

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.plugged import PLUGGED
from specbuild.data.opening import (
    array_files,
    coco,
    digits,
    fakes,
    file_sets,
    folders,
    held_sets,
    image_tables,
    lsun,
    mask_sets,
    pairs,
    plugged,
    tables,
    texts,
)
from specbuild.data.opening.opener import Openers
from specbuild.data.sources import Source
from specbuild.network.samples import INPUT

OPENERS: Openers = {
    **digits.OPENERS,
    **array_files.OPENERS,
    **folders.OPENERS,
    **held_sets.OPENERS,
    **file_sets.OPENERS,
    **mask_sets.OPENERS,
    **coco.OPENERS,
    **lsun.OPENERS,
    **fakes.OPENERS,
    **tables.OPENERS,
    **image_tables.OPENERS,
    **pairs.OPENERS,
    **texts.OPENERS,
}
"""How the data sets of the catalogue are opened; a class that is not among them is opened as its base."""


def open_dataset(entry: Dataset, data_root: Path | None, image: str | None = INPUT) -> Source:
    """The source of a data set; relative paths are under `data_root`, or the working directory.

    image: the field of `Arrays` that may hold images; image sets have theirs in `input`. Raises `Unusable`:
    SB403 for what is not there, SB405 for what cannot be read.
    """
    root = data_root or Path()
    if entry.type in PLUGGED:
        return plugged.opened_by_plugin(entry, root)
    opener = next(OPENERS[cls] for cls in type(entry).__mro__ if cls in OPENERS)
    return opener(entry, root, image)


__all__ = ["open_dataset"]
