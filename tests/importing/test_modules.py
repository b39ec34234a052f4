"""Modules of one's own as specs: what a `forward` may do, and what is named where it cannot be said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import specbuild
from specbuild.errors import RunError
from specbuild.importing.comparing import same_plan
from specbuild.importing.modules import from_module, types_of
from specbuild.importing.recording import recording


class Block(nn.Module):
    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        kept = self.drop(x)
        return self.relu(x + self.norm(self.conv(self.relu(kept))))


class Several(nn.Module):
    """Branches, functions, a parameter, a loop over a list, two inputs and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList([Block(8, 0.1), Block(8, 0.1), Block(8, 0.3)])
        self.scale = nn.Parameter(torch.full((8, 1, 1), 0.5))
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.numbers = nn.Linear(10, 8)
        self.head = nn.Linear(24, 2)
        self.aux = nn.Linear(8, 3)

    def forward(self, image: Tensor, numbers: Tensor) -> dict[str, Tensor]:
        x = F.leaky_relu(self.stem(image), 0.2)
        for block in self.blocks:
            x = block(x)
        x = F.max_pool2d(x * self.scale, 2, stride=2)
        first, second = x.chunk(2, dim=1)
        x = torch.cat([second, first * 2 + 1], 1)
        tokens = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        pooled = torch.cat([tokens[:, 0], tokens.mean(1), torch.relu(self.numbers(numbers))], dim=1)
        return {"head": self.head(pooled), "aux": self.aux(tokens[:, -1])}


def test_functions_become_layers() -> None:
    model = Several()
    found = specbuild.from_module(model, {"image": [3, 8, 8], "numbers": [10]})
    network = specbuild.build(found.text).eval()
    network.load_state_dict(model.state_dict())
    image, numbers = torch.randn(5, 3, 8, 8), torch.randn(5, 10)
    with torch.no_grad():
        wanted, got = model.eval()(image, numbers), network(image, numbers)
    assert wanted.keys() == got.keys()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    assert found.tree["outputs"] == ["head", "aux"]
    (repeat,) = [layer for layer in found.tree["layers"] if isinstance(layer, dict) and layer.get("name") == "blocks"]
    assert repeat == {
        "name": "blocks", "type": "block", "repeat": [{"p": 0.1}, {"p": 0.1}, {"p": 0.3}], "p": "${p}",
    }  # fmt: skip


def test_a_dropout_that_a_sum_goes_round_is_not_in_both_of_its_terms() -> None:
    """In eval mode torch hands on the very tensor, and the two are one object."""
    found = specbuild.from_module(Block(4, 0.5), [4, 8, 8])
    kept, add = (next(step for step in found.plan.steps if step.type == kind) for kind in ("Dropout", "Add"))
    assert kept.sources[0].position == -1
    assert sorted(source.position for source in add.sources)[0] == -1


def test_functions_are_named_after_variables_that_are_assigned_once() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            total = self.one(x) + self.two(x)
            x = F.relu(total)
            return total * x

    names = [step.name for step in specbuild.from_module(Named(), [4]).plan.steps]
    assert names == ["one", "two", "total", "relu_1", "multiply_1"]


def test_tied_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.out = nn.Embedding(20, 8), nn.Linear(8, 20, bias=False)
            self.places = nn.Embedding(6, 8)
            self.out.weight = self.words.weight

        def forward(self, x: Tensor) -> Tensor:
            positions = torch.arange(x.shape[1])
            return self.out(self.words(x) + self.places(positions))

    found = specbuild.from_module(Tied(), {"shape": [6], "dtype": "int64"})
    assert found.tree["tie"] == {"out.weight": "words.weight"}
    assert [step.type for step in found.plan.steps] == ["Embedding", "Positions", "Embedding", "Add", "Linear"]


def test_how_parameters_begin() -> None:
    class Begun(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Linear(4, 4) for _ in range(3))
            self.scale = nn.Parameter(torch.ones(4))
            for layer in (self.a, self.b):
                nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(self.c.weight, std=0.5)
            nn.init.trunc_normal_(self.c.weight, std=0.02)  # the last one counts
            for layer in (self.a, self.b, self.c):
                layer.bias.data.zero_()

        def forward(self, x: Tensor) -> Tensor:
            return self.c(self.b(self.a(x)) * self.scale)

    with recording() as recorder:
        model = Begun()
    found = from_module(model, types_of([4]), init=recorder.fillings(model))
    assert found.tree["init"] == {
        "Linear": {"weight": "xavier_uniform_", "bias": "zeros_"},
        "c": {"weight": {"type": "trunc_normal_", "std": 0.02}},
    }
    torch.manual_seed(3)
    wanted = Begun().state_dict()
    assert torch.equal(wanted["scale"], specbuild.build(found.text).state_dict()["scale"])


class Fails(nn.Module):
    def __init__(self, case: str) -> None:
        super().__init__()
        self.case, self.fc = case, nn.Linear(4, 4)
        self.spare = nn.Linear(4, 4) if case == "spare" else nn.Identity()
        self.register_buffer("mask", torch.ones(4))

    def forward(self, x: Tensor) -> Any:
        if self.case == "matmul":
            return self.fc(x) @ self.fc.weight
        if self.case == "buffer":
            return self.fc(x) * self.mask
        if self.case == "twice":
            return self.fc(self.fc(x))
        if self.case == "batch":
            return self.fc(x).mean()
        if self.case == "values":
            return self.fc(x) if x.sum().item() > 0 else x
        if self.case == "set":
            x = self.fc(x)
            x[:, 0] = 0
            return x
        if self.case == "dropped":
            return F.dropout(self.fc(x), 0.5)
        return self.fc(x)


@pytest.mark.parametrize(
    ("case", "told", "line"),
    [
        ("matmul", "the model: `matmul` is not in the catalogue", "self.fc(x) @ self.fc.weight"),
        ("buffer", "the model: `mask` is a buffer that `forward` reads", "self.fc(x) * self.mask"),
        (
            "twice",
            "fc: is called more than once, and each layer of a spec has weights of its own",
            "self.fc(self.fc(x))",
        ),
        ("batch", "the model: it is the mean of the whole batch", "self.fc(x).mean()"),
        ("values", "the model: `sum` is not in the catalogue; `mean` is", "x.sum().item()"),
        ("set", "the model: `__setitem__` is not in the catalogue", "x[:, 0] = 0"),
        ("dropped", "the model: `dropout` drops in eval mode too", "F.dropout(self.fc(x), 0.5)"),
        ("spare", "spare: forward does not run it in eval mode, and its 2 keys would belong to no layer", None),
    ],
)
def test_what_cannot_be_said_is_named_with_its_line(case: str, told: str, line: str | None) -> None:
    with pytest.raises(RunError) as caught:
        specbuild.from_module(Fails(case), [4])
    first = caught.value.diagnostics[0]
    assert (first.code, first.message) == ("SB516", told)
    assert (first.file or "").endswith("test_modules.py")
    if line is not None:
        assert line in (first.snippet or "")


def test_a_forward_that_fails_has_its_last_line() -> None:
    with pytest.raises(RunError, match=r"\[SB515\]: its forward fails on an input of \[5\]: RuntimeError: mat1"):
        specbuild.from_module(nn.Linear(4, 2), [5])


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    specbuild.from_module(model, [4])
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert nn.Module.__call__.__qualname__ == "Module._wrapped_call_impl"


def test_a_plain_sequential_is_the_same_plan_again() -> None:
    document = """
specbuild: 1
input: [3, 16, 16]
layers:
  - {type: Conv2d, out_channels: 4, kernel_size: 3}
  - {name: act, type: ReLU}
  - {type: MaxPool2d, kernel_size: 2}
  - Flatten
  - {name: head, type: Linear, out_features: 2}
"""
    plan = specbuild.infer(document)
    assert same_plan(plan, specbuild.from_module(specbuild.build(plan), [3, 16, 16]).plan)


class Odd(nn.Module):
    """What a forward may do beside computing."""

    def __init__(self, case: str) -> None:
        super().__init__()
        self.case = case
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        if self.case == "in place":
            x += 1
        if self.case == "batch":
            return self.fc(x) / 2 ** x.shape[0]
        if self.case == "division":
            return self.fc(x) / 3
        if self.case == "zero":
            return self.fc(x) / 0
        return self.fc(x) if self.case == "in place" else None


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("batch", "the output `output` goes by the size of the batch: on 3 samples "),
        ("division", "the model: a division by 3 is not bit for bit the product that the catalogue has"),
        ("zero", "the model: a division by 0 is not bit for bit the product that the catalogue has"),
        ("nothing", "the model: its forward returns NoneType, which is no tensor"),
    ],
)
def test_what_would_be_another_model_is_told(case: str, told: str) -> None:
    with pytest.raises(RunError) as caught:
        specbuild.from_module(Odd(case), [4])
    (found,) = caught.value.diagnostics
    assert found.code == "SB516"
    assert found.message.startswith(told)
    assert found.file is None or found.file == __file__


def test_a_forward_may_write_into_its_input() -> None:
    model = Odd("in place").eval()
    found = specbuild.from_module(model, [4])
    x = torch.randn(5, 4)
    with torch.no_grad():
        assert torch.equal(found.network(x), model(x.clone()))


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (nn.Sequential(nn.LazyLinear(4)), r"SB515.*the model's parameter `0.weight` has no shape yet"),
        (nn.Sequential(nn.Linear(4, 4, device="meta")), r"SB515.*`0.weight` is on the device meta"),
        (nn.Sequential(nn.Linear(4, 4)).double(), r"SB515.*`0.weight` is float64, and those of a spec are float32"),
        (nn.Linear(4, 4), r"SB516.*the model is one Linear, whose key `weight` has no layer's name before it"),
    ],
)
def test_models_that_no_spec_is(model: nn.Module, told: str) -> None:
    with pytest.raises(RunError, match=told):
        specbuild.from_module(model, [4])
