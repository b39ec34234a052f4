"""The numbers that geometric transforms draw, against those that torchvision draws."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from specbuild.data.operations import operation_of
from specbuild.data.operations.crops import drawn_boxes
from specbuild.data.operations.drawing import numbers
from specbuild.data.operations.geometry import affine_matrices, moved_corners
from specbuild.data.operations.grids import inverse_affine
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision
from tests.data.test_geometry import VARYING, drawn, images, made

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
F = V2.functional
COUNT = 12
Arguments = dict[str, Any]


def sizes_v2(name: str, arguments: Arguments, size: tuple[int, int], count: int) -> torch.Tensor:
    real = getattr(V2, name)(**arguments)
    if name == "RandomZoomOut":
        paddings = [real.make_params([torch.empty(1, *size)])["padding"] for _ in range(count)]
        return torch.tensor([(size[0] + p[1] + p[3], size[1] + p[0] + p[2], p[0], p[1]) for p in paddings]).double()
    found = [real.make_params([torch.empty(1, *size)])["size"] for _ in range(count)]
    return torch.tensor(
        [pair if len(pair) == 2 else (pair[0], pair[0] * size[1] // size[0]) for pair in found]
    ).double()


@pytest.mark.parametrize(("name", "arguments"), VARYING[:4])
def test_sizes_are_drawn_as_v2_draws_them(name: str, arguments: Arguments) -> None:
    torch.manual_seed(5)
    arguments = {**arguments, "p": 1} if name == "RandomZoomOut" else arguments
    count, size = 1500, (12, 20)
    wanted = sizes_v2(name, arguments, size, count)
    operation = operation_of(made(name, arguments))
    draws = drawn(operation, count)
    image = torch.full((1, 3, *size), 200, dtype=torch.uint8)
    results = [operation.apply(image, [draw[k : k + 1] for draw in draws]) for k in range(count)]
    found = torch.tensor([tuple(result.shape[-2:]) for result in results]).double()
    if name == "RandomZoomOut":
        inside = [(result[0, 0] == 200).nonzero()[0].flip(0).tolist() for result in results]
        found = torch.cat([found, torch.tensor(inside).double()], 1)
    for ours, theirs in zip(found.T, wanted.T, strict=True):
        assert distance(ours, theirs) < 0.07
    assert (
        set(map(tuple, found[:, :2].tolist())) <= {*map(tuple, wanted[:, :2].tolist())} or name != "RandomShortestSize"
    )


def distance(first: torch.Tensor, second: torch.Tensor) -> float:
    """Kolmogorov and Smirnov's: the most by which the two cumulated shares differ."""
    at = torch.cat([first, second]).unique()
    shares = [torch.searchsorted(one.sort().values, at, right=True) / len(one) for one in (first, second)]
    return float((shares[0] - shares[1]).abs().max())


@pytest.mark.parametrize(
    ("arguments", "size"),
    [({"size": 8}, (32, 32)), ({"size": 8, "scale": [0.5, 1.0], "ratio": [0.5, 2.0]}, (20, 40)),
     ({"size": 8, "ratio": [0.25, 1.2], "scale": [0.85, 1.0]}, (30, 30))],
)  # fmt: skip
def test_windows_are_drawn_as_v2_draws_them(arguments: Arguments, size: tuple[int, int]) -> None:
    torch.manual_seed(6)
    count = 3000
    real = V2.RandomResizedCrop(**arguments)
    drawn_by_v2 = [real.make_params([torch.empty(1, *size)]) for _ in range(count)]
    wanted = torch.tensor([[box["top"], box["left"], box["height"], box["width"]] for box in drawn_by_v2])
    found = drawn_boxes(made("RandomResizedCrop", arguments), numbers(uniform(count, 1, 0, "0"), 22), *size)  # type: ignore[arg-type]
    assert bool((found[:, :2] >= 0).all())
    assert bool((found[:, 0] + found[:, 2] <= size[0]).all())
    assert bool((found[:, 1] + found[:, 3] <= size[1]).all())
    for k in range(4):
        assert distance(found[:, k].double(), wanted[:, k].double()) < 0.05
    joint = torch.corrcoef(found.T.double()) - torch.corrcoef(wanted.T.double())
    assert float(joint.abs().max()) < 0.12


def test_angles_moves_scales_and_slants_are_drawn_as_v2_draws_them() -> None:
    """By the matrices that they make."""
    torch.manual_seed(7)
    count = 3000
    arguments = {"degrees": [-20, 50], "translate": [0.3, 0.1], "scale": [0.5, 2.0], "shear": [-10, 30, 5, 9]}
    real = V2.RandomAffine(**arguments)
    params = [real.make_params([torch.empty(1, 20, 30)]) for _ in range(count)]
    rows = [[one["angle"], *one["translate"], one["scale"], *one["shear"]] for one in params]
    angle, right, down, scale, along, across = torch.tensor(rows, dtype=torch.float64).T
    wanted = inverse_affine((0.0, 0.0), angle, (right, down), scale, (along, across))
    transform = made("RandomAffine", arguments)
    found = affine_matrices(transform, drawn(operation_of(transform), count), 20, 30)  # type: ignore[arg-type]
    for ours, theirs in zip(found.T, wanted.T, strict=True):
        assert distance(ours, theirs) < 0.05


def test_corners_are_drawn_as_v2_draws_them() -> None:
    torch.manual_seed(8)
    count, (height, width) = 3000, (21, 32)
    found = moved_corners(numbers(uniform(count, 1, 0, "0"), 8), height, width, 0.6).flatten(1)
    half = int(0.6 * 10) + 1, int(0.6 * 16) + 1
    for k, low, bound in ((0, 0, half[1]), (1, 0, half[0]), (2, width - half[1], half[1]), (3, 0, half[0]),
                          (4, width - half[1], half[1]), (5, height - half[0], half[0]), (6, 0, half[1]),
                          (7, height - half[0], half[0])):  # fmt: skip
        counts = torch.bincount((found[:, k] - low).long(), minlength=bound)
        assert len(counts) == bound
        assert float((counts - count / bound).abs().max()) < 5 * math.sqrt(count / bound)
    assert float((torch.corrcoef(found.T) - torch.eye(8)).abs().max()) < 0.08


def test_corners_on_one_line_leave_the_image_as_it_is() -> None:
    operation = operation_of(made("RandomPerspective", {"distortion_scale": 1.0, "p": 1}))
    batch = images(size=(2, 2), count=200)
    found = operation.apply(batch.clone(), drawn(operation, 200))
    same = (found == batch).flatten(1).all(1)
    assert 0 < int(same.sum()) < 200


def test_choices_and_orders_are_drawn_as_often_as_is_asked() -> None:
    count = 6000
    pads = [("Pad", {"padding": [0, 0, 0, 0]}), ("RandomVerticalFlip", {"p": 1}), ("RandomHorizontalFlip", {"p": 1})]
    batch = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2).repeat(count, 1, 1, 1)
    choice = operation_of(made("RandomChoice", {"transforms": pads, "p": [3, 1, 0]}))
    found = choice.apply(batch.clone(), drawn(choice, count))[:, 0, 0, 0]
    assert torch.bincount(found.long(), minlength=4)[[1, 3]].sum() == 0
    assert abs(float((found == 0).double().mean()) - 0.75) < 0.03
    either = operation_of(made("RandomApply", {"transforms": pads[1:], "p": 0.2}))
    found = either.apply(batch.clone(), drawn(either, count))[:, 0, 0, 0]
    assert set(found.tolist()) == {0, 3}
    assert abs(float((found == 3).double().mean()) - 0.2) < 0.03
    turns = [("RandomRotation", {"degrees": [90, 90]}), pads[1]]
    order = operation_of(made("RandomOrder", {"transforms": turns}))
    found = order.apply(batch.clone(), drawn(order, count))
    first, second = batch[0].rot90(1, (-2, -1)).flip(-2), batch[0].flip(-2).rot90(1, (-2, -1))
    share = (found == first).flatten(1).all(1)
    assert bool((share | (found == second).flatten(1).all(1)).all())
    assert abs(float(share.double().mean()) - 0.5) < 0.03


def test_one_draw_gives_many_numbers() -> None:
    found = numbers(uniform(4000, 0, 0, "x"), 6)
    assert found.shape == (6, 4000)
    assert bool(((found >= 0) & (found < 1)).all())
    assert float((torch.corrcoef(found) - torch.eye(6)).abs().max()) < 0.07
    even = torch.linspace(0, 1, 4000, dtype=torch.float64)
    assert max(distance(row, even) for row in found) < 0.03
    assert torch.equal(numbers(uniform(4000, 0, 0, "x")[7:8], 6), found[:, 7:8])
