"""Small runs of each kind, trained once, and what their own evaluation gives the network: the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import specbuild
from specbuild.data import open_data
from specbuild.runs.run import Run

torch.set_num_threads(1)
FORMATS = (("RGB", "png"), ("L", "png"), ("RGBA", "png"), ("RGB", "jpg"), ("P", "png"), ("CMYK", "jpg"))
SPECIES = ("cat", "dog", "emu")
END = "train: {epochs: 1, seed: 0, device: cpu, precision: float32, checkpoint: null}\n"


def photos(folder: Path, each: int = 6) -> Path:
    """A folder for each species, of images of several sizes, modes and formats."""
    generator = np.random.default_rng(0)
    for k, name in enumerate(SPECIES):
        (folder / name).mkdir(parents=True)
        for j in range(each):
            size = (24 + 3 * j, 30 + 2 * k, 3)
            pixels = generator.integers(0, 120, size) + 40 * k
            mode, ending = (
                ("RGB", "png"),
                ("L", "png"),
                ("RGBA", "png"),
                ("RGB", "jpg"),
                ("P", "png"),
                ("CMYK", "jpg"),
            )[j]
            Image.fromarray(pixels.astype(np.uint8)).convert(mode).save(folder / name / f"{j}.{ending}")
    return folder


def trained(text: str, run: Path) -> Run:
    return specbuild.train(text + END, run=run)


def folder_run(root: Path) -> Run:
    photos(root / "photos")
    return trained(
        f"""\
specbuild: 1
name: species
input: [3, 16, 16]
layers:
  - {{name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, bias: false}}
  - BatchNorm2d
  - ReLU
  - {{type: AdaptiveAvgPool2d, output_size: 2}}
  - Flatten
  - {{name: head, type: Linear, out_features: 3}}
loss: CrossEntropyLoss
optimizer: {{type: SGD, lr: 0.1}}
data:
  train:
    dataset: {{type: ImageFolder, root: {root / "photos"}}}
    transforms:
      - {{type: Resize, size: 20}}
      - RandomHorizontalFlip
      - {{type: CenterCrop, size: 16}}
      - ToTensor
      - {{type: Normalize, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4]}}
    loader: {{batch_size: 4}}
  val: {{split: 0.5, stratify: true}}
""",
        root / "species",
    )


DIGITS = """\
specbuild: 1
name: digits
input: [1, 8, 8]
layers:
  - {name: conv, type: Conv2d, out_channels: 4, kernel_size: 3}
  - ReLU
  - Flatten
  - {name: head, type: Linear, out_features: 10}
loss: CrossEntropyLoss
optimizer: {type: SGD, lr: 0.1}
data: {train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 50}}, val: {split: 0.2}}
"""


def digits_run(root: Path) -> Run:
    return trained(DIGITS, root / "digits")


def houses(path: Path, rows: int = 60) -> Path:
    generator = np.random.default_rng(1)
    lines = ["area,city,rooms,price,rent"]
    for k in range(rows):
        area, rooms = generator.normal(80, 20), int(generator.integers(1, 6))
        lines.append(f"{area:.2f},{('Basel', 'Bern', 'Chur')[k % 3]},{rooms},{area * rooms:.1f},{area / 3:.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def table_run(root: Path, target: str = "[price, rent]", **more: str) -> Run:
    houses(root / "houses.csv")
    loss = more.get("loss", "MSELoss")
    outputs, extra = more.get("outputs", "2"), more.get("more", "")
    return trained(
        f"""\
specbuild: 1
name: houses
input: [{more.get("features", "5")}]
layers: [{{name: hidden, type: Linear, out_features: 8}}, ReLU, {{name: out, type: Linear, out_features: {outputs}}}]
loss: {loss}
optimizer: {{type: SGD, lr: 1e-9}}
data:
  train: {{dataset: {{type: Table, path: {root / "houses.csv"}, target: {target}{extra}}}, loader: {{batch_size: 16}}}}
  val: {{dataset: {{type: Table, path: {root / "houses.csv"}, target: {target}}}}}
""",
        root / f"houses_{outputs}",
    )


SENTENCE = "the cat sat on the mat, and the dog sat on the cat. "


def text_run(root: Path) -> Run:
    (root / "input.txt").write_text(SENTENCE * 20)
    return trained(
        f"""\
specbuild: 1
name: letters
input: {{shape: [16], dtype: int64}}
layers:
  - {{type: Embedding, num_embeddings: {len(set(SENTENCE))}, embedding_dim: 8}}
  - {{type: LSTM, hidden_size: 16}}
  - {{name: head, type: Linear, out_features: {len(set(SENTENCE))}}}
loss: {{type: CrossEntropyLoss, class_dim: -1}}
optimizer: {{type: Adam, lr: 0.01}}
data:
  train: {{dataset: {{type: Text, path: {root / "input.txt"}, window: 16}}, loader: {{batch_size: 8}}}}
  val: {{split: 0.2}}
""",
        root / "letters",
    )


def evaluated(run: Run, split: Any = "val") -> tuple[Any, np.ndarray[Any, Any]]:
    """A split of the run's data, and what the model gives in `evaluate`, seen by a hook on it."""
    opened = open_data(run.spec, splits=(split,), preprocessing=run.preprocessing)[split]
    outputs: list[torch.Tensor] = []
    hook = run.model.register_forward_hook(lambda module, given, output: outputs.append(output.clone()))
    specbuild.evaluate(run, split, device="cpu")
    hook.remove()
    return opened, torch.cat(outputs).contiguous().numpy()


def given(predictions: Any) -> np.ndarray[Any, Any]:
    """What the network gave, one row a prediction."""
    return np.stack([each.output for each in predictions])


def same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
