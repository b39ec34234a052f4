"""From a data set of the catalogue to its source: found, verified, read."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.datasets.arrays import Arrays
from specbuild.catalogue.datasets.digits import Digits
from specbuild.catalogue.datasets.fake import FakeData
from specbuild.catalogue.datasets.folder import ImageFolder
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.plugged import PLUGGED
from specbuild.catalogue.rules import Violation
from specbuild.data.arrays import open_arrays
from specbuild.data.failure import Unusable
from specbuild.data.sources import Layout, Sample, SampleSource, Source, TensorSource, own_source
from specbuild.data.vision import torchvision
from specbuild.network.samples import INPUT

LARGEST_FAKE = 2**29
"""Bytes of random images that are made at once and held."""


def open_dataset(entry: Dataset, data_root: Path | None, image: str | None = INPUT) -> Source:
    """The source of a data set; relative paths are under `data_root`, or the working directory.

    image: the field of `Arrays` that may hold images; image sets have theirs in `input`. Raises `Unusable`:
    SB403 for what is not there, SB405 for what cannot be read.
    """
    root = data_root or Path()
    if entry.type in PLUGGED:
        return opened_by_plugin(entry, root)
    if isinstance(entry, Digits):
        return digits(entry.train)
    if isinstance(entry, Arrays):
        return open_arrays(entry, root / Path(entry.path).expanduser(), image)
    if isinstance(entry, TorchvisionSet):
        return downloaded(entry, root / Path(entry.root).expanduser())
    if isinstance(entry, ImageFolder):
        return FolderSource(entry, root / Path(entry.root).expanduser())
    assert isinstance(entry, FakeData), entry
    return fake(entry)


def opened_by_plugin(entry: Dataset, root: Path) -> Source:
    """What a plug-in's `open(root)` gives: a torch `Dataset` of dicts of fields."""
    try:
        return own_source(entry.open(root), tuple(entry.sample() or ()))
    except Violation as violation:
        raise Unusable(violation.code, violation.message, fix=violation.fix) from violation
    except OSError as error:
        raise Unusable("SB403", f"{entry.type} cannot be opened: {first_line(error)}") from None


def digits(train: bool) -> TensorSource:
    """The set that is shipped with the package, and its fixed split."""
    file = resources.files("specbuild.data") / "digits" / "digits.npz"
    with resources.as_file(file) as path, np.load(path, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"].astype(np.int64)
    by_class = np.argsort(labels, kind="stable")
    tested = np.zeros(len(labels), dtype=bool)
    tested[by_class[::5]] = True
    chosen = ~tested if train else tested
    scaled = np.rint(images[chosen] * (255 / 16)).astype(np.uint8)
    return TensorSource(
        {INPUT: torch.from_numpy(scaled), "target": torch.from_numpy(labels[chosen])},
        layout="NHW",
        classes=10,
    )


def downloaded(entry: TorchvisionSet, root: Path) -> TensorSource:
    """A set that torchvision reads; its images are taken as the array they are, past Pillow."""
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


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip().rstrip(":") if lines else type(error).__name__


class FolderSource(SampleSource):
    """Image files, a folder for each class; each read as RGB."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, entry: ImageFolder, root: Path) -> None:
        if not root.is_dir():
            raise Unusable(
                "SB403", f"there is no folder {root.absolute()}", field="root",
                fix="a folder with a folder of images for each class",
            )  # fmt: skip
        try:
            opened = torchvision().datasets.ImageFolder(root, allow_empty=entry.allow_empty)
        except OSError as error:  # torchvision's FileNotFoundError says which class has no image
            raise Unusable(
                "SB403", f"{root.absolute()} is no folder of images: {first_line(error)}", field="root",
                fix="a folder with a folder of images for each class",
            ) from None  # fmt: skip
        self.files: list[tuple[str, int]] = opened.samples
        self.classes = len(opened.classes)

    def __len__(self) -> int:
        return len(self.files)

    def sample(self, index: int) -> Sample:
        """One image and its class; SB405 names the file that Pillow cannot read."""
        from PIL import Image

        path, label = self.files[index]
        try:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB"))
        except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error...
            raise Unusable(
                "SB405", f"{path} is not an image that can be read: {first_line(error)}", field="root"
            ) from None
        return {INPUT: torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), "target": torch.tensor(label)}


class FakeSource(SampleSource):
    """Random images, each a function of its number."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, entry: FakeData) -> None:
        self.entry, self.classes = entry, entry.num_classes

    def __len__(self) -> int:
        return self.entry.size

    def sample(self, index: int) -> Sample:
        """One image and a label."""
        generator = torch.Generator().manual_seed((index + self.entry.random_offset) % 2**63)
        label = torch.randint(self.entry.num_classes, (), generator=generator)
        image: Any = torch.randint(256, self.entry.image_size, generator=generator, dtype=torch.uint8)
        return {INPUT: image, "target": label}


def fake(entry: FakeData) -> Source:
    """Random images: held where they are few, made when asked for where they are many."""
    source = FakeSource(entry)
    channels, height, width = entry.image_size
    if entry.size * channels * height * width > LARGEST_FAKE:
        return source
    samples = [source.sample(index) for index in range(entry.size)]
    held = {name: torch.stack([sample[name] for sample in samples]) for name in source.fields}
    return TensorSource(held, layout="NCHW", classes=entry.num_classes)
