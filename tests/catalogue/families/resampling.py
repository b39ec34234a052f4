"""Resampling: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import SMALL, Case, Message, Refused, Run, Strategy, odd, some

SPATIAL: Strategy = st.one_of(
    *(st.tuples(*[st.integers(1, 6)] * rank) for rank in (2, 3, 3, 4)),
    st.lists(st.integers(1, 4), max_size=5).map(tuple),
)
FACTORS: Strategy = st.one_of(
    st.sampled_from([0.5, 1, 1.5, 2, 3, 1 / 3, 0.7, 2.999999999, 1.1]), st.floats(0.1, 3), SMALL
)
LISTS = st.integers(1, 3)


def any_or_list(each: Strategy, *strange: Any) -> Strategy:
    """A number, or a list of one to three."""
    return odd(st.one_of(each, each, LISTS.flatmap(lambda n: st.lists(each, min_size=n, max_size=n))), *strange)


SIZES = any_or_list(st.integers(1, 9), 0, -1, [2, 0], [1, 1, 1, 1], [])
SCALES = any_or_list(FACTORS, -1, 0.01, [2.0, -1.0], [2.0, 0.0], [])
MODES = ["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]


def or_both(options: dict[str, Strategy]) -> Strategy:
    """Mostly a size or a factor, at times both or neither."""
    return st.one_of(some({"size": SIZES}, **options), some({"scale_factor": SCALES}, **options),
                     some(size=SIZES, scale_factor=SCALES, **options))  # fmt: skip


def other_lists(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Torch's annotation says two, and its modules take as many as there are axes."""
    return any(isinstance(value, list) and len(value) != 2 for value in arguments.values())


def one_point(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Bytes of three channels made one point, which torch's vectorized kernel fails on; other processors have none."""
    (input,) = inputs
    if arguments.get("mode", "bilinear") not in ("bilinear", "bicubic") or input.dtype != "uint8":
        return False
    if len(input.shape) != 3 or input.shape[0] != 3 or input.shape[1] == 1:
        return False
    size, factor = (arguments.get(name) for name in ("size", "scale_factor"))
    if size is not None:
        return size in (1, [1, 1])
    factors = factor if isinstance(factor, list) else [factor, factor]
    return factor is not None and [int(a * b) for a, b in zip(input.shape[1:], factors, strict=False)] == [1, 1]


def no_batch(axes: int) -> Any:
    """A factor of 1 lets a batch pass for channels."""
    return lambda arguments, inputs: len(inputs[0].shape) < axes


CASES: dict[str, Case] = {
    "ChannelShuffle": Case(
        some({"groups": odd(SMALL, 0, -1)}), st.lists(st.sampled_from([1, 2, 3, 4, 6]), max_size=6).map(tuple),
        required={"groups": 1},
    ),
    "PixelShuffle": Case(
        some({"upscale_factor": odd(SMALL, 0, -1)}),
        st.one_of(st.tuples(st.sampled_from([1, 4, 8, 9, 12, 16]), SMALL, SMALL),
                  st.lists(st.sampled_from([1, 4, 8, 9]), max_size=6).map(tuple)),
        refused=no_batch(3), required={"upscale_factor": 1},
    ),
    "PixelUnshuffle": Case(
        some({"downscale_factor": odd(SMALL, 0, -1)}),
        st.lists(st.sampled_from([1, 2, 3, 4, 6, 12]), max_size=5).map(tuple),
        refused=no_batch(3), required={"downscale_factor": 1},
    ),
    "Upsample": Case(
        or_both({"mode": odd(st.sampled_from(MODES), "lanczos", "cubic"), "align_corners": odd(st.none(), True, False),
                 "recompute_scale_factor": odd(st.none(), True, False)}),
        SPATIAL, refused=lambda arguments, inputs: one_point({"mode": "nearest", **arguments}, inputs),
    ),
    "UpsamplingBilinear2d": Case(
        or_both({}), SPATIAL,
        refused=lambda arguments, inputs: other_lists(arguments, inputs) or one_point(arguments, inputs),
    ),
    "UpsamplingNearest2d": Case(or_both({}), SPATIAL, refused=other_lists),
}  # fmt: skip

RUNS: list[Run] = [
    ("UpsamplingBilinear2d", {"size": 1}, (3, 1, 7), "uint8", (3, 1, 1), "uint8"),
    ("UpsamplingBilinear2d", {"size": 1}, (4, 11, 7), "uint8", (4, 1, 1), "uint8"),
    # the product is rounded to float64 before the fraction is cut off: 3 · (1/3) is 1, 49 · (1/49) is not
    ("Upsample", {"scale_factor": 1 / 3}, (1, 3), "float32", (1, 1), "float32"),
    ("Upsample", {"scale_factor": 1.1}, (1, 10, 30), "float32", (1, 11, 33), "float32"),
    ("Upsample", {"scale_factor": 2.999999999}, (1, 4), "float32", (1, 11), "float32"),
    ("Upsample", {"scale_factor": [2, 0.5], "mode": "bicubic", "align_corners": True}, (1, 4, 4), "uint8",
     (1, 8, 2), "uint8"),
    ("Upsample", {"scale_factor": 1.5, "recompute_scale_factor": True}, (1, 3, 3, 3), "float32", (1, 4, 4, 4),
     "float32"),
    ("Upsample", {"size": 3, "recompute_scale_factor": False}, (1, 3, 3), "float32", (1, 3, 3), "float32"),
    # its name and its documentation say planes
    ("UpsamplingNearest2d", {"scale_factor": 2}, (1, 4), "float32", (1, 8), "float32"),
    ("PixelShuffle", {"upscale_factor": 2}, (5, 4, 1, 1), "bool", (5, 1, 2, 2), "bool"),
    ("PixelUnshuffle", {"downscale_factor": 2}, (5, 1, 2, 4), "int8", (5, 4, 1, 2), "int8"),
    ("ChannelShuffle", {"groups": 2}, (4, 1), "int64", (4, 1), "int64"),
]  # fmt: skip

REFUSED: list[Refused] = [
    # an internal assert of torch's: one point of three channels looks like another memory format
    ("UpsamplingBilinear2d", {"size": 1}, (3, 11, 7), "uint8"),
    ("Upsample", {"scale_factor": 0.5, "mode": "bicubic"}, (3, 2, 2), "uint8"),
    ("Upsample", {"scale_factor": 1 / 49}, (1, 49), "float32"),
    ("Upsample", {}, (1, 4), "float32"),
    ("Upsample", {"scale_factor": 2, "size": 8}, (1, 4), "float32"),
    ("Upsample", {"scale_factor": 2, "align_corners": False}, (1, 4), "float32"),
    ("Upsample", {"size": 8, "recompute_scale_factor": True}, (1, 4), "float32"),
    ("Upsample", {"size": 8, "mode": "bicubic"}, (1, 4), "float32"),
    ("Upsample", {"size": 8, "mode": "trilinear"}, (1, 4, 4, 4), "uint8"),
    ("Upsample", {"size": 8}, (1, 4), "int64"),
    ("UpsamplingNearest2d", {"size": [8]}, (1, 4), "float32"),
    ("UpsamplingBilinear2d", {"size": 8}, (1, 4), "float32"),
    ("PixelShuffle", {"upscale_factor": 1}, (4, 4), "float32"),  # torch takes the batch for channels
    ("PixelShuffle", {"upscale_factor": 2}, (6, 4, 4), "float32"),
    ("PixelUnshuffle", {"downscale_factor": 2}, (1, 4, 3), "float32"),
    ("ChannelShuffle", {"groups": 1}, (4,), "float32"),
    ("ChannelShuffle", {"groups": 3}, (4, 1), "float32"),
]  # fmt: skip

IMAGE = TensorType((3, 8, 8))
MESSAGES: list[Message] = [
    ("Upsample", {"scale_factor": 2}, (TensorType((64,)),), "SB302", None,
     "Upsample with `mode: nearest` takes [channels, ...] with one to three axes after the channels, "
     "but the input is [64]", "with one channel it is [1, 64]"),
    ("Upsample", {"scale_factor": 2}, (TensorType((2, 3, 4, 8, 8)),), "SB302", None,
     "Upsample with `mode: nearest` takes [channels, ...] with one to three axes after the channels, "
     "but the input is [2, 3, 4, 8, 8]", "the batch axis is not written: [3, 4, 8, 8]"),
    ("Upsample", {"scale_factor": 2, "mode": "linear"}, (IMAGE,), "SB302", "mode",
     "`mode: linear` takes [channels, length], but the input is [3, 8, 8]", "mode: bilinear"),
    ("Upsample", {"scale_factor": 2, "mode": "bilinear"}, (TensorType((64,)),), "SB302", "mode",
     "`mode: bilinear` takes [channels, height, width], but the input is [64]",
     "a layer before it that gives planes, such as Unflatten"),
    ("Upsample", {"size": [8, 8, 8]}, (IMAGE,), "SB302", "size",
     "`size` has 3 numbers, one for each axis after the channels, but the input is [3, 8, 8]",
     "a number, or a list of 2"),
    ("UpsamplingNearest2d", {"scale_factor": [2, 2]}, (TensorType((3, 8)),), "SB302", "scale_factor",
     "`scale_factor` has 2 numbers, one for each axis after the channels, but the input is [3, 8]",
     "a number, or a list of 1"),
    ("UpsamplingBilinear2d", {"scale_factor": 2}, (TensorType((3, 8)),), "SB302", None,
     "UpsamplingBilinear2d takes [channels, height, width], but the input is [3, 8]",
     "with one channel it is [1, 3, 8]"),
    ("Upsample", {"scale_factor": [1, 0.1]}, (IMAGE,), "SB303", "scale_factor",
     "`scale_factor` 0.1 leaves nothing of the input's width 8", "a scale_factor of at least 0.2"),
    ("Upsample", {"size": 1, "mode": "bilinear"}, (TensorType((3, 8, 2), "uint8"),), "SB305", None,
     "Upsample with `mode: bilinear` fails in torch where it makes one point of an input of 3 channels "
     "and dtype uint8", "give the network an input of dtype float32"),
    ("Upsample", {"scale_factor": 0.1}, (TensorType((3, 8, 2)),), "SB303", "scale_factor",
     "`scale_factor` 0.1 leaves nothing of the input's height 8", "a scale_factor of at least 0.5"),
    ("Upsample", {"scale_factor": 0.001}, (TensorType((1, 49)),), "SB303", "scale_factor",
     "`scale_factor` 0.001 leaves nothing of the input's length 49", "a scale_factor of at least 0.03"),
    ("Upsample", {"scale_factor": 2, "mode": "area"}, (TensorType((3, 8, 8), "uint8"),), "SB305", None,
     "Upsample with `mode: area` takes float64, float32, float16 or bfloat16, but the input is uint8",
     "give the network an input of dtype float32"),
    ("Upsample", {"scale_factor": 1e9}, (IMAGE,), "SB307", "scale_factor",
     "the output would have 3 x 8000000000 x 8000000000 elements, more than 2**48, which no machine holds",
     "a smaller scale_factor"),
    ("PixelShuffle", {"upscale_factor": 2}, (TensorType((64,)),), "SB302", None,
     "PixelShuffle takes [..., channels, height, width], but the input is [64]",
     "a layer before it that gives planes, such as Unflatten"),
    ("PixelShuffle", {"upscale_factor": 2}, (TensorType((6, 4, 4)),), "SB304", "upscale_factor",
     "`upscale_factor` squared must divide the input's channels: 4 does not divide 6", "an input with 8 channels"),
    ("PixelUnshuffle", {"downscale_factor": 4}, (TensorType((1, 8, 6)),), "SB304", "downscale_factor",
     "`downscale_factor` must divide the input's width: 4 does not divide 6", "use 1, 2"),
    ("ChannelShuffle", {"groups": 3}, (TensorType((8, 4)),), "SB304", "groups",
     "`groups` must divide the input's channels: 3 does not divide 8", "use 1, 2, 4, 8"),
    ("ChannelShuffle", {"groups": 3}, (TensorType((8,)),), "SB302", None,
     "ChannelShuffle takes [channels, ...] with at least one axis after the channels, but the input is [8]",
     "3 channels or more, with an axis after them"),
]  # fmt: skip
