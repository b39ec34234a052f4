"""Transforms of colours, filters, erasing, automatic augmentation and mixing, held against torchvision's v2."""

from __future__ import annotations

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

torch.set_num_threads(1)
V2 = torchvision().transforms.v2
STRENGTH = st.sampled_from(
    [None, 0, 0.3, 0.5, 0.7, 1, -0.1, 2, [0.5, 1.5], [-0.3, 0.2], [1.5, 0.5], [0, 0], [1], [1, 2, 3]]
)
RANGE = st.sampled_from([[0.5, 1.5], [0, 0.2], [-0.1, 0.1], [1.2, 0.8], [0.9, 2]])
P = st.sampled_from([-0.5, 0, 0.5, 1, 1.5])
FILL = st.sampled_from([None, 0, 7, 0.5, [1], [1, 2], [1, 2, 3]])
MOVED = {"interpolation": st.sampled_from(["nearest", "bilinear", "bicubic"]), "fill": FILL}
BINS = st.integers(2, 12)
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ColorJitter": dict.fromkeys(("brightness", "contrast", "saturation", "hue"), STRENGTH),
    "RandomPhotometricDistort": {**dict.fromkeys(("brightness", "contrast", "saturation", "hue"), RANGE), "p": P},
    "RandomGrayscale": {"p": P},
    "RandomInvert": {"p": P},
    "RandomPosterize": {"bits": st.integers(-1, 9), "p": P},
    "RandomSolarize": {"threshold": st.sampled_from([-1, 0, 0.5, 1, 1.5, 128, 255, 256]), "p": P},
    "RandomAutocontrast": {"p": P},
    "RandomEqualize": {"p": P},
    "RandomChannelPermutation": {},
    "RandomAdjustSharpness": {"sharpness_factor": st.sampled_from([-1, 0, 0.5, 2]), "p": P},
    "GaussianBlur": {
        "kernel_size": st.integers(0, 7) | st.lists(st.integers(1, 7), min_size=1, max_size=3),
        "sigma": st.sampled_from([0, 0.5, -1, [0.5], [0.1, 2], [2, 0.1], [0, 1], [1, 2, 3]]),
    },
    "GaussianNoise": {"mean": st.sampled_from([0, 0.5]), "sigma": st.sampled_from([-1, 0, 0.2]), "clip": st.booleans()},
    "JPEG": {"quality": st.sampled_from([0, 1, 50, 100, 101, [50, 60], [60, 50], [0, 10], [1], 50.5])},
    "RandomErasing": {
        "p": P,
        "scale": st.sampled_from([[0.1, 0.3], [0, 1], [-0.1, 0.3], [0.3, 0.1], [0.5, 1.1]]),
        "ratio": st.sampled_from([[0.3, 3.3], [2, 1], [0, 1], [-1, 1]]),
        "value": st.sampled_from([0, 0.5, 300, -1, [1], [1, 2], [1, 2, 3], "random", "other"]),
        "inplace": st.booleans(),
    },
    "AutoAugment": {"policy": st.sampled_from(["imagenet", "cifar10", "svhn", "other"]), **MOVED},
    "RandAugment": {
        "num_ops": st.integers(-1, 20), "magnitude": st.integers(-1, 12), "num_magnitude_bins": BINS, **MOVED,
    },
    "TrivialAugmentWide": {"num_magnitude_bins": BINS, **MOVED},
    "AugMix": {
        "severity": st.integers(0, 11), "mixture_width": st.integers(1, 3), "chain_depth": st.integers(-1, 4),
        "alpha": st.sampled_from([0.5, 1.0, 2.0]), "all_ops": st.booleans(), **MOVED,
    },
    "MixUp": {"alpha": st.sampled_from([-1.0, 0.0, 0.2, 1.0]), "num_classes": st.integers(0, 3)},
    "CutMix": {"alpha": st.sampled_from([-1.0, 0.0, 0.2, 1.0]), "num_classes": st.integers(0, 3)},
}  # fmt: skip
AUTOMATIC = ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix")
PATIENT = 40
"""How often a random policy is tried: it raises only where what it draws is refused."""


FAMILIES = ("colors", "filters", "erasing", "automatic", "mixing")


def test_every_transform_has_its_row() -> None:
    assert ARGUMENTS.keys() == {name for name, family in TRANSFORMS.families.items() if family in FAMILIES}


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any], SampleType]:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    arguments = {
        key: draw(strategy)
        for key, strategy in ARGUMENTS[name].items()
        if TRANSFORMS[name].model_fields[key].is_required() or draw(st.booleans()) or key == "num_classes"
    }
    shape = (draw(st.integers(1, 4)), draw(st.integers(3, 8)), draw(st.integers(3, 8)))
    image = draw(st.booleans())
    return name, arguments, SampleType(shape, "uint8" if image else "float32", image=image)


def torch_says(name: str, arguments: dict[str, Any], sample: SampleType) -> str | None:
    """What v2 raises, built as written and run where it is sure to act; None: it runs."""
    assert sample.shape is not None
    image = torch.ones(sample.shape, dtype=torch.uint8 if sample.image else torch.float32)
    if "interpolation" in arguments:
        arguments = {**arguments, "interpolation": V2.InterpolationMode(arguments["interpolation"])}
    try:
        if "policy" in arguments:
            arguments = {**arguments, "policy": V2.AutoAugmentPolicy(arguments["policy"])}
        built = getattr(V2, name)(**arguments)
        if "p" in TRANSFORMS[name].model_fields and arguments.get("p", 0.5) > 0:
            built = getattr(V2, name)(**{**arguments, "p": 1})
        if name in ("MixUp", "CutMix"):
            built(image.expand(2, -1, -1, -1), torch.tensor([0, 0]))
            return None
        if name == "JPEG":
            built.make_params([image])
            return None if sample.image and sample.shape[0] in (1, 3) else "not an image that JPEG holds"
        for _ in range(PATIENT if name in AUTOMATIC else 1):
            built(image)
    except Exception as error:
        return str(error) or type(error).__name__
    return None


def judged(name: str, arguments: dict[str, Any], sample: SampleType) -> str | None:
    """What specbuild refuses; None: nothing, and the sample comes out in its type."""
    try:
        transform = TRANSFORMS[name](**arguments)
        transform.check()
        assert transform.infer(sample) == sample
    except (Misfit, Violation) as error:
        return str(error)
    return None


@settings(max_examples=400, deadline=None)
@given(cases())
@pytest.mark.filterwarnings("ignore:Scale and ratio should be:UserWarning")
def test_the_verdict_is_torchvisions(case: tuple[str, dict[str, Any], SampleType]) -> None:
    theirs, ours = torch_says(*case), judged(*case)
    if theirs is None:
        assert ours is None or refused_by_policy(*case), ours
    else:
        assert ours is not None, theirs


def refused_by_policy(name: str, arguments: dict[str, Any], sample: SampleType) -> bool:
    """Where v2 raises only by chance, or takes what makes no sense."""
    assert sample.shape is not None
    channels = sample.shape[0]
    if channels not in (1, 3) and (getattr(TRANSFORMS[name], "color", False) or name in AUTOMATIC):
        return True  # it depends on what is drawn
    if name in AUTOMATIC:
        fill = arguments.get("fill")
        counted = isinstance(fill, list) and len(fill) not in (1, channels)
        return counted or arguments.get("interpolation") == "bicubic" or arguments.get("magnitude", 0) < 0
    if name == "RandomErasing":
        value = arguments.get("value", 0)
        if sample.image and (value == "random" or value in (300, -1)):
            return True
        return arguments.get("p") == 0 or arguments.get("scale") == [0.3, 0.1] or arguments.get("ratio") in ([2, 1],)
    if name == "RandomPhotometricDistort":
        return True  # what each change may be is looked at only where it is drawn
    return arguments.get("p") == 0  # nothing is looked at


BYTES = SampleType((3, 8, 8), "uint8", image=True)
FLOATS = SampleType((3, 8, 8), "float32")


@pytest.mark.parametrize(
    ("name", "arguments", "sample", "code", "message", "fix"),
    [
        ("ColorJitter", {"hue": 0.7}, BYTES, "SB410", "hue must be from -0.5 to 0.5, but is [-0.7, 0.7]", None),
        ("ColorJitter", {"brightness": [2, 1]}, BYTES, "SB410",
         "brightness is [least, most], but 2 is more than 1", None),
        ("ColorJitter", {}, SampleType((4, 8, 8), "uint8", image=True), "SB408",
         "ColorJitter takes 1 or 3 channels, but what comes in has 4 channels", None),
        ("RandomInvert", {}, SampleType((3, 8, 8), "int64"), "SB408",
         "RandomInvert is for images of bytes, 0 to 255, or of floating-point numbers, 0 to 1, but what comes in is "
         "[3, 8, 8] int64", None),
        ("RandomSolarize", {"threshold": 128}, FLOATS, "SB408",
         "threshold is 128, but the values that come in go up to 1", "put it before ToTensor"),
        ("RandomSolarize", {"threshold": 300}, BYTES, "SB408",
         "threshold is 300, but the values that come in go up to 255", "a threshold of 255 or less"),
        ("GaussianBlur", {"kernel_size": 4}, BYTES, "SB410", "kernel_size must be odd, but is 4", "3 or 5"),
        ("GaussianBlur", {"kernel_size": 3, "sigma": [0, 1]}, BYTES, "SB410",
         "sigma must be more than 0, but is 0", None),
        ("GaussianBlur", {"kernel_size": [3, 17]}, BYTES, "SB408",
         "a window of 17 needs a height of 9 or more, but it is 8", "a kernel_size of 15 or less"),
        ("JPEG", {"quality": 50}, FLOATS, "SB408",
         "JPEG compresses images of bytes, but what comes in is [3, 8, 8] float32", "put it before ToTensor"),
        ("JPEG", {"quality": 50}, SampleType((2, 8, 8), "uint8", image=True), "SB408",
         "JPEG takes 1 or 3 channels, but what comes in has 2 channels", None),
        ("RandomErasing", {"ratio": [0, 1]}, BYTES, "SB410",
         "ratio must be more than 0: it is height through width", None),
        ("RandomErasing", {"scale": [0.5, 1.1]}, BYTES, "SB410", "scale must be from 0 to 1, but is [0.5, 1.1]", None),
        ("RandomErasing", {"value": "random"}, BYTES, "SB408",
         "value: random writes normal noise, from about -3 to 3, but what comes in is an image of bytes",
         "put it after ToTensor"),
        ("RandomErasing", {"value": [1, 2]}, FLOATS, "SB408",
         "value has 2 numbers, but what comes in has 3 channels", None),
        ("RandomErasing", {"value": 300}, BYTES, "SB408", "value must be from 0 to 255 before ToTensor",
         "a value from 0 to 255, or ToTensor first"),
        ("RandAugment", {"magnitude": 31}, BYTES, "SB410",
         "magnitude is 31, but num_magnitude_bins, 31, ends at 30", None),
        ("MixUp", {}, BYTES, "SB408", "MixUp blends floating-point numbers, but what comes in is [3, 8, 8] uint8",
         "put ToTensor before it"),
    ],
)  # fmt: skip
def test_messages(
    name: str, arguments: dict[str, Any], sample: SampleType, code: str, message: str, fix: str | None
) -> None:
    def judge(transform: Transform) -> None:
        transform.check()
        transform.infer(sample)

    with pytest.raises(Violation) as raised:
        judge(TRANSFORMS[name](**arguments))
    assert (raised.value.code, str(raised.value), raised.value.fix) == (code, message, fix)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_what_is_not_known_stays_unknown(name: str) -> None:
    required = {"bits": 4, "threshold": 1, "sharpness_factor": 2, "kernel_size": 3, "quality": 50}
    transform = TRANSFORMS[name](**{k: v for k, v in required.items() if k in TRANSFORMS[name].model_fields})
    for sample in (SampleType(), SampleType(None, "float32") if name != "JPEG" else BYTES, SampleType((None, 9, None))):
        assert transform.infer(sample) == sample
