"""`weights` and `freeze` against a network, and against what sources hold, before anything is loaded."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import specbuild
from specbuild.api import build, diff, infer, load
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.network.cost import memory_of
from specbuild.network.freezing import resting
from specbuild.network.resolve import resolved
from specbuild.network.transfer import Fit, fitted
from specbuild.runs import headers

NET: dict[str, Any] = {
    "specbuild": 1,
    "input": [1, 8, 8],
    "layers": [
        {
            "name": "body",
            "type": "Sequential",
            "layers": [{"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
                       {"name": "norm", "type": "BatchNorm2d"}, "Flatten"],
        },
        {"name": "head", "type": "Linear", "out_features": 10},
    ],
}  # fmt: skip


def net(**changes: Any) -> dict[str, Any]:
    return {**NET, **changes}


def storages(prefix: str = "body.", **changes: tuple[int, ...]) -> dict[str, Storage]:
    """What a file of the network's body, or more of it, has in its header."""
    found = {
        "conv.weight": Storage((4, 1, 3, 3)), "conv.bias": Storage((4,)),
        **{f"norm.{name}": Storage((4,)) for name in ("weight", "bias", "running_mean", "running_var")},
        "norm.num_batches_tracked": Storage((), "int64"),
    }  # fmt: skip
    return {f"{prefix}{key}": one for key, one in found.items()} | {
        key: Storage(shape) for key, shape in changes.items()
    }


HEAD = {"head.weight": (10, 144), "head.bias": (10,)}


def judged(weights: Any, header: dict[str, Storage]) -> Fit | Diagnostic:
    spec = load(net(weights=weights))
    return fitted(infer(spec), spec.weights[0], header)


@pytest.mark.parametrize(
    ("weights", "header", "left"),
    [
        ("run", storages(**HEAD), ()),
        ({"run": "run", "except": "head"}, storages(), ()),
        ({"run": "run", "except": ["head.*"]}, storages(**{"fc.weight": (5, 5)}), ("fc.weight",)),
        ({"run": "run", "into": "body"}, storages(**{"head.weight": (3, 3)}), ()),
        ({"run": "run", "into": "body"}, storages("", **{"fc.weight": (3, 3)}), ("fc.weight",)),
        ({"run": "run", "into": "body", "from": "encoder."}, storages("encoder."), ()),
        ({"run": "run", "into": "body", "from": ""}, storages(""), ()),
        ({"run": "run", "into": "body.conv", "from": "body.conv"}, storages(), ()),
        ({"run": "run", "from": "module", "except": "head"}, storages("module.body."), ()),
    ],
)
def test_what_fits(weights: Any, header: dict[str, Storage], left: tuple[str, ...]) -> None:
    fit = judged(weights, header)
    assert isinstance(fit, Fit)
    assert fit.left == left
    wanted = {
        key: Storage(tuple(tensor.shape), str(tensor.dtype)[6:]) for key, tensor in build(net()).state_dict().items()
    }
    assert fit.taken
    assert all(header[source] == wanted[key] for key, source in fit.taken.items())


def test_batches_that_old_files_do_not_count() -> None:
    header = {key: one for key, one in storages().items() if not key.endswith("num_batches_tracked")}
    fit = judged({"run": "run", "except": "head"}, header)
    assert isinstance(fit, Fit)
    assert len(fit.taken) == 6


@pytest.mark.parametrize(
    ("weights", "header", "message", "because", "fix"),
    [
        (
            "run",
            storages(**{"head.weight": (4, 144), "head.bias": (4,)}),
            "run does not fit: of 9 tensors 2 are of another shape or dtype",
            "head.weight is [10, 144], but [4, 144] there; head.bias is [10], but [4] there",
            'except: ["head.*"], to begin with those as torch does',
        ),
        (
            "run",
            storages(),
            "run does not fit: of 9 tensors 2 are missing",
            "head.weight is not there; head.bias is not there",
            'except: ["head.*"], to begin with those as torch does',
        ),
        (
            {"run": "run", "except": "head"},
            storages("net.body."),
            "run does not fit: of 7 tensors 7 are missing",
            None,
            "from: net",
        ),
        ("run", storages(""), "run does not fit: of 9 tensors 9 are missing", None, "into: body"),
        (
            {"run": "run", "into": "body", "from": "encodr"},
            storages("encoder."),
            "no tensor of run is in `encodr`",
            None,
            "did you mean `encoder`?",
        ),
        (
            {"run": "run", "into": "body", "from": "x"},
            storages(""),
            "no tensor of run is in `x`",
            None,
            'from: ""',
        ),
        (
            {"run": "run", "except": "head"},
            storages(**{"body.conv.extra": (4,)}),
            "run does not fit: of 7 tensors 1 is too many",
            "body.conv.extra is of a layer that has none such",
            None,
        ),
        (
            {"run": "run", "into": "body.conv"},
            {"weight": Storage((4, 1, 3, 3), "float16"), "bias": Storage((4,))},
            "run does not fit: of 2 tensors 1 is of another shape or dtype",
            "body.conv.weight is [4, 1, 3, 3], but [4, 1, 3, 3] float16 there",
            None,
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit(
    weights: Any, header: dict[str, Storage], message: str, because: str | None, fix: str | None
) -> None:
    found = judged(weights, header)
    assert isinstance(found, Diagnostic)
    assert found.code == "SB416"
    assert found.message == message
    assert because is None or found.because == because
    assert found.fix == fix


def test_of_many_the_first_twenty_are_told() -> None:
    layers = [{"name": f"l{k}", "type": "Linear", "out_features": 3} for k in range(40)]
    spec = load({"specbuild": 1, "input": [3], "layers": layers, "weights": "run"})
    found = fitted(infer(spec), spec.weights[0], {})
    assert isinstance(found, Diagnostic)
    assert found.message == "run does not fit: of 80 tensors 80 are missing"
    assert found.because is not None
    assert found.because.startswith("l0.weight is not there; l0.bias is not there; ")
    assert found.because.endswith("l9.bias is not there; and 60 more")


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(nn.Linear(2, 2).state_dict(), "pickled")
    Path("pickled").rename("pickled.safetensors")
    Path("long.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    Path("none.safetensors").write_bytes(struct.pack("<Q", 4) + b"[{}]")
    Path("shape.safetensors").write_bytes(struct.pack("<Q", 29) + b'{"a":{"dtype":1,"shape":[-1]}}')
    Path("empty.safetensors").touch()
    Path("folder.safetensors").mkdir()
    messages = {
        "lost": "there is no such file",
        "pickled": "it is one of torch's pickled files, and no safetensors",
        "long": "it is no safetensors file: it has no header",
        "none": "it is no safetensors file: its header is no list of tensors",
        "shape": "it is no safetensors file: its header is no list of tensors",
        "empty": "it is no safetensors file: it has no header",
        "folder": "it cannot be read: it is not a plain file",
    }
    for name, message in messages.items():
        with pytest.raises(DataError) as raised:
            build(net(weights=f"{name}.safetensors"))
        (problem,) = raised.value.diagnostics
        assert (problem.code, problem.message) == ("SB517", f"{name}.safetensors: {message}")
        assert problem.path == ("weights",)


def test_a_file_whose_tensors_end_before_its_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_file(
        {key: torch.zeros(one.shape) for key, one in storages("").items() if one.dtype == "float32"}, "cut.safetensors"
    )
    with Path("cut.safetensors").open("r+b") as file:
        file.truncate(Path("cut.safetensors").stat().st_size - 8)
    with pytest.raises(DataError, match=r"SB517.*cut\.safetensors: it cannot be read"):
        build(net(weights={"file": "cut.safetensors", "into": "body"}))


def test_a_header_is_what_safetensors_wrote(tmp_path: Path) -> None:
    tensors = {
        str(dtype).removeprefix("torch."): torch.zeros(2, 3, dtype=dtype)
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    }
    save_file(tensors, tmp_path / "all.safetensors", metadata={"format": "pt"})
    assert headers.header_of(tmp_path / "all.safetensors") == {name: Storage((2, 3), name) for name in tensors}


@pytest.mark.parametrize(
    ("freeze", "frozen", "rests"),
    [
        ("body", 4, ["body.norm"]),
        ("body.*", 4, ["body.norm"]),
        (["*.bias"], 3, []),
        ("body.norm", 2, ["body.norm"]),
        ("body.norm.weight", 1, []),
        ({"parameters": "*", "except": ["head"]}, 4, ["body.norm"]),
        ({"parameters": "*", "except": ["head", "*.norm.bias"]}, 3, []),
    ],
)
def test_what_is_frozen(freeze: Any, frozen: int, rests: list[str]) -> None:
    plan = infer(net(freeze=freeze))
    model = build(net(freeze=freeze))
    stays = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert plan.frozen == stays
    assert len(stays) == frozen
    assert resting(plan) == rests
    assert plan.trainable() == sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def test_a_norm_without_parameters_rests_by_its_name() -> None:
    layers = [
        {"name": "norm", "type": "BatchNorm2d", "affine": False}, "Flatten",
        {"name": "a", "type": "Linear", "out_features": 2}, {"name": "b", "type": "Linear", "out_features": 2},
    ]  # fmt: skip
    assert resting(infer(net(layers=layers, freeze="a"))) == []
    assert resting(infer(net(layers=layers, freeze=["norm", "a"]))) == ["norm"]


def test_what_is_frozen_has_no_gradient_and_no_state_and_keeps_no_input() -> None:
    adam = OPTIMIZERS["Adam"]()
    whole, part = (memory_of(infer(net(**changes)), optimizer=adam) for changes in ({}, {"freeze": "body"}))  # type: ignore[arg-type]
    head = 4 * (10 * 144 + 10)
    assert whole.weights == part.weights == whole.gradients
    assert part.gradients == head
    assert part.optimizer < whole.optimizer
    assert head * 2 <= part.optimizer <= head * 2 + 8
    assert part.kept < whole.kept


def test_a_resolved_document_says_all_of_it_and_reads_back() -> None:
    written = net(
        weights=[{"file": "a.safetensors", "into": "body", "from": ""}, "runs/net/1"], freeze=["body", "*.bias"]
    )
    spec = load(written)
    document = resolved(spec, infer(spec))
    assert document["weights"] == [
        {"file": "a.safetensors", "into": "body", "from": "", "except": []},
        {"run": "runs/net/1", "into": None, "from": None, "except": []},
    ]
    assert document["freeze"] == {"parameters": ["body", "*.bias"], "except": []}
    again = load(json.loads(json.dumps(document)))
    assert resolved(again, infer(again)) == document
    assert infer(again).frozen == infer(spec).frozen


def test_a_difference_in_them_is_told() -> None:
    old = net(weights={"run": "runs/net/1", "except": "head"}, freeze="body")
    new = net(weights={"run": "runs/net/2", "except": "head"}, freeze=["body", "head.bias"])
    found = diff(old, new)
    assert set(found.sections) == {"weights[0].run", "freeze.parameters"}
    assert found.sections["weights[0].run"] == ("runs/net/1", "runs/net/2")
    assert not diff(old, old)


def test_expressions_and_overrides_reach_them() -> None:
    spec = specbuild.load(net(vars={"number": 3}, weights="runs/net/${number}"), ["freeze=[body.conv]"])
    assert spec.weights[0].name == "runs/net/3"
    assert infer(spec).frozen == {"body.conv.weight", "body.conv.bias"}


def test_a_bias_that_comes_with_the_weights_is_not_called_lost() -> None:
    assert [found.code for found in specbuild.check(net())] == ["SB809"]
    assert specbuild.check(net(weights="runs/net/1")) == ()
    assert specbuild.check(net(freeze="body")) == ()


@pytest.mark.parametrize(
    ("parameters", "learn", "told"),
    [
        ("body", "head", "`head` is not frozen: `parameters` does not name it"),
        ("body", ["body.norm", "hed"], "nothing in the network is called `hed`"),
        ("body", "body", "`except` takes all of it out: nothing is frozen"),
        (["body.conv", "head"], "*", "`except` takes all of it out: nothing is frozen"),
    ],
)
def test_an_except_without_a_meaning(parameters: Any, learn: Any, told: str) -> None:
    (found,) = [one for one in specbuild.check(net(freeze={"parameters": parameters, "except": learn}))
                if one.severity == "error"]  # fmt: skip
    assert (found.code, found.message) == ("SB417", told)
    assert found.path[:2] == ("freeze", "except")
