from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.catalogue.transforms.crops import RandomCrop
from specbuild.catalogue.transforms.geometry import RandomHorizontalFlip
from specbuild.data.operations import Pipeline
from specbuild.data.vision import torchvision

torch.set_num_threads(1)
FIXED: list[tuple[str, dict[str, Any]]] = [
    ("ToTensor", {}),
    ("Normalize", {"mean": [0.1, 0.2, 0.3], "std": [1.0, 2.0, 0.5]}),
    ("Normalize", {"mean": [0.1], "std": [1.0, 2.0, 0.5]}),
    ("Resize", {"size": 5}),
    ("Resize", {"size": [12, 3], "interpolation": "nearest"}),
    ("Resize", {"size": None, "max_size": 20, "interpolation": "bicubic"}),
    ("CenterCrop", {"size": 4}),
    ("CenterCrop", {"size": [5, 12]}),
    ("CenterCrop", {"size": [13, 3]}),
    ("Pad", {"padding": 2, "fill": 9}),
    ("Pad", {"padding": [1, 2], "fill": [1, 2, 3]}),
    ("Pad", {"padding": [1, 2, 3, 0], "padding_mode": "reflect"}),
    ("Pad", {"padding": 3, "padding_mode": "symmetric"}),
    ("Pad", {"padding": 3, "padding_mode": "edge"}),
    ("Grayscale", {}),
    ("Grayscale", {"num_output_channels": 3}),
]


def real(name: str, arguments: dict[str, Any]) -> Any:
    v2 = torchvision().transforms.v2
    if name == "ToTensor":
        return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    return getattr(v2, name)(**arguments)


def images(dtype: torch.dtype = torch.uint8, count: int = 6) -> torch.Tensor:
    drawn = torch.randint(256, (count, 3, 8, 7), generator=torch.Generator().manual_seed(1))
    return drawn.to(dtype) if dtype == torch.uint8 else drawn / 255


@pytest.mark.parametrize(("name", "arguments"), FIXED)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_batch_is_what_v2_makes_of_each_image(name: str, arguments: dict[str, Any], dtype: torch.dtype) -> None:
    if name == "Normalize":
        dtype = torch.float32  # bytes are refused before it runs
    batch = images(dtype)
    wrap = torchvision().tv_tensors.Image
    wanted = torch.stack([real(name, arguments)(wrap(image)).as_subclass(torch.Tensor) for image in batch])
    pipeline = Pipeline([TRANSFORMS[name](**arguments)], seed=0, samples=6)
    found = pipeline(batch.clone(), torch.arange(6), epoch=0)
    assert found.dtype == wanted.dtype
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_a_random_crop_is_a_window_of_the_padded_image(mode: str) -> None:
    transform = RandomCrop(size=[6, 5], padding=2, padding_mode=mode)
    pipeline = Pipeline([transform], seed=3, samples=6)
    found = pipeline(images(), torch.arange(6), epoch=1)
    padded = torchvision().transforms.v2.functional.pad(images(), [2, 2, 2, 2], padding_mode=mode)
    tops, lefts = pipeline.draws(1)[0]
    for k in range(6):
        top, left = int(tops[k] * 7), int(lefts[k] * 7)
        assert torch.equal(found[k], padded[k, :, top : top + 6, left : left + 5])


def test_pad_if_needed_pads_by_what_is_lacking_on_both_sides() -> None:
    pipeline = Pipeline([RandomCrop(size=[11, 7], pad_if_needed=True)], seed=0, samples=6)
    found = pipeline(images(), torch.arange(6), epoch=0)
    assert found.shape == (6, 3, 11, 7)
    assert torch.equal(found.sum((1, 2, 3)), images().sum((1, 2, 3)))  # the image is whole in every window


def test_the_places_of_crops_are_uniform() -> None:
    pipeline = Pipeline([RandomCrop(size=4, padding=0)], seed=0, samples=20_000)
    tops, lefts = pipeline.draws(0)[0]
    for drawn in (tops, lefts):
        counts = torch.bincount(drawn.mul(5).long(), minlength=5)
        assert counts.shape == (5,)
        assert float((counts - 4000).abs().max()) < 250  # 4 standard deviations
    assert abs(float(torch.corrcoef(torch.stack([tops, lefts]))[0, 1])) < 0.03


@pytest.mark.parametrize("p", [0, 0.25, 1])
def test_flips_mirror_a_share_of_the_images(p: float) -> None:
    batch = images(count=4000)
    found = Pipeline([RandomHorizontalFlip(p=p)], seed=5, samples=4000)(batch.clone(), torch.arange(4000), 2)
    mirrored = (found == batch.flip(-1)).flatten(1).all(1)
    same = (found == batch).flatten(1).all(1)
    assert bool((mirrored | same).all())
    assert abs(float(mirrored.float().mean()) - p) < 0.03


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True), st.integers(0, 3))
def test_a_sample_is_drawn_for_alike_in_every_batch(chosen: list[int], epoch: int) -> None:
    transforms = [RandomCrop(size=6, padding=2), RandomHorizontalFlip(), RandomHorizontalFlip()]
    together = Pipeline(transforms, 7, 6)(images(), torch.arange(6), epoch)
    indices = torch.tensor(chosen)
    apart = Pipeline(transforms, 7, 6)(images()[indices], indices, epoch)
    assert torch.equal(apart, together[indices])


def test_epochs_seeds_and_operations_draw_apart() -> None:
    two = [RandomHorizontalFlip(), RandomHorizontalFlip()]
    pipeline = Pipeline(two, 0, 100)
    first, second = (streams[0] for streams in pipeline.draws(0))
    assert not torch.equal(first, second)
    assert not torch.equal(first, pipeline.draws(1)[0][0])
    assert not torch.equal(first, Pipeline(two, 1, 100).draws(0)[0][0])
