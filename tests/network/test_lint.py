"""The warnings: where each is given and where not, with real torch as the judge of what they claim."""

from __future__ import annotations

import warnings
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

import specbuild

ROOT = Path(__file__).resolve().parents[2]
CONV = {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "bias": False}
LINEAR = {"type": "Linear", "out_features": 8}
DIGITS = {"dataset": "Digits", "transforms": ["ToTensor"]}


def codes(layers: list[Any], input: Any = (3, 32, 32), **more: Any) -> list[str]:
    """The codes that a document with these layers earns."""
    document = {"specbuild": 1, "input": list(input), "layers": layers, **more}
    return sorted(found.code for found in specbuild.check(document))


def trained(**more: Any) -> list[str]:
    """The codes that a training of a right network earns."""
    return codes(["Flatten", {"type": "Linear", "out_features": 10}], (1, 8, 8), loss="CrossEntropyLoss", **more)


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_specs_are_quiet(path: Path) -> None:
    assert specbuild.check(path) == ()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_quiet(path: Path) -> None:
    assert [found for found in specbuild.check(path) if found.severity == "warning"] == []


@pytest.mark.parametrize(
    ("layers", "input", "wanted"),
    [
        ([LINEAR, LINEAR], [16], ["SB808"]),
        ([LINEAR, "Identity", "Dropout", LINEAR], [16], ["SB808"]),
        ([LINEAR, "BatchNorm1d", LINEAR], [16], ["SB808", "SB809"]),
        ([LINEAR, "LayerNorm", LINEAR], [16], []),
        ([LINEAR, "Tanh", LINEAR], [16], []),
        ([{**LINEAR, "out_features": 4}, LINEAR], [16], []),  # a factorization of 16 → 8 by 4
        ([{**LINEAR, "out_features": 4}, LINEAR], [4], ["SB808"]),
        ([LINEAR, "Flatten", LINEAR], [5, 16], []),  # one Linear would have more weights
        ([LINEAR, {"type": "Dropout", "p": 0.1}, LINEAR], [5, 16], ["SB808"]),
        ([CONV, CONV], [3, 32, 32], ["SB808"]),
        ([CONV, {"type": "BatchNorm2d"}, {"type": "AvgPool2d", "kernel_size": 2}, CONV], [3, 32, 32], ["SB808"]),
        ([CONV, {"type": "MaxPool2d", "kernel_size": 2}, CONV], [3, 32, 32], []),
        ([{**CONV, "groups": 8}, {**CONV, "kernel_size": 1}], [8, 32, 32], []),
        ([CONV, {**CONV, "groups": 4}], [8, 32, 32], []),
        ([{**CONV, "kernel_size": [1, 3]}, {**CONV, "kernel_size": [3, 1]}], [3, 32, 32], []),
        ([{**CONV, "kernel_size": [1, 3]}, {**CONV, "kernel_size": [1, 3]}], [3, 32, 32], ["SB808"]),
        ([{**CONV, "out_channels": 4}, {**CONV, "kernel_size": 1}], [16, 32, 32], []),  # a linear bottleneck
        ([{"type": "ConvTranspose2d", "out_channels": 3, "kernel_size": 2}] * 2, [3, 8, 8], ["SB808"]),
        ([{"type": "ConvTranspose2d", "out_channels": 3, "kernel_size": 2}, CONV], [3, 8, 8], []),
        ([{**LINEAR, "name": "a"}, {**LINEAR, "name": "b"}, {"type": "Add", "from": ["a", "b"]}], [16], []),
        ([{"type": "Sequential", "layers": ["ReLU", LINEAR]}, {"type": "Sequential", "layers": [LINEAR]}], [16],
         ["SB808"]),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_nonlinear_between(layers: list[Any], input: list[int], wanted: list[str]) -> None:
    assert codes(layers, input) == wanted


def test_tied_weights_and_outputs_in_the_middle_are_on_purpose() -> None:
    pair = [{**LINEAR, "name": "a"}, {**LINEAR, "name": "b"}]
    assert codes(pair, [8], tie={"b.weight": "a.weight"}) == []
    assert codes(pair, [16], outputs=["a", "b"]) == []


def test_each_line_is_told_once() -> None:
    assert codes([{**LINEAR, "repeat": 5}], [8]) == ["SB808"]


@pytest.mark.parametrize(("kind", "shape"), [("Linear", (6,)), ("Conv2d", (3, 9, 9)), ("ConvTranspose2d", (3, 9, 9))])
def test_a_bias_before_batch_norm_changes_nothing(kind: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    sizes = {"out_features": 5} if kind == "Linear" else {"out_channels": 5, "kernel_size": 3}
    norm = "BatchNorm1d" if kind == "Linear" else "BatchNorm2d"
    layers = [{"name": "one", "type": kind, **sizes}, norm]
    assert codes(layers, shape) == ["SB809"]
    model = specbuild.build({"specbuild": 1, "input": list(shape), "layers": layers})
    images = torch.randn(4, *shape)
    before = model(images)
    bias: Any = model.one.bias
    with torch.no_grad():
        bias.add_(torch.randn(5))
    torch.testing.assert_close(model(images), before)
    (model(images) ** 3).sum().backward()
    torch.testing.assert_close(bias.grad, torch.zeros(5), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("layers", "input"),
    [
        (["Identity", LINEAR, {"type": "BatchNorm1d"}], [8, 8]),  # the axis of its channels is another one
        ([{**CONV, "bias": True}, "ReLU", "BatchNorm2d"], [3, 8, 8]),
        ([{**CONV, "bias": True}, "LayerNorm2d"], [3, 8, 8]),
        ([{**CONV, "bias": True, "name": "a"}, {"type": "BatchNorm2d", "name": "b"},
          {"type": "Add", "from": ["a", "b"]}], [3, 8, 8]),
    ],
    ids=str,
)  # fmt: skip
def test_a_bias_that_is_not_lost(layers: list[Any], input: list[int]) -> None:
    assert codes(layers, input) == []


def test_the_edit_of_a_bias_is_for_all_instances_of_a_line() -> None:
    block = {"params": {"norm": True}, "layers": [{**CONV, "bias": True}, {"type": "BatchNorm2d", "when": "${norm}"}]}
    document = {"specbuild": 1, "input": [3, 32, 32], "blocks": {"conv": block}}
    everywhere = specbuild.check({**document, "layers": ["conv", "ReLU", "conv"]})
    some = specbuild.check({**document, "layers": ["conv", "ReLU", {"type": "conv", "norm": False}]})
    assert [(found.code, found.fix) for found in (*everywhere, *some)] == [
        ("SB809", "bias: false"), ("SB809", "bias: false where a BatchNorm2d follows"),
    ]  # fmt: skip
    assert everywhere[0].edit == (("blocks", "conv", "layers", 0, "bias"), False, "value")
    assert some[0].edit is None


def unread(model: nn.Module, size: int) -> bool:
    """Whether some of the input never reaches the output."""
    image = torch.ones(1, 1, size, requires_grad=True)
    model(image).sum().backward()
    return bool((image.grad == 0).any())


def test_points_that_a_pooling_drops_have_no_gradient() -> None:
    for size, window in product(range(1, 14), range(1, 6)):
        if window <= size:
            layer = {"type": "AvgPool1d", "kernel_size": window}
            assert (codes([layer], [1, size]) == ["SB813"]) == unread(nn.AvgPool1d(window), size)
            assert codes([{**layer, "ceil_mode": True}], [1, size]) == []


def test_points_between_windows_have_no_gradient() -> None:
    torch.manual_seed(0)
    for size, kernel, stride, dilation in product((9, 12), (2, 3), range(1, 6), (1, 2)):
        layer = {"type": "Conv1d", "out_channels": 1, "kernel_size": kernel, "stride": stride, "dilation": dilation}
        model = nn.Conv1d(1, 1, kernel, stride, dilation=dilation, bias=False)
        nn.init.constant_(model.weight, 1)
        if codes([layer], [1, size]) == ["SB812"]:
            assert unread(model, size)
        elif dilation == 1 and (size - kernel) % stride == 0 and stride < size - kernel:
            assert not unread(model, size)


def test_windows_that_are_on_purpose() -> None:
    assert codes([{**CONV, "kernel_size": 1, "stride": 2}]) == []  # a shortcut
    assert codes([{"type": "MaxPool2d", "kernel_size": 3, "stride": 2}], (3, 32, 32)) == []  # windows overlap
    assert codes([{"type": "MaxPool2d", "kernel_size": 2, "padding": 1}], (3, 7, 7)) == []
    assert codes([{**CONV, "kernel_size": 3, "stride": 4}], (3, 4, 4)) == []  # there is one window


@pytest.mark.parametrize(
    ("loss", "after", "wanted"),
    [
        ("CrossEntropyLoss", ["Softmax"], ["SB804"]),
        ("CrossEntropyLoss", [{"type": "Softmax", "dim": -1}, "Identity"], ["SB804"]),
        ("CrossEntropyLoss", ["LogSoftmax"], ["SB804"]),
        ("CrossEntropyLoss", ["Softmax", "Dropout"], ["SB804", "SB810"]),
        ("CrossEntropyLoss", ["Sigmoid"], []),
        ("CrossEntropyLoss", [{"type": "Softmax", "dim": 0}], ["SB824"]),
        ("BCEWithLogitsLoss", ["Sigmoid"], ["SB805"]),
        ("BCEWithLogitsLoss", ["Tanh"], []),
        ("MultiLabelSoftMarginLoss", ["Sigmoid"], ["SB805"]),
        ("BCELoss", ["Sigmoid"], []),
        ("BCELoss", ["Softmax"], []),
        ("BCELoss", [{"type": "Hardtanh", "min_val": 0, "max_val": 1}], []),
        ("NLLLoss", [], ["SB807"]),
        ("NLLLoss", ["Softmax"], ["SB807"]),
        ("NLLLoss", ["LogSoftmax"], []),
        ("KLDivLoss", [], ["SB807"]),
        ("KLDivLoss", ["Softmax"], ["SB807"]),
        ("KLDivLoss", ["LogSoftmax"], []),
        ("MSELoss", ["Softmax"], []),
    ],
    ids=str,
)
def test_ends_and_losses(loss: str, after: list[Any], wanted: list[str]) -> None:
    assert codes([{"type": "Linear", "out_features": 10}, *after], [16], loss=loss) == wanted


@pytest.mark.parametrize(
    ("dim", "shape", "wanted"),
    [(None, [3], []), (0, [3], ["SB824"]), (-2, [3], ["SB824"]), (-1, [3], []), (None, [5, 3], ["SB824"]),
     (-1, [5, 3], []), (None, [2, 5, 3], []), (-4, [2, 5, 3], ["SB824"])],
)  # fmt: skip
@pytest.mark.parametrize("type", ["Softmax", "Softmin", "LogSoftmax"])
@pytest.mark.filterwarnings("ignore:Implicit dimension")
def test_shares_of_a_batch(type: str, dim: int | None, shape: list[int], wanted: list[str]) -> None:
    assert codes([{"type": type, **({} if dim is None else {"dim": dim})}], shape) == wanted
    shares = getattr(torch.nn, type)(dim)(torch.randn(4, *shape))
    totals = (shares.exp() if type == "LogSoftmax" else shares).sum(0)
    assert torch.allclose(totals, torch.ones_like(totals), atol=1e-5) == (wanted == ["SB824"])


def test_a_field_that_nothing_reads() -> None:
    fields = {"input": "x", "target": "y", "labels": "z"}
    data = {"train": {"dataset": {"type": "Arrays", "path": "x.npz", "fields": fields}}}
    assert codes([LINEAR], [16], loss="CrossEntropyLoss", data=data) == ["SB825"]
    assert codes([LINEAR], [16], loss={"type": "CrossEntropyLoss", "target": "labels"}, data=data) == ["SB825"]
    assert codes([LINEAR], [16], data=data) == []


def test_dropout_at_the_end() -> None:
    assert codes([LINEAR, "Dropout"], [16]) == ["SB810"]
    assert codes([LINEAR, {"type": "Dropout", "p": 0}], [16]) == []
    assert codes([LINEAR, "Dropout", "ReLU"], [16]) == []
    assert codes([{**LINEAR, "name": "a"}, {"name": "b", "type": "Dropout"}], [16], outputs=["a", "b"]) == ["SB810"]


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        ({"type": "SGD", "lr": 10}, []), ({"type": "SGD", "lr": 10.5}, ["SB816"]),
        ({"type": "Adam", "lr": 0.1}, []), ({"type": "Adam", "lr": 0.2}, ["SB816"]),
        ({"type": "Adam", "lr": 0}, ["SB816"]), ({"type": "Adam", "lr": 1e-8}, []),
        ({"type": "Adam", "lr": 0, "groups": [{"parameters": "*.bias", "lr": 0.01}]}, []),
        ({"type": "SGD", "lr": 0.1, "momentum": 0.1}, []), ({"type": "SGD", "lr": 0.1, "momentum": 0.05}, ["SB817"]),
        ({"type": "SGD", "lr": 0.1, "momentum": 0.999}, []), ({"type": "SGD", "lr": 0.1, "momentum": 1}, ["SB817"]),
        ({"type": "RMSprop", "momentum": 9}, ["SB817"]), ("LBFGS", []), ("Adadelta", []), ("Muon", []),
    ],
    ids=str,
)  # fmt: skip
def test_learning_rates_and_momenta(optimizer: Any, wanted: list[str]) -> None:
    layers = [{"type": "Linear", "out_features": 10, "bias": False}] if optimizer == "Muon" else [LINEAR]
    assert codes(layers, [16], optimizer=optimizer) == wanted


@pytest.mark.parametrize("momentum", [None, 0, 0.003, 0.5, 1])
def test_momenta_of_batch_norm(momentum: float | None) -> None:
    assert codes([{"type": "BatchNorm2d", "momentum": momentum}]) == []


def rates(scheduler: dict[str, Any], epochs: int) -> list[float]:
    """The learning rate of each epoch, as torch has it."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    arguments = {name: value for name, value in scheduler.items() if name != "type"}
    if scheduler["type"] == "CosineAnnealingLR":
        arguments["T_max"] = epochs
    made = getattr(lr_scheduler, scheduler["type"])(optimizer, **arguments)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.step(*([1.0] if scheduler["type"] == "ReduceLROnPlateau" else []))
    return found


@pytest.mark.parametrize("epochs", [1, 2, 5, 7])
@pytest.mark.parametrize(
    "scheduler",
    [
        *({"type": "StepLR", "step_size": size} for size in (1, 2, 4, 5, 6, 7)),
        *({"type": "MultiStepLR", "milestones": [milestone]} for milestone in (1, 4, 5, 6)),
        *({"type": "ConstantLR", "total_iters": total} for total in (1, 4, 5)),
        *({"type": "ReduceLROnPlateau", "patience": patience} for patience in (0, 1, 3, 4, 5)),
        {"type": "StepLR", "step_size": 1, "gamma": 1}, {"type": "ExponentialLR", "gamma": 1},
        {"type": "ExponentialLR", "gamma": 0.9}, {"type": "PolynomialLR", "power": 0}, {"type": "PolynomialLR"},
        {"type": "LinearLR", "start_factor": 1}, {"type": "LinearLR"}, {"type": "CosineAnnealingLR"},
    ],
    ids=str,
)  # fmt: skip
def test_a_scheduler_is_warned_of_where_the_learning_rate_stays(scheduler: dict[str, Any], epochs: int) -> None:
    stays = len(set(rates(scheduler, epochs))) == 1
    found = codes([LINEAR], [16], loss="MSELoss", optimizer="SGD", scheduler=scheduler, train={"epochs": epochs})
    assert found == (["SB821"] if stays else [])


def test_schedulers_that_go_on_with_steps_are_judged_where_their_number_is_known() -> None:
    late = {"type": "StepLR", "step_size": 10**6, "interval": "step"}
    assert trained(optimizer="SGD", scheduler=late, data={"train": DIGITS}) == ["SB821"]
    assert trained(optimizer="SGD", scheduler=late) == []


def test_parts_of_a_scheduler() -> None:
    parts = [{"type": "ConstantLR", "total_iters": 5}, {"type": "StepLR", "step_size": 20}]
    scheduler = {"type": "SequentialLR", "schedulers": parts, "milestones": [5]}
    assert trained(optimizer="SGD", scheduler=scheduler, train={"epochs": 30}) == []
    assert trained(optimizer="SGD", scheduler=scheduler, train={"epochs": 25}) == ["SB821"]


def test_classes_and_batches() -> None:
    layers = ["BatchNorm2d", "Flatten", {"type": "Linear", "out_features": 11}]
    data = {"train": {**DIGITS, "loader": {"batch_size": 1}}}
    assert codes(layers, (1, 8, 8), loss="CrossEntropyLoss", data=data) == ["SB811", "SB818"]


def test_variables_that_are_read() -> None:
    blocks = {"b": {"params": {"w": None, "d": "${w}"}, "layers": [{"type": "Linear", "out_features": "${d}"}]}}
    layers = [{"type": "b", "w": "${r}", "repeat": [{"r": "${wide}"}], "names": "n${i}"}]
    assert codes(layers, [16], vars={"base": 2, "wide": "${[base][0]}", "lr": 0.1}, blocks=blocks,
                 optimizer={"type": "SGD", "lr": "${lr}"}) == []  # fmt: skip


def test_nothing_odd_is_looked_for_where_something_is_wrong() -> None:
    assert codes([LINEAR, {**LINEAR, "in_features": 3}], [16]) == ["SB301"]
    assert codes([LINEAR, LINEAR], [16], loss="CrossEntropyLoss", metrics=[{"type": "accuracy", "top_k": 9}]) == [
        "SB411"
    ]


@pytest.mark.parametrize(
    "after",
    [{"type": "MaxPool2d", "kernel_size": 2}, {"type": "Upsample", "scale_factor": 2}, "Flatten"],
    ids=str,
)
def test_a_sigmoid_behind_what_keeps_its_values(after: Any) -> None:
    assert codes([{**CONV, "out_channels": 1}, "Sigmoid", after], loss="BCEWithLogitsLoss") == ["SB805"]


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ([{"type": "Linear", "from": "a", "out_features": 8}, {"type": "Dropout", "when": False}], ["SB801"]),
        (
            [
                {"type": "Linear", "from": "a", "out_features": 8},
                {"type": "Add", "from": ["linear_1", "b"], "when": False},
            ],
            [],
        ),
    ],
)
def test_an_input_that_nothing_reads_beside_a_layer_that_is_left_out(layers: list[Any], wanted: list[str]) -> None:
    found = specbuild.check({"specbuild": 1, "inputs": {"a": [4], "b": [8]}, "layers": layers})
    assert [diagnostic.code for diagnostic in found if diagnostic.code == "SB801"] == wanted


def test_one_epoch_is_told_as_one() -> None:
    document = {
        "specbuild": 1, "input": [4], "layers": [{"type": "Linear", "out_features": 2}], "loss": "CrossEntropyLoss",
        "optimizer": "SGD", "scheduler": {"type": "MultiStepLR", "milestones": [1]}, "train": {"epochs": 1},
    }  # fmt: skip
    assert [problem.message for problem in specbuild.check(document) if problem.code == "SB821"] == [
        "the milestone 1 is never reached: there is only 1 epoch"
    ]
