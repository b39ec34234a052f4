"""torchvision's sets, each written in its own form on the disk, against torchvision's class on the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specbuild
from specbuild.catalogue.datasets import DATASETS
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.sources import SampleSource, Source, TensorSource
from specbuild.data.vision import torchvision
from tests.data import written_sets as written

CASES: list[tuple[str, str, written.Writer]] = [
    ("MNIST", "", written.mnist("MNIST")),
    ("FashionMNIST", "", written.mnist("FashionMNIST")),
    ("KMNIST", "", written.mnist("KMNIST")),
    ("EMNIST", "balanced", written.emnist("balanced", [46, 0, 10])),
    ("EMNIST", "letters", written.emnist("letters", [1, 26, 13])),
    ("QMNIST", "labels", written.qmnist(True)),
    ("QMNIST", "numbers", written.qmnist(False)),
    ("CIFAR10", "", written.cifar(10)),
    ("CIFAR100", "", written.cifar(100)),
    ("USPS", "", written.usps),
    ("SEMEION", "", written.semeion),
    ("Omniglot", "", written.omniglot),
    ("SVHN", "", written.svhn),
    ("STL10", "test", written.stl10(split="test")),
    ("STL10", "fold", written.stl10(split="train", folds=3)),
    ("FER2013", "", written.fer2013),
    ("ImageNet", "", written.imagenet),
    ("ImageNet", "archives", written.imagenet_archives),
    ("Imagenette", "", written.imagenette),
    ("Places365", "", written.places365),
    ("SUN397", "", written.sun397),
    ("Country211", "", written.folders("country211", "valid", split="valid")),
    ("Caltech101", "", written.caltech101),
    ("Caltech256", "", written.caltech256),
    ("Food101", "", written.food101),
    ("Flowers102", "", written.flowers102),
    ("FGVCAircraft", "", written.aircraft),
    ("OxfordIIITPet", "breeds", written.pets("category")),
    ("OxfordIIITPet", "kinds", written.pets("binary-category")),
    ("OxfordIIITPet", "masks", written.pets("segmentation")),
    ("DTD", "", written.dtd),
    ("EuroSAT", "", written.folders("eurosat", "2750", height=64, width=64)),
    ("GTSRB", "train", written.gtsrb("train")),
    ("GTSRB", "test", written.gtsrb("test")),
    ("RenderedSST2", "", written.folders("rendered-sst2", "valid", end=".png", height=448, width=448, split="val")),
    ("CLEVRClassification", "", written.clevr),
    ("CelebA", "attributes", written.celeba("attr")),
    ("CelebA", "people", written.celeba("identity")),
    ("LFWPeople", "", written.lfw_people),
    ("VOCSegmentation", "", written.voc),
    ("SBDataset", "", written.sbd),
    ("Cityscapes", "", written.cityscapes),
]
FROM_ONE = {"EMNIST-letters", "OxfordIIITPet-masks", "CelebA-people"}
"""Whose labels count from 1 in torchvision."""
BY_NAME = {"Omniglot", "SUN397", "Cityscapes"}
"""Whose samples torchvision has in the order of the file system."""
OF_OUR_OWN = {
    "Digits", "Arrays", "Table", "ImageTable", "ImagePairs", "Text", "FakeData", "ImageFolder", "CocoDetection", "LSUN",
}  # fmt: skip
"""Held against something else, here or in another file."""
NAMES: dict[str, Any] = {
    "MNIST": ("0 - zero", "1 - one"),
    "EMNIST-letters": ("a", "b", "c"),
    "EMNIST-balanced": ("0", "1"),
    "CIFAR10": ("class 0", "class 1"),
    "STL10-test": ("class 0",),
    "ImageNet": ("tench", "kite"),
    "ImageNet-archives": ("tench", "kite"),
    "Imagenette": ("tench", "gas pump"),
    "Food101": ("apple_pie", "waffles"),
    "OxfordIIITPet-breeds": ("Abyssinian", "American Bulldog"),
    "OxfordIIITPet-kinds": ("Cat", "Dog"),
    "OxfordIIITPet-masks": ("animal", "background", "border"),
    "Omniglot": ("Greek/character01", "Latin/character01", "Latin/character02"),
    "CelebA-attributes": ("attribute_0", "attribute_1"),
    "LFWPeople": ("Abdul_Kalam", "Aaron_Eckhart", "Zico"),
    "VOCSegmentation": ("background", "aeroplane"),
    "Cityscapes": ("unlabeled", "ego vehicle"),
    "GTSRB-train": None,
}
cases = pytest.mark.parametrize(
    ("name", "variant", "write"), CASES, ids=["-".join(filter(None, case[:2])) for case in CASES]
)


@pytest.fixture(autouse=True)
def _any_checksum(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Files made here have other checksums than the real ones; that they are verified is a test of its own."""
    if "checksum" not in request.node.name:
        monkeypatch.setattr(torchvision().datasets.utils, "check_md5", lambda *_, **__: True)


def opened(name: str, root: Path, write: Callable[[Path], dict[str, Any]]) -> tuple[Any, dict[str, Any], Source]:
    arguments = {"root": str(root), **write(root)}
    entry = DATASETS[name](**arguments)
    entry.check()
    return entry, arguments, open_dataset(entry, None)


def test_every_set_is_here() -> None:
    assert {name for name, *_ in CASES} == set(DATASETS) - OF_OUR_OWN


@cases
def test_is_what_torchvision_reads(name: str, variant: str, write: written.Writer, tmp_path: Path) -> None:
    _, arguments, ours = opened(name, tmp_path, write)
    theirs = getattr(torchvision().datasets, name)(**arguments)
    assert len(ours) == len(theirs) > 0
    case = "-".join(filter(None, (name, variant)))
    expected = [plain(name, *theirs[k], first=1 if case in FROM_ONE else 0) for k in range(min(len(theirs), 6))]
    got = [(ours.sample(k)["input"].numpy(), ours.sample(k)["target"].numpy()) for k in range(len(expected))]
    if name in BY_NAME:
        expected, got = sorted_by_pixels(expected), sorted_by_pixels(got)
    for (image, target), (theirs_image, theirs_target) in zip(got, expected, strict=True):
        np.testing.assert_array_equal(image, theirs_image)
        if name != "Omniglot":  # whose classes torchvision numbers in the order of the file system
            np.testing.assert_array_equal(target, theirs_target)
    if case in NAMES:
        assert (ours.class_names or ())[: len(NAMES[case] or ())] == (NAMES[case] or ())


def plain(name: str, image: Any, target: Any, first: int) -> tuple[np.ndarray, np.ndarray]:
    """A sample of torchvision as arrays."""
    gray = "MNIST" in name or name in ("USPS", "SEMEION", "Omniglot", "FER2013")
    pixels = np.array(image.convert("L" if gray else "RGB"))
    known = target.numpy() if isinstance(target, torch.Tensor) else np.array(target)
    return pixels[None] if gray else pixels.transpose(2, 0, 1), known.squeeze() - first


def sorted_by_pixels(samples: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    return sorted(samples, key=lambda sample: sample[0].tobytes())


@cases
def test_the_static_facts_are_the_real_ones(name: str, variant: str, write: written.Writer, tmp_path: Path) -> None:
    entry, _, source = opened(name, tmp_path, write)
    told, real = entry.sample(), source.types(0)
    assert told.keys() == real.keys()
    for field, kind in told.items():
        assert (kind.dtype, kind.image) == (real[field].dtype, real[field].image)
        assert kind.classes == real[field].classes
        assert len(kind.shape) == len(real[field].shape or ())
        assert all(size in (None, found) for size, found in zip(kind.shape, real[field].shape or (), strict=True))
    masks = "target" in told and len(told["target"].shape) == 2
    assert dict(source.paired) == ({"target": "mask"} if masks else {})
    assert entry.length() is None or entry.length() > 0
    if isinstance(source, SampleSource) and not masks:
        labels = source.labels("target")  # type: ignore[attr-defined]
        assert torch.equal(labels, torch.stack([source.sample(k)["target"] for k in range(len(source))]))


def test_samples_and_classes_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    _, _, source = opened("Omniglot", tmp_path, written.omniglot)
    files = [Path(path).parts[-3:] for path in source.files]  # type: ignore[attr-defined]
    assert files == sorted(files)
    assert [int(source.sample(k)["target"]) for k in range(6)] == [0, 0, 1, 1, 2, 2]


def test_images_without_labels_have_no_target(tmp_path: Path) -> None:
    entry, _, source = opened("STL10", tmp_path, written.stl10(split="train+unlabeled"))
    assert (len(source), source.fields, source.classes) == (6, ("input",), None)
    assert entry.sample().keys() == source.types(0).keys()
    assert entry.length() == 105_000


def test_coco_tells_what_occurs_in_each_photo(tmp_path: Path) -> None:
    _, _, source = opened("CocoDetection", tmp_path, written.coco)
    assert source.class_names == ("person", "dog", "toothbrush")
    assert [Path(path).name for path in source.files] == ["2.jpg", "5.jpg", "9.jpg"]  # type: ignore[attr-defined]
    assert [source.sample(k)["target"].tolist() for k in range(3)] == [[0, 0, 1], [0, 0, 0], [1, 1, 0]]
    assert source.types(0)["target"].dtype == "float32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is not the JSON of annotations: Expecting value: line 2 column 1 (char 2)"),
        ("[]", "is not the JSON of annotations: list indices must be integers or slices, not str"),
        ('{"images": []}', "lacks 'categories', or names it and does not have it"),
        ('{"images": [], "categories": [], "annotations": []}', "has no categories"),
        (
            '{"images": [{"id": 1, "file_name": "a"}], "categories": [{"id": 1, "name": "b"}], '
            '"annotations": [{"image_id": 7, "category_id": 1}]}',
            "lacks 7, or names it and does not have it",
        ),
    ],
)
def test_annotations_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_text(text + "\n")
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["CocoDetection"](root=str(tmp_path), annFile=str(path)), None)
    assert (raised.value.code, raised.value.field) == ("SB405", "annFile")
    assert raised.value.message == f"{path} {message}"


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - OF_OUR_OWN))
def test_a_set_that_is_not_there_makes_nothing(name: str, tmp_path: Path) -> None:
    given = next(
        dict(write(made)) for made in [tmp_path / "made"] for n, _, write in CASES if n == name and not made.mkdir()
    )
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS[name](root="data", **given), tmp_path)
    error = raised.value
    assert (error.code, error.field) == ("SB403", "root")
    assert error.message.startswith(f"{name} is not in {tmp_path / 'data'}, or not whole")
    fetched = "download" in DATASETS[name].model_fields
    assert (
        error.fix
        == f"{'`download: true` fetches it' if fetched else 'put its files there'}; `--data-root` looks elsewhere"
    )
    assert not (tmp_path / "data").exists()


def test_a_list_that_is_missing_is_named(tmp_path: Path) -> None:
    written.food101(tmp_path)
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["Food101"](root=str(tmp_path), split="train"), None)
    missing = tmp_path / "food-101" / "meta" / "train.json"
    assert raised.value.message == f"Food101 is not in {tmp_path}, or not whole: there is no {missing}"


@pytest.mark.parametrize(("name", "write"), [("Food101", written.food101), ("VOCSegmentation", written.voc)])
def test_a_corrupt_file_is_named(name: str, write: written.Writer, tmp_path: Path) -> None:
    _, _, source = opened(name, tmp_path, write)
    path = Path(source.files[1])  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(Unusable) as raised:
        source.sample(1)
    assert raised.value.code == "SB405"
    assert raised.value.message.startswith(f"{path} is not an image that can be read: ")


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    _, _, source = opened("VOCSegmentation", tmp_path, written.voc)
    mask, photo = (Path(paths[0]) for paths in (source.masks, source.files))  # type: ignore[attr-defined]
    written.palette(mask, np.zeros((3, 4), np.uint8))
    with pytest.raises(Unusable) as raised:
        source.sample(0)
    assert raised.value.message == f"{mask} is 3 x 4, but its image is 5 x 4: {photo}"
    mask.write_bytes(b"")
    with pytest.raises(Unusable, match="is not a mask that can be read"):
        source.sample(0)


def test_labels_that_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as raised:
        opened("EMNIST", tmp_path, written.emnist("letters", [0, 3]))
    assert raised.value.code == "SB405"
    assert raised.value.message == f"EMNIST in {tmp_path} cannot be read: its labels go from -1 to 2, not from 0 to 25"
    (tmp_path / "b").mkdir()
    with pytest.raises(Unusable, match=r"its labels go from 9 to 42, not from 0 to 9"):
        opened("SVHN", tmp_path / "b", svhn_of_many)


def svhn_of_many(root: Path) -> dict[str, Any]:
    from scipy.io import savemat

    savemat(root / "train_32x32.mat", {"X": written.bytes_of(32, 32, 3, 2), "y": np.array([[42], [9]], np.uint8)})
    return {}


def test_images_of_another_size_than_the_set_has(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    for part in ("train", "t10k"):
        written.idx(raw / f"{part}-images-idx3-ubyte", written.bytes_of(2, 20, 28))
        written.idx(raw / f"{part}-labels-idx1-ubyte", np.zeros(2, np.uint8))
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["MNIST"](root=str(tmp_path)), None)
    assert raised.value.message == f"MNIST in {tmp_path} cannot be read: its images are (20, 28), not 1 x 28 x 28"


def test_faces_to_test_with_that_have_no_labels(tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    written.text(tmp_path / "fer2013" / "test.csv", "pixels", pixels)
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["FER2013"](root=str(tmp_path), split="test"), None)
    assert raised.value.message == f"{tmp_path / 'fer2013' / 'test.csv'} has no labels"


def test_faces_with_attributes_are_trained_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    given = written.celeba("attr")(tmp_path / "data")
    spec = {
        "specbuild": 1,
        "name": "faces",
        "input": [3, 8, 8],
        "layers": ["Flatten", {"type": "Linear", "out_features": 40}],
        "loss": "BCEWithLogitsLoss",
        "optimizer": {"type": "SGD", "lr": 0.1},
        "data": {
            "train": {
                "dataset": {"type": "CelebA", "root": "data", **given},
                "transforms": [{"type": "Resize", "size": [8, 8]}, "ToTensor"],
            }
        },
        "train": {"epochs": 2, "seed": 0, "device": "cpu"},
    }
    trained = specbuild.train(spec, run=tmp_path / "run", data_root=tmp_path)
    assert trained is not None
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 2


@pytest.mark.parametrize(("name", "package"), [("SVHN", "scipy"), ("LSUN", "lmdb"), ("SBDataset", "scipy")])
def test_a_package_that_is_missing(name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specbuild.data.opening.torchvision_sets.find_spec", lambda _: None)
    (tmp_path / "cls").mkdir()
    written.text(tmp_path / "train.txt")
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS[name](root=str(tmp_path)), None)
    assert raised.value.message == f"reading {name} needs the package {package}, which is not installed"
    assert (raised.value.code, raised.value.fix) == ("SB403", f"pip install {package}")


def test_what_is_held_in_memory_is_bytes(tmp_path: Path) -> None:
    _, _, source = opened("SVHN", tmp_path, written.svhn)
    assert isinstance(source, TensorSource)
    held = source.tensors["input"]
    assert isinstance(held, torch.Tensor)
    assert (held.shape, held.dtype, held.is_contiguous()) == ((4, 3, 32, 32), torch.uint8, True)
    assert [int(source.sample(k)["target"]) for k in range(4)] == [0, 1, 9, 5], "10 stands for the digit 0"
