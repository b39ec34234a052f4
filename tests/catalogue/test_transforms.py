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
    parameters = inspect.signature(getattr(V2, name)).parameters
    theirs = {key: parameter for key, parameter in parameters.items() if key not in TRANSFORMS[name].refused}
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
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ToTensor": {},
    "Normalize": {"mean": VALUES, "std": VALUES, "inplace": st.booleans()},
    "Resize": {
        "size": sizes(st.none()),
        "interpolation": st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]),
        "max_size": st.none() | st.integers(1, 9),
        "antialias": st.sampled_from([True, False, None]),
    },
    "CenterCrop": {"size": sizes(st.nothing())},
    "RandomCrop": {
        "size": sizes(st.nothing()), "padding": st.none() | PADDING, "pad_if_needed": st.booleans(),
        "fill": FILL, "padding_mode": MODES,
    },
    "RandomHorizontalFlip": {"p": st.sampled_from([-0.5, 0, 0.5, 1, 1.5])},
    "Pad": {"padding": PADDING, "fill": FILL, "padding_mode": MODES},
    "Grayscale": {"num_output_channels": st.integers(0, 4)},
}  # fmt: skip
REQUIRED = {"mean", "std", "size", "num_output_channels"}


def test_every_transform_has_its_row() -> None:
    assert ARGUMENTS.keys() | colors.ARGUMENTS.keys() == TRANSFORMS.keys()


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
    return getattr(V2, name)(**arguments)


def torch_says(name: str, arguments: dict[str, Any], sample: SampleType) -> SampleType | str:
    assert sample.shape is not None
    dtype = torch.uint8 if sample.image else torch.float32
    image = torchvision().tv_tensors.Image(torch.ones(sample.shape, dtype=dtype))  # type: ignore[arg-type]
    try:
        out = real(name, arguments)(image)
    except Exception as error:
        return str(error) or type(error).__name__
    if 0 in out.shape:
        return "empty"
    return SampleType(tuple(out.shape), str(out.dtype).removeprefix("torch."))


@settings(max_examples=1500, deadline=None)
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
        assert (found.shape, found.dtype) == verdict[:2], verdict


def refused_by_policy(name: str, arguments: dict[str, Any], sample: SampleType, verdict: SampleType) -> bool:
    """Where v2 broadcasts to other channels, or takes what it then does not use."""
    assert sample.shape is not None
    assert verdict.shape is not None
    channels = sample.shape[0]
    if name == "Normalize":
        lengths = {len(arguments["mean"]), len(arguments["std"])}
        return verdict.shape[0] != channels or not lengths <= {1, channels}
    if name in ("Pad", "RandomCrop"):
        fill, mode = arguments.get("fill", 0), arguments.get("padding_mode", "constant")
        padding = arguments.get("padding")
        unused = name == "RandomCrop" and not padding and verdict.shape[1:] <= sample.shape[1:]
        counted = isinstance(fill, list) and len(fill) not in (1, channels)
        vector = isinstance(fill, list) and len(fill) > 1 and mode != "constant"
        bytes_only = sample.image and any(
            value is not None and not 0 <= value <= 255 for value in (fill if isinstance(fill, list) else [fill])
        )
        return unused or mode == "other" or counted or vector or bytes_only
    return name == "RandomHorizontalFlip" and not 0 <= arguments["p"] <= 1


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
