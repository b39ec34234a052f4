"""The ready specs of known networks are torchvision's: keys, shapes, outputs and published costs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import specbuild
from specbuild.data.vision import torchvision

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["alexnet", "vgg16", "vgg16_bn", "resnet18", "resnet50", "mobilenet_v2", "densenet121", "googlenet",
         "vit_b_16", "r3d_18"]  # fmt: skip


def published(name: str) -> dict[str, Any]:
    """What torchvision says of the weights that it publishes; nothing is downloaded."""
    torchvision()
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)
    return (weights.KINETICS400_V1 if name == "r3d_18" else weights.IMAGENET1K_V1).meta


def theirs(name: str) -> torch.nn.Module:
    torchvision()
    from torchvision.models import get_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GoogLeNet says that its initialization is slow
        options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        return get_model(name, weights=None, **options)


@pytest.mark.parametrize("name", NAMES)
def test_equal(name: str) -> None:
    spec = ROOT / "specs" / f"{name}.yaml"
    plan = specbuild.infer(spec)
    meta = published(name)
    assert plan.parameters() == meta["num_params"]
    assert f"{plan.macs() / 1e9:.3f}" == f"{meta['_ops']:.3f}"

    torch.manual_seed(0)
    reference = theirs(name).eval()
    for parameter in reference.parameters():
        if not parameter.any():  # a head that starts at zero would hide all that is before it
            torch.nn.init.normal_(parameter, std=0.02)
    model = specbuild.build(plan).eval()
    expected = {key: tuple(tensor.shape) for key, tensor in reference.state_dict().items()}
    actual = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert list(actual.items()) == list(expected.items())
    model.load_state_dict(reference.state_dict())
    batch = torch.randn(2, *plan.input.shape)
    with torch.inference_mode():
        assert torch.equal(model(batch), reference(batch))
