"""Python source of trainings: they train, and say what they cannot express."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import specbuild
from specbuild.exporting.python import source

DOCUMENT = """
specbuild: 1
name: blobs
input: [1, 8, 8]
layers:
  - {type: Conv2d, out_channels: 4, kernel_size: 3}
  - ReLU
  - Flatten
  - {name: head, type: Linear, out_features: 2}
loss: {type: CrossEntropyLoss, label_smoothing: 0.05}
optimizer: {type: SGD, lr: 0.05, momentum: 0.9}
scheduler: {type: OneCycleLR, max_lr: 0.1}
data:
  train:
    dataset: {type: Arrays, path: blobs.npz, fields: {input: images, target: labels}}
    transforms: [RandomHorizontalFlip, ToTensor, {type: Normalize, mean: [0.5], std: [0.5]}]
    loader: {batch_size: 16}
  val: {split: 0.25}
train: {epochs: 6, clip_grad_norm: 5.0}
"""


def blobs(path: Path) -> None:
    """Images that are bright above or below."""
    numbers = np.random.default_rng(0)
    labels = numbers.integers(0, 2, 128)
    images = numbers.integers(0, 80, (128, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 120
    np.savez(path, images=images, labels=labels)


def test_a_training_trains_where_specbuild_is_not(tmp_path: Path) -> None:
    blobs(tmp_path / "blobs.npz")
    spec = specbuild.load(DOCUMENT)
    text = source(spec, specbuild.infer(spec), training=True, weights="blobs.safetensors")
    (tmp_path / "blobs.py").write_text(text, encoding="utf-8")
    vision = "from specbuild.data.vision import torchvision; torchvision(); "
    code = f"{vision}import runpy, sys; sys.argv = ['blobs.py']; runpy.run_path('blobs.py', run_name='__main__')"
    command = [sys.executable, "-W", "ignore", "-c", code]
    env = {"PYTHONPATH": str(Path(specbuild.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reached = [float(found) for found in re.findall(r"accuracy ([\d.]+)", done.stdout)]
    assert len(reached) == 6
    assert max(reached) > 0.95
    namespace: dict[str, object] = {"__name__": "blobs"}
    exec(compile(text.split("def batches")[0].replace("from torchvision", "# "), "blobs", "exec"), namespace)  # noqa: S102
    network = namespace["load"](str(tmp_path / "blobs.safetensors"))  # type: ignore[operator]
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 2)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.ema={decay: 0.9}", r"cannot express `train\.ema`"),
        ("train.accumulate=2", r"cannot express `train\.accumulate`"),
        ("train.early_stopping={patience: 2}", r"cannot express `train\.early_stopping`"),
        ("data.train.dataset={type: Digits}", "cannot express the data set Digits"),
        ("optimizer={type: LBFGS}", "cannot express the optimizer LBFGS"),
        ("optimizer.groups=[{parameters: [head.*], lr: 0.1}]", "cannot express groups of parameters"),
        ("loss={type: HingeEmbeddingLoss}", "cannot express the loss HingeEmbeddingLoss"),
        ("loss.weight=balanced", "cannot express `weight: balanced`"),
        ("scheduler={type: ReduceLROnPlateau}", "cannot express the scheduler ReduceLROnPlateau"),
        ("data.train.transforms=[ToTensor, {type: MixUp, alpha: 0.2}]", "cannot express the transform MixUp"),
        ("train.best={metric: val_mae}", "cannot express the metric val_mae"),
    ],
)
def test_what_cannot_be_expressed_is_named_with_its_place(override: str, words: str) -> None:
    spec = specbuild.load(DOCUMENT, [override])
    with pytest.raises(specbuild.RunError, match=words) as caught:
        source(spec, specbuild.infer(spec), training=True)
    (found,) = caught.value.diagnostics
    assert found.code == "SB512"
    assert found.path
