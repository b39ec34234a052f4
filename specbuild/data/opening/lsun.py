"""LSUN: databases of LMDB. torchvision's reader, which unpickles a file of its own, is not used."""

from __future__ import annotations

import io
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specbuild.catalogue.datasets.lsun import LSUN
from specbuild.data.failure import Unusable, first_line
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.opening.torchvision_sets import not_there, require_package
from specbuild.data.sources import Sample, SampleSource, Source
from specbuild.network.samples import INPUT

OPEN: dict[Path, Any] = {}
"""The databases that are open in this process: LMDB opens each once."""


def database(path: Path) -> Any:
    """A database, open."""
    import lmdb

    if path not in OPEN:
        forget_in_children()
        try:
            OPEN[path] = lmdb.open(str(path), max_readers=1, readonly=True, lock=False, readahead=False, meminit=False)
        except lmdb.Error as error:
            raise Unusable(
                "SB405", f"{path} is not a database that can be read: {first_line(error)}", field="root"
            ) from None
    return OPEN[path]


@cache
def forget_in_children() -> None:
    """A forked process must not use its parent's databases; it opens its own."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


def forget() -> None:
    """Close all databases."""
    for opened in OPEN.values():
        opened.close()
    OPEN.clear()


class DatabaseSource(SampleSource):
    """Encoded images in databases, one a class."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, paths: list[Path], names: tuple[str, ...]) -> None:
        """Reads the keys; raises `Unusable` for what is no database."""
        self.paths, self.class_names, self.classes = paths, names, len(paths)
        self.keys: list[bytes] = []
        counts = []
        for path in paths:
            with database(path).begin() as transaction:
                own = list(transaction.cursor().iternext(keys=True, values=False))
            self.keys += own
            counts.append(len(own))
        self.targets = torch.repeat_interleave(torch.arange(len(paths)), torch.tensor(counts))

    def __len__(self) -> int:
        return len(self.keys)

    def labels(self, field: str) -> torch.Tensor | None:
        """The classes of all images, without reading one."""
        return self.targets if field == "target" else None

    def sample(self, index: int) -> Sample:
        """One image as RGB and its class; SB405 names the one that Pillow cannot read."""
        from PIL import Image

        label = int(self.targets[index])
        with database(self.paths[label]).begin() as transaction:
            encoded = transaction.get(self.keys[index])
        try:
            with Image.open(io.BytesIO(encoded)) as image:
                pixels = np.array(image.convert("RGB"))
        except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error...
            key = self.keys[index].decode(errors="replace")
            raise Unusable(
                "SB405", f"{key} of {self.paths[label]} is not an image that can be read: {first_line(error)}",
                field="root",
            ) from None  # fmt: skip
        return {INPUT: torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), "target": torch.tensor(label)}


def lsun(entry: LSUN, data_root: Path, image: str | None) -> Source:
    """The databases of the classes that are named."""
    require_package(entry)
    root = placed(data_root, entry.root)
    paths = [root / f"{name}_lmdb" for name in entry.databases()]
    for path in paths:
        if not path.is_dir():
            raise not_there(entry, root, FileNotFoundError(2, "not there", str(path)))
    return DatabaseSource(paths, entry.databases())


OPENERS: Openers = {LSUN: lsun}
