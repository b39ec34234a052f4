"""`weights` and `freeze` in a training, against a loop written by hand in torch, and on real data."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from typer.testing import CliRunner

from specbuild.api import build, check, infer, load, reload, train
from specbuild.cli.app import app
from specbuild.data import open_data
from specbuild.errors import DataError
from specbuild.runs.taking import take
from specbuild.runs.transfer import held
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "transfer"
DATA = Path(os.environ.get("SPECBUILD_DATA", ROOT / "data"))
"""Where MNIST and FashionMNIST are, as torchvision lays them out."""
STEPS = 40
DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "transfer",
    "input": [1, 8, 8],
    "layers": [
        {
            "name": "body",
            "type": "Sequential",
            "layers": [
                {"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
                {"name": "norm", "type": "BatchNorm2d"},
                "ReLU",
                {"type": "Dropout", "p": 0.1},
                {"name": "conv2", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
                {"name": "norm2", "type": "BatchNorm2d"},
                "ReLU",
                "Flatten",
            ],
        },
        {"name": "head", "type": "Linear", "out_features": 10},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01},
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}}},
    "train": {"epochs": 3, "max_steps": STEPS, "precision": "float32", "checkpoint": {"steps": 10, "last": 9}},
}


def document(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(DOCUMENT), **changes}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def before() -> dict[str, torch.Tensor]:
    """Weights of another network of the same body, in `before.safetensors`; no number is what torch begins with."""
    torch.manual_seed(7)
    state = {key: torch.rand_like(tensor.float()) + 0.1 for key, tensor in build(document()).state_dict().items()}
    state = {key: tensor.long() if key.endswith("num_batches_tracked") else tensor for key, tensor in state.items()}
    save_file(state, "before.safetensors")
    return state


def by_hand(
    written: dict[str, Any], frozen: list[str], resting: list[str], average: float | None = None
) -> nn.Sequential:
    """The usual loop: `requires_grad_(False)`, what learns in the optimizer, frozen BatchNorms in eval mode."""
    batches = (batch for epoch in (1, 2, 3) for batch in open_data(load(written))["train"].batches(epoch, "cpu"))
    torch.manual_seed(0)
    model = build({key: value for key, value in written.items() if key not in ("weights", "freeze")})
    state = load_file("before.safetensors")
    model.load_state_dict({**model.state_dict(), **{key: state[key] for key in state if key.startswith("body.")}})
    model = model.to(memory_format=torch.channels_last)
    for name in frozen:
        model.get_parameter(name).requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.05, momentum=0.9, weight_decay=0.01)
    model.train()
    for name in resting:
        model.get_submodule(name).eval()
    for _ in range(STEPS):
        batch = next(batches)
        images = batch["input"].contiguous(memory_format=torch.channels_last)
        loss = nn.functional.cross_entropy(model(images), batch["target"])
        optimizer.zero_grad()
        loss.backward()
        if average is not None:
            nn.utils.clip_grad_norm_(model.parameters(), average)
        optimizer.step()
    return model


def fit_of(written: dict[str, Any]) -> Fit:
    spec = load(written)
    plan = infer(spec)
    fit = Fit(spec, plan, torch.device("cpu"), open_data(spec), Silent(), weights=held(spec, plan))
    number = 0
    while fit.limits.reason is None:
        number += 1
        fit.limits.after_epoch(fit.epoch(number), timed_out=False)
    return fit


BODY = [f"body.{layer}.{name}" for layer in ("conv", "norm", "conv2", "norm2") for name in ("weight", "bias")]


@pytest.mark.parametrize(
    ("freeze", "frozen", "resting", "clip"),
    [
        ("body", BODY, ["body.norm", "body.norm2"], None),
        ({"parameters": "body.*", "except": ["body.conv2", "body.norm2"]}, BODY[:4], ["body.norm"], None),
        (["body.norm.*", "*.bias"], ["body.norm.weight", *BODY[1::2], "head.bias"], ["body.norm"], 0.3),
        ("body.norm2.weight", ["body.norm2.weight"], [], None),
    ],
)
def test_what_is_frozen_is_what_a_loop_by_hand_freezes(
    freeze: Any, frozen: list[str], resting: list[str], clip: float | None
) -> None:
    before()
    settings = {**DOCUMENT["train"], "clip_grad_norm": clip}
    written = document(weights={"file": "before.safetensors", "into": "body"}, freeze=freeze, train=settings)
    fit = fit_of(written)
    model = by_hand(written, frozen, resting, clip)
    assert fit.limits.steps == STEPS
    states = zip(fit.model.state_dict().items(), model.state_dict().values(), strict=True)
    assert all(torch.equal(tensor, wanted) for (_, tensor), wanted in states)
    assert [name for name, parameter in fit.model.named_parameters() if not parameter.requires_grad] == sorted(
        frozen, key=list(model.state_dict()).index
    )
    learned = [parameter for group in fit.optimizer.param_groups for parameter in group["params"]]
    assert all(parameter.requires_grad for parameter in learned)
    assert len(learned) == sum(parameter.requires_grad for parameter in model.parameters())


def test_groups_of_the_optimizer_take_what_learns() -> None:
    groups = [{"parameters": "body.*", "lr": 0.01}, {"types": "Linear", "lr": 0.5}]
    optimizer = {"type": "SGD", "lr": 0.1, "groups": groups}
    spec = load(document(optimizer=optimizer, freeze=["body.conv", "body.norm"]))
    fit = Fit(spec, infer(spec), torch.device("cpu"), open_data(spec), Silent())
    assert [(group["lr"], len(group["params"])) for group in fit.optimizer.param_groups] == [(0.01, 4), (0.5, 2)]


def test_a_training_that_goes_on_ends_in_the_same_bits_without_the_source() -> None:
    before()
    settings = {"epochs": 2, "precision": "float32", "ema": {"decay": 0.9}, "checkpoint": {"steps": 10}}
    written = document(weights={"file": "before.safetensors", "into": "body"}, freeze="body", train=settings)
    whole = train(written, run="whole")
    train(written, ["train.epochs=1"], run="halves")
    Path("before.safetensors").unlink()
    halves = train(written, run="halves", resume=True)
    for name in ("model.safetensors", "golden.safetensors"):
        one, other = (hashlib.sha256((run.path / name).read_bytes()).hexdigest() for run in (whole, halves))
        assert one == other
    again = reload("whole").spec
    assert [(one.kind, one.name, one.into) for one in again.weights] == [("file", "before.safetensors", "body")]
    assert infer(again).frozen == frozenset(BODY)


def test_a_run_gives_its_best_weights_once_they_are_proven() -> None:
    first = train(document(train={"epochs": 1, "max_steps": 5, "precision": "float32"}), run="first")
    state = load_file("first/model.safetensors")
    written = document(weights="first", freeze="body")
    model = build(written)
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())
    assert all(parameter.requires_grad == name.startswith("head.") for name, parameter in model.named_parameters())
    with (first.path / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    with pytest.raises(DataError, match=r"SB517.*first: model.safetensors was altered: its SHA-256"):
        build(written)
    shutil.rmtree("first")
    with pytest.raises(DataError, match=r"SB517.*first: there is no such folder"):
        train(written, run="second")
    assert not Path("second").exists()


def test_nothing_is_taken_where_one_source_does_not_fit() -> None:
    before()
    save_file({"weight": torch.zeros(10, 5), "bias": torch.zeros(10)}, "head.safetensors")
    written = document(weights=[{"file": "before.safetensors"}, {"file": "head.safetensors", "into": "head"}])
    with pytest.raises(DataError, match=r"SB416.*head.safetensors does not fit: of 2 tensors 1 is of another shape"):
        build(written)
    written["weights"][1]["except"] = "head.weight"
    model = build(written)
    assert torch.equal(model.get_parameter("head.bias"), torch.zeros(10))
    assert model.get_parameter("head.weight").any()


def test_the_later_of_two_sources_wins() -> None:
    state = before()
    save_file({"layer.weight": torch.full((4, 1, 3, 3), 5.0), "layer.bias": torch.ones(4)}, "conv.safetensors")
    later = {"file": "conv.safetensors", "into": "body.conv", "from": "layer"}
    model = build(document(weights=[{"file": "before.safetensors"}, later]))
    assert torch.equal(model.get_parameter("body.conv.weight"), torch.full((4, 1, 3, 3), 5.0))
    assert torch.equal(model.get_parameter("body.conv2.weight"), state["body.conv2.weight"])
    assert torch.equal(model.get_buffer("body.norm.running_var"), state["body.norm.running_var"])


def test_tied_parameters_take_those_that_they_are() -> None:
    layers = [
        {"name": "words", "type": "Embedding", "num_embeddings": 5, "embedding_dim": 3},
        {"name": "out", "type": "Linear", "out_features": 5, "bias": False},
    ]
    tied = {"specbuild": 1, "input": {"shape": [4], "dtype": "int64"}, "layers": layers,
            "tie": {"out.weight": "words.weight"}, "weights": "tied.safetensors"}  # fmt: skip
    values = torch.arange(15.0).reshape(5, 3)
    save_file({"words.weight": values, "out.weight": values.clone()}, "tied.safetensors")  # as torch has it
    model = build(tied)
    assert model.get_parameter("out.weight") is model.get_parameter("words.weight")
    assert torch.equal(model.get_parameter("out.weight"), values)
    layers.append({"name": "last", "type": "Linear", "out_features": 2})
    source = {"file": "tied.safetensors", "except": "last"}
    frozen = build({**tied, "layers": layers, "weights": source, "freeze": "out"})
    learned = [name for name, parameter in frozen.named_parameters() if parameter.requires_grad]
    assert learned == ["last.weight", "last.bias"]


def test_the_model_keeps_the_order_of_its_memory() -> None:
    before()
    spec = load(document(weights="before.safetensors"))
    model = build({**document()}).to(memory_format=torch.channels_last)
    take(model, held(spec, infer(spec)))
    assert model.get_parameter("body.conv2.weight").is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(model.get_parameter("body.conv2.weight"), load_file("before.safetensors")["body.conv2.weight"])


def test_two_processes_with_parts_of_a_network_freeze_what_one_does() -> None:
    """Some of the parts learn and some do not."""
    before()
    settings = {**DOCUMENT["train"], "distributed": {"strategy": "fsdp"}, "device": "cpu"}
    layers = deepcopy(DOCUMENT["layers"])
    del layers[0]["layers"][3]  # each process has a Dropout of its own
    written = document(
        layers=layers, train={**settings, "max_steps": 12}, freeze=["body.norm*", "body.conv.weight", "head.bias"],
        weights={"file": "before.safetensors", "into": "body"},
    )  # fmt: skip
    Path("net.json").write_text(json.dumps(written))
    command = [sys.executable, "-W", "ignore", "-m", "specbuild", "train", "net.json", "--nproc", "2", "--run", "two"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    one = train(written, run="one").model.state_dict()
    two = reload("two").model.state_dict()
    began = load_file("before.safetensors")
    kept = [key for key in two if key.startswith("body.norm")] + ["body.conv.weight"]
    assert all(torch.equal(two[key], began[key]) for key in kept)
    for key, tensor in one.items():
        torch.testing.assert_close(two[key], tensor, rtol=1e-4, atol=1e-5)
    assert not torch.equal(two["body.conv2.weight"], began["body.conv2.weight"])


def test_check_opens_sources_and_data_where_it_is_told_to() -> None:
    before()
    (Path("net.json")).write_text(json.dumps(document(weights="before.safetensors")))
    assert check("net.json", data=True) == ()
    *_, problem = check("net.json", ["layers.head.out_features=11"], data=True)  # after SB818
    assert (problem.code, problem.path) == ("SB416", ("weights",))
    assert problem.because == "head.weight is [11, 64], but [10, 64] there; head.bias is [11], but [10] there"
    (problem,) = check("net.json", ["weights=lost.safetensors"], data=True)
    assert problem.message == "lost.safetensors: there is no such file"
    lost = "data.train.dataset={type: Arrays, path: lost.npz, fields: {input: x, target: y}}"
    assert check("net.json", [lost]) == ()
    assert [problem.code for problem in check("net.json", [lost], data=True)] == ["SB403"]
    found = CliRunner().invoke(app, ["check", "--data", "net.json", "--set", "weights=lost"])
    assert found.exit_code == 1
    assert "SB517" in found.output


@pytest.mark.skipif(not (DATA / "FashionMNIST").is_dir(), reason="MNIST and FashionMNIST are not here: SPECBUILD_DATA")
def test_what_read_digits_learns_to_tell_clothes() -> None:
    """250 batches of a frozen body and a new head, against the same body with random weights."""
    Path("data").symlink_to(DATA)
    shortly = ["data.train.dataset.download=false", "data.val.dataset.download=false", "train.precision=float32"]
    train(EXAMPLES / "mnist.yaml", [*shortly, "train.max_steps=150"], run="runs/mnist/1")
    body = load_file("runs/mnist/1/model.safetensors")
    reached = {}
    for name, overrides in (("taken", ()), ("random", ("weights=null",))):
        run = train(EXAMPLES / "fashion.yaml", [*shortly, "train.max_steps=250", *overrides], run=name)
        reached[name] = run.best["val_accuracy"]
        state = run.model.state_dict()
        kept = [torch.equal(state[key], body[key]) for key in body if key.startswith("body.")]
        assert all(kept) if name == "taken" else not any(kept[:3])
    assert reached["taken"] >= 0.72
    assert reached["taken"] >= reached["random"] + 0.05
    assert json.loads(Path("taken/spec.json").read_text())["freeze"] == {"parameters": ["body"], "except": []}
