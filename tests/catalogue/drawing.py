"""What arguments and inputs of layers are drawn from, good and bad; and what is noted of a layer.

Each file of `families/` has a row for each layer in `CASES`; what drawing found out about torch, as fixed cases,
in `RUNS` and `REFUSED`; and what the rules say, whole, in `MESSAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import ITEM_BYTES, Shape, TensorType

Strategy = st.SearchStrategy[Any]
SMALL = st.integers(1, 4)
NUMBERS = st.sampled_from([0, 0.0, 0.01, 0.1, 0.5, 1, 1.0, 2.5, -0.3])
PROBABILITIES = st.sampled_from([0, 0.0, 0.25, 0.5, 1, 1.0, -0.1, 1.5])
BOOLS = st.booleans()


def odd(usual: Strategy, *strange: Any) -> Strategy:
    """Mostly what is usual, at times something strange."""
    return weighted(3, usual, strange)


def weighted(parts: int, usual: Strategy, strange: tuple[Any, ...]) -> Strategy:
    """So many times what is usual for each time that something is strange; `st.one_of` counts what is equal once."""
    return st.sampled_from([*[usual] * parts, st.sampled_from(strange)]).flatmap(lambda drawn: drawn)


def seldom(usual: Strategy, *strange: Any) -> Strategy:
    """As `odd`, but so seldom strange that of a dozen things most often all or all but one are usual."""
    return weighted(15, usual, strange)


def one_or_two(each: Strategy, *strange: Any) -> Strategy:
    """A number for both axes, or a list of two."""
    return odd(st.one_of(each, each, st.lists(each, min_size=2, max_size=2)), *strange)


def some(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A mapping with the required arguments and any of the optional ones."""
    return st.fixed_dictionaries(required or {}, optional=optional)


CHANNELS = st.sampled_from([1, 2, 3, 4, 6, 8])
KERNELS = one_or_two(SMALL, 0, -1, [2], [1, 2, 3])
STRIDES = one_or_two(st.integers(1, 3), 0, -1, [0, 1])
PADDINGS = one_or_two(st.integers(0, 3), -1, [1, -1])
DILATIONS = one_or_two(st.integers(1, 3), 0, -1)
PLANES = st.one_of(
    st.tuples(CHANNELS, st.integers(1, 12), st.integers(1, 12)),
    st.tuples(CHANNELS, st.integers(1, 12), st.integers(1, 12)),
    st.lists(st.integers(1, 5), max_size=4).map(tuple),
)
ANY = st.lists(st.integers(1, 5), max_size=4).map(tuple)
DIMS = st.integers(-5, 5)
DTYPES = st.one_of(st.just("float32"), st.just("float32"), st.sampled_from(sorted(ITEM_BYTES)))

SIZES = {
    "in_channels": (0, 0),
    "num_features": (0, 0),
    "num_channels": (0, 0),
    "in_features": (0, -1),
    "in1_features": (0, -1),
    "in2_features": (1, -1),
    "input_size": (0, -1),
    "embed_dim": (0, -1),
    "d_model": (0, -1),
    "normalized_shape": (0, -1),
}
"""Where torch's required sizes are read off: the number of the input, and the axis of one sample."""


def nothing(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Refuses nothing on purpose."""
    return False


def of_planes(axes: int) -> Callable[[dict[str, Any], tuple[TensorType, ...]], bool]:
    """Refuses on purpose what has no batch, a dilation of 0, and lists that are not as long as the axes are many."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        lists = [value for value in arguments.values() if isinstance(value, list)]
        dilation = arguments.get("dilation", 1)
        return (
            len(inputs[0].shape) != 1 + axes
            or any(len(value) != axes for value in lists)
            or 0 in (dilation if isinstance(dilation, list) else [dilation])
        )

    return refused


class Case(NamedTuple):
    """What is drawn for a layer, and how real torch is asked about it."""

    arguments: Strategy
    shapes: Strategy = ANY
    sizes: tuple[str, ...] = ()
    """Inferred sizes, drawn now and then; `SIZES` says where torch's own are read off."""
    several: Strategy | None = None
    """The types of its inputs, where it takes another number than one."""
    dtypes: Strategy = DTYPES
    value: float = 1
    """What the inputs are filled with: 0 where they are indices."""
    refused: Callable[[dict[str, Any], tuple[TensorType, ...]], bool] = nothing
    """What torch runs and specbuild refuses on purpose; the reasons stand in `oracle.py`."""
    torch: Callable[..., nn.Module] | None = None
    """The arguments to a module in torch's own words, where the class of torch.nn by this name does not serve."""
    with_results: Callable[..., nn.Module] | None = None
    """The same with all second results, as a tuple: the output, then the results in their order."""

    required: Mapping[str, Any] = MappingProxyType({})
    """A good value for each argument that has no default, and for one of two of which torch needs one."""
    unlike_torch: Mapping[str, str] = MappingProxyType({})
    """Arguments or fields that torch's signature has otherwise, or not at all, each with the reason."""
    macs: Callable[[dict[str, Any], tuple[TensorType, ...]], int] | None = None
    """A published formula for the multiply-accumulates of a sample, where torch's counter counts none."""
    kept: bool = True
    """Whether what backward keeps is held on drawn sizes; if not, the family says why, and holds it on usual ones."""

    @property
    def inputs(self) -> Strategy:
        """The types of its inputs."""
        if self.several is not None:
            return self.several
        return st.tuples(st.tuples(self.shapes, self.dtypes).map(lambda drawn: TensorType(*drawn)))


class Computed(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> Any:
        return self.function(*inputs, **named)


Run = tuple[str, dict[str, Any], Shape, str, Shape, str]
"""Type, arguments, shape and dtype of the input, shape and dtype of the output."""
Refused = tuple[str, dict[str, Any], Shape, str]
"""Type, arguments, shape and dtype of the input."""
Message = tuple[str, dict[str, Any], tuple[TensorType, ...], str, str | None, str, str | None]
"""Type, arguments, inputs; code, field, message and mend."""
