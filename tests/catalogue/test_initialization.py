"""The schemes of torch.nn.init: the same arguments, the same verdict, the same numbers."""

from __future__ import annotations

import inspect
import os
import warnings
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import init

from specbuild.catalogue.initialization import INITIALIZATIONS, Initialization, Nonlinearity
from specbuild.catalogue.rules import Violation

torch.set_num_threads(1)
EXAMPLES = int(200 * float(os.environ.get("SPECBUILD_EXAMPLES", "1")))
LARGEST = torch.finfo(torch.float32).max


def test_every_scheme_of_torch_is_there() -> None:
    assert {*INITIALIZATIONS} == {name for name in vars(init) if name.endswith("_") and not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(INITIALIZATIONS))
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = INITIALIZATIONS[name]
    theirs = [p for p in list(inspect.signature(getattr(init, name)).parameters.values())[1:] if p.name != "generator"]
    assert [*cls.model_fields] == [p.name for p in theirs]
    for p in theirs:
        info = cls.model_fields[p.name]
        assert info.is_required() if p.default is inspect.Parameter.empty else info.default == p.default


NUMBERS = st.sampled_from([0, 0.02, 0.5, 1, 2.0, -1, -2.0, 1e39, 3e38, -3e38, LARGEST])
NAMES = st.sampled_from([*get_args(Nonlinearity), "gelu"])
MODES = st.sampled_from(["fan_in", "fan_out", "fan_avg"])
KAIMING = {"a": NUMBERS, "mode": MODES, "nonlinearity": NAMES}
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "constant_": {"val": NUMBERS},
    "dirac_": {"groups": st.integers(-1, 4)},
    "kaiming_normal_": KAIMING,
    "kaiming_uniform_": KAIMING,
    "normal_": {"mean": NUMBERS, "std": NUMBERS},
    "orthogonal_": {"gain": NUMBERS},
    "sparse_": {"sparsity": st.sampled_from([0, 0.1, 0.5, 1, 1.5, -0.5]), "std": NUMBERS},
    "trunc_normal_": {"mean": NUMBERS, "std": NUMBERS, "a": NUMBERS, "b": NUMBERS},
    "uniform_": {"a": NUMBERS, "b": NUMBERS},
    "xavier_normal_": {"gain": NUMBERS},
    "xavier_uniform_": {"gain": NUMBERS},
}
REQUIRED = {"constant_": "val", "sparse_": "sparsity"}
SHAPES = st.lists(st.integers(1, 6), max_size=6).map(tuple)


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Arguments and a shape."""
    kinds = ARGUMENTS.get(name, {})
    arguments = {key: draw(kind) for key, kind in kinds.items() if key == REQUIRED.get(name) or draw(st.booleans())}
    return arguments, draw(SHAPES)


def filled(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> torch.Tensor | None:
    """What torch fills a parameter with; None where it raises."""
    parameter = torch.nn.Parameter(torch.zeros(shape))
    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(init, name)(parameter, **arguments)
    except Exception:  # whatever torch raises is its refusal
        return None
    return parameter.detach()


def accepted(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> Initialization | None:
    """The scheme, where specbuild takes it."""
    try:
        scheme = INITIALIZATIONS[name].model_validate(arguments)
        scheme.check()
        scheme.suits(shape)
    except (ValueError, Violation):
        return None
    return scheme


def refused_by_policy(name: str, arguments: dict[str, Any]) -> bool:
    """What torch runs and specbuild does not, beside numbers that float32 cannot hold.

    A share of less than none or more than all, negative groups, and the truncated normal distributions
    whose mean is outside of their bounds: far outside torch draws for ever.
    """
    if any(isinstance(value, float) and abs(value) > LARGEST for value in arguments.values()):
        return True
    if name == "trunc_normal_":
        return endless(arguments) or arguments.get("b", 2.0) - arguments.get("a", -2.0) > LARGEST
    return not 0 <= arguments.get("sparsity", 0) <= 1 or arguments.get("groups", 1) < 0


def endless(arguments: dict[str, Any]) -> bool:
    """Whether torch may draw for ever."""
    mean, std, a, b = (arguments.get(key, value) for key, value in (("mean", 0), ("std", 1), ("a", -2), ("b", 2)))
    return bool(std <= 0 or not a <= mean <= b)


@pytest.mark.parametrize("name", sorted(INITIALIZATIONS))
def test_the_verdict_and_the_numbers_are_torchs(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(cases(name))
    def agree(case: tuple[dict[str, Any], tuple[int, ...]]) -> None:
        arguments, shape = case
        scheme = accepted(name, arguments, shape)
        if scheme is None:
            assert refused_by_policy(name, arguments) or filled(name, arguments, shape) is None
            return
        theirs = filled(name, arguments, shape)
        assert theirs is not None
        ours = torch.nn.Parameter(torch.zeros(shape))
        torch.manual_seed(0)
        scheme.apply(init, ours)
        assert torch.equal(ours, theirs)

    agree()


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "message"),
    [
        ("kaiming_normal_", {}, (8,), "kaiming_normal_ needs a tensor of at least 2 axes; this one has 1"),
        ("eye_", {}, (8, 3, 3), "eye_ needs a tensor of 2 axes; this one has 3"),
        ("dirac_", {}, (8, 3), "dirac_ needs a tensor of 3 to 5 axes; this one has 2"),
        ("dirac_", {"groups": 3}, (8, 3, 3), "`groups` must divide the first size: 3 does not divide 8"),
        ("xavier_uniform_", {"gain": 3e38}, (1, 1),
         "float32 must hold the bounds: a gain of 3e+38 gives ±5.19615e+38"),
        ("xavier_normal_", {}, (0, 0), "xavier_normal_ needs a tensor with elements"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_suit(name: str, arguments: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Violation) as raised:
        INITIALIZATIONS[name](**arguments).suits(shape)
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB304", "init", message)


@pytest.mark.parametrize(
    ("name", "arguments", "field", "message"),
    [
        ("uniform_", {"a": 2.0}, "a", "`a` must not be above `b`: 2.0 is above 1.0"),
        ("uniform_", {"a": -3e38, "b": 3e38}, "b", "float32 must hold `b` - `a`: 3e+38 is too far above -3e+38"),
        ("trunc_normal_", {"mean": 5.0}, "mean", "`mean` must lie between `a` and `b`: 5.0 is not from -2.0 to 2.0"),
    ],
)
def test_arguments_that_clash(name: str, arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Violation) as raised:
        INITIALIZATIONS[name](**arguments).check()
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB304", field, message)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "bool", "complex64"])
@pytest.mark.parametrize("name", sorted(INITIALIZATIONS))
def test_what_is_taken_of_other_dtypes_runs(name: str, dtype: str) -> None:
    arguments = {"constant_": {"val": 3e30}, "sparse_": {"sparsity": 0.5}}.get(name, {})
    scheme = INITIALIZATIONS[name](**arguments)
    shape = (2, 2, 2) if name == "dirac_" else (2, 2)
    tensor = torch.zeros(shape, dtype=getattr(torch, dtype))
    if scheme.fills and dtype not in ("float32", "float64"):
        message = f"{name} fills tensors of float32 or float64; this one is {dtype}"
        with pytest.raises(Violation, match=f"^{message}$"):
            scheme.suits_dtype(dtype)
        return
    scheme.suits_dtype(dtype)
    with torch.no_grad():
        scheme.apply(init, tensor)
