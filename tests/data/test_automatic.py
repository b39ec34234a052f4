"""Automatic augmentation: v2's operations and magnitudes, drawn alike often, run on whole batches."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.catalogue.transforms.automatic import AugMix
from specbuild.data.failure import Unusable
from specbuild.data.operations import Operation, operation_of
from specbuild.data.operations.automatic import mixture
from specbuild.data.operations.drawing import numbers
from specbuild.data.operations.policies import AUTO, MIX, MIX_PART, RAND, TRIVIAL, Space, policy
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision
from tests.data.test_colors import alike, farthest

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
COUNT = 60
DTYPES = [torch.uint8, torch.float32]
SPACES: list[tuple[Space, dict[str, Any]]] = [
    (AUTO, V2.AutoAugment._AUGMENTATION_SPACE),
    (RAND, V2.RandAugment._AUGMENTATION_SPACE),
    (TRIVIAL, V2.TrivialAugmentWide._AUGMENTATION_SPACE),
    (MIX, V2.AugMix._AUGMENTATION_SPACE),
    (MIX_PART, V2.AugMix._PARTIAL_AUGMENTATION_SPACE),
]
POLICIES: list[tuple[str, dict[str, Any]]] = [
    ("AutoAugment", {"policy": "imagenet"}),
    ("AutoAugment", {"policy": "cifar10", "fill": 0.5}),
    ("AutoAugment", {"policy": "svhn", "interpolation": "bilinear"}),
    ("RandAugment", {}),
    ("RandAugment", {"num_ops": 3, "magnitude": 20, "fill": [0, 1, 0.5]}),
    ("TrivialAugmentWide", {}),
    ("TrivialAugmentWide", {"interpolation": "bilinear", "fill": 1}),
    ("TrivialAugmentWide", {"num_magnitude_bins": 4}),
    ("AugMix", {}),
    ("AugMix", {"chain_depth": 2, "mixture_width": 2, "alpha": 0.5, "all_ops": False, "severity": 10}),
]


def images(dtype: torch.dtype, count: int = COUNT, size: tuple[int, int] = (12, 12)) -> torch.Tensor:
    drawn = torch.randint(256, (count, 3, *size), generator=torch.Generator().manual_seed(1))
    return drawn.to(torch.uint8) if dtype == torch.uint8 else drawn / 255


def draws_of(operation: Operation, count: int = COUNT, seed: int = 3) -> list[torch.Tensor]:
    return [uniform(count, seed, 0, str(k)) for k in range(operation.streams)]


@pytest.mark.parametrize(("space", "theirs"), SPACES)
@pytest.mark.parametrize(("bins", "height", "width"), [(10, 32, 32), (31, 224, 160), (2, 5, 9)])
def test_operations_and_magnitudes_are_v2s(
    space: Space, theirs: dict[str, Any], bins: int, height: int, width: int
) -> None:
    assert {*space.operations} == {*theirs} | ({"Identity"} if space is AUTO else set())
    table, signed = space.magnitudes(bins, height, width), space.signed()
    for place, name in enumerate(space.operations):
        if name in theirs:
            magnitudes, sign = theirs[name]
            wanted = magnitudes(bins, height, width)
            assert bool(signed[place]) == sign
            assert torch.equal(table[place], torch.zeros(bins).double() if wanted is None else wanted.double())


@pytest.mark.parametrize("name", ["imagenet", "cifar10", "svhn"])
def test_policies_are_v2s(name: str) -> None:
    theirs = V2.AutoAugment(V2.AutoAugmentPolicy(name))._policies
    assert policy(name) == [tuple((rule, p, magnitude or 0) for rule, p, magnitude in pair) for pair in theirs]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "arguments"), POLICIES)
@settings(max_examples=5, deadline=None)
@given(chosen=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_an_image_comes_out_alike_in_every_batch(
    name: str, arguments: dict[str, Any], dtype: torch.dtype, chosen: list[int], seed: int
) -> None:
    operation = operation_of(TRANSFORMS[name](**arguments))
    draws, index = draws_of(operation, seed=seed), torch.tensor(chosen)
    together = operation.apply(images(dtype), draws)
    some = operation.apply(images(dtype)[index], [draw[index] for draw in draws])
    one = operation.apply(images(dtype)[index[:1]], [draw[index[:1]] for draw in draws])
    assert torch.equal(some, together[index])
    assert torch.equal(one, together[index[:1]])


class Told:
    """A v2 augmentation that runs the operations that it is told, and tells those that it draws."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        given = {**arguments}
        if "policy" in given:
            given["policy"] = V2.AutoAugmentPolicy(given["policy"])
        given["interpolation"] = V2.InterpolationMode(given.get("interpolation", TRANSFORMS[name]().interpolation))
        self.v2 = getattr(V2, name)(**given)

    def run(self, image: torch.Tensor, operation: str, magnitude: float) -> torch.Tensor:
        found: torch.Tensor = self.v2._apply_image_or_video_transform(
            image, operation, magnitude, self.v2.interpolation, self.v2._fill
        )
        return found

    def draws(self, count: int) -> Counter[tuple[tuple[str, float], ...]]:
        drawn: list[tuple[str, float]] = []

        def note(image: torch.Tensor, operation: str, magnitude: float, **others: Any) -> torch.Tensor:
            drawn.append((operation, magnitude))
            return image

        self.v2._apply_image_or_video_transform = note
        counts = Counter[tuple[tuple[str, float], ...]]()
        for _ in range(count):
            drawn.clear()
            self.v2(torch.zeros(3, 12, 12))
            counts[tuple(drawn)] += 1
        return counts


def steps_of(name: str, arguments: dict[str, Any], draws: list[float]) -> list[tuple[str, float]]:
    """The operations that these draws stand for, by v2's tables."""
    if name == "AutoAugment":
        pairs = V2.AutoAugment(V2.AutoAugmentPolicy(arguments["policy"]))._policies
        space = V2.AutoAugment._AUGMENTATION_SPACE
        chosen = pairs[int(draws[0] * 25)]
        found = []
        for (operation, p, place), (there, sign) in zip(chosen, (draws[1:3], draws[3:5]), strict=True):
            if there < p:
                magnitudes, signed = space[operation]
                magnitude = 0.0 if place is None else float(magnitudes(10, 12, 12)[place])
                found.append((operation, -magnitude if signed and sign < 0.5 else magnitude))
        return found
    space = getattr(V2, name)._AUGMENTATION_SPACE
    names = [*space]
    bins = arguments.get("num_magnitude_bins", 31)
    if name == "TrivialAugmentWide":
        triples = [(draws[0], int(draws[1] * bins), draws[2])]
    else:
        place = arguments.get("magnitude", 9)
        triples = [(draws[2 * k], place, draws[2 * k + 1]) for k in range(arguments.get("num_ops", 2))]
    found = []
    for which, place, sign in triples:
        operation = names[int(which * len(names))]
        magnitudes, signed = space[operation]
        table = magnitudes(bins, 12, 12)
        magnitude = 0.0 if table is None else float(table[place])
        found.append((operation, -magnitude if signed and sign < 0.5 else magnitude))
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "arguments"), POLICIES[:-2])
def test_images_are_what_v2_makes_by_the_operations_drawn(
    name: str, arguments: dict[str, Any], dtype: torch.dtype
) -> None:
    operation, told = operation_of(TRANSFORMS[name](**arguments)), Told(name, arguments)
    batch, draws = images(dtype), draws_of(operation)
    wanted = []
    for k, image in enumerate(batch):
        for step, magnitude in steps_of(name, arguments, [float(draw[k]) for draw in draws]):
            image = told.run(image, step, magnitude)
        wanted.append(image)
    alike(operation.apply(batch.clone(), draws), torch.stack(wanted))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("AutoAugment", {"policy": "cifar10"}),
        ("RandAugment", {"num_ops": 1}),
        ("TrivialAugmentWide", {"num_magnitude_bins": 3}),
    ],
)
def test_operations_are_drawn_as_often_as_by_v2(name: str, arguments: dict[str, Any]) -> None:
    count = 6000
    draws = draws_of(operation_of(TRANSFORMS[name](**arguments)), count)
    ours = Counter(tuple(steps_of(name, arguments, each)) for each in zip(*(d.tolist() for d in draws), strict=True))
    torch.manual_seed(0)
    theirs = Told(name, arguments).draws(count)
    merged = [
        Counter(step for steps, n in counts.items() for step in steps for _ in range(n)) for counts in (ours, theirs)
    ]
    for step in {*merged[0], *merged[1]}:
        one, other = (counts[step] for counts in merged)
        assert abs(one - other) < 5 * (one + other) ** 0.5, step


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("arguments", [arguments for name, arguments in POLICIES if name == "AugMix"])
def test_augmix_blends_the_chains_drawn(arguments: dict[str, Any], dtype: torch.dtype) -> None:
    transform, told = AugMix(**arguments), Told("AugMix", arguments)
    operation = operation_of(transform)
    batch, draws = images(dtype), draws_of(operation)
    found = operation.apply(batch.clone(), draws)
    kept, shares = mixture(transform, draws[1])
    space = told.v2._AUGMENTATION_SPACE if transform.all_ops else told.v2._PARTIAL_AUGMENTATION_SPACE
    most = transform.chain_depth if transform.chain_depth > 0 else 3
    wanted = []
    for k, image in enumerate(batch):
        drawn = iter(numbers(draws[0][k : k + 1], transform.mixture_width * (1 + 3 * most))[:, 0].tolist())
        mixed = kept[k] * image
        for chain in range(transform.mixture_width):
            length = next(drawn)
            depth = most if transform.chain_depth > 0 else 1 + int(length * 3)
            changing = image
            for step in range(most):
                which, how, sign = next(drawn), next(drawn), next(drawn)
                name = [*space][int(which * len(space))]
                magnitudes, signed = space[name]
                table = magnitudes(10, 12, 12)
                magnitude = 0.0 if table is None else float(table[int(how * transform.severity)])
                if step < depth:
                    changing = told.run(changing, name, -magnitude if signed and sign < 0.5 else magnitude)
            mixed = mixed + shares[k, chain] * changing
        wanted.append(mixed.to(dtype))
    alike(found, torch.stack(wanted))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_the_shares_of_augmix_are_from_beta_and_dirichlet(alpha: float) -> None:
    kept, shares = mixture(AugMix(alpha=alpha), uniform(2000, 0, 0, "shares"))
    assert torch.allclose(kept + shares.sum(1), torch.ones(2000))
    torch.manual_seed(0)
    assert farthest(kept, torch.distributions.Beta(alpha, alpha).sample((2000,))) < 2
    dirichlet = torch.distributions.Dirichlet(torch.full((3,), alpha)).sample((2000,))
    for chain in range(3):
        assert farthest((shares / (1 - kept).unsqueeze(1))[:, chain], dirichlet[:, chain]) < 2


def test_masks_move_with_the_images() -> None:
    """Of an image whose colours name its pixels, the mask names the same pixels after it."""
    operation = operation_of(TRANSFORMS["TrivialAugmentWide"]())
    draws = draws_of(operation)
    place = torch.arange(144, dtype=torch.float32).view(1, 1, 12, 12).add(1).repeat(COUNT, 3, 1, 1) / 255
    found = operation.apply(place.clone(), draws)
    assert operation.masks is not None
    masks = operation.masks((place[:, :1] * 255).round().long(), draws)
    assert masks.dtype == torch.int64
    geometric = [
        k for k in range(COUNT)
        if steps_of("TrivialAugmentWide", {}, [float(draw[k]) for draw in draws])[0][0] in
        ("Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
    ]  # fmt: skip
    assert 10 < len(geometric) < 40
    assert torch.equal((found[geometric, :1] * 255).round().long(), masks[geometric])
    others = [k for k in range(COUNT) if k not in geometric]
    assert torch.equal(masks[others], (place[others, :1] * 255).round().long())


def test_a_blend_has_no_mask() -> None:
    masks = operation_of(TRANSFORMS["AugMix"]()).masks
    assert masks is not None
    with pytest.raises(Unusable, match=r"^AugMix blends several images that are moved differently: no mask lies"):
        masks(torch.zeros(2, 1, 4, 4, dtype=torch.int64), [])
