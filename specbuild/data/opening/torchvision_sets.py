"""Sets that torchvision downloads, verifies and reads."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import torch

from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.data.failure import Unusable
from specbuild.data.opening.opener import Openers, first_line, placed
from specbuild.data.sources import Layout, Source, TensorSource
from specbuild.data.vision import torchvision
from specbuild.network.samples import INPUT


def downloaded(entry: TorchvisionSet, data_root: Path, image: str | None) -> Source:
    """A set that torchvision reads; its images are taken as the array they are, past Pillow."""
    root = placed(data_root, entry.root)
    vision = torchvision()
    try:
        with redirect_stdout(sys.stderr):
            opened = getattr(vision.datasets, entry.type)(root, train=entry.train, download=entry.download)
    except Exception as error:  # whatever a damaged file makes torchvision's readers raise
        if isinstance(error, OSError) or "download" in str(error) or "not found" in str(error):
            raise not_there(entry, root, error) from None
        raise Unusable(
            "SB405", f"{entry.type} in {root.absolute()} cannot be read: {first_line(error)}", field="root",
            fix="delete the folder, and `download: true`",
        ) from None  # fmt: skip
    images = torch.as_tensor(opened.data)
    labels = torch.as_tensor(opened.targets, dtype=torch.int64)
    if len(images) != len(labels):
        raise Unusable(
            "SB405", f"{entry.type} in {root.absolute()} has {len(images)} images and {len(labels)} labels",
            field="root", fix="delete the folder, and `download: true`",
        )  # fmt: skip
    layout: Layout = "NHW" if images.dim() == 3 else "NHWC"
    return TensorSource({INPUT: images, "target": labels}, layout=layout, classes=len(opened.classes))


def not_there(entry: TorchvisionSet, root: Path, error: Exception) -> Unusable:
    """SB403 for a set that is not in its folder, or could not be fetched."""
    if entry.download:
        return Unusable(
            "SB403", f"{entry.type} could not be fetched to {root.absolute()}: {first_line(error)}",
            field="download",
            fix="try again with a connection, or put the files there",
        )  # fmt: skip
    return Unusable(
        "SB403", f"{entry.type} is not in {root.absolute()}, or not whole", field="root",
        fix="`download: true` fetches it; `--data-root` looks elsewhere",
    )  # fmt: skip


OPENERS: Openers = {TorchvisionSet: downloaded}
