"""`Arrays`: the files are read in `specbuild.data.arrays`."""

from __future__ import annotations

from pathlib import Path

from specbuild.catalogue.datasets.arrays import Arrays
from specbuild.data.arrays import open_arrays
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.sources import Source


def arrays(entry: Arrays, root: Path, image: str | None) -> Source:
    """The arrays of a `.npz`, or the `.npy` files of a folder."""
    return open_arrays(entry, placed(root, entry.path), image)


OPENERS: Openers = {Arrays: arrays}
