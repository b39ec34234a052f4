"""Padding with a constant: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import Case, Message, Refused, Run, Strategy, odd, some
from tests.catalogue.families.convolution import spatial


def borders(axes: int) -> Strategy:
    """A number for all sides, or a list of one for each."""
    each = st.integers(-3, 4)
    sides = st.lists(each, min_size=2 * axes, max_size=2 * axes)
    strange = [1] * (2 * axes - 1), [1] * (2 * axes + 2), [1] * (2 * axes - 2), None, 0.5
    return odd(st.one_of(each, sides, sides), *strange)


def not_as_written(arguments: dict[str, Any], axes: int) -> bool:
    """Lists of another length than two for each axis."""
    padding = arguments["padding"]
    return isinstance(padding, list) and len(padding) != 2 * axes


def around(axes: int) -> Callable[[dict[str, Any], tuple[TensorType, ...]], bool]:
    """Refuses on purpose what would pad the batch, and lists of another length."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        return len(inputs[0].shape) < axes or not_as_written(arguments, axes)

    return refused


def zeros(axes: int) -> Case:
    return Case(some({"padding": borders(axes)}), spatial(axes), refused=around(axes), required={"padding": 1})


def constant(axes: int) -> Case:
    value = st.sampled_from([0, 0.5, 1, -1, -0.5, 127, 128, 255.5, 300, -300, 65504, 65520, 1e10, -1e19, 3.4e38, 1e39])
    return zeros(axes)._replace(
        arguments=some({"padding": borders(axes), "value": value}), required={"padding": 1, "value": 0.5}
    )


CASES: dict[str, Case] = {
    **{f"ConstantPad{axes}d": constant(axes) for axes in (1, 2, 3)},
    **{f"ZeroPad{axes}d": zeros(axes) for axes in (1, 2, 3)},
}

RUNS: list[Run] = [
    # the last axis comes first
    ("ZeroPad2d", {"padding": [1, 2, 3, -4]}, (3, 8, 8), "float32", (3, 7, 11), "float32"),
    # any number of axes before those that are padded
    ("ZeroPad1d", {"padding": 1}, (4,), "bool", (6,), "bool"),
    ("ConstantPad2d", {"padding": 1, "value": 1}, (2, 3, 4, 5), "int8", (2, 3, 6, 7), "int8"),
    # all is taken away, and something added
    ("ZeroPad1d", {"padding": [-4, 4]}, (1, 4), "float32", (1, 4), "float32"),
    # a value that is not added is not looked at
    ("ConstantPad1d", {"padding": -1, "value": 1e39}, (1, 4), "float32", (1, 2), "float32"),
    ("ConstantPad1d", {"padding": 1, "value": 0.5}, (1, 4), "int64", (1, 6), "int64"),
]

REFUSED: list[Refused] = [
    ("ZeroPad1d", {"padding": [-5, 9]}, (1, 4), "float32"),  # more than there is
    ("ZeroPad1d", {"padding": -2}, (1, 4), "float32"),  # torch gives no elements
    ("ZeroPad2d", {"padding": [1, 1, 0, 0]}, (4,), "float32"),  # torch takes the batch for the height
    ("ConstantPad1d", {"padding": 1, "value": 1e39}, (1, 4), "float32"),
    ("ConstantPad1d", {"padding": 1, "value": -0.5}, (1, 4), "uint8"),
]

MESSAGES: list[Message] = [
    ("ZeroPad2d", {"padding": 1}, (TensorType((4,)),), "SB302", None,
     "ZeroPad2d takes [..., height, width], but the input is [4]", "an input with at least 2 axes"),
    ("ZeroPad1d", {"padding": 1}, (TensorType(()),), "SB302", None,
     "ZeroPad1d takes [..., length], but the input is []", "an input with at least 1 axis"),
    ("ZeroPad2d", {"padding": [0, 0, -5, -3]}, (TensorType((3, 8, 9)),), "SB303", "padding",
     "`padding` takes 5 and 3 away from the input's height 8, which leaves nothing",
     "take away less than 8 in all"),
    ("ConstantPad1d", {"padding": 1, "value": 300}, (TensorType((3, 8), "uint8"),), "SB305", "value",
     "`value` is 300, which uint8 does not hold", "a number from 0 to 255, or an input of dtype float32"),
    ("ZeroPad3d", {"padding": 2**14}, (TensorType((8, 1, 1, 1)),), "SB307", "padding",
     "the output would have 8 x 32769 x 32769 x 32769 elements, more than 2**48, which no machine holds",
     "a smaller padding"),
]  # fmt: skip
