"""MixUp and CutMix: v2's arithmetic, by a share of each sample's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import one_hot

from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.data.operations import Operation, operation_of
from specbuild.data.operations.mixing import Beta, cut
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision
from tests.data.test_colors import farthest

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
COUNT = 16


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(COUNT, 3, 10, 13, generator=generator)
    return images, one_hot(torch.randint(4, (COUNT,), generator=generator), 4).float()


def draws_of(operation: Operation, count: int = COUNT) -> list[torch.Tensor]:
    return [uniform(count, 3, 0, str(k)) for k in range(operation.streams)]


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.7, 1.0, 2.0, 32.0])
def test_shares_are_from_beta(alpha: float) -> None:
    found = Beta(alpha).of(uniform(5000, 0, 0, "shares"))
    assert bool(((found >= 0) & (found <= 1)).all())
    torch.manual_seed(0)
    wanted = torch.distributions.Beta(torch.tensor(alpha).double(), torch.tensor(alpha).double()).sample((5000,))
    within = (1e-9, 1 - 1e-9)  # what is nearer to 1 is rounded to it, or not
    assert farthest(found.clamp(*within), wanted.clamp(*within)) < 2
    deviation = math.sqrt(1 / (4 * (2 * alpha + 1)))
    assert abs(float(found.mean()) - 0.5) < 4 * deviation / math.sqrt(5000)
    assert abs(float(found.std()) / deviation - 1) < 0.05


def test_quantiles_are_exact_where_they_are_known() -> None:
    draws = torch.linspace(0, 0.999, 50).double()
    assert torch.allclose(Beta(1.0).of(draws), draws, atol=1e-9)
    arcsine = torch.sin(math.pi / 2 * draws).square()  # Beta(1/2, 1/2)
    assert torch.allclose(Beta(0.5).of(draws), arcsine, atol=1e-6)


def test_mixup_is_v2s_with_the_share_of_each_sample() -> None:
    operation = operation_of(TRANSFORMS["MixUp"](alpha=0.4))
    assert operation.mix is not None
    images, targets = batch()
    draws = draws_of(operation)
    shares = Beta(0.4).of(draws[0])
    found, mixed = operation.mix(images.clone(), targets.clone(), draws)
    assert bool((shares > 0.05).any() & (shares < 0.95).any())
    for k in range(COUNT):
        params = {"lam": float(shares[k]), "labels": targets, "batch_size": COUNT}
        v2 = V2.MixUp(alpha=0.4, num_classes=4)
        assert torch.equal(found[k], v2.transform(images, params)[k])
        assert torch.allclose(mixed[k], v2.transform(targets, params)[k], atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_cutmix_is_v2s_with_the_box_of_each_sample(dtype: torch.dtype) -> None:
    operation = operation_of(TRANSFORMS["CutMix"]())
    assert operation.mix is not None
    images, targets = batch()
    images = images if dtype == torch.float32 else images.mul(255).to(torch.uint8)
    draws = draws_of(operation)
    shares = Beta(1.0).of(draws[0])
    found, mixed = operation.mix(images.clone(), targets.clone(), draws)
    for k in range(COUNT):
        x, y = int(draws[1][k] * 13), int(draws[2][k] * 10)
        r = 0.5 * math.sqrt(1 - float(shares[k]))
        x1, x2 = max(x - int(r * 13), 0), min(x + int(r * 13), 13)
        y1, y2 = max(y - int(r * 10), 0), min(y + int(r * 10), 10)
        lam = 1 - (x2 - x1) * (y2 - y1) / 130
        params = {"box": (x1, y1, x2, y2), "lam_adjusted": lam, "labels": targets, "batch_size": COUNT}
        v2 = V2.CutMix(num_classes=4)
        assert torch.equal(found[k], v2.transform(images, params)[k])
        assert torch.allclose(mixed[k], v2.transform(targets, params)[k], atol=1e-7)


def test_boxes_are_distributed_as_v2s() -> None:
    count = 4000
    draws = [uniform(count, 5, 0, str(k)) for k in range(3)]
    boxes = cut(Beta(1.0).of(draws[0]), draws[1], draws[2], 20, 30)
    torch.manual_seed(0)
    theirs = V2.CutMix(num_classes=2)
    drawn = [theirs.make_params([torch.zeros(2, 3, 20, 30)]) for _ in range(count)]
    edges = torch.tensor([each["box"] for each in drawn]).T
    for found, wanted in zip((boxes.left, boxes.top, boxes.right, boxes.bottom), edges, strict=True):
        assert farthest(found, wanted) < 2
    area = (boxes.bottom - boxes.top) * (boxes.right - boxes.left)
    assert farthest(1 - area / 600, torch.tensor([each["lam_adjusted"] for each in drawn])) < 2


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_targets_stay_probabilities_and_images_alone_stay(name: str) -> None:
    transform = TRANSFORMS[name]()
    operation = operation_of(transform)
    assert transform.mixes
    assert operation.mix is not None
    images, targets = batch()
    mixed = operation.mix(images.clone(), targets.clone(), draws_of(operation))[1]
    assert torch.allclose(mixed.sum(1), torch.ones(COUNT))
    assert not torch.equal(mixed, targets)
    assert torch.equal(operation.apply(images, draws_of(operation)), images)
