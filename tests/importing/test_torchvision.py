"""torchvision's models as specs: keys, outputs on another input than the import's own, how they begin and read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import specbuild
from specbuild.data.vision import torchvision
from specbuild.errors import RunError
from specbuild.importing.sources import from_source

SMALL = {
    "squeezenet1_1": 50,
    "resnet18": 50,
    "mobilenet_v3_small": 100,
    "regnet_y_400mf": 70,
    "shufflenet_v2_x0_5": 90,
    "mnasnet0_5": 70,
    "densenet121": 50,
}
"""With the most lines that a spec may take."""


@pytest.mark.parametrize("name", SMALL)
def test_a_model_comes_in(name: str) -> None:
    found = from_source(f"torchvision:{name}", [3, 64, 64])
    torchvision()
    from torchvision.models import get_model

    model = get_model(name, weights=None).eval()
    network = specbuild.build(specbuild.load(found.text)).eval()
    assert network.state_dict().keys() == model.state_dict().keys()
    network.load_state_dict(model.state_dict())
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(network(x), model(x))
    assert len(found.text.splitlines()) <= SMALL[name]
    assert not [told for told in specbuild.check(found.text) if told.severity == "error"]


def test_resnet50_reads_as_a_person_would_write_it() -> None:
    found = from_source("torchvision:resnet50", [3, 64, 64])
    assert len(found.text.splitlines()) < 80
    assert 'layer3, type: bottleneck, repeat: 6, downsample: "${i == 0}", channels: 256' in found.text
    assert found.plan.parameters() == 25_557_032


def test_parameters_begin_as_the_factory_has_it() -> None:
    """With the same seed the spec's network has the very weights of torchvision's constructor."""
    found = from_source("torchvision:resnet18", [3, 64, 64])
    assert found.tree["init"] == {
        "Conv2d": {"weight": {"type": "kaiming_normal_", "mode": "fan_out", "nonlinearity": "relu"}}
    }
    assert len(found.plan.init) == 20


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("googlenet", "aux1: forward does not run it in eval mode, and its 10 keys would belong to no layer"),
        ("swin_t", "`relative_position_index` is a buffer that `forward` reads"),
    ],
)
def test_what_cannot_be_said_is_named(name: str, told: str) -> None:
    arguments = {"init_weights": False} if name == "googlenet" else {}
    with pytest.raises(RunError) as caught:
        from_source(f"torchvision:{name}", None, arguments)
    assert told in caught.value.diagnostics[0].message
    assert {found.code for found in caught.value.diagnostics} == {"SB516"}
    assert Path(caught.value.diagnostics[0].file or "").is_file()


def test_an_unknown_name_has_the_nearest() -> None:
    with pytest.raises(RunError, match=r"\[SB515\]: torchvision has no model `resnet19`") as caught:
        from_source("torchvision:resnet19")
    assert caught.value.diagnostics[0].fix == "did you mean torchvision:resnet18?"


def test_a_training_step_is_the_same() -> None:
    """What eval mode does not show: dropouts, momenta, stochastic depth, in the same order."""
    torchvision()
    from torchvision.models import mobilenet_v3_small

    torch.manual_seed(0)
    model = mobilenet_v3_small(num_classes=5).train()
    network = specbuild.from_module(model, [3, 64, 64]).network.train()
    x = torch.randn(4, 3, 64, 64)
    outputs = []
    for each in (model, network):
        torch.manual_seed(1)
        outputs.append(each(x))
        nn.functional.cross_entropy(outputs[-1], torch.arange(4)).backward()
    assert torch.equal(*outputs)
    theirs, ours = dict(model.named_parameters()), dict(network.named_parameters())
    assert all(torch.equal(theirs[key].grad, ours[key].grad) for key in theirs)  # type: ignore[arg-type]
    assert all(torch.equal(a, dict(network.named_buffers())[key]) for key, a in model.named_buffers())
