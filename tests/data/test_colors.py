"""Operations on colours, filters and erasing: as v2 does them to one image, by draws of v2's distributions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.catalogue.transforms.erasing import RandomErasing
from specbuild.data.operations import Operation, operation_of
from specbuild.data.operations import adjusting as ours
from specbuild.data.operations.drawing import numbers
from specbuild.data.operations.erasing import TRIES, rectangles
from specbuild.data.operations.filters import blurred
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
F = V2.functional
COUNT = 24
DTYPES = [torch.uint8, torch.float32]
OFF = 2e-6
"""How far floats from 0 to 1 may be off v2's; bytes by 1."""
RANDOM: list[tuple[str, dict[str, Any]]] = [
    ("ColorJitter", {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}),
    ("ColorJitter", {"contrast": [0.2, 3], "hue": 0.5}),
    ("RandomPhotometricDistort", {}),
    ("RandomGrayscale", {"p": 0.5}),
    ("RandomInvert", {}),
    ("RandomPosterize", {"bits": 3}),
    ("RandomSolarize", {"threshold": 0.5}),
    ("RandomAutocontrast", {}),
    ("RandomEqualize", {}),
    ("RandomChannelPermutation", {}),
    ("RandomAdjustSharpness", {"sharpness_factor": 2.5}),
    ("GaussianBlur", {"kernel_size": [5, 3]}),
    ("GaussianNoise", {}),
    ("JPEG", {"quality": [10, 90]}),
    ("RandomErasing", {}),
    ("RandomErasing", {"value": [0.25, 0.5, 0.75]}),
    ("RandomErasing", {"value": "random"}),
]


def images(dtype: torch.dtype, count: int = COUNT, size: tuple[int, int] = (13, 11)) -> torch.Tensor:
    drawn = torch.randint(256, (count, 3, *size), generator=torch.Generator().manual_seed(1))
    drawn[0] = 77  # one of a single colour: no contrast, no hue
    drawn[1, :, :, :5] = 200
    return drawn.to(torch.uint8) if dtype == torch.uint8 else drawn / 255


def draws_of(operation: Operation, count: int = COUNT, seed: int = 3) -> list[torch.Tensor]:
    return [uniform(count, seed, 0, str(k)) for k in range(operation.streams)]


def alike(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    off = (found.double() - wanted.double()).abs().max()
    assert float(off) <= (OFF if wanted.is_floating_point() else 1), off


def farthest(one: torch.Tensor, other: torch.Tensor) -> float:
    """The statistic of Kolmogorov and Smirnov, as a multiple of its deviation: over 2 once in 1500."""
    one, other = one.double().sort().values, other.double().sort().values
    every = torch.cat([one, other])
    gap = torch.searchsorted(one, every, right=True) / len(one) - torch.searchsorted(other, every, right=True) / len(
        other
    )
    return float(gap.abs().max()) * math.sqrt(len(one) * len(other) / (len(one) + len(other)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "arguments"), RANDOM)
@settings(max_examples=6, deadline=None)
@given(chosen=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_an_image_comes_out_alike_in_every_batch(
    name: str, arguments: dict[str, Any], dtype: torch.dtype, chosen: list[int], seed: int
) -> None:
    if (name == "JPEG" and dtype == torch.float32) or (arguments.get("value") == "random" and dtype == torch.uint8):
        return  # refused before it runs
    operation = operation_of(TRANSFORMS[name](**arguments))
    draws = draws_of(operation, seed=seed)
    together = operation.apply(images(dtype), draws)
    index = torch.tensor(chosen)
    some = operation.apply(images(dtype)[index], [draw[index] for draw in draws])
    one = operation.apply(images(dtype)[index[:1]], [draw[index[:1]] for draw in draws])
    assert torch.equal(some, together[index])
    assert torch.equal(one, together[index[:1]])


Pair = tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], Callable[[torch.Tensor, float], torch.Tensor]]
AMOUNTS: dict[str, tuple[Pair, tuple[float, float]]] = {
    "brightness": ((ours.brightened, F.adjust_brightness), (0, 3)),
    "contrast": ((ours.contrasted, F.adjust_contrast), (0, 3)),
    "saturation": ((ours.saturated, F.adjust_saturation), (0, 3)),
    "hue": ((ours.turned, F.adjust_hue), (-0.5, 0.5)),
    "sharpness": ((ours.sharpened, F.adjust_sharpness), (0, 3)),
    "blur": (
        (lambda x, amounts: blurred(x, amounts, 5, 3), lambda x, amount: F.gaussian_blur(x, [5, 3], [amount, amount])),
        (0.1, 3),
    ),
    "posterize": (
        (lambda x, amounts: ours.posterized(x, amounts.round()), lambda x, amount: F.posterize(x, round(amount))),
        (0, 8),
    ),
    "solarize": (
        (
            lambda x, amounts: ours.solarized(x, amounts * ours.bound(x)),
            lambda x, amount: F.solarize(x, amount * ours.bound(x)),
        ),
        (0, 1),
    ),
}


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_amount_does_what_v2s_does(name: str, channels: int, dtype: torch.dtype) -> None:
    (batched, single), (least, most) = AMOUNTS[name]
    batch = images(dtype)[:, :channels]
    amounts = least + (most - least) * uniform(COUNT, 0, 0, name)
    wanted = torch.stack([single(image, float(amount)) for image, amount in zip(batch, amounts, strict=True)])
    alike(batched(batch.clone(), amounts), wanted)


def test_an_image_of_two_rows_has_nothing_to_sharpen() -> None:
    batch = images(torch.uint8)[:, :, :2]
    assert torch.equal(ours.sharpened(batch.clone(), torch.full((COUNT,), 3.0)), batch)


ADJUST = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
}


@pytest.mark.parametrize("names", [("brightness", "contrast", "saturation", "hue"), ("contrast", "hue"), ("hue",), ()])
def test_a_jitter_is_v2s_in_the_order_drawn(names: tuple[str, ...]) -> None:
    ranges = {"brightness": (0.6, 1.4), "contrast": (0.6, 1.4), "saturation": (0.6, 1.4), "hue": (-0.1, 0.1)}
    strengths = {name: 0.1 if name == "hue" else 0.4 for name in names}
    operation = operation_of(TRANSFORMS["ColorJitter"](**strengths))
    draws = draws_of(operation)
    found = operation.apply(images(torch.float32), draws)
    orders = [*permutations(range(len(names)))]
    seen = Counter[tuple[int, ...]]()
    for k, image in enumerate(images(torch.float32)):
        order = orders[int(draws[0][k] * len(orders))]
        seen[order] += 1
        for place in order:
            least, most = ranges[names[place]]
            image = ADJUST[names[place]](image, float(least + (most - least) * draws[1 + place][k]))
        assert float((found[k] - image).abs().max()) < 1e-5  # a turned hue divides by small differences
    assert len(seen) > (len(orders) > 1)


def test_a_distortion_is_v2s_in_the_order_drawn() -> None:
    transform = TRANSFORMS["RandomPhotometricDistort"]()
    operation = operation_of(transform)
    draws = draws_of(operation)
    keys = numbers(draws[10], 3)
    found = operation.apply(images(torch.float32), draws)
    for k, image in enumerate(images(torch.float32)):
        params: dict[str, Any] = {}
        for place, name in enumerate(ADJUST):
            least, most = getattr(transform, name)
            factor = float(least + (most - least) * draws[2 * place + 1][k])
            params[f"{name}_factor"] = factor if draws[2 * place][k] < 0.5 else None
        params["contrast_before"] = bool(draws[8][k] < 0.5)
        params["channel_permutation"] = keys[:, k].argsort().tolist() if draws[9][k] < 0.5 else None
        wanted = V2.RandomPhotometricDistort().transform(image, params)
        assert float((found[k] - wanted).abs().max()) < 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomGrayscale", {}),
        ("RandomInvert", {}),
        ("RandomPosterize", {"bits": 3}),
        ("RandomSolarize", {"threshold": 0.6}),
        ("RandomAutocontrast", {}),
        ("RandomEqualize", {}),
        ("RandomAdjustSharpness", {"sharpness_factor": 2}),
        ("GaussianBlur", {"kernel_size": [3, 5], "sigma": 0.7}),
    ],
)
def test_a_share_of_the_images_is_what_v2_makes_of_them(
    name: str, arguments: dict[str, Any], dtype: torch.dtype
) -> None:
    p = {} if name == "GaussianBlur" else {"p": 0.4}
    operation = operation_of(TRANSFORMS[name](**arguments, **p))
    draws = draws_of(operation)
    surely = getattr(V2, name)(**arguments, **({"p": 1} if p else {}))
    batch = images(dtype)
    wanted = torch.stack(
        [surely(image) if not p or draw < 0.4 else image for image, draw in zip(batch, draws[0], strict=True)]
    )
    alike(operation.apply(batch.clone(), draws), wanted)


def test_channels_are_exchanged_in_every_order_alike_often() -> None:
    operation = operation_of(TRANSFORMS["RandomChannelPermutation"]())
    batch = torch.arange(3.0).view(1, 3, 1, 1).repeat(6000, 1, 1, 1)
    seen = Counter(tuple(image) for image in operation.apply(batch, draws_of(operation, 6000)).flatten(1).tolist())
    assert set(seen) == set(permutations((0.0, 1.0, 2.0)))
    assert all(abs(count - 1000) < 130 for count in seen.values())  # 4.5 deviations


@pytest.mark.parametrize(
    ("name", "strength"),
    [("brightness", 0.4), ("brightness", [0.2, 0.9]), ("contrast", 0.5), ("saturation", 0.5), ("hue", 0.3)],
)
def test_factors_are_distributed_as_v2s(name: str, strength: Any) -> None:
    """Read off images that show the factor; v2's from its own draws."""
    operation = operation_of(TRANSFORMS["ColorJitter"](**{name: strength}))
    image = torch.tensor([0.5, 0.4, 0.4]).view(1, 3, 1, 1).repeat(1, 1, 1, 2)
    image[..., 1] -= 0.2
    found = operation.apply(image.repeat(2000, 1, 1, 1), draws_of(operation, 2000))
    theirs = V2.ColorJitter(**{name: strength})
    torch.manual_seed(0)
    factors = [theirs.make_params([image[0]])[f"{name}_factor"] for _ in range(2000)]
    wanted = torch.stack([ADJUST[name](image[0], factor) for factor in factors])
    for red_or_green in (0, 1):
        assert farthest(found[:, red_or_green, 0, 0], wanted[:, red_or_green, 0, 0]) < 2


def test_noise_is_normal_and_each_images_own() -> None:
    operation = operation_of(TRANSFORMS["GaussianNoise"](mean=0.1, sigma=0.2, clip=False))
    noise = operation.apply(torch.zeros(200, 1, 8, 8), draws_of(operation, 200))
    normal = torch.randn(12_800, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.1
    assert farthest(noise.flatten(), normal) < 2
    assert abs(float(torch.corrcoef(noise.flatten(1)).fill_diagonal_(0).mean())) < 0.01


@pytest.mark.parametrize("clip", [True, False])
def test_noise_on_bytes_is_v2s_arithmetic(clip: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = operation_of(TRANSFORMS["GaussianNoise"](mean=0.05, sigma=0.3, clip=clip))
    batch, draws = images(torch.uint8), draws_of(operation)
    found = operation.apply(batch.clone(), draws)
    for k in range(COUNT):
        drawn = torch.randn(batch.shape[1:], generator=torch.Generator().manual_seed(int(draws[0][k] * 2**53)))
        monkeypatch.setattr(torch, "randn_like", lambda like, dtype=None, drawn=drawn: drawn)
        assert torch.equal(found[k], F.gaussian_noise(batch[k], 0.05, 0.3, clip))


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_v2s_at_the_quality_drawn(channels: int) -> None:
    operation = operation_of(TRANSFORMS["JPEG"](quality=[20, 60]))
    batch, draws = images(torch.uint8)[:, :channels], draws_of(operation)
    found = operation.apply(batch.clone(), draws)
    assert not operation.batched
    for k in range(COUNT):
        pillow = F.jpeg(F.to_pil_image(batch[k]), 20 + int(draws[0][k] * 41))
        assert torch.equal(found[k], F.pil_to_tensor(pillow))


@pytest.mark.parametrize("scale", [[0.02, 0.33], [0.6, 1.0]])
def test_rectangles_are_distributed_as_v2s(scale: list[float]) -> None:
    count = 3000
    transform = RandomErasing(p=1, scale=scale)
    draws = [uniform(count, 1, 0, str(k)) for k in range(3)]
    boxes = rectangles(transform, draws, 24, 30)
    theirs = V2.RandomErasing(p=1, scale=scale)
    torch.manual_seed(0)
    drawn = [theirs.make_params([torch.zeros(3, 24, 30)]) for _ in range(count)]
    erased = [each for each in drawn if each["v"] is not None]
    there = boxes.bottom > boxes.top
    assert abs(int(there.sum()) - len(erased)) < 4 * math.sqrt(count / 2)
    for ours_, key in (
        (boxes.top, "i"), (boxes.left, "j"), (boxes.bottom - boxes.top, "h"), (boxes.right - boxes.left, "w"),
    ):  # fmt: skip
        assert farthest(ours_[there], torch.tensor([each[key] for each in erased])) < 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0, 0.5, [0, 0.5, 1], "random"])
def test_erased_is_the_rectangle_drawn_alone(dtype: torch.dtype, value: Any) -> None:
    if value == "random" and dtype == torch.uint8:
        return  # refused before it runs
    transform = RandomErasing(p=0.7, value=value)
    operation = operation_of(transform)
    batch, draws = images(dtype), draws_of(operation)
    found = operation.apply(batch.clone(), draws)
    erased = 0
    for k in range(COUNT):
        tries = numbers(draws[1][k : k + 1], 2 * TRIES + 2)[:, 0].tolist()
        wanted = batch[k]
        for area, ratio in zip(tries[:TRIES], tries[TRIES:-2], strict=True):
            size = 13 * 11 * (0.02 + 0.31 * area)
            aspect = math.exp(math.log(0.3) + (math.log(3.3) - math.log(0.3)) * ratio)
            tall, wide = round(math.sqrt(size * aspect)), round(math.sqrt(size / aspect))
            if draws[0][k] < 0.7 and tall < 13 and wide < 11:
                top, left = int(tries[-2] * (14 - tall)), int(tries[-1] * (12 - wide))
                if value == "random":
                    seed = int(draws[2][k] * 2**53)
                    v = torch.randn(3, tall, wide, generator=torch.Generator().manual_seed(seed))
                else:
                    v = torch.tensor(value if isinstance(value, list) else [value]).view(-1, 1, 1)
                wanted = F.erase(batch[k], top, left, tall, wide, v)
                erased += 1
                break
        assert torch.equal(found[k], wanted)
    assert 8 < erased < 24
    assert operation.masks is None
