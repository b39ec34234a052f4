"""Normalization of specbuild's own is torchvision's bit for bit, and keeps no constants in the `state_dict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import specbuild
from specbuild.data.vision import torchvision
from specbuild.network import modules
from specbuild.runs import weights

SCALE = [std / 0.5 for std in (0.229, 0.224, 0.225)]
SHIFT = [(mean - 0.5) / 0.5 for mean in (0.485, 0.456, 0.406)]
AFFINE: dict[str, Any] = {"specbuild": 1, "input": [3, 8, 8], "layers": [
    {"name": "scaled", "type": "Affine", "scale": SCALE, "shift": SHIFT},
    {"name": "norm", "type": "BatchNorm2d"},
]}  # fmt: skip


def test_layer_norm_2d_is_torchvisions() -> None:
    torchvision()
    from torchvision.models.convnext import LayerNorm2d

    theirs, ours = LayerNorm2d(6, eps=1e-6), modules.LayerNorm2d(6, eps=1e-6)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_()
    ours.load_state_dict(theirs.state_dict())
    given = torch.randn(2, 6, 5, 7, requires_grad=True)
    assert torch.equal(ours(given), theirs(given))
    assert ours(given).stride() == theirs(given).stride()
    one, other = (torch.autograd.grad(norm(given).square().sum(), given) for norm in (ours, theirs))
    assert torch.equal(*one, *other)


def test_affine_is_the_input_transform_of_googlenet() -> None:
    torchvision()
    from torchvision.models.googlenet import GoogLeNet

    given = torch.rand(2, 3, 8, 8)
    theirs = GoogLeNet(transform_input=True, init_weights=False)._transform_input(given)
    assert torch.equal(modules.Affine(SCALE, SHIFT)(given), theirs)


def test_affine_is_in_no_state_dict_but_moves_with_the_network() -> None:
    built = specbuild.build(AFFINE)
    assert [name for name, _ in built.named_buffers()][:2] == ["scaled.scale", "scaled.shift"]
    assert not any(key.startswith("scaled") for key in built.state_dict())
    assert built.to(torch.float64)[0].scale.dtype == torch.float64
    assert repr(modules.Affine([2, 4], 1)) == "Affine(scale=[2.0, 4.0], shift=[1.0])"


def test_a_run_holds_what_the_state_dict_holds(tmp_path: Path) -> None:
    plan = specbuild.infer(AFFINE)
    built = specbuild.build(AFFINE)
    assert list(weights.expected(plan)) == list(built.state_dict())
    weights.save(built.state_dict(), tmp_path / "model.safetensors")
    weights.load(tmp_path / "model.safetensors", weights.expected(plan))


def test_local_response_norm_takes_volumes_in_any_layout() -> None:
    given = torch.randn(2, 4, 3, 5, 6)
    turned = given.permute(0, 1, 2, 4, 3)
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        nn.LocalResponseNorm(2)(turned)
    assert torch.equal(modules.LocalResponseNorm(2)(turned), nn.LocalResponseNorm(2)(turned.contiguous()))


@pytest.mark.parametrize("module", [modules.Affine([1.0, 2.0], 3.0), modules.LayerNorm2d(2),
                                    modules.LocalResponseNorm(2)], ids=["Affine", "LayerNorm2d", "LRN"])  # fmt: skip
def test_export(module: nn.Module) -> None:
    sizes = ({0: torch.export.Dim("batch", min=1)},)
    exported = torch.export.export(module, (torch.randn(3, 2, 4, 5),), dynamic_shapes=sizes).module()
    for batch in (2, 5):
        given = torch.randn(batch, 2, 4, 5)
        assert torch.equal(exported(given), module(given))
