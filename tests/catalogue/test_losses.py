"""What losses ask of the output and the target, held against real torch."""

from __future__ import annotations

import inspect
import os
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.modules import adaptive
from torch.nn.modules import loss as torch_losses

import specbuild
from specbuild.catalogue.losses import EXCLUDED, LOSSES
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, TensorType

torch.set_num_threads(1)
OWN = {"target", "scale", "class_dim"}
"""What specbuild adds to torch's arguments."""
EXAMPLES = int(200 * float(os.environ.get("SPECBUILD_EXAMPLES", "1")))
CHOICES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
"""Losses of a label."""
VECTORS = ("MultiMarginLoss", "MultiLabelMarginLoss")
"""Losses of `[C]` alone."""


def test_every_loss_of_torch_is_there_or_excluded() -> None:
    theirs = {*torch_losses.__all__, "AdaptiveLogSoftmaxWithLoss"}
    assert adaptive.AdaptiveLogSoftmaxWithLoss is torch.nn.AdaptiveLogSoftmaxWithLoss
    assert {*LOSSES, *EXCLUDED} >= theirs
    assert {*LOSSES} <= theirs
    assert not {*LOSSES} & {*EXCLUDED}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = LOSSES[name]
    theirs = inspect.signature(getattr(torch.nn, name)).parameters
    ours = {field: info.default for field, info in cls.model_fields.items() if field not in OWN}
    assert ours == {key: p.default for key, p in theirs.items() if key not in cls.refused}
    assert [*ours] == [key for key in theirs if key not in cls.refused]
    assert set(cls.model_fields) & OWN >= {"target", "scale"}


SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)
FACTORS = st.sampled_from([0, 0.5, 1, 2.0, -1, 1e39])
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "CrossEntropyLoss": {"ignore_index": st.sampled_from([-100, 0, 3]), "class_dim": st.sampled_from([1, -1]),
                         "label_smoothing": st.sampled_from([0, 0.1, 1.0])},
    "NLLLoss": {"ignore_index": st.sampled_from([-100, 0, 3]), "class_dim": st.sampled_from([1, -1])},
    "PoissonNLLLoss": {"log_input": st.booleans(), "full": st.booleans(), "eps": FACTORS},
    "KLDivLoss": {"log_target": st.booleans(), "reduction": st.sampled_from(["mean", "sum", "batchmean"])},
    "HuberLoss": {"delta": FACTORS},
    "SmoothL1Loss": {"beta": FACTORS},
    "HingeEmbeddingLoss": {"margin": FACTORS},
    "MultiMarginLoss": {"margin": FACTORS, "p": st.integers(0, 3)},
}  # fmt: skip
REDUCTION = st.sampled_from(["mean", "sum"])


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], TensorType, SampleType]:
    """The arguments of a loss, an output and a target; fitting about half the time."""
    output = TensorType(draw(SHAPES), draw(st.just("float32") | st.sampled_from([*ITEM_BYTES])))
    if name in VECTORS and draw(st.booleans()):
        output = output.with_shape((draw(st.integers(1, 4)),))
    kinds = {"reduction": REDUCTION, "scale": st.sampled_from([1.0, 0.5, 0.0]), **ARGUMENTS.get(name, {})}
    arguments = {key: draw(kind) for key, kind in kinds.items() if draw(st.booleans())}
    last = arguments.get("class_dim") == -1 or name not in CHOICES
    for weights in ("weight", "pos_weight"):
        if weights in LOSSES[name].model_fields and draw(st.booleans()):
            count = draw(st.integers(1, 4))
            if output.shape and draw(st.booleans()):
                count = output.shape[-1 if last else 0]
            arguments[weights] = [0.5] * count
    others = output.shape[:-1] if last else output.shape[1:]
    shape = draw(st.sampled_from([output.shape, others]) | SHAPES)
    dtype = draw(st.sampled_from(["int64", "float32"]) | st.sampled_from([*ITEM_BYTES]))
    return arguments, output, SampleType(shape, dtype)


def torch_says(name: str, arguments: dict[str, Any], output: TensorType, target: SampleType, batch: int) -> str | None:
    """What real torch makes of a batch and its gradient: None, or its error or warning."""
    assert target.shape is not None
    try:
        value = torch.full((batch, *output.shape), 0.5, dtype=getattr(torch, output.dtype)).requires_grad_()
        wanted = torch.zeros((batch, *target.shape), dtype=getattr(torch, target.dtype or ""))
        loss = LOSSES[name].model_construct(**{**defaults(name), **arguments})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = loss.build(torch.nn, torch.tensor)(value, wanted)
            found.backward()
            if value.dim() == 4:  # as a convolution gives it in a training
                striped = value.detach().to(memory_format=torch.channels_last).requires_grad_()
                loss.build(torch.nn, torch.tensor)(striped, wanted).backward()
    except Exception as error:
        return str(error)
    return None if found.shape == () else f"gives {found.shape}"


def defaults(name: str) -> dict[str, Any]:
    """The arguments that are left out."""
    return {field: info.default for field, info in LOSSES[name].model_fields.items()}


def refusal(name: str, arguments: dict[str, Any], output: TensorType, target: SampleType | None) -> str | None:
    """What specbuild says against it."""
    try:
        loss = LOSSES[name].model_validate(arguments)
        loss.check()
        loss.compare(output, target)
    except ValueError as error:
        return str(error)
    except Violation as violation:
        return str(violation)
    return None


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_verdict_is_torchs(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(cases(name))
    def agree(case: tuple[dict[str, Any], TensorType, SampleType]) -> None:
        arguments, output, target = case
        ours = refusal(name, arguments, output, target)
        theirs = [torch_says(name, arguments, output, target, batch) for batch in (2, 3)]
        if ours is None:
            assert theirs == [None, None]
        else:
            assert None not in theirs or refused_by_policy(name, arguments, output, target), ours
        # what is wrong whatever the target is, is said without one, and of no network that a target fits
        assert ours is not None or refusal(name, arguments, output, None) is None

    agree()


def refused_by_policy(name: str, arguments: dict[str, Any], output: TensorType, target: SampleType) -> bool:
    """What torch runs and specbuild does not.

    Shapes that torch broadcasts; the batch taken for the classes; a negative `ignore_index` beside class
    probabilities alone; bounds, by float32, on what torch keeps in 64 bits.
    """
    shape = target.shape
    assert shape is not None
    if name in (*CHOICES, "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss") and not output.shape:
        return True
    if name in CHOICES or name in VECTORS:
        return abs(arguments.get("margin", 0)) > 1e38
    last = output.shape[-1] if output.shape else 1
    weights = [arguments[key] for key in ("weight", "pos_weight") if key in arguments]
    unequal = shape != output.shape and (*shape, 1) != output.shape
    return unequal or any(len(each) not in (1, last) for each in weights) or abs(arguments.get("margin", 0)) > 1e38


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_loss_is_torchs(name: str) -> None:
    """The same number as torch's own module gives, for outputs that fit."""
    shape = (4,)
    output = torch.rand(6, *shape).clamp(0.1, 0.9)
    labels = torch.arange(6) % 4
    cls = LOSSES[name]
    if cls.targets == "labels":
        target = labels
    elif cls.targets == "label lists":
        target = torch.stack([labels, *[torch.full((6,), -1)] * 3], 1)
    elif cls.targets == "signs":
        target = torch.where(torch.rand(6, *shape) > 0.5, 1, -1)
    else:
        target = torch.rand(6, *shape)
    made = getattr(torch.nn, name)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = made(output, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(cls().build(torch.nn, torch.tensor)(output, target), wanted)
        assert torch.equal(cls(scale=0.5).build(torch.nn, torch.tensor)(output, target), wanted * 0.5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
@pytest.mark.parametrize("log_target", [True, False])
def test_the_divergence_is_torchs_and_says_nothing_of_its_future(reduction: str, log_target: bool) -> None:
    output, target = torch.randn(4, 5).log_softmax(1), torch.randn(4, 5).softmax(1)
    target = target.log() if log_target else target
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = torch.nn.KLDivLoss(reduction=reduction, log_target=log_target)(output, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built = LOSSES["KLDivLoss"](reduction=reduction, log_target=log_target).build(torch.nn, torch.tensor)
        assert torch.equal(built(output, target), wanted)


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
        ("CrossEntropyLoss", {}, (2,), SampleType((), "bool"),
         "CrossEntropyLoss takes labels of int64 or uint8, but the target is [] bool"),
        ("NLLLoss", {}, (3,), SampleType((), "float32"),
         "NLLLoss takes labels of int64 or uint8, but the target is [] float32"),
        ("NLLLoss", {}, (3, 2), SampleType((2,), "uint8"),
         "NLLLoss takes labels of int64, but the target is [2] uint8"),
        ("MSELoss", {}, (10,), SampleType((), "int64"),
         "MSELoss compares element with element: the network gives [10], but the target is [] int64"),
        ("BCELoss", {}, (1,), SampleType((), "int64", 10),
         "BCELoss needs targets from 0 to 1, but the data has 10 classes"),
        ("BCEWithLogitsLoss", {"pos_weight": [1, 2]}, (3,), None,
         "pos_weight has 2 numbers, but the output's last axis is 3"),
        ("MultiLabelSoftMarginLoss", {}, (), None,
         "MultiLabelSoftMarginLoss needs an axis of classes, but the network gives one number"),
        ("SoftMarginLoss", {}, (1,), SampleType((), "int64", 10),
         "SoftMarginLoss needs targets of -1 and 1, but the data has labels from 0 to 9"),
        ("MultiMarginLoss", {}, (3, 2), None,
         "MultiMarginLoss takes a number for each class, [C], but the network gives [3, 2]"),
        ("MultiMarginLoss", {}, (3,), SampleType((3,), "int64"),
         "MultiMarginLoss takes one label a sample, but the target is [3] int64"),
        ("MultiMarginLoss", {"weight": [1, 2]}, (3,), None,
         "weight has 2 numbers, but the network gives 3 classes"),
        ("MultiLabelMarginLoss", {}, (3,), SampleType((2,), "int64"),
         "a list of labels has the output's shape [3], but the target is [2] int64"),
        ("MultiLabelMarginLoss", {}, (3,), SampleType((3,), "float32"),
         "MultiLabelMarginLoss takes labels of int64, but the target is [3] float32"),
    ],
)  # fmt: skip
def test_messages(
    name: str, arguments: dict[str, Any], output: tuple[int, ...], target: SampleType | None, message: str
) -> None:
    with pytest.raises(Violation) as raised:
        LOSSES[name](**arguments).compare(TensorType(output), target)
    assert (raised.value.code, str(raised.value)) == ("SB402", message)


@pytest.mark.parametrize(
    ("name", "arguments", "dtype", "message"),
    [
        ("L1Loss", {}, "int64", "L1Loss needs a floating-point output, but the network gives [3] int64"),
        ("NLLLoss", {"weight": [1, 1, 1]}, "float64",
         "weights are for an output of float32, but the network gives [3] float64"),
        ("MultiMarginLoss", {}, "float16",
         "MultiMarginLoss takes float32 or float64, but the network gives [3] float16"),
    ],
)  # fmt: skip
def test_dtypes_that_a_loss_does_not_take(name: str, arguments: dict[str, Any], dtype: str, message: str) -> None:
    with pytest.raises(Violation) as raised:
        LOSSES[name](**arguments).compare(TensorType((3,), dtype), SampleType((), "int64"))
    assert (raised.value.code, str(raised.value)) == ("SB402", message)


def test_a_loss_that_is_excluded_or_misspelt() -> None:
    def said(loss: str) -> tuple[str, str, str | None]:
        (found,) = specbuild.check({"specbuild": 1, "input": [4], "layers": ["ReLU"], "loss": loss})
        return found.code, found.message, found.fix

    reason = "it takes the lengths of the outputs and of the targets beside them"
    assert said("CTCLoss") == ("SB204", f"CTCLoss is not for a spec: {reason}", None)
    assert said("CTCLos") == (
        "SB204", 'there is no loss called "CTCLos"', f"CTCLoss is not for a spec: {reason}",
    )  # fmt: skip
    assert said("NLLoss") == ("SB204", 'there is no loss called "NLLoss"', "did you mean NLLLoss?")


def test_scale_and_classes_last() -> None:
    output, labels = torch.randn(2, 5, 3), torch.randint(3, (2, 5))
    plain = torch.nn.functional.cross_entropy(output.movedim(-1, 1), labels)
    loss = LOSSES["CrossEntropyLoss"](class_dim=-1, scale=0.5).build(torch.nn, torch.tensor)
    assert torch.equal(loss(output, labels), plain * 0.5)
    likely = torch.nn.functional.nll_loss(output.movedim(-1, 1), labels)
    assert torch.equal(LOSSES["NLLLoss"](class_dim=-1).build(torch.nn, torch.tensor)(output, labels), likely)


def test_without_additions_it_is_torchs_own_module() -> None:
    built = LOSSES["CrossEntropyLoss"](weight=[1, 2]).build(torch.nn, torch.tensor)
    assert type(built) is torch.nn.CrossEntropyLoss
    assert dict(built.named_buffers())["weight"].tolist() == [1.0, 2.0]


def test_an_elementwise_target_takes_the_outputs_dtype_and_axis() -> None:
    output, target = torch.randn(4, 1), torch.tensor([0, 1, 1, 0])
    built = LOSSES["BCEWithLogitsLoss"](scale=2).build(torch.nn, torch.tensor)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(output, target.float().unsqueeze(1)) * 2
    assert torch.equal(built(output, target), wanted)


def test_only_what_is_named_is_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys, specbuild\n"
        "spec = {'specbuild': 1, 'input': [4], 'layers': ['ReLU'], 'loss': 'MSELoss'}\n"
        "assert specbuild.check(spec) == ()\n"
        "print(*sorted(m.rpartition('.')[2] for m in sys.modules if m.startswith('specbuild.catalogue.losses.')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["elementwise", "loss", "regression"]


def test_floating_point_is_what_the_catalogue_says() -> None:
    assert {dtype for dtype in ITEM_BYTES if getattr(torch, dtype).is_floating_point} == FLOATS


def test_a_mend_for_labels_of_another_shape_fits_them() -> None:
    loss = LOSSES["CrossEntropyLoss"]()
    mask = TensorType((3, 4, 4))
    for output, target, fix in (
        (mask, (1, 4, 4), "labels without the first axis: `squeeze(0)` when they are saved"),
        (TensorType((5, 3)), (5,), "class_dim: -1 where the classes come last"),
        (mask, (2, 4), None),
    ):
        with pytest.raises(Violation) as raised:
            loss.compare(output, SampleType(target, "int64"))
        assert raised.value.fix == fix
