from __future__ import annotations

import pytest
from torch import nn

from specbuild.language import names


def test_reserved_names_are_the_attributes_of_a_sequential() -> None:
    attributes = {name for name in dir(nn.Sequential()) if names.NAME.fullmatch(name)}
    assert attributes <= names.RESERVED
    # names of other versions of torch and of Python may stay reserved; nothing else may
    assert {name for name in names.RESERVED - attributes if not name.startswith("_")} <= {"input"}


@pytest.mark.parametrize("name", ["conv1", "0", "a-b", "_x", "Stem", "x" * 100])
def test_good_names_can_be_given_to_a_sequential(name: str) -> None:
    assert names.fault(name) is None
    nn.Sequential().add_module(name, nn.ReLU())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a name is made of letters, digits, `_` and `-`"),
        ("a.b", "a name is made of letters, digits, `_` and `-`"),
        ("café", "a name is made of letters, digits, `_` and `-`"),
        ("a\n", "a name is made of letters, digits, `_` and `-`"),
        ("x" * 101, "a name has at most 100 characters, this one has 101"),
        ("input", "`input` stands for the input of the scope"),
        ("forward", "`forward` is an attribute of torch.nn.Sequential"),
        ("__class__", "`__class__` is an attribute of torch.nn.Sequential"),
    ],
)
def test_bad_names(name: str, reason: str) -> None:
    assert names.fault(name) == reason


def test_names_of_inputs() -> None:
    assert names.input_fault("input") is None
    assert names.input_fault("image") is None
    assert names.input_fault("self") == "`self` is the network itself in torch's `forward`"
    assert names.input_fault("a.b") == "a name is made of letters, digits, `_` and `-`"
