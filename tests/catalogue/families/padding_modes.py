"""Padding with what the input holds: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import Case, Message, Refused, Run, some
from tests.catalogue.families.convolution import spatial
from tests.catalogue.families.padding import borders, not_as_written

Refuses = Callable[[dict[str, Any], tuple[TensorType, ...]], bool]


def around(axes: int) -> Refuses:
    """Refuses on purpose what has no batch, and lists of another length than two for each axis."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        return len(inputs[0].shape) != 1 + axes or not_as_written(arguments, axes)

    return refused


def circle(axes: int) -> Refuses:
    """Refuses on purpose more than is left of an axis, too, where torch hands out uninitialized memory."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        if around(axes)(arguments, inputs):
            return True
        padding = arguments["padding"]
        flat = padding if isinstance(padding, list) else [padding] * 2 * axes
        sides = zip(reversed(inputs[0].shape), flat[::2], flat[1::2], strict=False)
        return any(max(a, b) > size + min(a, 0) + min(b, 0) for size, a, b in sides)

    return refused


def padding(axes: int, refused: Callable[[int], Refuses]) -> Case:
    return Case(some({"padding": borders(axes)}), spatial(axes), refused=refused(axes), required={"padding": 1})


CASES: dict[str, Case] = {
    **{f"CircularPad{axes}d": padding(axes, circle) for axes in (1, 2, 3)},
    **{f"ReflectionPad{axes}d": padding(axes, around) for axes in (1, 2, 3)},
    **{f"ReplicationPad{axes}d": padding(axes, around) for axes in (1, 2, 3)},
}

RUNS: list[Run] = [
    ("CircularPad1d", {"padding": [4, 4]}, (1, 4), "bool", (1, 12), "bool"),
    ("CircularPad1d", {"padding": [3, -1]}, (1, 4), "float32", (1, 6), "float32"),
    ("ReflectionPad2d", {"padding": [3, -3, 0, 1]}, (1, 2, 4), "int8", (1, 3, 4), "int8"),
    # the edge is repeated even where all was taken away
    ("ReplicationPad1d", {"padding": [-5, 9]}, (1, 4), "float32", (1, 8), "float32"),
]

REFUSED: list[Refused] = [
    ("CircularPad1d", {"padding": [5, 0]}, (1, 4), "float32"),
    ("CircularPad1d", {"padding": [-4, 4]}, (1, 4), "float32"),  # torch hands out uninitialized memory
    ("CircularPad1d", {"padding": [4, -1]}, (1, 4), "float32"),
    ("ReflectionPad1d", {"padding": 4}, (1, 4), "float32"),
    ("ReflectionPad1d", {"padding": 1}, (1, 4), "bool"),
    ("ReplicationPad2d", {"padding": 1}, (4, 4), "float32"),  # torch takes the batch for channels
    ("ReplicationPad1d", {"padding": -2}, (1, 4), "float32"),
]

LINE = TensorType((1, 4))
MESSAGES: list[Message] = [
    ("ReflectionPad1d", {"padding": [0, 4]}, (LINE,), "SB303", "padding",
     "a reflection adds less than the input's length 4, but padding is 4",
     "padding of at most 3, or ReplicationPad1d"),
    ("CircularPad1d", {"padding": 5}, (LINE,), "SB303", "padding",
     "circular padding adds at most the input's length 4, but padding is 5",
     "padding of at most 4, or ReplicationPad1d"),
    ("CircularPad1d", {"padding": [-1, 4]}, (LINE,), "SB303", "padding",
     "circular padding adds at most the input's length 4, of which 3 are left, but padding is 4",
     "padding of at most 3, or ReplicationPad1d"),
    ("ReflectionPad2d", {"padding": 8}, (TensorType((1, 8, 4)),), "SB303", "padding",
     "a reflection adds less than the input's height 8, but padding is 8",
     "padding of at most 3, or ReplicationPad2d"),
    ("CircularPad2d", {"padding": 9}, (TensorType((1, 8, 4), "bool"),), "SB303", "padding",
     "circular padding adds at most the input's height 8, but padding is 9", "padding of at most 4"),
    ("CircularPad1d", {"padding": [-4, 4]}, (LINE,), "SB303", "padding",
     "`padding` takes 4 away from the input's length 4, which leaves nothing", "take away less than 4 in all"),
    ("ReplicationPad1d", {"padding": -2}, (LINE,), "SB303", "padding",
     "`padding` takes 2 and 2 away from the input's length 4, which leaves nothing",
     "take away less than 4 in all"),
    ("ReplicationPad1d", {"padding": 1}, (TensorType((1, 4), "bool"),), "SB305", None,
     "ReplicationPad1d takes float64, float32, float16, bfloat16, int64, int32, int16, int8 or uint8, "
     "but the input is bool", "give the network an input of dtype float32"),
]  # fmt: skip
