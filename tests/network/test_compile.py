"""A plan becomes a plain Sequential whose shapes, parameters and names are the plan's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import specbuild
from specbuild.network.plan import Step, outcome_of
from specbuild.network.resolve import resolved

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
class TestReadySpecs:
    def test_shapes_and_parameters_are_those_of_torch(self, path: Path) -> None:
        plan = specbuild.infer(path)
        model = specbuild.build(path)
        assert (type(model) is nn.Sequential) == plan.scope.straight
        given = [torch.zeros(2, *kind.shape, dtype=getattr(torch, kind.dtype)) for kind in plan.inputs.values()]
        with torch.no_grad():
            assert model(*given).shape == (2, *plan.output.shape)
        parameters = {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}
        assert {name: storage.shape for name, storage in plan.storages()} == parameters
        buffers = {
            f"{step.name}.{name}": storage.shape
            for step in plan.layers()
            for name, storage in outcome_of(step).buffers.items()
        }
        assert buffers == {name: tuple(tensor.shape) for name, tensor in model.named_buffers()}
        assert plan.parameters() == sum(p.numel() for p in model.parameters())

    def test_the_resolved_document_is_the_same_network(self, path: Path) -> None:
        spec = specbuild.load(path)
        plan = specbuild.infer(spec)
        document = resolved(spec, plan)
        again = specbuild.load(document)
        assert resolved(again, specbuild.infer(again)) == document
        assert [seen(step) for step in specbuild.infer(again).layers()] == [seen(step) for step in plan.layers()]


def seen(step: Step) -> tuple[object, ...]:
    """A step without the place where it is written."""
    return step._replace(path=())


def test_nested_scopes_have_dotted_names() -> None:
    model = specbuild.build(
        {
            "specbuild": 1,
            "input": [3, 8, 8],
            "layers": [
                {"name": "stem", "type": "Sequential", "layers": [
                    {"name": 0, "type": "Conv2d", "out_channels": 4, "kernel_size": 3}, "ReLU",
                    {"type": "Sequential", "layers": ["BatchNorm2d"]},
                ]},
                "Flatten",
                {"type": "Linear", "out_features": 2, "bias": False},
            ],
        }
    )  # fmt: skip
    assert list(model.state_dict()) == [
        "stem.0.weight", "stem.0.bias",
        "stem.sequential_1.batchnorm2d_1.weight", "stem.sequential_1.batchnorm2d_1.bias",
        "stem.sequential_1.batchnorm2d_1.running_mean", "stem.sequential_1.batchnorm2d_1.running_var",
        "stem.sequential_1.batchnorm2d_1.num_batches_tracked",
        "linear_1.weight",
    ]  # fmt: skip
    assert isinstance(model[0][0], nn.Conv2d)


def test_weights_are_torchs_own() -> None:
    torch.manual_seed(3)
    model = specbuild.build({"specbuild": 1, "input": [5], "layers": [{"type": "Linear", "out_features": 4}]})
    torch.manual_seed(3)
    assert torch.equal(model[0].weight, nn.Linear(5, 4).weight)
