"""StochasticDepth is torchvision's, number by number."""

from __future__ import annotations

import pytest
import torch

from specbuild.data.vision import torchvision
from specbuild.network.modules import StochasticDepth


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_stochastic_depth_is_torchvisions(p: float, mode: str, training: bool) -> None:
    torchvision()
    from torchvision.ops import StochasticDepth as Original

    ours, original = StochasticDepth(p, mode).train(training), Original(p, mode).train(training)
    given = torch.randn(16, 3, 4)
    results = []
    for module in (ours, original):
        torch.manual_seed(0)
        results.append(module(given))
    assert torch.equal(*results)
    assert (results[0] is given) == (not training or p == 0)
    assert repr(ours) == repr(original)


@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("training", [True, False])
def test_export(mode: str, training: bool) -> None:
    module = StochasticDepth(0.5, mode).train(training)
    sizes = ({0: torch.export.Dim("batch", min=1)},)
    exported = torch.export.export(module, (torch.ones(4, 3),), dynamic_shapes=sizes).module()
    output = exported(torch.ones(7, 3))
    assert set(output.flatten().tolist()) <= ({0.0, 2.0} if training else {1.0})
    assert output.shape == (7, 3)
