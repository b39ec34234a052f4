"""Modules that reshape, rearrange and cut: which share memory, that they export, and what they say of themselves."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.network.compile import NAMESPACE

ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "Mean": ({"dim": [1, 2]}, "Mean(dim=(1, 2), keepdim=False)"),
    "Narrow": ({"dim": 1, "start": 1, "length": 2}, "Narrow(dim=1, start=1, length=2)"),
    "Permute": ({"dims": [0, 2, 1, 3]}, "Permute(dims=(0, 2, 1, 3))"),
    "Reshape": ({"shape": [-1, 2]}, "Reshape(shape=(-1, 2))"),
    "Select": ({"dim": 1, "index": -1}, "Select(dim=1, index=-1)"),
    "Squeeze": ({"dim": 3}, "Squeeze(dim=3)"),
    "Transpose": ({"dim0": 1, "dim1": 2}, "Transpose(dim0=1, dim1=2)"),
    "Unsqueeze": ({"dim": 1}, "Unsqueeze(dim=1)"),
}


def module_of(kind: str) -> torch.nn.Module:
    made: torch.nn.Module = LAYERS[kind].model_validate(ARGUMENTS[kind][0]).build(NAMESPACE)
    return made


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_what_shares_memory_says_so(kind: str) -> None:
    given = torch.randn(2, 3, 4, 1)
    shared = module_of(kind)(given).untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
    assert shared == LAYERS[kind].shares


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_they_export_for_any_batch(kind: str) -> None:
    module = module_of(kind)
    sizes = ({0: torch.export.Dim("batch", min=1)},)
    exported = torch.export.export(module, (torch.randn(3, 3, 4, 1),), dynamic_shapes=sizes).module()
    for batch in (2, 5):
        given = torch.randn(batch, 3, 4, 1)
        assert torch.equal(exported(given), module(given))


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_they_say_what_they_are(kind: str) -> None:
    assert repr(module_of(kind)) == ARGUMENTS[kind][1]


def test_overwriting_a_part_of_what_is_read_again_is_an_error() -> None:
    (found,) = specbuild.check(
        {"specbuild": 1, "input": [4, 3], "layers": [
            {"name": "whole", "type": "Tanh"},
            {"name": "first", "type": "Select", "dim": 1, "index": 0},
            {"name": "act", "type": "ReLU", "inplace": True},
            {"name": "last", "type": "Select", "from": "whole", "dim": 1, "index": 1},
            {"type": "Add", "from": ["act", "last"]},
        ]}
    )  # fmt: skip
    assert (found.code, found.instance) == ("SB309", "act")
