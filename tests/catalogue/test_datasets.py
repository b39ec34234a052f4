from __future__ import annotations

import inspect
import re
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from specbuild import check
from specbuild.catalogue.datasets import DATASETS
from specbuild.catalogue.datasets.digits import Digits
from specbuild.catalogue.samples import SampleType
from specbuild.data.vision import torchvision

OURS = {"Digits", "Arrays", "Table", "ImageTable", "ImagePairs", "Text"}
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text()
OTHERWISE: dict[str, dict[str, Any]] = {
    "CocoDetection": {"annFile": "y"},
    "SBDataset": {"mode": "segmentation"},
    "Cityscapes": {"target_type": "semantic"},
}
"""What has to be written beside `root`."""
NETWORK: dict[str, Any] = {
    "specbuild": 1,
    "input": [3, 32, 32],
    "layers": ["Flatten", {"type": "Linear", "out_features": 7}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.1},
}


NOT_NAMED = {"VisionDataset": "the base of all"}


def arguments(theirs: Any) -> dict[str, inspect.Parameter]:
    """The arguments of a class of torchvision; what it hands on to its base by `**kwargs` in the base's order."""
    found = dict(inspect.signature(theirs).parameters)
    if found.pop("kwargs", None) is not None:
        found |= {key: value for key, value in arguments(theirs.__mro__[1]).items() if key not in found}
    return found


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - OURS))
def test_the_fields_are_torchvisions_arguments_with_its_defaults(name: str) -> None:
    cls = DATASETS[name]
    theirs = arguments(getattr(torchvision().datasets, name))
    taken = {key: parameter for key, parameter in theirs.items() if key not in cls.refused}
    assert [*cls.model_fields] == [*taken]
    for key, parameter in taken.items():
        if parameter.default is inspect.Parameter.empty:
            assert cls.model_fields[key].is_required()
        else:
            assert cls.model_fields[key].default == parameter.default


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_transforms_are_written_beside_it(name: str) -> None:
    assert DATASETS[name].refused["transform"] == "written in `transforms`, beside `dataset`"


def test_nothing_of_torchvision_is_missing_without_a_reason() -> None:
    theirs = {name for name in torchvision().datasets.__all__ if inspect.isclass(getattr(torchvision().datasets, name))}
    assert set(DATASETS) - OURS <= theirs
    assert not set(DATASETS) & set(DATASETS.excluded)
    assert theirs == (set(DATASETS) - OURS) | set(DATASETS.excluded) | set(NOT_NAMED)


@pytest.mark.parametrize("name", sorted(DATASETS.excluded))
def test_a_data_set_that_is_left_out_is_refused_with_the_reason(name: str) -> None:
    (problem,) = check({**NETWORK, "data": {"train": {"dataset": {"type": name, "root": "data"}}}})
    assert (problem.code, problem.path) == ("SB204", ("data", "train", "dataset", "type"))
    assert problem.message == f"{name} is not for a spec: {DATASETS.excluded[name]}"
    (misspelt,) = check({**NETWORK, "data": {"train": {"dataset": {"type": f"{name}x"}}}})
    assert misspelt.fix == f"{name} is not for a spec: {DATASETS.excluded[name]}"


@pytest.mark.parametrize(
    ("dataset", "field", "message"),
    [
        (
            {"type": "VOCSegmentation", "root": "x", "image_set": "test"},
            "image_set",
            "the classes of VOC 2012's test images are kept secret",
        ),
        ({"type": "SBDataset", "root": "x"}, None, "mode is boundaries unless written, and a network learns classes"),
        ({"type": "Cityscapes", "root": "x"}, None, "target_type is instance unless written, and a network"),
        (
            {"type": "Cityscapes", "root": "x", "target_type": "color"},
            "target_type",
            "target_type is color, and a network learns classes of pixels",
        ),
        (
            {"type": "Cityscapes", "root": "x", "target_type": "semantic", "split": "train_extra"},
            "split",
            "fine outlines have no `train_extra`",
        ),
        ({"type": "LSUN", "root": "x", "classes": "test"}, "classes", "the photos of LSUN's test have no labels"),
        (
            {"type": "LSUN", "root": "x", "classes": "bedroom"},
            "classes",
            "classes is `train`, `val` or a list of classes; got `bedroom`",
        ),
        ({"type": "LSUN", "root": "x", "classes": ["attic_train"]}, "classes", "LSUN has no class `attic_train`"),
        ({"type": "LSUN", "root": "x", "classes": []}, "classes", "classes names a class twice, or none"),
    ],
)
def test_arguments_that_no_network_learns_from(dataset: dict[str, Any], field: str | None, message: str) -> None:
    (problem,) = check({**NETWORK, "data": {"train": {"dataset": dataset}}})
    assert problem.code == "SB410"
    assert problem.message.startswith(message)
    assert problem.path == ("data", "train", "dataset", *([field] if field else []))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"type": "EMNIST", "root": "x", "split": "letters"}, "26"),
        ({"type": "Food101", "root": "x"}, "101"),
        ({"type": "CelebA", "root": "x", "target_type": "identity"}, "10177"),
    ],
)
def test_classes_are_held_against_the_network_before_anything_is_opened(dataset: dict[str, Any], message: str) -> None:
    problems = check({**NETWORK, "data": {"train": {"dataset": dataset}}})
    assert any(problem.code == "SB402" and message in problem.message.replace(",", "") for problem in problems)


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_the_example_of_a_data_set_is_right(name: str) -> None:
    block = re.search(r"```yaml\n(.*?)```", inspect.cleandoc(DATASETS[name].__doc__ or ""), re.DOTALL)
    assert block is not None
    dataset = yaml.safe_load(block[1])["dataset"]
    assert dataset["type"] == name
    problems = check({**NETWORK, "data": {"train": {"dataset": dataset}}})
    assert {problem.code for problem in problems} <= {"SB402", "SB404"}, "what does not fit this network"


def choices(name: str, field: str) -> list[Any]:
    """What can be written for an argument that chooses a part of a set."""
    annotation = DATASETS[name].model_fields[field].annotation
    return [True, False] if annotation is bool else [value for value in get_args(annotation) if value]


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - OURS - {"FakeData", "ImageFolder"}))
def test_the_page_of_data_sets_says_how_many_samples_and_classes_each_has(name: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")]
    cls = DATASETS[name]
    written = {"root": "x", **OTHERWISE.get(name, {})}
    fields = [field for field in ("train", "split", "image_set", "background") if field in cls.model_fields]
    for values in product(*(choices(name, field) for field in fields)):
        entry = cls(**{**written, **dict(zip(fields, values, strict=True))})
        length, shapes = entry.length(), (entry.sample() or {})["input"].shape or ()
        assert length is None or f"{length:,}" in row
        assert " x ".join("?" if size is None else str(size) for size in shapes) in row
        classes = (entry.sample() or {}).get("target", SampleType()).classes
        assert classes is None or re.search(rf"\b{classes:,}\b", row) or name == "LSUN"
    assert ("no download" in row) == ("download" not in cls.model_fields)
    needs = getattr(cls, "needs", None)
    assert needs is None or f"({needs})" in row


@pytest.mark.parametrize("name", sorted(DATASETS.excluded))
def test_the_page_of_data_sets_says_why_one_is_left_out(name: str) -> None:
    end = f"| {DATASETS.excluded[name]} |"
    assert any(f"`{name}`" in line and line.endswith(end) for line in PAGE.splitlines())


def test_digits_is_split_once_and_for_all() -> None:
    assert Digits(train=True).length() + Digits(train=False).length() == 1797
