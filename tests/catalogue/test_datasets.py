from __future__ import annotations

import inspect

import pytest

from specbuild.catalogue.datasets import DATASETS
from specbuild.catalogue.datasets.digits import Digits
from specbuild.data.vision import torchvision

OURS = {"Digits", "Arrays", "Table", "ImageTable", "ImagePairs", "Text"}


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - OURS))
def test_the_fields_are_torchvisions_arguments_with_its_defaults(name: str) -> None:
    cls = DATASETS[name]
    theirs = inspect.signature(getattr(torchvision().datasets, name)).parameters
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


def test_digits_is_split_once_and_for_all() -> None:
    assert Digits(train=True).length() + Digits(train=False).length() == 1797
