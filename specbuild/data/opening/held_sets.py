"""torchvision's sets of small images: read once, and held in memory as bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from specbuild.catalogue.datasets.emnist import EMNIST, QMNIST
from specbuild.catalogue.datasets.small_images import FER2013, STL10
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.data.failure import Unusable
from specbuild.data.numpy_files import Layout
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.opening.torchvision_sets import opened, require_labels, unreadable
from specbuild.data.sources import Source, TensorSource
from specbuild.network.samples import INPUT

EXPRESSIONS = ("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral")
"""What the labels of FER2013 mean."""


def held_set(entry: TorchvisionSet, data_root: Path, image: str | None) -> Source:
    """A set whose images are one array, taken as it is, past Pillow."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    labels = getattr(found, "targets", None)
    return held(entry, root, found.data, found.labels if labels is None else labels, names(found))


def emnist(entry: EMNIST, data_root: Path, image: str | None) -> Source:
    """Labels of `letters` count from 1 in the files, and from 0 here."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    first = 1 if entry.split == "letters" else 0
    return held(entry, root, found.data, found.targets - first, names(found, first))


def qmnist(entry: QMNIST, data_root: Path, image: str | None) -> Source:
    """The label is the first of eight numbers."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    if entry.compat:
        return held(entry, root, found.data, found.targets[:, 0], names(found))
    source = held(entry, root, found.data, found.targets, names(found))
    source.classes = source.class_names = None
    return source


def stl10(entry: STL10, data_root: Path, image: str | None) -> Source:
    """Where some images have no label, none has a target."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    source = held(entry, root, found.data, found.labels, names(found))
    if "unlabeled" in entry.split:
        return TensorSource({INPUT: source.tensors[INPUT]}, layout="NCHW")
    return source


def fer2013(entry: FER2013, data_root: Path, image: str | None) -> Source:
    """Rows of a CSV file; one of the files to test with has no labels."""
    root = placed(data_root, entry.root)
    samples = opened(entry, root)._samples
    if any(label is None for _, label in samples):
        raise Unusable(
            "SB405", f"{root.absolute() / 'fer2013' / 'test.csv'} has no labels", field="split",
            fix="put `fer2013.csv` or `icml_face_data.csv` there, which have them",
        )  # fmt: skip
    pixels = torch.stack([pixels for pixels, _ in samples]) if samples else torch.empty(0, 48, 48, dtype=torch.uint8)
    return held(entry, root, pixels, [label for _, label in samples], EXPRESSIONS)


def held(entry: TorchvisionSet, root: Path, data: Any, labels: Any, known: tuple[str, ...] | None) -> TensorSource:
    """Images and labels as tensors; SB405 where their numbers differ or the images are no images of the set."""
    images = torch.as_tensor(data).contiguous()
    targets = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    if len(images) != len(targets):
        raise unreadable(entry, root, f"it has {len(images)} images and {len(targets)} labels")
    kind, label = (entry.sample() or {})[INPUT], (entry.sample() or {}).get("target")
    channels, height, width = kind.shape or ()
    layout = next((layout for layout, shape in layouts(channels, height, width) if images.shape[1:] == shape), None)
    if layout is None or images.dtype != torch.uint8:
        raise unreadable(entry, root, f"its images are {tuple(images.shape[1:])}, not {channels} x {height} x {width}")
    classes = label.classes if label is not None else None
    require_labels(entry, root, targets, classes)
    source = TensorSource({INPUT: images, "target": targets}, layout=layout, classes=classes)
    source.class_names = known
    return source


def layouts(channels: Any, height: Any, width: Any) -> list[tuple[Layout, tuple[Any, ...]]]:
    """The ways in which an array holds such images."""
    flat: list[tuple[Layout, tuple[Any, ...]]] = [("NHW", (height, width))] if channels == 1 else []
    return [*flat, ("NCHW", (channels, height, width)), ("NHWC", (height, width, channels))]


def names(found: Any, first: int = 0) -> tuple[str, ...] | None:
    """What torchvision calls the classes, from the one on that is number `first`."""
    known = getattr(found, "classes", None)
    return tuple(str(name) for name in known[first:]) if known else None


OPENERS: Openers = {
    TorchvisionSet: held_set,
    EMNIST: emnist,
    QMNIST: qmnist,
    STL10: stl10,
    FER2013: fer2013,
}
