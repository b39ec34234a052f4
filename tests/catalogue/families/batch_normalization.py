"""Batch and instance normalization: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, BOOLS, CHANNELS, Case, Message, Refused, Run, Strategy, some

EPS = st.sampled_from([1e-5, 0.1, 0, -1])
Refusal = Callable[[dict[str, Any], tuple[TensorType, ...]], bool]


def channelled(axes: int) -> Strategy:
    """Mostly channels and so many axes."""
    fitting = st.tuples(CHANNELS, *[st.integers(1, 4)] * axes)
    return st.one_of(fitting, fitting, fitting, ANY)


def other_channels(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """A written size that torch does not look at where there are neither weights nor statistics."""
    shape = inputs[0].shape
    return bool(shape) and arguments["num_features"] != shape[0]


def without_a_batch(axes: int) -> Refusal:
    """Torch takes the batch for channels, other numbers of channels where it has no weights, and no momentum for 0."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        return (
            len(inputs[0].shape) == axes or arguments.get("momentum", 0.1) is None or other_channels(arguments, inputs)
        )

    return refused


def batch(shapes: Strategy, **more: Any) -> Case:
    """A row of batch normalization."""
    arguments = some(
        eps=EPS, momentum=st.sampled_from([0.1, None, 0, 1, 2.0, -1.0]), affine=BOOLS, track_running_stats=BOOLS,
        bias=BOOLS,
    )  # fmt: skip
    # counted on no data, torch cannot say how many batches a plain mean is of; nothing that it counts is multiplied
    return Case(arguments, shapes, ("num_features",), refused=other_channels, macs=lambda *_: 0, **more)


def instance(axes: int) -> Case:
    """A row of instance normalization."""
    arguments = some(
        eps=EPS, momentum=st.sampled_from([0.1, None, 0, 2.0, -1.0]), affine=BOOLS, track_running_stats=BOOLS,
        bias=BOOLS,
    )  # fmt: skip
    return Case(arguments, channelled(axes), ("num_features",), refused=without_a_batch(axes))


CASES: dict[str, Case] = {
    "BatchNorm1d": batch(st.one_of(channelled(0), channelled(1))),
    "BatchNorm2d": batch(channelled(2)),
    "BatchNorm3d": batch(channelled(3)),
    "InstanceNorm1d": instance(1),
    "InstanceNorm2d": instance(2),
    "InstanceNorm3d": instance(3),
    "SyncBatchNorm": batch(ANY, unlike_torch={"process_group": "a group of processes is no value of a document"}),
}

STATELESS = {"affine": False, "track_running_stats": False}

RUNS: list[Run] = [
    # half precision goes through float32 weights here, and float64 where there are none
    ("BatchNorm2d", {}, (3, 2, 2), "bfloat16", (3, 2, 2), "bfloat16"),
    ("BatchNorm2d", STATELESS, (3, 2, 2), "float64", (3, 2, 2), "float64"),
    ("BatchNorm2d", {"bias": False}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
    ("BatchNorm2d", {"momentum": -1}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
    ("BatchNorm1d", {}, (3,), "float32", (3,), "float32"),
    ("BatchNorm1d", {}, (3, 1), "float16", (3, 1), "float16"),
    ("SyncBatchNorm", {}, (3, 1, 2, 1, 2), "float32", (3, 1, 2, 1, 2), "float32"),
    # running statistics alone take float64 here
    ("InstanceNorm1d", {"track_running_stats": True}, (3, 2), "float64", (3, 2), "float64"),
    ("InstanceNorm2d", {"eps": 0}, (3, 2, 1), "float32", (3, 2, 1), "float32"),
    ("InstanceNorm2d", {"eps": -1}, (3, 2, 1), "float32", (3, 2, 1), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("BatchNorm2d", {"eps": 0}, (3, 2, 2), "float32"),  # torch 2.13 raises in training alone
    ("BatchNorm2d", {"affine": False}, (3, 2, 2), "float64"),
    ("BatchNorm2d", {}, (3, 2), "float32"),
    ("BatchNorm1d", {}, (), "float32"),
    ("SyncBatchNorm", {}, (), "float32"),
    # torch raises in training; in eval mode running statistics would do
    ("InstanceNorm2d", {"track_running_stats": True}, (3, 1, 1), "float32"),
    ("InstanceNorm2d", {}, (3, 3), "float32"),  # torch takes the batch for channels
    ("InstanceNorm2d", {"num_features": 2}, (3, 2, 2), "float32"),  # torch warns
    ("InstanceNorm2d", {"momentum": None}, (3, 2, 2), "float32"),  # torch takes 0, against its annotation
    ("InstanceNorm3d", {"affine": True}, (3, 2, 2, 2), "float64"),
]  # fmt: skip


def of(*shape: int, dtype: str = "float32") -> tuple[TensorType, ...]:
    return (TensorType(shape, dtype),)


MESSAGES: list[Message] = [
    ("BatchNorm1d", {}, of(3, 8, 8), "SB302", None,
     "BatchNorm1d takes [channels] or [channels, length], but the input is [3, 8, 8]",
     "type: BatchNorm2d, or, as the batch axis is not written, [8, 8]"),
    ("BatchNorm1d", {}, of(), "SB302", None,
     "BatchNorm1d takes [channels] or [channels, length], but the input is []",
     "an input with at least one axis: [1]"),
    ("BatchNorm1d", {}, of(3, 1, 2, 1, 2), "SB302", None,
     "BatchNorm1d takes [channels] or [channels, length], but the input is [3, 1, 2, 1, 2]",
     "type: SyncBatchNorm, which takes any number of axes"),
    ("BatchNorm3d", {}, of(3, 8, 8), "SB302", None,
     "BatchNorm3d takes [channels, depth, height, width], but the input is [3, 8, 8]",
     "with one channel it is [1, 3, 8, 8]"),
    ("SyncBatchNorm", {}, of(), "SB302", None,
     "SyncBatchNorm takes [channels, ...], but the input is [], a single number",
     "an input with at least one axis: [1]"),
    ("BatchNorm1d", {}, of(3, dtype="float64"), "SB305", None,
     "BatchNorm1d takes float32, float16 or bfloat16, but the input is float64",
     "give the network an input of dtype float32"),
    ("InstanceNorm2d", {}, of(64, 1, 1), "SB303", None,
     "InstanceNorm2d takes more than one point a channel to have a variance, but the input is [64, 1, 1]",
     "leave it out, or type: BatchNorm2d"),
    ("InstanceNorm1d", {"num_features": 4}, of(3, 8), "SB301", "num_features",
     "num_features is 4, but the input has 3 channels", "num_features: 3, or leave it out"),
]  # fmt: skip
