"""The transforms without torch against those with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from specbuild.catalogue.transforms import Transform
from specbuild.data.operations import Pipeline
from specbuild.language.loading import load
from specbuild.predicting import pixels

SIZES = [(3, 37, 52), (3, 16, 16), (1, 40, 23)]
EXACT = [
    "[ToTensor]",
    "[ToImage, PILToTensor, ToPureTensor, Identity, {type: ToDtype, dtype: float32, scale: true}]",
    "[{type: ToDtype, dtype: float32}, {type: ToDtype, dtype: uint8}, ToTensor]",
    "[ToTensor, {type: ToDtype, dtype: uint8, scale: true}, ToTensor]",
    "[ToTensor, {type: Normalize, mean: [0.485], std: [0.229]}]",
    "[RGB, ToTensor, {type: Normalize, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}]",
    "[{type: CenterCrop, size: 24}, ToTensor]",
    "[{type: CenterCrop, size: [10, 31]}, ToTensor]",
    "[{type: Pad, padding: [1, 2, 3, 4], fill: 7}, ToTensor]",
    "[RGB, {type: Pad, padding: 2, fill: [1, 2, 3]}, ToTensor]",
    "[{type: Pad, padding: 3, padding_mode: edge}, ToTensor]",
    "[{type: Pad, padding: [2, 5], padding_mode: reflect}, ToTensor]",
    "[{type: Pad, padding: 4, padding_mode: symmetric}, ToTensor]",
    "[{type: Resize, size: [20, 30], interpolation: nearest}, ToTensor]",
    "[{type: Resize, size: [61, 30], interpolation: nearest-exact}, ToTensor]",
    "[{type: Compose, transforms: [{type: Pad, padding: 2}, {type: CenterCrop, size: 12}]}, ToTensor]",
]
ONE_LEVEL = 1 / 255 + 1e-6
NEAR = [
    ("[Grayscale, ToTensor]", ONE_LEVEL),
    ("[{type: Grayscale, num_output_channels: 3}, ToTensor]", ONE_LEVEL),
    ("[{type: Resize, size: 20}, ToTensor]", ONE_LEVEL),
    ("[{type: Resize, size: [60, 71]}, ToTensor]", ONE_LEVEL),
    ("[{type: Resize, size: 24, max_size: 30, interpolation: bicubic}, ToTensor]", ONE_LEVEL),
    ("[{type: Resize, size: [21, 33], antialias: false}, ToTensor]", ONE_LEVEL),
    ("[{type: Resize, size: [21, 33], interpolation: bicubic, antialias: false}, ToTensor]", ONE_LEVEL),
    ("[ToTensor, {type: Resize, size: 20}]", 1e-5),
    ("[ToTensor, {type: Resize, size: [60, 71], interpolation: bicubic}]", 1e-5),
    ("[ToTensor, {type: Resize, size: [21, 33], antialias: false}]", 1e-5),
    ("[ToTensor, {type: Resize, size: [60, 33], interpolation: bicubic, antialias: false}]", 1e-5),
]


def transforms_of(text: str) -> tuple[Transform, ...]:
    head = "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten]\n"
    spec = load(f"{head}data: {{train: {{dataset: Digits, transforms: {text}}}}}\n")
    assert spec.data is not None
    return spec.data.train.transforms


def both(text: str, shape: tuple[int, int, int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(sum(shape))
    smooth = np.add.outer(generator.integers(0, 90, shape[:2]), np.linspace(0, 100, shape[2]))
    image = (smooth + generator.integers(0, 60, shape)).astype(np.uint8)
    transforms = transforms_of(text)
    expected = Pipeline(transforms, 0, 1)(torch.from_numpy(image.copy())[None], torch.zeros(1, dtype=torch.int64), 0)
    return pixels.applied(transforms, image), expected[0].numpy()


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("text", EXACT)
def test_equal_to_the_bit(text: str, shape: tuple[int, int, int]) -> None:
    found, expected = both(text, shape)
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize(("text", "allowed"), NEAR)
def test_equal_but_for_rounding(text: str, allowed: float, shape: tuple[int, int, int]) -> None:
    found, expected = both(text, shape)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= allowed


def test_what_is_not_done_without_torch() -> None:
    assert (
        pixels.missing(transforms_of("[{type: Compose, transforms: [{type: GaussianBlur, kernel_size: 3}]}]"))
        == "GaussianBlur"
    )
    assert pixels.missing(transforms_of(EXACT[-1])) is None
