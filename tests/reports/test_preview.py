"""`specbuild preview`: what is seen of the samples before a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild import api
from specbuild.errors import DataError, RunError
from specbuild.reports.drawing import PALETTE, matrix, picture

IMAGES: list[Any] = ["ToTensor", {"type": "Normalize", "mean": [0.5], "std": [0.25]}]


def document(path: Path, fields: dict[str, str], input: list[int], **changes: Any) -> dict[str, Any]:
    dataset = {"type": "Arrays", "path": str(path), "fields": fields}
    train = {"dataset": dataset, "transforms": changes.pop("transforms", [])}
    layers = ["Flatten", {"type": "Linear", "out_features": 3}]
    return {"specbuild": 1, "input": input, "layers": layers, "loss": "CrossEntropyLoss",
            "data": {"train": train}, **changes}  # fmt: skip


def test_images_are_shown_as_they_were_before_normalize(tmp_path: Path) -> None:
    values = np.array([0, 51, 102, 255], dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=np.repeat(values, 16 * 16).reshape(4, 16, 16), y=np.array([0, 1, 2, 0]))
    fields = {"input": "x", "target": "y"}
    output = tmp_path / "seen.png"
    found = api.preview(document(tmp_path / "x.npz", fields, [1, 16, 16], transforms=IMAGES), output=output)
    assert found.text == "model: 4 of 4 training samples, as in the first epoch"
    with Image.open(output) as image:
        seen = {image.getpixel((10 + 106 * k + 48, 35 + 48)) for k in range(4)}
    assert seen == {(int(value),) * 3 for value in values}


def test_masks_are_coloured(tmp_path: Path) -> None:
    labels = np.stack([np.full((16, 16), 1), np.full((16, 16), 2)])
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 16, 16, 3), dtype=np.uint8), y=labels)
    spec = document(tmp_path / "x.npz", {"input": "x", "target": "y"}, [3, 16, 16], transforms=["ToTensor"],
                    layers=[{"type": "Conv2d", "out_channels": 3, "kernel_size": 1}])  # fmt: skip
    found = api.preview(spec)
    assert found.picture is not None
    colours = {found.picture.getpixel((10 + 96 + 2 + 48 + k * (2 * 96 + 2 + 10), 83)) for k in range(2)}
    assert colours == {tuple(int(PALETTE[k][j : j + 2], 16) for j in (1, 3, 5)) for k in (1, 2)}


def test_numbers_are_printed(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.arange(30, dtype=np.float32).reshape(3, 10), y=np.array([2, 2, 2]))
    found = api.preview(document(tmp_path / "x.npz", {"input": "x", "target": "y"}, [10]), count=2)
    assert found.picture is None
    first, *lines = found.text.splitlines()
    assert first == "model: 2 of 3 training samples, as in the first epoch"
    assert len(lines) == 2
    assert set(lines) < {f"input {' '.join(str(10 * k + j) for j in range(8))} … (10)  target 2" for k in range(3)}


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 16, 16), dtype=np.uint8), y=np.array([2, 2, 2]))
    fields = {"input": "x", "target": "y"}
    with pytest.raises(DataError, match="`data` is missing"):
        api.preview({"specbuild": 1, "input": [3], "layers": ["ReLU"]})
    with pytest.raises(DataError, match="Normalize"):
        api.preview(document(tmp_path / "x.npz", fields, [1, 16, 16], transforms=IMAGES[1:]))
    fitting = document(tmp_path / "x.npz", fields, [1, 16, 16], transforms=IMAGES)
    with pytest.raises(RunError, match="cannot be written"):
        api.preview(fitting, output=tmp_path / "nowhere" / "seen.png")


def test_what_is_no_image_is_none() -> None:
    assert picture(torch.zeros(3)) is None
    assert picture(torch.zeros(0, 3, 3)) is None
    two = picture(torch.full((2, 4, 4), torch.nan))
    assert two is not None
    assert two.size == (96, 96)


@pytest.mark.parametrize("classes", [2, 10, 150])
def test_a_matrix_of_any_size(classes: int) -> None:
    names = [f"a rather long name of class {k}" for k in range(classes)]
    drawn = matrix([[row + column for column in range(classes)] for row in range(classes)], names, "m")
    assert max(drawn.size) < 1500
