"""Networks of several inputs and outputs, and tied ones, from the data to a run that is reloaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import Dataset

from specbuild.api import build, evaluate, infer, load, reload, train
from specbuild.data import open_data
from specbuild.errors import DataError, RunError
from specbuild.reports.verification import verify
from specbuild.runs import manifest

torch.set_num_threads(1)
PROVEN = "verified: every file has its SHA-256, and the outputs are equal bit for bit"
SPECS = Path(__file__).resolve().parents[2] / "specs"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def arrays() -> dict[str, Any]:
    """Images of bytes, measurements, a label that both settle together, and a number."""
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8)
    meta = draw.normal(size=(120, 5)).astype(np.float32)
    label = ((image[:, :4].mean((1, 2, 3)) > image[:, 4:].mean((1, 2, 3))) ^ (meta[:, 0] > 0)).astype(np.int64)
    size = (meta[:, 1] + meta[:, 2]).astype(np.float32)
    np.savez("a.npz", image=image, meta=meta, label=label, size=size)
    fields = {"image": "image", "meta": "meta", "target": "label", "size": "size"}
    return {"type": "Arrays", "path": "a.npz", "fields": fields}


def two_inputs(dataset: Any, **changes: Any) -> dict[str, Any]:
    document = {
        "specbuild": 1,
        "name": "two",
        "inputs": {"meta": [5], "image": [3, 8, 8]},
        "layers": [
            {"name": "conv", "type": "Conv2d", "from": "image", "out_channels": 4, "kernel_size": 3},
            "ReLU",
            {"name": "pixels", "type": "Flatten"},
            {"name": "both", "type": "Concat", "from": ["pixels", "meta"]},
            {"type": "Linear", "out_features": 16},
            {"name": "hidden", "type": "ReLU"},
            {"name": "head", "type": "Linear", "out_features": 2},
        ],
        "loss": "CrossEntropyLoss",
        "optimizer": {"type": "SGD", "lr": 0.05},
        "data": {
            "train": {
                "dataset": dataset,
                "transforms": ["RandomHorizontalFlip", "ToTensor"],
                "loader": {"batch_size": 32},
            },
            "val": {"split": 0.25},
        },
        "train": {"epochs": 2},
        **changes,
    }
    return {key: value for key, value in document.items() if value is not None}


def two_outputs(dataset: Any, **changes: Any) -> dict[str, Any]:
    document = two_inputs(dataset)
    document["layers"].append({"name": "size", "type": "Linear", "from": "hidden", "out_features": 1})
    outputs = {"outputs": ["size", "head"], "loss": {
        "size": {"type": "MSELoss", "target": "size", "scale": 0.1}, "head": "CrossEntropyLoss",
    }}  # fmt: skip
    return {**document, **outputs, **changes}


def test_two_inputs_compute_what_a_hand_written_loop_computes(arrays: Any) -> None:
    spec = load(two_inputs(arrays))
    torch.manual_seed(0)
    model = build(spec)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    split = open_data(spec)["train"]
    losses = []
    for epoch in (1, 2):
        total = 0.0
        for batch in split.batches(epoch, "cpu"):
            assert (batch["image"].dtype, batch["image"].shape[1:]) == (torch.float32, (3, 8, 8))
            loss = nn.functional.cross_entropy(model(batch["meta"], batch["image"]), batch["target"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch["target"])
        losses.append(total / len(split))
    run = train(spec)
    assert [record["train_loss"] for record in run.metrics] == pytest.approx(losses, rel=1e-4)
    assert run.verdict == PROVEN
    assert run.environment["memory_format"] == "channels_last"
    golden = load_file(run.path / "golden.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in golden.items()} == {
        "input.meta": (2, 5), "input.image": (2, 3, 8, 8), "output": (2, 2),
    }  # fmt: skip
    assert evaluate(run, "val") == pytest.approx(
        {name: run.best[f"val_{name}"] for name in ("loss", "accuracy")}, rel=1e-5
    )


def test_two_outputs_are_learned_together(arrays: Any) -> None:
    spec = load(two_outputs(arrays))
    run = train(spec)
    assert run.verdict == PROVEN
    golden = load_file(run.path / "golden.safetensors")
    assert {name for name in golden if name.startswith("output")} == {"output.size", "output.head"}
    batches = list(open_data(run.spec)["val"].batches(0, "cpu"))
    with torch.no_grad():
        outputs = [run.model(batch["meta"], batch["image"]) for batch in batches]
    head, size = (torch.cat([output[name] for output in outputs]) for name in ("head", "size"))
    label, wanted = (torch.cat([batch[name] for batch in batches]) for name in ("target", "size"))
    parts = {
        "size_loss": 0.1 * nn.functional.mse_loss(size[:, 0], wanted).item(),
        "head_loss": nn.functional.cross_entropy(head, label).item(),
    }
    accuracy = (head.argmax(1) == label).double().mean().item()
    found = evaluate(run, "val")
    assert found == pytest.approx({"loss": sum(parts.values()), **parts, "accuracy": accuracy}, rel=1e-5)
    assert list(run.best)[1:6] == ["train_loss", "train_size_loss", "train_head_loss", "train_accuracy", "val_loss"]
    assert (run.best["val_accuracy"], run.best["val_loss"]) == pytest.approx(
        (found["accuracy"], found["loss"]), rel=1e-5
    )


def test_the_gradient_is_that_of_the_scaled_sum(arrays: Any) -> None:
    spec = load(two_outputs(arrays, data={"train": {"dataset": arrays, "transforms": ["ToTensor"],
                                                    "loader": {"batch_size": 120, "shuffle": False}}},
                            train={"epochs": 1}))  # fmt: skip
    torch.manual_seed(0)
    model = build(spec)
    (batch,) = open_data(spec)["train"].batches(1, "cpu")
    output = model(batch["meta"], batch["image"])
    loss = nn.functional.cross_entropy(output["head"], batch["target"])
    loss = loss + 0.1 * nn.functional.mse_loss(output["size"][:, 0], batch["size"])
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.05).step()
    trained = train(spec).model.state_dict()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=1e-6)


def test_an_output_without_a_loss_is_given_and_not_learned(arrays: Any) -> None:
    run = train(two_outputs(arrays, loss={"head": "CrossEntropyLoss"}))
    torch.manual_seed(0)
    first = build(load(two_outputs(arrays))).state_dict()
    assert torch.equal(run.model.state_dict()["size.weight"], first["size.weight"])
    assert not torch.equal(run.model.state_dict()["head.weight"], first["head.weight"])
    assert set(evaluate(run, "val")) == {"loss", "accuracy"}


def test_the_best_epoch_by_the_loss_of_one_output(arrays: Any) -> None:
    run = train(two_outputs(arrays), ["train.best={metric: val_size_loss}", "train.epochs=4"])
    scores = [record["val_size_loss"] for record in run.metrics]
    assert run.best["epoch"] == 1 + scores.index(min(scores))


class Pairs(Dataset[Any]):
    """Samples of one's own, as dicts of fields."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Any:
        draw = torch.Generator().manual_seed(index)
        image = torch.rand(3, 8, 8, generator=draw)
        return {"image": image, "meta": torch.rand(5, generator=draw), "target": int(image.mean() > 0.5)}


class Tuples(Pairs):
    def __getitem__(self, index: int) -> Any:
        return tuple(super().__getitem__(index).values())[1:]


def test_data_sets_of_ones_own_yield_the_inputs_by_name() -> None:
    run = train(two_inputs(None, data=None), train=Pairs(), val=Pairs())
    assert (run.verdict, set(run.best)) == (
        PROVEN, {"epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"}
    )  # fmt: skip
    with pytest.raises(DataError) as caught:
        train(two_inputs(None, data=None), train=Tuples())
    assert [problem.message for problem in caught.value.diagnostics] == [
        "sample 0 is a tuple: a data set yields a dict"
    ]


def test_workers_give_the_same_weights(arrays: Any) -> None:
    first, second = (
        train(two_inputs(arrays), [f"data.train.loader.num_workers={count}"], train=Pairs(), val=Pairs())
        for count in (0, 1)
    )
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor)


class Mislabelled(Pairs):
    def __getitem__(self, index: int) -> Any:
        return {**super().__getitem__(index), "kind": 5 if index == 39 else 0}


def test_labels_of_each_output_are_held_against_it_as_they_come() -> None:
    loss = {"head": "CrossEntropyLoss", "size": {"type": "CrossEntropyLoss", "target": "kind"}}
    document = two_outputs(None, data=None, loss=loss)
    document["layers"][-1]["out_features"] = 3
    assert problems(document, train=Mislabelled()) == [
        ("SB402", "loss.size", "the network gives 3 classes, 0 to 2, but the labels of train go from 0 to 5"),
    ]  # fmt: skip


@pytest.mark.parametrize("loss", ["MSELoss", "BCEWithLogitsLoss"])
def test_an_autoencoder(loss: str) -> None:
    document = {
        "specbuild": 1,
        "name": "auto",
        "input": [1, 8, 8],
        "layers": [
            "Flatten", {"name": "encoder", "type": "Linear", "out_features": 8}, "ReLU",
            {"name": "decoder", "type": "Linear", "out_features": 64},
            {"type": "Unflatten", "dim": 1, "unflattened_size": [1, 8, 8]},
        ],
        "loss": {"type": loss, "target": "input"},
        "optimizer": {"type": "Adam", "lr": 1e-2},
        "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.1}},
        "train": {"epochs": 3},
    }  # fmt: skip
    run = train(document)
    losses = [record["val_loss"] for record in run.metrics]
    assert losses == sorted(losses, reverse=True)
    batches = list(open_data(run.spec)["val"].batches(0, "cpu"))
    given = torch.cat([batch["input"] for batch in batches])
    functional = {"MSELoss": nn.functional.mse_loss,
                  "BCEWithLogitsLoss": nn.functional.binary_cross_entropy_with_logits}[loss]  # fmt: skip
    with torch.no_grad():
        assert evaluate(run, "val") == pytest.approx({"loss": functional(run.model(given), given).item()}, rel=1e-5)


def test_an_output_may_be_held_against_one_of_several_inputs(arrays: Any) -> None:
    document = two_outputs(arrays)
    document["layers"][-1]["out_features"] = 5
    document["loss"]["size"] = {"type": "MSELoss", "target": "meta"}
    run = train(document)
    batches = list(open_data(run.spec)["val"].batches(0, "cpu"))
    with torch.no_grad():
        size = torch.cat([run.model(batch["meta"], batch["image"])["size"] for batch in batches])
    wanted = torch.cat([batch["meta"] for batch in batches])
    assert evaluate(run, "val")["size_loss"] == pytest.approx(nn.functional.mse_loss(size, wanted).item(), rel=1e-5)


TIED: dict[str, Any] = {
    "specbuild": 1,
    "name": "tied",
    "input": [1, 8, 8],
    "layers": [
        "Flatten",
        {"name": "a", "type": "Linear", "out_features": 64},
        {"name": "activation", "type": "ReLU"},
        {"name": "b", "type": "Linear", "out_features": 64},
        {"name": "scale", "type": "Parameter", "shape": [1, 64], "init": "ones_"},
        {"type": "Multiply", "from": ["b", "scale"]},
        {"name": "head", "type": "Linear", "out_features": 10},
    ],
    "tie": {"b.weight": "a.weight"},
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.05},
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.2}},
    "train": {"epochs": 1},
}


def test_a_tied_parameter_is_stored_once_and_comes_back_tied() -> None:
    run = train(TIED)
    keys = set(load_file(run.path / "model.safetensors"))
    assert keys == {"a.weight", "a.bias", "b.bias", "scale", "head.weight", "head.bias"}
    again = reload(run.path)
    assert again.verdict == PROVEN
    assert again.spec.tie == {"b.weight": "a.weight"}
    assert again.model.b.weight is again.model.a.weight
    torch.manual_seed(0)
    first = build(TIED)
    assert not torch.equal(first.state_dict()["scale"], again.model.state_dict()["scale"])
    assert evaluate(again, "val")["accuracy"] == pytest.approx(again.best["val_accuracy"])


def test_a_tied_network_learns_as_one_that_torch_ties() -> None:
    spec = load(TIED)
    torch.manual_seed(0)
    model = build(spec)
    assert model.b.weight is model.a.weight
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for batch in open_data(spec)["train"].batches(1, "cpu"):
        loss = nn.functional.cross_entropy(model(batch["input"]), batch["target"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    trained = train(spec).model.state_dict()
    assert all(torch.equal(trained[name], tensor) for name, tensor in model.state_dict().items())


def test_blocks_of_several_inputs_are_resolved_and_reloaded() -> None:
    class Scenes(Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(index))
            return image, (image[:1] > 0.5).float()

    unet = load(SPECS / "unet.yaml", ["vars.base=4", "input=[3, 16, 16]", "train.epochs=1"])
    run = train(unet, train=Scenes())
    assert run.verdict == PROVEN
    assert run.plan.parameters() == infer(unet).parameters()
    again = train(run.path / "spec.json", train=Scenes(), run="again")
    assert Path("again/spec.json").read_bytes() == (run.path / "spec.json").read_bytes()
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor)


def problems(document: dict[str, Any], **given: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(DataError) as caught:
        train(document, **given)
    assert os.listdir() in ([], ["a.npz"])
    return [(d.code, ".".join(map(str, d.path)), d.message) for d in caught.value.diagnostics]


def test_what_does_not_fit_is_said_before_the_data_is_opened(arrays: Any) -> None:
    fields = {"picture": "image", "meta": "meta", "target": "label"}
    data = {"train": {"dataset": {**arrays, "fields": fields}, "transforms": ["ToTensor"]}}
    loss = {"size": {"type": "MSELoss", "target": "sise"}, "head": {"type": "CrossEntropyLoss", "weight": [1]}}
    metrics = [{"type": "accuracy", "top_k": 3}]
    assert problems(two_outputs(arrays, data=data, loss=loss, metrics=metrics)) == [
        ("SB402", "loss.head.weight", "weight has 1 number, but the network gives 2 classes"),
        ("SB411", "metrics.0.top_k", "top_k is 3, but the network gives 2 classes"),
        ("SB404", "data.train.dataset",
         "the network is fed by the field `image`, but train has picture, meta, target"),
        ("SB402", "loss.size.target", "the loss takes the field `sise`, but train has picture, meta, target"),
    ]  # fmt: skip


def test_what_the_opened_data_does_not_fit_is_said(arrays: Any) -> None:
    fields = {**arrays["fields"], "meta": "image", "target": "size"}
    bad = {"train": {"dataset": {**arrays, "fields": fields}}}
    assert problems(two_outputs(arrays, data=bad)) == [
        ("SB404", "data.train.dataset", "the input `meta` takes float32, but train gives int64"),
        ("SB404", "data.train.dataset", "the input `meta` takes [5], but train gives [8, 8, 3]"),
        ("SB404", "data.train.dataset", "the input `image` takes float32, but train gives uint8"),
        ("SB402", "loss.head", "class probabilities must have the output's shape [2], but the target is [] float32"),
    ]  # fmt: skip


def test_transforms_need_an_input_of_an_image_s_axes(arrays: Any) -> None:
    document = two_inputs(
        arrays,
        inputs={"meta": [5], "image": [192]},
        layers=[
            {"type": "Concat", "from": ["meta", "image"]},
            {"type": "Linear", "out_features": 2},
        ],
    )
    assert problems(document) == [
        ("SB408", "data.train.transforms",
         "transforms are of the first input of [channels, height, width]; there is none among meta [5], image [192]"),
    ]  # fmt: skip


@pytest.mark.parametrize("document", [TIED, two_inputs(None, data=None), two_outputs(None, data=None)])
def test_the_plan_of_each_is_what_torch_does(document: dict[str, Any]) -> None:
    spec = load(document)
    plan = infer(spec)
    ends = ", ".join(str(kind) for kind in plan.outputs.values())
    assert verify(spec, plan) == (
        f"verified: {len(list(plan.layers()))} layers, {plan.parameters():,} parameters and the "
        f"output{'s' if len(plan.outputs) > 1 else ''} {ends} agree with torchinfo and with a forward pass of 2 samples"
    )


def test_each_output_is_proven(arrays: Any) -> None:
    run = train(two_outputs(arrays)).path
    stored = load_file(run / "golden.safetensors")
    stored["output.head"][0, 0] += 0.5
    save_file(stored, run / "golden.safetensors")
    (run / "manifest.json").unlink()
    manifest.write(run, "finished")
    message = r"the outputs differ from the recorded ones by 0\.5; they must be equal bit for bit$"
    with pytest.raises(RunError, match=message):
        reload(run)
