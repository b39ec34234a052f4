"""torchvision's sets of image files: it finds and verifies them, Pillow reads them one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets.faces import CelebA, LFWPeople
from specbuild.catalogue.datasets.handwriting import Omniglot
from specbuild.catalogue.datasets.scenes import SUN397, Caltech101, Caltech256, ImageNet
from specbuild.catalogue.datasets.specialized import GTSRB
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet
from specbuild.data.opening.image_files import FileSource
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.opening.torchvision_sets import not_there, opened, require_labels
from specbuild.data.sources import Source


def file_set(entry: ImageFileSet, data_root: Path, image: str | None) -> Source:
    """A set whose class takes a `loader`: one that gives the path makes its samples (path, label)."""
    root = placed(data_root, entry.root)
    found = opened(entry, root, loader=str)
    return of_pairs(entry, root, [found[k] for k in range(len(found))], first_names(getattr(found, "classes", None)))


def imagenet(entry: ImageNet, data_root: Path, image: str | None) -> Source:
    """The folders of one split; archives are unpacked where `root` has those instead."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    return of_pairs(entry, root, found.samples, first_names(found.classes))


def sun397(entry: SUN397, data_root: Path, image: str | None) -> Source:
    """In the order of the names: torchvision's is that of the file system."""
    root = placed(data_root, entry.root)
    found = opened(entry, root, loader=str)
    return of_pairs(entry, root, sorted(found[k] for k in range(len(found))), found.classes)


def omniglot(entry: Omniglot, data_root: Path, image: str | None) -> Source:
    """In the order of the names, and so are the classes: torchvision's is that of the file system."""
    root = placed(data_root, entry.root)
    found = opened(entry, root, loader=str)
    by_file = [Path(found[k][0]) for k in range(len(found))]
    characters = sorted({(path.parent.parent.name, path.parent.name) for path in by_file})
    numbers = {character: number for number, character in enumerate(characters)}
    pairs = [(str(path), numbers[path.parent.parent.name, path.parent.name]) for path in sorted(by_file)]
    names = ["/".join(character) for character in characters]
    return of_pairs(entry, root, pairs, names, mode="L")


def caltech(entry: Caltech101 | Caltech256, data_root: Path, image: str | None) -> Source:
    """Numbered files in the folder of each class."""
    root = placed(data_root, entry.root)
    folder = root / entry.type.lower() / f"{entry.type.removeprefix('Caltech')}_ObjectCategories"
    if not entry.download and not folder.is_dir():  # torchvision would make folders
        raise not_there(entry, root)
    found = opened(entry, root)
    pairs = []
    for label, number in zip(found.y, found.index, strict=True):
        numbered = isinstance(entry, Caltech256)
        name = f"{label + 1:03d}_{number:04d}.jpg" if numbered else f"image_{number:04d}.jpg"
        pairs.append((str(folder / found.categories[label] / name), label))
    return of_pairs(entry, root, pairs, found.categories)


def gtsrb(entry: GTSRB, data_root: Path, image: str | None) -> Source:
    """Signs whose classes have numbers and no names."""
    root = placed(data_root, entry.root)
    return of_pairs(entry, root, opened(entry, root)._samples, None)


def lfw_people(entry: LFWPeople, data_root: Path, image: str | None) -> Source:
    """Faces with the name of whose they are."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    return of_pairs(entry, root, list(zip(found.data, found.targets, strict=True)), list(found.class_to_idx))


def celeba(entry: CelebA, data_root: Path, image: str | None) -> Source:
    """Faces with 40 attributes, or the number of whose they are, which counts from 1 in the files."""
    root = placed(data_root, entry.root)
    found = opened(entry, root)
    folder = root / "celeba" / "img_align_celeba"
    files = [str(folder / name) for name in found.filename]
    if entry.target_type == "attr":
        names = [name for name in found.attr_names if name]
        return FileSource(files, found.attr.to(torch.float32), names=names)
    return of_pairs(entry, root, list(zip(files, (found.identity[:, 0] - 1).tolist(), strict=True)), None)


def of_pairs(
    entry: ImageFileSet, root: Path, pairs: Iterable[tuple[Any, int]], names: Any, mode: str = "RGB"
) -> FileSource:
    """The source of files with their labels, which are among the classes of the set."""
    pairs = list(pairs)
    targets = torch.tensor([label for _, label in pairs], dtype=torch.int64)
    classes = (entry.sample() or {})["target"].classes
    require_labels(entry, root, targets, classes)
    return FileSource([os.fspath(path) for path, _ in pairs], targets, classes=classes, names=names, mode=mode)


def first_names(classes: Any) -> list[str] | None:
    """A name for each class: of those that have several the first."""
    return None if classes is None else [name if isinstance(name, str) else name[0] for name in classes]


OPENERS: Openers = {
    ImageFileSet: file_set,
    ImageNet: imagenet,
    SUN397: sun397,
    Omniglot: omniglot,
    Caltech101: caltech,
    Caltech256: caltech,
    GTSRB: gtsrb,
    LFWPeople: lfw_people,
    CelebA: celeba,
}
