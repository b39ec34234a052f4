"""Real torch's verdict: on the CPU, in training and in eval mode, on batches of 2 and of 3.

Some things that torch runs are refused by specbuild on purpose; here they count as errors.

- A tensor without elements, a dilation of 0 (which oneDNN lets pass for a kernel of 1): sizes are at least 1.
- A written size that is not the input's, even where torch does not look at it: what is written is checked.
- A batch that is merged or cut, even by 1: axis 0 stays the batch. So a layer that takes an input without
  a batch (three axes where planes have four) is not given one.
- Lists of another length than torch's annotation says (`_size_2_t` takes two; pooling runs with one, too).
- What torch itself announces to change: Dropout2d on other than planes warns so.

- A truncated normal initialization whose deviation is not positive or whose mean float32 cannot hold.
- A Parameter whose first axis is not 1, unless `batch: false` says that it does not stand for the batch.

Numbers beyond `specbuild.catalogue.limits` are refused too; they are not drawn, as torch crashes on some.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import nn

from specbuild.catalogue.types import TensorType


class Verdict(NamedTuple):
    """What a layer, or a network, makes of an input."""

    shape: tuple[int, ...]
    dtype: str
    parameters: tuple[tuple[str, tuple[int, ...], str], ...]
    buffers: tuple[tuple[str, tuple[int, ...], str], ...]
    batched: bool = True


FOR_PLANES = ("AdaptiveAvgPool2d", "AvgPool2d", "Conv2d", "ConvTranspose2d", "Dropout2d", "MaxPool2d")


def batch_of(size: int, type: TensorType) -> torch.Tensor:
    """Ones of a type."""
    return torch.ones((size, *type.shape) if type.batched else type.shape, dtype=getattr(torch, type.dtype))


class Computed(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs, **named)


def positions(input: torch.Tensor, dim: int) -> torch.Tensor:
    """The index along `dim`, once a sample."""
    return torch.stack([torch.arange(input.shape[dim]) for _ in range(input.shape[0])])


LACKING: dict[str, Callable[..., Callable[..., torch.Tensor]]] = {
    "Add": lambda: lambda *inputs: reduce(operator.add, inputs),
    "Multiply": lambda: lambda *inputs: reduce(operator.mul, inputs),
    "Concat": lambda dim=1: lambda *inputs: torch.cat(inputs, dim=dim),
    "Positions": lambda dim=1: lambda input: positions(input, dim),
}
"""What torch.nn has no module for, in torch's own functions."""


def make(kind: str, arguments: dict[str, Any]) -> nn.Module:
    """The module, lists as tuples."""
    if kind in LACKING:
        return Computed(LACKING[kind](**arguments))
    plain = {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}
    module: nn.Module = getattr(nn, kind)(**plain)
    return module


def out_of_proportion(arguments: dict[str, Any]) -> bool:
    """A deviation that is none, or a mean that float32 cannot hold."""
    return bool(arguments.get("std", 1.0) <= 0 or abs(arguments.get("mean", 0.0)) > torch.finfo(torch.float32).max)


def make_parameter(shape: list[int], init: Any = None, batch: bool = True) -> nn.Parameter:
    """A parameter, filled as `init` says."""
    parameter = nn.Parameter(torch.zeros(shape))
    if init is not None:
        arguments = {"type": init} if isinstance(init, str) else init
        if arguments["type"] == "trunc_normal_" and out_of_proportion(arguments):
            raise ValueError("torch clamps what it draws, and looks at neither")
        getattr(nn.init, arguments["type"])(parameter, **{k: v for k, v in arguments.items() if k != "type"})
    if not parameter.isfinite().all():
        raise ValueError("not a number")
    return parameter


def pair(value: Any) -> Any:
    """One number for both axes, or one for each."""
    return value if isinstance(value, list) else (value, value)


def refused_on_purpose(kind: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """The listed policies."""
    rank, channels = len(shape) + 1, shape[0] if shape else None
    if kind in FOR_PLANES:
        lists = [value for value in arguments.values() if isinstance(value, list)]
        return rank != 4 or 0 in pair(arguments.get("dilation", 1)) or any(len(value) != 2 for value in lists)
    if kind == "BatchNorm2d":
        return rank == 4 and arguments["num_features"] != channels
    if kind == "Flatten":
        start, end = arguments.get("start_dim", 1), arguments.get("end_dim", -1)
        return -rank <= start < rank and -rank <= end < rank and start % rank == 0 != end % rank
    return kind == "Unflatten" and -rank <= arguments["dim"] < rank and arguments["dim"] % rank == 0


def judged(module: nn.Module, inputs: Sequence[TensorType]) -> tuple[tuple[int, ...], str]:
    """The output's type for one sample; raises where any mode or batch fails, or they differ.

    Where no input has a batch axis, all of its shape.
    """
    found = set()
    batched = any(type.batched for type in inputs)
    for training in (True, False):
        for batch in (2, 3):
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                output = module.train(training)(*(batch_of(batch, type) for type in inputs))
            if (batched and output.shape[0] != batch) or output.numel() == 0:
                raise ValueError("the batch is lost, or nothing is left")
            found.add((tuple(output.shape[batched:]), str(output.dtype).removeprefix("torch.")))
    (only,) = found
    return only


def stored(tensors: Any) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Names, shapes and dtypes."""
    return tuple((name, tuple(t.shape), str(t.dtype).removeprefix("torch.")) for name, t in tensors)


def verdict(kind: str, arguments: dict[str, Any], *inputs: TensorType) -> Verdict | None:
    """What torch makes of the inputs, or None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if kind == "Parameter":
                return verdict_on_parameter(arguments)
            if refused_on_purpose(kind, arguments, inputs[0].shape):
                return None
            module = make(kind, arguments)
            found = judged(module, inputs)
        except Exception:  # whatever torch raises is its refusal
            return None
        batched = any(type.batched for type in inputs)
        return Verdict(*found, stored(module.named_parameters()), stored(module.named_buffers()), batched)


def verdict_on_parameter(arguments: dict[str, Any]) -> Verdict | None:
    """A parameter has no input: what it is tells what it gives."""
    batch = arguments.get("batch", True)
    if batch and arguments["shape"][:1] != [1]:
        return None
    parameter = make_parameter(**arguments)
    shape = tuple(parameter.shape)
    return Verdict(shape[1:] if batch else shape, "float32", stored([("", parameter)]), (), batch)
