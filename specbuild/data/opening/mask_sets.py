"""Photos with a class for each pixel; and those of cats and dogs, which have labels beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specbuild.catalogue.datasets.fine_grained import OxfordIIITPet
from specbuild.catalogue.datasets.segmentation import Cityscapes, SBDataset, VOCSegmentation
from specbuild.data.decoding import Pixels
from specbuild.data.opening.file_sets import of_pairs
from specbuild.data.opening.image_files import MaskSource
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.opening.torchvision_sets import not_there, opened
from specbuild.data.sources import Source
from specbuild.data.vision import torchvision

VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def voc(entry: VOCSegmentation, data_root: Path, image: str | None) -> Source:
    """The entries of a palette: 0 to 20, and 255 on a border."""
    found = opened(entry, placed(data_root, entry.root))
    return MaskSource(found.images, found.masks, classes=len(VOC), names=VOC)


def sbd(entry: SBDataset, data_root: Path, image: str | None) -> Source:
    """Masks in MATLAB files; torchvision's download fails where the files are there already."""
    root = placed(data_root, entry.root)
    there = (root / "cls").is_dir() and (root / f"{entry.image_set}.txt").is_file()
    if not there and not entry.download:
        raise not_there(entry, root)
    found = opened(entry, root, download=entry.download and not there)
    return MaskSource(found.images, found.masks, classes=len(VOC), names=VOC, read=matlab_mask)


def matlab_mask(path: str) -> Pixels:
    """The mask of an SBD file."""
    from scipy.io import loadmat

    return np.asarray(loadmat(path)["GTcls"][0]["Segmentation"][0])


def cityscapes(entry: Cityscapes, data_root: Path, image: str | None) -> Source:
    """In the order of the names: torchvision's is that of the file system."""
    found = opened(entry, placed(data_root, entry.root))
    pairs = sorted(zip(found.images, (targets[0] for targets in found.targets), strict=True))
    known = {each.id: each.name for each in torchvision().datasets.Cityscapes.classes}
    return MaskSource(
        [path for path, _ in pairs], [mask for _, mask in pairs], classes=34, names=[known[k] for k in range(34)]
    )


def pets(entry: OxfordIIITPet, data_root: Path, image: str | None) -> Source:
    """A breed, cat or dog, or three classes of pixels, which count from 1 in the files."""
    root = placed(data_root, entry.root)
    found: Any = opened(entry, root)
    files = [str(path) for path in found._images]
    if entry.target_types == "segmentation":
        names = ("animal", "background", "border")
        return MaskSource(files, [str(path) for path in found._segs], classes=3, names=names, first=1)
    breeds = entry.target_types == "category"
    labels = found._labels if breeds else found._bin_labels
    return of_pairs(entry, root, zip(files, labels, strict=True), found.classes if breeds else found.bin_classes)


OPENERS: Openers = {VOCSegmentation: voc, SBDataset: sbd, Cityscapes: cityscapes, OxfordIIITPet: pets}
