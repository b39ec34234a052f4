"""What drawing and probing found out about torch, kept as fixed cases."""

from __future__ import annotations

from typing import Any

import pytest

from specbuild.catalogue.types import Shape, TensorType
from tests.catalogue.cases import REFUSED, RUNS
from tests.catalogue.oracle import verdict
from tests.catalogue.test_soundness import as_verdict, filled, static


@pytest.mark.parametrize(("kind", "arguments", "shape", "dtype", "output", "output_dtype"), RUNS)
def test_runs(kind: str, arguments: dict[str, Any], shape: Shape, dtype: str, output: Shape, output_dtype: str) -> None:
    expected = verdict(kind, filled(kind, arguments, TensorType(shape, dtype)), TensorType(shape, dtype))
    assert expected is not None
    assert expected[:2] == (output, output_dtype)
    assert as_verdict(static(kind, arguments, TensorType(shape, dtype))) == expected


@pytest.mark.parametrize(("kind", "arguments", "shape", "dtype"), REFUSED)
def test_refused(kind: str, arguments: dict[str, Any], shape: Shape, dtype: str) -> None:
    assert verdict(kind, filled(kind, arguments, TensorType(shape, dtype)), TensorType(shape, dtype)) is None
    assert static(kind, arguments, TensorType(shape, dtype)) is None


BATCH, CONSTANT = TensorType((3,)), TensorType((3,), batched=False)
MERGED: list[tuple[str, dict[str, Any], tuple[TensorType, ...], TensorType | None]] = [
    # a parameter of no axes gives way to the dtype of what has some, within its own kind
    ("Add", {}, (TensorType((3,), "float16"), TensorType((), batched=False)), TensorType((3,), "float16")),
    ("Multiply", {}, (TensorType((3,), "float16"), CONSTANT), BATCH),
    ("Add", {}, (TensorType((3,), "int64"), TensorType((), batched=False)), BATCH),
    ("Multiply", {}, (TensorType((), "bfloat16"), TensorType((), batched=False)), TensorType((), "bfloat16")),
    # promotion
    ("Add", {}, (TensorType((3,), "uint8"), TensorType((3,), "int8")), TensorType((3,), "int16")),
    ("Add", {}, (TensorType((3,), "float16"), TensorType((3,), "bfloat16")), BATCH),
    ("Concat", {}, (TensorType((3,), "bool"), TensorType((3,), "bool")), TensorType((6,), "bool")),
    # what has no batch stretches over it, but must not stand where it is
    ("Add", {}, (BATCH, TensorType((1, 3), batched=False)), BATCH),
    ("Add", {}, (BATCH, TensorType((2, 3), batched=False)), None),
    ("Add", {}, (BATCH, TensorType((1, 1, 3), batched=False)), None),
    ("Add", {}, (CONSTANT, CONSTANT), CONSTANT),
    ("Add", {}, (TensorType((3, 1), batched=False), CONSTANT, TensorType((1, 3))), TensorType((3, 3))),
    # the batch of the one over the features of the other
    ("Add", {}, (TensorType(()), TensorType((1,))), None),
    ("Multiply", {}, (BATCH, TensorType((1, 3))), None),
    ("Concat", {"dim": 0}, (BATCH, BATCH), None),
    ("Concat", {"dim": -2}, (BATCH, BATCH), None),
    # CosineSimilarity stretches a single number before it asks for a common dtype, PairwiseDistance does not
    ("CosineSimilarity", {}, (TensorType((), batched=False), TensorType((3,), "bfloat16")), TensorType(())),
    ("PairwiseDistance", {}, (TensorType((), batched=False), TensorType((3,), "bfloat16")),
     TensorType((), "bfloat16")),
    ("PairwiseDistance", {"keepdim": True}, (TensorType((3, 4), "int8"), TensorType((1, 4), "uint8")),
     TensorType((3, 1))),
    ("CosineSimilarity", {"dim": -1}, (TensorType((1, 4)), TensorType((5, 4), batched=False)), TensorType((5,))),
    ("CosineSimilarity", {"dim": 0}, (TensorType((3, 4)), TensorType((3, 4))), None),
    ("PairwiseDistance", {}, (TensorType(()), TensorType(())), None),
    # nothing is stretched for Bilinear
    ("Bilinear", {"in1_features": 3, "in2_features": 4, "out_features": 2}, (TensorType((5, 3)), TensorType((5, 4))),
     TensorType((5, 2))),
    ("Bilinear", {"in1_features": 3, "in2_features": 4, "out_features": 2}, (TensorType((5, 3)), TensorType((1, 4))),
     None),
    ("Positions", {"dim": 0}, (BATCH,), None),
    ("Positions", {"dim": -1}, (TensorType((3, 4), "bool"),), TensorType((4,), "int64")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "arguments", "inputs", "output"), MERGED)
def test_merges(
    kind: str, arguments: dict[str, Any], inputs: tuple[TensorType, ...], output: TensorType | None
) -> None:
    expected = verdict(kind, arguments, *inputs)
    assert as_verdict(static(kind, arguments, *inputs)) == expected
    assert (expected and TensorType(expected.shape, expected.dtype, expected.batched)) == output


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ({"shape": [], "batch": False}, True),
        ({"shape": [2, 3], "batch": False, "init": "xavier_normal_"}, True),
        ({"shape": [3], "batch": False, "init": "xavier_normal_"}, False),
        ({"shape": [1], "init": {"type": "trunc_normal_", "std": 0}}, False),  # divided by
        ({"shape": [1], "init": {"type": "trunc_normal_", "a": 2.0, "b": -2.0}}, False),
        ({"shape": [1], "init": {"type": "normal_", "std": 0}}, True),
        ({"shape": [1], "init": {"type": "constant_", "val": 1e39}}, False),  # not a float32
    ],
)
def test_parameters(arguments: dict[str, Any], runs: bool) -> None:
    expected = verdict("Parameter", arguments)
    assert (expected is not None) == runs
    assert as_verdict(static("Parameter", arguments)) == expected
