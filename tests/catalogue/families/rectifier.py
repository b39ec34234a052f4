"""Rectifiers: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, NUMBERS, SMALL, Case, Message, Refused, Run, odd, some

LIMITS = st.sampled_from([0.0, 0.1, -0.5, 1.0, -1.5, 300.0, -200.0, 7e4, -7e4, 3.39e38, 4e9, 1e19])


def never_back(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Overwrites its input with a slope below 0, past which torch does not go backward."""
    mean = (arguments.get("lower", 1 / 8) + arguments.get("upper", 1 / 3)) / 2
    slopes = (arguments.get("negative_slope", 0), arguments.get("alpha", 1), mean)
    return bool(arguments.get("inplace", False) and min(slopes) < 0)


CASES: dict[str, Case] = {
    "CELU": Case(some(alpha=NUMBERS, inplace=BOOLS), refused=never_back),
    "ELU": Case(some(alpha=NUMBERS, inplace=BOOLS), refused=never_back),
    "LeakyReLU": Case(some(negative_slope=NUMBERS, inplace=BOOLS), refused=never_back),
    "PReLU": Case(some(num_parameters=odd(SMALL, 0, -1), init=NUMBERS)),
    "RReLU": Case(some(lower=NUMBERS, upper=NUMBERS, inplace=BOOLS), refused=never_back),
    "ReLU": Case(some(inplace=BOOLS)),
    "ReLU6": Case(some(inplace=BOOLS)),
    "SELU": Case(some(inplace=BOOLS)),
    "Threshold": Case(
        some({"threshold": LIMITS, "value": LIMITS}, inplace=BOOLS),
        required={"threshold": 0.5, "value": 2.0},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("ReLU", {}, (3,), "int8", (3,), "int8"),
    # integers are compared as integers: a fraction is cut off
    ("Threshold", {"threshold": 0.5, "value": -0.5}, (3,), "int8", (3,), "int8"),
    ("Threshold", {"threshold": 7e4, "value": 0.0}, (3,), "float16", (3,), "float16"),
    # one slope for each channel, or for all; without channels there is one
    ("PReLU", {"num_parameters": 3}, (3, 4), "float32", (3, 4), "float32"),
    ("PReLU", {}, (), "float32", (), "float32"),
    ("RReLU", {"lower": 0.5, "upper": 0.5}, (3,), "bfloat16", (3,), "bfloat16"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("ReLU", {}, (3,), "bool"),
    ("LeakyReLU", {"negative_slope": 1e39}, (3,), "float32"),  # not a float32
    ("ELU", {"alpha": -1e39}, (3,), "float32"),
    ("CELU", {"alpha": 0}, (3,), "float32"),
    ("RReLU", {}, (3,), "float16"),  # in training alone
    ("RReLU", {"lower": 0.5}, (3,), "float32"),
    ("RReLU", {"lower": -2, "upper": 1, "inplace": True}, (3,), "float32"),
    ("PReLU", {"num_parameters": 3}, (), "float32"),
    ("PReLU", {"num_parameters": 4}, (3, 4), "float32"),  # the channels are the axis after the batch
    ("PReLU", {}, (3,), "float64"),
    ("Threshold", {"threshold": 0.0, "value": 7e4}, (3,), "float16"),
    ("Threshold", {"threshold": -0.5, "value": 0.0}, (3,), "uint8"),
    ("Threshold", {"threshold": 127.5, "value": 0.0}, (3,), "int8"),
]  # fmt: skip

VECTOR = TensorType((64,))
MESSAGES: list[Message] = [
    ("PReLU", {"num_parameters": 8}, (TensorType((3, 8, 8)),), "SB301", "num_parameters",
     "num_parameters is 8, but the input has 3 channels", "num_parameters: 3, or 1 for a slope that all share"),
    ("PReLU", {"num_parameters": 8}, (TensorType(()),), "SB301", "num_parameters",
     "num_parameters is 8, but the input [] has no channels", "num_parameters: 1"),
    ("RReLU", {}, (TensorType((8,), "float16"),), "SB305", None,
     "RReLU takes float64, float32 or bfloat16, but the input is float16",
     "give the network an input of dtype float32"),
    ("Threshold", {"threshold": 0, "value": 70000}, (TensorType((8,), "float16"),), "SB305", "value",
     "`value` is 70000, which float16 does not hold",
     "a number from -65504 to 65504, or an input of dtype float32"),
    ("Threshold", {"threshold": -1, "value": 0}, (TensorType((8,), "uint8"),), "SB305", "threshold",
     "`threshold` is -1, which uint8 does not hold", "a number from 0 to 255, or an input of dtype float32"),
    ("LeakyReLU", {"negative_slope": -0.2, "inplace": True}, (), "SB304", "inplace",
     "`inplace: true` is for slopes from 0 on: backward fails in torch with negative_slope -0.2", "inplace: false"),
    ("ELU", {"alpha": -1, "inplace": True}, (), "SB304", "inplace",
     "`inplace: true` is for slopes from 0 on: backward fails in torch with alpha -1", "inplace: false"),
    ("CELU", {"alpha": -1, "inplace": True}, (), "SB304", "inplace",
     "`inplace: true` is for slopes from 0 on: backward fails in torch with alpha -1", "inplace: false"),
    ("CELU", {"alpha": 0}, (), "SB304", "alpha",
     "`alpha` must not be 0: the input is divided by it", "type: ReLU, which it tends to as `alpha` tends to 0"),
    ("RReLU", {"lower": -0.5, "inplace": True}, (), "SB304", "inplace",
     "`inplace: true` is for slopes from 0 on: backward fails in torch with the mean slope -0.0833333",
     "inplace: false"),
    ("RReLU", {"lower": 0.5}, (), "SB304", "lower",
     "`lower` must be at most `upper`: 0.5 is more than 0.333333", "lower of at most 0.333333"),
]  # fmt: skip
