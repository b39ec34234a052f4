"""Programs that train come to what specbuild's own training comes to, where neither draws anything at random."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import specbuild
from tests.exporting.python.apart import laid_out
from tests.exporting.python.programs import Done, run_programs, written

DOCUMENT = """
specbuild: 1
name: program
input: [2, 6, 6]
layers:
  - {name: conv1, type: Conv2d, out_channels: 4, kernel_size: 3}
  - {name: norm1, type: BatchNorm2d}
  - ReLU
  - {name: conv2, type: Conv2d, out_channels: 4, kernel_size: 3}
  - {name: norm2, type: BatchNorm2d}
  - Flatten
  - {name: head, type: Linear, out_features: 3}
loss: CrossEntropyLoss
optimizer: {type: SGD, lr: 0.05, momentum: 0.9}
data:
  train:
    dataset: {type: Arrays, path: data.npz, fields: {input: x, target: y}}
    loader: {batch_size: 16, shuffle: false}
  val: {dataset: {type: Arrays, path: data.npz, fields: {input: x_val, target: y_val}}}
train:
  epochs: 3
  device: cpu
  precision: float32
  memory_format: contiguous_format
  checkpoint: null
"""
NUMBERS = ["input=[6]", "layers=[{name: head, type: Linear, out_features: 1}]",
           "data.train.dataset.fields={input: v, target: t}",
           "data.val.dataset.fields={input: v_val, target: t_val}", "metrics=[mae, mse, rmse, r2]"]  # fmt: skip
YES = [*NUMBERS[:2], "data.train.dataset.fields={input: v, target: b}",
       "data.val.dataset.fields={input: v_val, target: b_val}"]  # fmt: skip
SIGNS = [*NUMBERS[:2], "data.train.dataset.fields={input: v, target: s}",
         "data.val.dataset.fields={input: v_val, target: s_val}", "metrics=[]"]  # fmt: skip
MANY = ["input=[6]", "layers=[{type: Linear, out_features: 3}]", "data.train.dataset.fields={input: v, target: m}",
        "data.val.dataset.fields={input: v_val, target: m_val}"]  # fmt: skip
SEQUENCE = ["input={shape: [5], dtype: int64}",
            "layers=[{type: Embedding, num_embeddings: 4, embedding_dim: 3}, {type: Linear, out_features: 4}]",
            "data.train.dataset.fields={input: w, target: w}",
            "data.val.dataset.fields={input: w_val, target: w_val}"]  # fmt: skip
CASES: dict[str, list[str]] = {
    "plain": [],
    "freeze": ["freeze=[conv1, norm1]"],
    "freeze_all_but": ["freeze={parameters: '*', except: head}", "optimizer={type: AdamW, lr: 0.01}"],
    "groups": ["optimizer.groups=[{parameters: 'head.*', lr: 0.2}, {types: BatchNorm2d, weight_decay: 0.1}]"],
    "groups_of_all": ["optimizer.groups=[{parameters: ['*.bias', norm?.weight], momentum: 0.5}, {types: [Conv2d, "
                      "Linear], lr: 0.01}]"],
    "groups_frozen": ["freeze=conv1", "optimizer.groups=[{parameters: '*.bias', lr: 0.2}]"],
    "lbfgs": ["optimizer={type: LBFGS, lr: 0.1, max_iter: 3}", "train.clip_grad_norm=null"],
    "several_optimizers": ["optimizer={type: NAdam, lr: 0.01, betas: [0.8, 0.99]}"],
    "accumulate": ["train.accumulate=3"],
    "clip_norm": ["train.clip_grad_norm=0.5"],
    "clip_value": ["train.clip_grad_value=0.01", "train.accumulate=2"],
    "max_steps": ["train.max_steps=6", "scheduler={type: OneCycleLR, max_lr: 0.1}"],
    "max_steps_accumulated": ["train.max_steps=4", "train.accumulate=2", "scheduler={type: CosineAnnealingLR, "
                              "interval: step}"],
    "max_minutes": ["train.max_minutes=60"],
    "early": ["train.early_stopping={patience: 1}", "train.epochs=8", "optimizer.lr=2.0"],
    "early_delta": ["train.early_stopping={metric: train_loss, patience: 1, min_delta: 0.3}", "train.epochs=8"],
    "ema": ["train.ema={decay: 0.7}"],
    "ema_every": ["train.ema={decay: 0.7, every: 2}"],
    "bfloat16": ["train.precision=bfloat16"],
    "no_val": ["data.val=null"],
    "best_of_train": ["train.best={metric: train_accuracy}"],
    "step": ["scheduler={type: StepLR, step_size: 1}"],
    "multistep": ["scheduler={type: MultiStepLR, milestones: [1, 2]}"],
    "exponential": ["scheduler={type: ExponentialLR, gamma: 0.5, interval: step}"],
    "one_cycle_epochs": ["scheduler={type: OneCycleLR, max_lr: 0.1, epochs: 4}"],
    "cosine": ["scheduler=CosineAnnealingLR"],
    "restarts": ["scheduler={type: CosineAnnealingWarmRestarts, T_0: 2}"],
    "cyclic": ["scheduler={type: CyclicLR, base_lr: 0.001, max_lr: 0.1, step_size_up: 3}"],
    "polynomial": ["scheduler={type: PolynomialLR, total_iters: 3}"],
    "sequential": ["scheduler={type: SequentialLR, interval: step, milestones: [4], schedulers: [{type: LinearLR, "
                   "start_factor: 0.1, total_iters: 4}, CosineAnnealingLR]}"],
    "chained": ["scheduler={type: ChainedScheduler, schedulers: [{type: ConstantLR, total_iters: 2}, {type: "
                "ExponentialLR, gamma: 0.9}]}"],
    "plateau": ["scheduler={type: ReduceLROnPlateau, patience: 0, factor: 0.5}", "optimizer.lr=0.5"],
    "plateau_accuracy": ["scheduler={type: ReduceLROnPlateau, patience: 0, mode: max, metric: val_accuracy}"],
    "weights": ["loss={type: CrossEntropyLoss, weight: [1.0, 2.0, 0.5], label_smoothing: 0.1, scale: 0.5}"],
    "ignored": ["loss={type: CrossEntropyLoss, ignore_index: 2}", "metrics=[accuracy, {type: f1, average: micro}]"],
    "multi_margin": ["loss={type: MultiMarginLoss, p: 2}"],
    "nll": ["layers=[{type: Flatten}, {type: Linear, out_features: 3}, {type: LogSoftmax, dim: 1}]", "loss=NLLLoss"],
    "sums": ["loss={type: CrossEntropyLoss, reduction: sum}", "optimizer.lr=0.001"],
    "metrics": ["metrics=[f1, accuracy, {type: accuracy, top_k: 2}, precision, {type: recall, average: micro}, auroc, "
                "average_precision]"],
    "numbers": [*NUMBERS, "loss=MSELoss", "optimizer.lr=0.01"],
    "huber": [*NUMBERS, "loss={type: HuberLoss, delta: 0.5}"],
    "poisson": [*NUMBERS[:2], "data.train.dataset.fields={input: v, target: b}",
                "data.val.dataset.fields={input: v_val, target: b_val}", "loss={type: PoissonNLLLoss, full: true}",
                "metrics=[mae, rmse]"],
    "yes": [*YES, "loss={type: BCEWithLogitsLoss, pos_weight: [2.0]}", "metrics=[accuracy, f1, auroc]"],
    "shares": [*YES, "layers=[{type: Linear, out_features: 1}, Sigmoid]", "loss=BCELoss", "metrics=[accuracy]"],
    "divergence": [*YES, "layers=[{type: Linear, out_features: 1}, LogSigmoid]", "loss=KLDivLoss", "metrics=[]"],
    "smooth": [*NUMBERS, "loss={type: SmoothL1Loss, beta: 0.2}"],
    "absolute": [*NUMBERS, "loss=L1Loss", "scheduler={type: MultiStepLR, milestones: [1], interval: epoch}"],
    "many_yes": [*MANY, "loss={type: MultiLabelSoftMarginLoss, weight: [1, 2, 3]}", "metrics=[accuracy, f1, auroc]"],
    "many_labels": [*MANY, "loss=MultiLabelMarginLoss", "metrics=[]",
                    "data.train.dataset.fields={input: v, target: l}",
                    "data.val.dataset.fields={input: v_val, target: l_val}"],
    "signs": [*SIGNS, "loss=SoftMarginLoss"],
    "hinge": [*SIGNS, "loss={type: HingeEmbeddingLoss, margin: 0.5}"],
    "sequence": [*SEQUENCE, "loss={type: CrossEntropyLoss, class_dim: -1}", "metrics=[accuracy, perplexity]"],
    "autoencoder": ["input=[6]", "layers=[{type: Linear, out_features: 6}]", "loss={type: MSELoss, target: input}",
                    "data.train.dataset.fields={input: v}", "data.val.dataset.fields={input: v_val}", "metrics=[mae]"],
    "several": ["layers=[{name: flat, type: Flatten, from: image}, {name: both, type: Concat, from: [flat, more]}, "
                "{name: head, type: Linear, out_features: 3}, {name: number, type: Linear, out_features: 1, "
                "from: both}]", "outputs=[head, number]",
                "loss={head: CrossEntropyLoss, number: {type: MSELoss, target: t, scale: 0.3}}",
                "data.train.dataset.fields={image: x, more: v, target: y, t: t}",
                "data.val.dataset.fields={image: x_val, more: v_val, target: y_val, t: t_val}",
                "train.best={metric: val_number_loss}"],
    "images": ["data.train.dataset.fields={input: images, target: y}",
               "data.val.dataset.fields={input: images_val, target: y_val}", "input=[3, 6, 6]",
               "data.train.transforms=[{type: Pad, padding: 1}, {type: CenterCrop, size: 6}, ToTensor, "
               "{type: Normalize, mean: [0.5], std: [0.25]}]"],
    "digits": ["input=[1, 8, 8]", "data.train.dataset={type: Digits, train: false}",
               "data.val.dataset={type: Digits}", "data.train.transforms=[ToTensor]", "train.epochs=1",
               "layers[6].out_features=10"],
}  # fmt: skip


def document(name: str) -> str:
    """The document of a case."""
    several = "inputs: {image: [2, 6, 6], more: [6]}"
    return DOCUMENT.replace("input: [2, 6, 6]", several) if name == "several" else DOCUMENT


def arrays(path: Path) -> None:
    """Little data of all kinds, for training and, with `_val`, for val."""
    draw = np.random.default_rng(0)
    held: dict[str, np.ndarray] = {}
    for suffix, count in (("", 88), ("_val", 40)):
        labels = draw.integers(0, 3, count)
        vectors = draw.normal(size=(count, 6)).astype(np.float32)
        number = vectors.sum(1, keepdims=True) + 0.1 * draw.normal(size=(count, 1)).astype(np.float32)
        held[f"x{suffix}"] = (draw.normal(size=(count, 2, 6, 6)) + labels[:, None, None, None]).astype(np.float32)
        held[f"images{suffix}"] = draw.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
        held[f"y{suffix}"], held[f"v{suffix}"], held[f"t{suffix}"] = labels, vectors, number
        held[f"b{suffix}"] = (number > 0).astype(np.int64)
        held[f"s{suffix}"] = np.sign(number)
        held[f"m{suffix}"] = (vectors[:, :3] > 0).astype(np.int64)
        held[f"l{suffix}"] = np.stack([labels, np.full(count, -1), np.full(count, -1)], axis=1)
        held[f"w{suffix}"] = draw.integers(0, 4, (count, 5))
    np.savez(path, **held)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Done]]:
    """All programs, run."""
    folder = tmp_path_factory.mktemp("programs")
    for name, overrides in CASES.items():
        written(document(name), folder / name, overrides)
        arrays(folder / name / "data.npz")
    return folder, run_programs(folder)


def test_all_are_laid_out_as_ruff_does(programs: tuple[Path, dict[str, Done]]) -> None:
    assert laid_out(programs[0]) == ""


@pytest.mark.parametrize("name", list(CASES))
def test_a_program_trains_as_specbuild_does(
    name: str, programs: tuple[Path, dict[str, Done]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, done = programs
    assert done[name].failed is None
    monkeypatch.chdir(folder / name)
    specbuild.train(specbuild.load(document(name), CASES[name]), run="run")
    records = [json.loads(line.partition("\t")[0]) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    records = [record for record in records if "epoch" in record]
    assert len(done[name].epochs) == len(records)
    exact = name != "bfloat16"
    for said, record in zip(done[name].epochs, records, strict=True):
        split = "val" if any(key.startswith("val_") for key in record) else "train"
        known = {key.removeprefix(f"{split}_"): value for key, value in record.items() if key.startswith(f"{split}_")}
        assert said.keys() == known.keys()
        for key, value in said.items():
            assert math.isclose(value, known[key], rel_tol=1e-3 if exact else 0.05, abs_tol=1e-4 if exact else 0.05), (
                key
            )
    own, other = load_file("program.trained.safetensors"), load_file("run/model.safetensors")
    assert own.keys() == other.keys()
    for key, tensor in own.items():
        torch.testing.assert_close(tensor, other[key], rtol=1e-3 if exact else 0.1, atol=1e-5 if exact else 0.05)
