from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.fields import Misfit
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import TRANSFORMS, Transform
from specbuild.data.vision import torchvision
from tests.catalogue import test_transforms_colors as colors

torch.set_num_threads(1)
V2 = torchvision().transforms.v2


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_the_fields_are_v2s_arguments_with_v2s_defaults(name: str) -> None:
    theirs = dict(inspect.signature(getattr(V2, name)).parameters)
    for key in TRANSFORMS[name].refused:
        del theirs[key]
    ours = TRANSFORMS[name].model_fields
    assert [*ours] == [*theirs]
    for key, parameter in theirs.items():
        if parameter.default is inspect.Parameter.empty:
            assert ours[key].is_required()
        else:
            assert ours[key].default == getattr(parameter.default, "value", parameter.default)


def sizes(extra: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    number = st.integers(0, 9)
    return number | st.lists(number, min_size=1, max_size=3) | extra


FILL = st.sampled_from([0, 0.0, 7, 300, -1, None, [1], [1, 2], [1, 2, 3], [0.5, 0.5, 0.5]])
PADDING = st.integers(0, 4) | st.lists(st.integers(0, 4), min_size=1, max_size=5)
MODES = st.sampled_from(["constant", "edge", "reflect", "symmetric", "other"])
VALUES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=4)
CHANCE = st.sampled_from([-0.5, 0, 1, 1.5])
RESIZING: dict[str, st.SearchStrategy[Any]] = {
    "interpolation": st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]),
    "antialias": st.sampled_from([True, False, None]),
}
SAMPLED = st.sampled_from(["nearest", "bilinear"])
DEGREES = st.sampled_from([-1, 0, 30, [0], [-10, 20], [20, -10], [90, 90], [180, 180], [1, 2, 3]])
CENTER = st.sampled_from([None, [1, 2], [0.5]])
RANGE = st.sampled_from([[1, 1], [0.5, 1.5], [1, 2], [2, 1], [0.01, 1], [0, 1], [1, 2, 3]])
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ToTensor": {}, "Identity": {}, "ToImage": {}, "PILToTensor": {}, "ToPureTensor": {}, "RGB": {},
    "ToDtype": {"dtype": st.sampled_from(["float32", "uint8", "int8"]), "scale": st.booleans()},
    "Normalize": {"mean": VALUES, "std": VALUES, "inplace": st.booleans()},
    "Resize": {"size": sizes(st.none()), "max_size": st.none() | st.integers(1, 9), **RESIZING},
    "RandomResize": {"min_size": st.integers(1, 9), "max_size": st.integers(1, 9), **RESIZING},
    "RandomShortestSize": {
        "min_size": st.integers(1, 9) | st.lists(st.integers(1, 9), max_size=3),
        "max_size": st.none() | st.integers(1, 9), **RESIZING,
    },
    "ScaleJitter": {
        "target_size": st.lists(st.integers(1, 9), min_size=2, max_size=2), "scale_range": RANGE, **RESIZING,
    },
    "RandomZoomOut": {"fill": FILL, "side_range": RANGE, "p": CHANCE},
    "CenterCrop": {"size": sizes(st.nothing())},
    "RandomCrop": {
        "size": sizes(st.nothing()), "padding": st.none() | PADDING, "pad_if_needed": st.booleans(),
        "fill": FILL, "padding_mode": MODES,
    },
    "RandomResizedCrop": {"size": sizes(st.nothing()), "scale": RANGE, "ratio": RANGE, **RESIZING},
    "FiveCrop": {"size": sizes(st.nothing())},
    "TenCrop": {"size": sizes(st.nothing()), "vertical_flip": st.booleans()},
    "RandomHorizontalFlip": {"p": CHANCE},
    "RandomVerticalFlip": {"p": CHANCE},
    "RandomRotation": {
        "degrees": DEGREES, "interpolation": SAMPLED, "expand": st.booleans(), "center": CENTER, "fill": FILL,
    },
    "RandomAffine": {
        "degrees": DEGREES, "translate": st.sampled_from([None, [0, 0.5], [0.5, 2], [0.5]]),
        "scale": st.none() | RANGE, "shear": st.sampled_from([None, 5, -5, [1, 2], [2, 1], [1, 2, 3], [0, 1, 2, 3]]),
        "interpolation": SAMPLED, "fill": FILL, "center": CENTER,
    },
    "RandomPerspective": {
        "distortion_scale": st.sampled_from([-1, 0, 0.5, 2]), "p": CHANCE, "interpolation": SAMPLED, "fill": FILL,
    },
    "ElasticTransform": {
        "alpha": st.sampled_from([50, 0, -3.5, [1, 2], [1, 2, 3]]),
        "sigma": st.sampled_from([0, 0.3, 0.5, 1, [0.3], [0.2, 0.6], [0, 1], [0, 0], [0.1, 0.1, 0.1]]),
        "interpolation": SAMPLED, "fill": FILL,
    },
    "Pad": {"padding": PADDING, "fill": FILL, "padding_mode": MODES},
    "Grayscale": {"num_output_channels": st.integers(0, 4)},
}  # fmt: skip
COMBINING = {name for name, family in TRANSFORMS.families.items() if family == "combining"}
"""Those made of others, which `test_combining` draws."""


def test_every_transform_has_its_row() -> None:
    assert ARGUMENTS.keys() | colors.ARGUMENTS.keys() | COMBINING == TRANSFORMS.keys()


@pytest.mark.parametrize("name", [name for name in vars(V2) if isinstance(getattr(V2, name), type)])
def test_every_class_of_v2_is_there_or_has_a_reason(name: str) -> None:
    if name in ("Transform", "InterpolationMode", "AutoAugmentPolicy"):
        return  # a base, and arguments
    assert (name in TRANSFORMS) != bool(TRANSFORMS.excluded.get(name))


def test_what_is_excluded_is_v2s() -> None:
    for name in TRANSFORMS.excluded:
        assert hasattr(V2, name)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any], SampleType]:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    arguments = {
        key: draw(strategy)
        for key, strategy in ARGUMENTS[name].items()
        if TRANSFORMS[name].model_fields[key].is_required() or draw(st.booleans())
    }
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 8)))
    image = draw(st.booleans())
    return name, arguments, SampleType(shape, "uint8" if image else "float32", image=image)


def real(name: str, arguments: dict[str, Any]) -> Any:
    """The transform of torchvision, as its own documentation says to write it."""
    if name == "ToTensor":
        return V2.Compose([V2.ToImage(), V2.ToDtype(torch.float32, scale=True)])
    if "interpolation" in arguments:
        arguments = {**arguments, "interpolation": V2.InterpolationMode(arguments["interpolation"])}
    if "dtype" in arguments:
        arguments = {**arguments, "dtype": getattr(torch, arguments["dtype"])}
    return getattr(V2, name)(**arguments)


def torch_says(name: str, arguments: dict[str, Any], sample: SampleType) -> SampleType | str:
    assert sample.shape is not None
    dtype = torch.uint8 if sample.image else torch.float32
    image = torchvision().tv_tensors.Image(torch.ones(sample.shape, dtype=dtype))  # type: ignore[arg-type]
    try:
        torch.manual_seed(0)
        out = real(name, arguments)(image)
        out = out[0] if isinstance(out, tuple) else out
    except Exception as error:
        return str(error) or type(error).__name__
    if 0 in out.shape:
        return "empty"
    return SampleType(tuple(out.shape), str(out.dtype).removeprefix("torch."))


@settings(max_examples=1000, deadline=None)
@given(cases())
def test_the_verdict_is_torchvisions(case: tuple[str, dict[str, Any], SampleType]) -> None:
    name, arguments, sample = case
    verdict = torch_says(name, arguments, sample)
    if isinstance(verdict, str) and "INTERNAL ASSERT FAILED" in verdict:
        return  # torch's own fault: its AVX kernel for bytes cannot shrink to 1 x 1 with antialias
    found, refusal = None, ""
    try:
        transform = TRANSFORMS[name](**arguments)
        transform.check()
        found = transform.infer(sample)
    except (Misfit, Violation) as error:
        refusal = str(error)
    if found is None:
        assert isinstance(verdict, str) or refused_by_policy(name, arguments, sample, verdict), refusal
    else:
        assert not isinstance(verdict, str), verdict
        assert found.dtype == verdict.dtype
        for size, real_size in zip(found.shape or (), verdict.shape or (), strict=True):
            assert size in (None, real_size)
        assert None not in (found.shape or (None,)) or name in UNSIZED


UNSIZED = ("RandomResize", "RandomShortestSize", "ScaleJitter", "RandomZoomOut", "RandomRotation")
RANGES = {"ScaleJitter": "scale_range", "RandomAffine": "scale"}


def refused_by_policy(name: str, arguments: dict[str, Any], sample: SampleType, verdict: SampleType) -> bool:
    """Where v2 broadcasts to other channels, takes what it then does not use, or fails at other draws only."""
    assert sample.shape is not None
    assert verdict.shape is not None
    channels = sample.shape[0]
    if name == "Normalize":
        lengths = {len(arguments["mean"]), len(arguments["std"])}
        return verdict.shape[0] != channels or not lengths <= {1, channels}
    fill, mode = arguments.get("fill", 0), arguments.get("padding_mode", "constant")
    padding = arguments.get("padding")
    unused = name == "RandomCrop" and not padding and verdict.shape[1:] <= sample.shape[1:]
    counted = isinstance(fill, list) and len(fill) not in (1, channels)
    vector = isinstance(fill, list) and len(fill) > 1 and mode != "constant"
    bytes_only = sample.image and any(
        value is not None and not 0 <= value <= 255 for value in (fill if isinstance(fill, list) else [fill])
    )
    if unused or mode == "other" or counted or vector or bytes_only or not 0 <= arguments.get("p", 0.5) <= 1:
        return True
    low, high, *more = arguments.get(RANGES.get(name, "")) or (1, 1)
    if low > high or low <= 0 or more:
        return True
    if name in ("ScaleJitter", "RandomShortestSize"):  # another draw leaves nothing of the image
        return True
    if name == "RGB":
        return channels not in (1, 3)
    if name == "ToDtype":
        return arguments["dtype"] == "int8"
    return name == "RandomPerspective" and 1 in sample.shape[1:]


@settings(max_examples=300, deadline=None)
@given(cases(), st.lists(st.booleans(), min_size=3, max_size=3))
def test_what_is_not_known_stays_unknown(case: tuple[str, dict[str, Any], SampleType], hidden: list[bool]) -> None:
    """Less knowledge of the sample never gives an error, or another answer, than all of it."""
    name, arguments, sample = case
    assert sample.shape is not None
    try:
        transform: Transform = TRANSFORMS[name](**arguments)
        transform.check()
        exact = transform.infer(sample)
    except (Misfit, Violation):
        return
    assert exact.shape is not None
    masked = tuple(None if hide else size for size, hide in zip(sample.shape, hidden, strict=True))
    for less in (sample._replace(shape=masked), sample._replace(shape=None), SampleType()):
        found = transform.infer(less)
        assert found.dtype in (None, exact.dtype)
        assert found.shape is None or all(
            size in (None, want) for size, want in zip(found.shape, exact.shape, strict=True)
        )


BYTES = SampleType((3, 8, 8), "uint8", image=True)


@pytest.mark.parametrize(
    ("name", "arguments", "sample", "code", "message"),
    [
        ("Normalize", {"mean": [0.5], "std": [0.5]}, BYTES, "SB408",
         "Normalize needs floating-point numbers, but what comes in is [3, 8, 8] uint8"),
        ("Normalize", {"mean": [1, 2, 3], "std": [1]}, SampleType((1, 8, 8), "float32"), "SB408",
         "mean has 3 numbers, but what comes in has 1 channel"),
        ("Normalize", {"mean": [1], "std": [0]}, BYTES, "SB410", "std has a 0 in it, and is divided by"),
        ("Normalize", {"mean": [1, 2, 3], "std": [1, 2]}, BYTES, "SB410",
         "mean has 3 numbers and std has 2: one for each channel"),
        ("RandomCrop", {"size": 28}, BYTES, "SB408", "the crop of 28 x 28 is larger than the image, 8 x 8"),
        ("RandomCrop", {"size": 28, "padding": 4}, BYTES, "SB408",
         "the crop of 28 x 28 is larger than the padded image, 16 x 16"),
        ("RandomCrop", {"size": 4, "padding": [1, 2, 3]}, BYTES, "SB410",
         "padding is one number, [left and right, top and bottom] or [left, top, right, bottom]: "
         "it has 3 numbers"),
        ("Pad", {"padding": 8, "padding_mode": "reflect"}, BYTES, "SB408",
         "padding_mode: reflect can pad at most 7 of a height of 8, but padding is 8"),
        ("Pad", {"padding": 1, "fill": [1, 2]}, BYTES, "SB408",
         "fill has 2 numbers, but what comes in has 3 channels"),
        ("Pad", {"padding": 1, "fill": 256}, BYTES, "SB408", "fill must be from 0 to 255 before ToTensor"),
        ("Pad", {"padding": 1, "fill": [1, 2, 3], "padding_mode": "edge"}, BYTES, "SB410",
         "a fill for each channel needs padding_mode: constant, but it is edge"),
        ("Resize", {"size": None}, BYTES, "SB410",
         "size: null needs max_size, the length of the longer edge"),
        ("Resize", {"size": [4, 4], "max_size": 9}, BYTES, "SB410",
         "max_size is for a size of one number, the shorter edge, but size has two"),
        ("Resize", {"size": 4, "max_size": 4}, BYTES, "SB410",
         "max_size must be more than the shorter edge, 4, but is 4"),
        ("Resize", {"size": None, "max_size": 3}, SampleType((1, 1, 8), "float32"), "SB408",
         "an image of 1 x 8 cannot keep its proportions within 3: the shorter edge would be 0"),
        ("Grayscale", {}, SampleType((4, 8, 8), "uint8", image=True), "SB408",
         "Grayscale takes 1 or 3 channels, but what comes in has 4"),
        ("ToTensor", {}, SampleType((3, 8, 8), "int64"), "SB408",
         "ToTensor scales images of 0 to 255, but what comes in is [3, 8, 8] int64, which is none"),
        ("RandomResize", {"min_size": 4, "max_size": 4}, BYTES, "SB410",
         "lengths are drawn from min_size up to max_size, itself excluded: there is none from 4 to 4"),
        ("RandomShortestSize", {"min_size": 4, "max_size": 2}, SampleType((1, 1, 8), "float32"), "SB408",
         "an image of 1 x 8 cannot keep its proportions within 2: the shorter edge would be 0"),
        ("ScaleJitter", {"target_size": [4, 4]}, BYTES, "SB408",
         "nothing is left of an image of 8 x 8 at a factor of 0.1"),
        ("ScaleJitter", {"target_size": [4, 4], "scale_range": [2, 1]}, BYTES, "SB410",
         "scale_range is [least, most], but 2.0 is more than 1.0"),
        ("RandomRotation", {"degrees": [9, 3]}, BYTES, "SB410",
         "degrees is [least, most], but 9.0 is more than 3.0"),
        ("RandomAffine", {"degrees": 3, "shear": [1, 2, 3]}, BYTES, "SB410",
         "shear is one number, two or four: it has 3"),
        ("RandomAffine", {"degrees": 3, "fill": [1, 2]}, BYTES, "SB408",
         "fill has 2 numbers, but what comes in has 3 channels"),
        ("RandomPerspective", {}, SampleType((1, 1, 8), "float32"), "SB408",
         "an image of 1 x 8 is a line, and has no four corners to move"),
        ("ElasticTransform", {"sigma": [0, 1]}, BYTES, "SB410",
         "sigma has a 0 beside a number that is not: both are 0 or neither"),
        ("ElasticTransform", {}, BYTES, "SB408",
         "a sigma of 5 smooths over 20 pixels on each side, but the height is 8"),
        ("FiveCrop", {"size": 9}, BYTES, "SB408", "the crops of 9 x 9 are larger than the image, 8 x 8"),
        ("RGB", {}, SampleType((4, 8, 8), "uint8", image=True), "SB408",
         "RGB takes 1 or 3 channels, but what comes in has 4"),
        ("ToDtype", {"dtype": "float32", "scale": True}, SampleType((3, 8, 8), "int64"), "SB408",
         "ToDtype scales images of 0 to 255, but what comes in is [3, 8, 8] int64, which is none"),
        ("CenterCrop", {"size": 3}, SampleType((10,), "float32"), "SB408",
         "CenterCrop is for samples of (channels, height, width), but what comes in is [10] float32"),
    ],
)  # fmt: skip
def test_messages(name: str, arguments: dict[str, Any], sample: SampleType, code: str, message: str) -> None:
    def judge(transform: Transform) -> None:
        transform.check()
        transform.infer(sample)

    with pytest.raises(Violation) as raised:
        judge(TRANSFORMS[name](**arguments))
    assert (raised.value.code, str(raised.value)) == (code, message)
