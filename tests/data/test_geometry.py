"""Whole batches against torchvision's functional forms, one image at a time, with the numbers that were drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.transforms import TRANSFORMS, Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations import Operation, Pipeline, operation_of
from specbuild.data.operations.crops import drawn_boxes
from specbuild.data.operations.drawing import numbers
from specbuild.data.operations.geometry import moved_corners
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
F = V2.functional
COUNT = 12
Arguments = dict[str, Any]


def made(name: str, arguments: Arguments) -> Transform:
    """A transform, those in its list made first."""
    inner = [made(part, given) for part, given in arguments.get("transforms", ())]
    found = TRANSFORMS[name](**{**arguments, **({"transforms": inner} if inner else {})})
    found.check()
    return found


def images(dtype: torch.dtype = torch.uint8, size: tuple[int, int] = (17, 14), count: int = COUNT) -> torch.Tensor:
    drawn = torch.randint(256, (count, 3, *size), generator=torch.Generator().manual_seed(1))
    return drawn.to(dtype) if dtype == torch.uint8 else drawn / 255


def drawn(operation: Operation, count: int, seed: int = 0) -> list[torch.Tensor]:
    return [uniform(count, seed, 0, str(stream)) for stream in range(operation.streams)]


def span(draw: float, limits: Any) -> float:
    low, high = (-limits, limits) if isinstance(limits, (int, float)) else limits
    return float(low + (high - low) * draw)


def rotate(arguments: Arguments, image: torch.Tensor, draws: list[float], how: Arguments) -> torch.Tensor:
    angle = span(draws[0], arguments["degrees"])
    center = arguments.get("center")
    return F.rotate(image, angle, expand=arguments.get("expand", False), center=center, **how)  # type: ignore[no-any-return]


def affine(arguments: Arguments, image: torch.Tensor, draws: list[float], how: Arguments) -> torch.Tensor:
    height, width = image.shape[-2:]
    right, down = arguments.get("translate", (0, 0))
    shear = arguments.get("shear", 0)
    shear = [-shear, shear] if isinstance(shear, (int, float)) else shear
    across = 0.0 if len(shear) == 2 else span(draws[5], shear[2:])
    return F.affine(  # type: ignore[no-any-return]
        image,
        angle=span(draws[0], arguments["degrees"]),
        translate=[round(span(draws[1], right * width)), round(span(draws[2], down * height))],
        scale=span(draws[3], arguments.get("scale", (1, 1))),
        shear=[span(draws[4], shear[:2]), across],
        center=arguments.get("center"),
        **how,
    )


def perspective(arguments: Arguments, image: torch.Tensor, draws: list[float], how: Arguments) -> torch.Tensor:
    if draws[0] >= arguments.get("p", 0.5):
        return image
    height, width = image.shape[-2:]
    draw = torch.tensor(draws[1:], dtype=torch.float64)
    ends = moved_corners(numbers(draw, 8), height, width, arguments.get("distortion_scale", 0.5))[0].long().tolist()
    starts = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    return F.perspective(image, starts, ends, **how)  # type: ignore[no-any-return]


def elastic(arguments: Arguments, image: torch.Tensor, draws: list[float], how: Arguments) -> torch.Tensor:
    """v2's own displacement, made of the same noise."""
    transform = V2.ElasticTransform(arguments.get("alpha", 50.0), arguments.get("sigma", 5.0))
    state = torch.get_rng_state()
    torch.manual_seed(int(draws[0] * 2**53))
    displacement = transform.make_params([image])["displacement"]
    torch.set_rng_state(state)
    return F.elastic(image, displacement, **how)  # type: ignore[no-any-return]


Oracle = Callable[[Arguments, torch.Tensor, list[float], Arguments], torch.Tensor]
GRIDS: list[tuple[Oracle, str, Arguments]] = [
    (rotate, "RandomRotation", {"degrees": 40}),
    (rotate, "RandomRotation", {"degrees": [20, 300], "interpolation": "bilinear"}),
    (rotate, "RandomRotation", {"degrees": 90, "center": [3.0, 2.5], "fill": 7}),
    (rotate, "RandomRotation", {"degrees": [180, 180], "interpolation": "bilinear", "fill": [1, 2, 3]}),
    (rotate, "RandomRotation", {"degrees": [90, 90]}),
    (rotate, "RandomRotation", {"degrees": [90, 90], "expand": True}),
    (rotate, "RandomRotation", {"degrees": [0, 0]}),
    (affine, "RandomAffine", {"degrees": 30}),
    (affine, "RandomAffine", {"degrees": 0, "translate": [0.2, 0.3]}),
    (affine, "RandomAffine", {"degrees": 5, "scale": [0.5, 1.5], "interpolation": "bilinear", "fill": None}),
    (affine, "RandomAffine", {"degrees": 5, "shear": 20, "interpolation": "bilinear", "fill": 100}),
    (affine, "RandomAffine", {"degrees": [-9, 4], "translate": [0.5, 0], "scale": [0.7, 1.2], "shear": [-9, 5, 0, 20],
                              "center": [1.0, 4.0], "interpolation": "bilinear", "fill": [10, 20, 30]}),
    (perspective, "RandomPerspective", {"p": 0.8}),
    (perspective, "RandomPerspective", {"p": 1, "distortion_scale": 0.3, "interpolation": "nearest", "fill": 9}),
    (elastic, "ElasticTransform", {"sigma": 1.0}),
    (elastic, "ElasticTransform", {"alpha": [20.0, 90.0], "sigma": [0.9, 1.7], "fill": [1, 2, 3]}),
    (elastic, "ElasticTransform", {"alpha": 9.0, "sigma": 0.0, "interpolation": "nearest"}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(("oracle", "name", "arguments"), GRIDS)
def test_grids_give_what_v2_does(oracle: Oracle, name: str, arguments: Arguments, dtype: torch.dtype) -> None:
    """To the rounding of a place: float32 to 1e-3 of black to white, bytes to 1; of nearest, all but ties."""
    transform = made(name, arguments)
    operation = operation_of(transform)
    batch, draws = images(dtype), drawn(operation, COUNT)
    found = operation.apply(batch.clone(), draws)
    interpolation = arguments.get("interpolation", transform.model_fields["interpolation"].default)
    how = {"interpolation": V2.InterpolationMode(interpolation), "fill": arguments.get("fill", 0)}
    alone = [[float(draw[k]) for draw in draws] for k in range(COUNT)]
    wanted = torch.stack([oracle(arguments, image, alone[k], how) for k, image in enumerate(batch)])
    assert found.dtype == dtype
    off = (found.double() - wanted.double()).abs()
    if interpolation == "nearest":
        assert float((off > 0).double().mean()) < 2e-3
    else:
        assert float(off.max()) <= (1 if dtype == torch.uint8 else 1e-3 * max(1.0, float(wanted.abs().max())))
    masks = batch[:, :1].long() if dtype == torch.uint8 else (batch[:, :1] * 9).long()
    assert operation.masks is not None
    moved = operation.masks(masks.clone(), draws)
    how = {"interpolation": V2.InterpolationMode.NEAREST, "fill": 0}
    wanted = torch.stack([oracle(arguments, mask, alone[k], how) for k, mask in enumerate(masks)])
    assert moved.dtype == torch.int64
    assert float((moved != wanted).double().mean()) < 2e-3


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("size", [(17, 14), (40, 33), (5, 60)])
@pytest.mark.parametrize(
    "arguments",
    [{"size": [9, 8]}, {"size": 20, "scale": [0.3, 2.0], "ratio": [0.2, 3]}, {"size": 12, "antialias": False},
     {"size": 9, "interpolation": "bicubic"}, {"size": 9, "interpolation": "nearest"},
     {"size": 9, "interpolation": "nearest-exact"}],
)  # fmt: skip
def test_a_resized_crop_is_v2s_to_the_bit(arguments: Arguments, size: tuple[int, int], dtype: torch.dtype) -> None:
    transform = made("RandomResizedCrop", arguments)
    operation = operation_of(transform)
    batch, draws = images(dtype, size), drawn(operation, COUNT)
    boxes = drawn_boxes(transform, numbers(draws[0], 22), *size).tolist()  # type: ignore[arg-type]
    mode = V2.InterpolationMode(arguments.get("interpolation", "bilinear"))
    wanted = [arguments["size"]] * 2 if isinstance(arguments["size"], int) else arguments["size"]
    crops = [
        F.resized_crop(image, *boxes[k], wanted, mode, arguments.get("antialias", True))
        for k, image in enumerate(batch)
    ]
    assert torch.equal(operation.apply(batch.clone(), draws), torch.stack(crops))
    mask = batch[:, :1].mul(9).long()
    assert operation.masks is not None
    crops = [
        F.resized_crop(torchvision().tv_tensors.Mask(one), *boxes[k], wanted, mode).as_subclass(torch.Tensor)
        for k, one in enumerate(mask)
    ]
    if arguments.get("interpolation") != "nearest-exact":  # v2's for masks takes no mode, and is `nearest`
        assert torch.equal(operation.masks(mask.clone(), draws), torch.stack(crops))


def test_flips_of_masks_are_those_of_images() -> None:
    for name, axis in (("RandomHorizontalFlip", -1), ("RandomVerticalFlip", -2)):
        operation = operation_of(made(name, {}))
        draws = drawn(operation, COUNT)
        found, batch = operation.apply(images(), draws), images()
        wanted = torch.stack([image.flip(axis) if draws[0][k] < 0.5 else image for k, image in enumerate(batch)])
        assert torch.equal(found, wanted)
        assert operation.masks is not None
        assert torch.equal(operation.masks(batch[:, :1].long(), draws), wanted[:, :1].long())


@pytest.mark.parametrize(("name", "arguments"), [("FiveCrop", {"size": 6}), ("TenCrop", {"size": [5, 14]}),
                                                 ("TenCrop", {"size": 7, "vertical_flip": True})])  # fmt: skip
def test_views_lie_next_to_each_other(name: str, arguments: Arguments) -> None:
    transform = made(name, arguments)
    found = operation_of(transform).apply(images(), [])
    real = getattr(V2, name)(**arguments)
    wanted = torch.stack([view for image in images() for view in real(image)])
    assert len(found) == COUNT * transform.views
    assert torch.equal(found, wanted)


# For these a batch in the test of the law is of one size; what varies is taken one by one.
DRAWING: list[tuple[str, Arguments]] = [
    ("RandomHorizontalFlip", {}),
    ("RandomVerticalFlip", {"p": 0.3}),
    ("RandomRotation", {"degrees": 180}),
    ("RandomRotation", {"degrees": 20, "interpolation": "bilinear", "fill": 3}),
    ("RandomAffine", {"degrees": 9, "translate": [0.2, 0.1], "scale": [0.8, 1.2], "shear": [-5, 5, -3, 3],
                      "interpolation": "bilinear"}),
    ("RandomPerspective", {}),
    ("ElasticTransform", {"sigma": 1.5}),
    ("RandomCrop", {"size": 9, "padding": 2}),
    ("RandomResizedCrop", {"size": 11}),
    ("RandomResizedCrop", {"size": 11, "interpolation": "bicubic"}),
    ("RandomApply", {"transforms": [("RandomRotation", {"degrees": 9}), ("RandomVerticalFlip", {})]}),
    ("RandomChoice", {"transforms": [("RandomVerticalFlip", {"p": 1}), ("RandomAffine", {"degrees": 9}),
                                     ("Identity", {})], "p": [1, 2, 0.5]}),
    ("RandomChoice", {"transforms": [("RandomResizedCrop", {"size": 9}), ("Resize", {"size": [9, 9]})]}),
    ("RandomOrder", {"transforms": [("RandomVerticalFlip", {"p": 1}), ("RandomRotation", {"degrees": 90}),
                                    ("RandomPerspective", {})]}),
    ("Compose", {"transforms": [("Pad", {"padding": 2}), ("RandomCrop", {"size": 8})]}),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DRAWING), st.booleans(), st.integers(0, 999), st.integers(2, 9),
    st.sampled_from([(12, 12), (17, 14), (9, 31)]),
)  # fmt: skip
def test_an_image_comes_out_the_same_in_any_batch(
    case: tuple[str, Arguments], floating: bool, seed: int, count: int, size: tuple[int, int]
) -> None:
    operation = operation_of(made(*case))
    batch = images(torch.float32 if floating else torch.uint8, size, count)
    draws = drawn(operation, count, seed)
    assert not operation.varies
    found = operation.apply(batch.clone(), draws)
    mask = batch[:, :1].mul(5).long()
    moved = None if operation.masks is None else operation.masks(mask.clone(), draws)
    for k in range(count):
        own = [draw[k : k + 1] for draw in draws]
        assert torch.equal(found[k], operation.apply(batch[k : k + 1].clone(), own)[0])
        if moved is not None and operation.masks is not None:
            assert torch.equal(moved[k], operation.masks(mask[k : k + 1].clone(), own)[0])


VARYING: list[tuple[str, Arguments]] = [
    ("RandomResize", {"min_size": 9, "max_size": 20}),
    ("RandomShortestSize", {"min_size": [9, 15, 21], "max_size": 24}),
    ("ScaleJitter", {"target_size": [20, 16], "scale_range": [0.5, 1.5]}),
    ("RandomZoomOut", {"side_range": [1.0, 2.0], "fill": [1, 2, 3]}),
    ("RandomRotation", {"degrees": 30, "expand": True}),
    ("RandomApply", {"transforms": [("Resize", {"size": [9, 8]})]}),
    ("RandomChoice", {"transforms": [("CenterCrop", {"size": 9}), ("Identity", {})]}),
    ("Compose", {"transforms": [("RandomResize", {"min_size": 9, "max_size": 20}), ("RandomVerticalFlip", {})]}),
]


@pytest.mark.parametrize(("name", "arguments"), VARYING)
def test_what_differs_in_size_goes_one_by_one(name: str, arguments: Arguments) -> None:
    """The batch is that of its samples; without a Resize behind it, it is refused."""
    transforms = [made("RandomVerticalFlip", {}), made(name, arguments), made("Resize", {"size": [8, 8]})]
    pipeline = Pipeline(transforms, 3, COUNT)
    together = pipeline(images(), torch.arange(COUNT), 1)
    assert together.shape == (COUNT, 3, 8, 8)
    for k in range(COUNT):
        assert torch.equal(together[k], pipeline(images()[k : k + 1], torch.tensor([k]), 1)[0])
    with pytest.raises(
        Unusable, match=rf"^{name} gives images of different sizes, such as \[3, .*: a batch is of one$"
    ):
        Pipeline(transforms[:2], 3, COUNT)(images(), torch.arange(COUNT), 1)


def test_a_drawn_size_is_held_against_what_comes_after() -> None:
    transforms = [made("RandomResize", {"min_size": 4, "max_size": 9}), made("RandomCrop", {"size": 8})]
    with pytest.raises(Unusable, match=r"^the crop of 8 x 8 is larger than the image, \d x \d$") as raised:
        Pipeline(transforms, 3, COUNT)(images(), torch.arange(COUNT), 1)
    assert raised.value.code == "SB408"
