from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild.catalogue.datasets import DATASETS, Dataset
from specbuild.catalogue.datasets.digits import Digits
from specbuild.catalogue.datasets.fake import FakeData
from specbuild.catalogue.datasets.folder import ImageFolder
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.opening.fakes import FakeSource
from specbuild.data.sources import TensorSource


def opened(name: str, data_root: Path, **arguments: object) -> tuple[str, str, str | None]:
    """Code, message and field of what is wrong with a data set."""
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS[name](**arguments), data_root)
    return raised.value.code, raised.value.message, raised.value.field


def test_digits_is_all_of_the_set_in_two_parts() -> None:
    train, test = (open_dataset(Digits(train=flag), None) for flag in (True, False))
    assert isinstance(train, TensorSource)
    assert isinstance(test, TensorSource)
    assert (len(train), len(test), train.classes) == (1437, 360, 10)
    images = torch.cat([source.tensors["input"] for source in (train, test)])  # type: ignore[arg-type]
    labels = torch.cat([source.tensors["target"] for source in (train, test)])  # type: ignore[arg-type]
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == torch.uint8
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert len(images.unique(dim=0)) == 1797, "no image is in both parts"
    assert torch.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert torch.bincount(test.tensors["target"]).tolist() == [36, 36, 36, 36, 37, 36, 36, 36, 35, 36]


def test_the_static_facts_are_the_real_ones() -> None:
    for entry in (Digits(), Digits(train=False), FakeData(size=3, image_size=(2, 5, 3), num_classes=4)):
        source = open_dataset(entry, None)
        assert len(source) == entry.length()
        assert source.types(0) == dict(entry.sample() or {})


def test_fake_data_is_the_same_held_or_made() -> None:
    entry = FakeData(size=5, image_size=(3, 4, 4), num_classes=3, random_offset=7)
    held, made = open_dataset(entry, None), FakeSource(entry)
    for k in range(5):
        for field in ("input", "target"):
            assert torch.equal(held.sample(k)[field], made.sample(k)[field])
    other = FakeSource(entry.model_copy(update={"random_offset": 8}))
    assert torch.equal(other.sample(0)["input"], made.sample(1)["input"])


def write_mnist(root: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """The files of MNIST in their own format."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, *images.shape) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, len(labels)) + labels.tobytes())


def test_mnist_is_read_without_pillow(tmp_path: Path) -> None:
    images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    write_mnist(tmp_path, images, np.array([3, 1, 2], dtype=np.uint8))
    source = open_dataset(DATASETS["MNIST"](root="."), tmp_path)
    assert (len(source), source.classes, source.images) == (3, 10, True)
    assert torch.equal(source.sample(1)["input"], torch.from_numpy(images[1:2]))
    assert source.sample(1)["target"].item() == 1


def test_mnist_that_is_damaged(tmp_path: Path) -> None:
    write_mnist(tmp_path, np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8))
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])
    code, message, field = opened("MNIST", tmp_path.parent, root=tmp_path.name)
    assert (code, field) == ("SB405", "root")
    assert message.startswith(f"MNIST in {tmp_path} cannot be read: ")


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "CIFAR10", "CIFAR100"])
def test_a_set_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS[name](root="data"), tmp_path)
    error = raised.value
    assert (error.code, error.field) == ("SB403", "root")
    assert error.message == f"{name} is not in {tmp_path / 'data'}, or not whole"
    assert error.fix == "`download: true` fetches it; `--data-root` looks elsewhere"


def write_photos(root: Path) -> None:
    for name, size in (("cat/a.png", (5, 4)), ("cat/b.png", (3, 6)), ("dog/c.png", (7, 7))):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, 128).save(path)


def test_a_folder_of_images_is_read_as_rgb(tmp_path: Path) -> None:
    write_photos(tmp_path)
    source = open_dataset(ImageFolder(root=str(tmp_path)), None)
    assert (len(source), source.classes) == (3, 2)
    sample = source.sample(2)
    assert sample["input"].shape == (3, 7, 7)
    assert sample["target"].item() == 1


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    write_photos(tmp_path)
    path = tmp_path / "cat" / "b.png"
    path.write_bytes(path.read_bytes()[:40])
    source = open_dataset(ImageFolder(root=str(tmp_path)), None)
    with pytest.raises(Unusable) as raised:
        source.sample(1)
    assert raised.value.code == "SB405"
    assert raised.value.message.startswith(f"{path} is not an image that can be read: ")


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_images(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "photos" / "cat").mkdir(parents=True)
    code, message, field = opened("ImageFolder", tmp_path, root="photos")
    assert (code, field) == ("SB403", "root")
    start = "is no folder of images: Found no valid file for the classes cat." if made else None
    assert message == f"there is no folder {tmp_path / 'photos'}" or message.startswith(
        f"{tmp_path / 'photos'} {start}"
    )


def test_every_data_set_can_be_opened_or_says_why(tmp_path: Path) -> None:
    """No entry of the catalogue is forgotten."""
    arguments: dict[str, dict[str, object]] = {
        "Arrays": {"path": "x.npz", "fields": {"input": "x"}},
        "Table": {"path": "x.csv", "target": "y"},
        "ImageTable": {"path": "x.csv", "root": "x"},
        "ImagePairs": {"inputs": "x", "targets": "y"},
        "Text": {"path": "x.txt"},
        "CocoDetection": {"root": "x", "annFile": "y"},
        "EMNIST": {"root": "x", "split": "letters"},
        "SEMEION": {"root": "x", "download": False},
    }
    for name, cls in DATASETS.items():
        given = arguments.get(name, {"root": "x"} if "root" in cls.model_fields else {})
        if name == "FakeData":
            given = {"size": 1, "image_size": [1, 2, 2]}
        entry: Dataset = cls(**given)
        code = None
        try:
            source = open_dataset(entry, tmp_path)
        except Unusable as unusable:
            code = unusable.code
        assert code == "SB403" or len(source) > 0
