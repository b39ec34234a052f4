from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.losses import LOSSES, Loss
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import TensorType

torch.set_num_threads(1)
OWN = {"target", "scale", "class_dim"}
"""What specbuild adds to torch's arguments."""


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = LOSSES[name]
    theirs = inspect.signature(getattr(torch.nn, name)).parameters
    ours = {field: info.default for field, info in cls.model_fields.items() if field not in OWN}
    assert ours == {key: p.default for key, p in theirs.items() if key not in cls.refused}
    assert [*ours] == [key for key in theirs if key not in cls.refused]
    assert set(cls.model_fields) & OWN >= {"target", "scale"}


SHAPES = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Loss, tuple[int, ...], SampleType]:
    """A loss with its arguments, an output's shape, and a target's type; fitting about half the time."""
    cls = draw(st.sampled_from(sorted(LOSSES)))
    output = draw(SHAPES)
    arguments: dict[str, Any] = {"reduction": draw(st.sampled_from(["mean", "sum"]))}
    last = cls == "CrossEntropyLoss" and draw(st.booleans())
    if last:
        arguments["class_dim"] = -1
    for weights in ("weight", "pos_weight"):
        if weights in LOSSES[cls].model_fields and draw(st.booleans()):
            count = draw(st.integers(1, 4))
            if output and draw(st.booleans()):
                count = output[-1 if last or cls != "CrossEntropyLoss" else 0]
            arguments[weights] = [0.5] * count
    if cls == "CrossEntropyLoss" and draw(st.booleans()):
        arguments["label_smoothing"] = 0.1
    others = output[:-1] if last or cls != "CrossEntropyLoss" else output[1:]
    shape = draw(st.sampled_from([output, others]) | SHAPES)
    dtype = draw(st.sampled_from(["int64", "float32"]))
    return LOSSES[cls](**arguments), output, SampleType(shape, dtype)


def torch_says(loss: Loss, output: tuple[int, ...], target: SampleType) -> str | None:
    """What real torch makes of a batch of two: None, or its error or warning."""
    assert target.shape is not None
    value = torch.full((2, *output), 0.5)
    wanted: torch.Tensor = torch.zeros((2, *target.shape), dtype=getattr(torch, target.dtype or ""))
    criterion = loss.build(torch.nn, torch.tensor)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = criterion(value, wanted)
    except Exception as error:
        return str(error)
    return None if found.shape == () else f"gives {found.shape}"


@settings(max_examples=600, deadline=None)
@given(cases())
def test_the_verdict_is_torchs(case: tuple[Loss, tuple[int, ...], SampleType]) -> None:
    loss, output, target = case
    verdict = torch_says(loss, output, target)
    try:
        loss.compare(TensorType(output), target)
        refusal = None
    except Violation as violation:
        refusal = str(violation)
    if refusal is None:
        assert verdict is None
    else:
        assert verdict is not None or refused_by_policy(loss, output, target), refusal


def refused_by_policy(loss: Loss, output: tuple[int, ...], target: SampleType) -> bool:
    """Where torch broadcasts, or takes the batch for the classes."""
    if loss.type == "CrossEntropyLoss":
        return not output
    last = output[-1] if output else 1
    return any(
        len(weights) not in (1, last)
        for weights in (getattr(loss, "weight", None), getattr(loss, "pos_weight", None))
        if weights is not None
    )


@pytest.mark.parametrize(
    ("name", "arguments", "output", "target", "message"),
    [
        ("CrossEntropyLoss", {}, (9,), SampleType((), "int64", 10),
         "the network gives 9 classes, but the data has 10"),
        ("CrossEntropyLoss", {}, (1,), SampleType((), "int64", 2),
         "the network gives 1 class, but the data has 2"),
        ("CrossEntropyLoss", {}, (), None,
         "CrossEntropyLoss needs an axis of classes, but the network gives one number"),
        ("CrossEntropyLoss", {"weight": [1]}, (3,), None,
         "weight has 1 number, but the network gives 3 classes"),
        ("CrossEntropyLoss", {}, (10, 4), SampleType((), "int64"),
         "labels for an output [10, 4] must be [4], but the target is [] int64"),
        ("CrossEntropyLoss", {}, (3,), SampleType((2,), "float32"),
         "class probabilities must have the output's shape [3], but the target is [2] float32"),
        ("CrossEntropyLoss", {"ignore_index": 1}, (3,), SampleType((3,), "float32"),
         "ignore_index is 1, but the target holds class probabilities, not labels"),
        ("MSELoss", {}, (10,), SampleType((), "int64"),
         "MSELoss compares element with element: the network gives [10], but the target is [] int64"),
        ("BCELoss", {}, (1,), SampleType((), "int64", 10),
         "BCELoss needs targets from 0 to 1, but the data has 10 classes"),
        ("BCEWithLogitsLoss", {"pos_weight": [1, 2]}, (3,), None,
         "pos_weight has 2 numbers, but the output's last axis is 3"),
    ],
)  # fmt: skip
def test_messages(
    name: str, arguments: dict[str, Any], output: tuple[int, ...], target: SampleType | None, message: str
) -> None:
    with pytest.raises(Violation) as raised:
        LOSSES[name](**arguments).compare(TensorType(output), target)
    assert (raised.value.code, str(raised.value)) == ("SB402", message)


def test_an_integer_output_has_no_loss() -> None:
    with pytest.raises(Violation, match=r"L1Loss needs a floating-point output, but the network gives \[3\] int64"):
        LOSSES["L1Loss"]().compare(TensorType((3,), "int64"), None)


def test_scale_and_classes_last() -> None:
    output, labels = torch.randn(2, 5, 3), torch.randint(3, (2, 5))
    plain = torch.nn.functional.cross_entropy(output.movedim(-1, 1), labels)
    loss = LOSSES["CrossEntropyLoss"](class_dim=-1, scale=0.5).build(torch.nn, torch.tensor)
    assert torch.equal(loss(output, labels), plain * 0.5)


def test_without_additions_it_is_torchs_own_module() -> None:
    built = LOSSES["CrossEntropyLoss"](weight=[1, 2]).build(torch.nn, torch.tensor)
    assert type(built) is torch.nn.CrossEntropyLoss
    assert dict(built.named_buffers())["weight"].tolist() == [1.0, 2.0]


def test_an_elementwise_target_takes_the_outputs_dtype_and_axis() -> None:
    output, target = torch.randn(4, 1), torch.tensor([0, 1, 1, 0])
    built = LOSSES["BCEWithLogitsLoss"](scale=2).build(torch.nn, torch.tensor)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(output, target.float().unsqueeze(1)) * 2
    assert torch.equal(built(output, target), wanted)
