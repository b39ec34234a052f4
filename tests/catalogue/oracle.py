"""Real torch's verdict: on the CPU, in training and in eval mode, on batches of 2 and of 3.

Some things that torch runs are refused by specbuild on purpose; here they count as errors.

- A tensor without elements, a dilation of 0 (which oneDNN lets pass for a kernel of 1): sizes are at least 1.
- A written size that is not the input's, even where torch does not look at it: what is written is checked.
- A batch that is merged or cut, even by 1: axis 0 stays the batch. So a layer that takes an input without
  a batch (three axes where planes have four) is not given one.
- Lists of another length than torch's annotation says (`_size_2_t` takes two; pooling runs with one, too).
- What torch itself announces to change: Dropout2d on other than planes warns so.
- A truncated normal initialization whose deviation is not positive or whose mean is not between its bounds.
- An activation that overwrites its input and bends it by a slope below 0: torch goes forward, and raises in backward.
- An embedding that scales sparse gradients by frequency, which raises in backward too.
- A distance between single numbers that have no batch, where torch takes an axis for granted.
- CrossMapLRN2d of size 1, whose backward raises in torch, and of a negative one; InstanceNorm's `momentum: null`,
  which torch takes for 0 against its annotation.
- Bytes of three channels that bilinear or bicubic resampling makes one point, on processors where torch does it.
- Squeeze of an axis that is not 1, which torch leaves as it is; Transpose of the batch with itself.
- A sequence without a batch; one of the two states of an LSTM alone; a cell state that torch has to convert.
- Masks of attention that are neither bool nor float32, some of which torch widens; masks of numbers in transformers,
  whose fast path in eval mode takes all but 0 for true. Masks are of a sample, where torch's repeat it for each head.
- A Parameter whose first axis is not 1, unless `batch: false` says that it does not stand for the batch.

Numbers beyond `specbuild.catalogue.limits` are refused too; they are not drawn, as torch crashes on some.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.cases import CASES


class Verdict(NamedTuple):
    """What a layer, or a network, makes of an input."""

    shape: tuple[int, ...]
    dtype: str
    parameters: tuple[tuple[str, tuple[int, ...], str], ...]
    buffers: tuple[tuple[str, tuple[int, ...], str], ...]
    batched: bool = True


def batch_of(size: int, type: TensorType, value: float = 1) -> torch.Tensor:
    """A tensor of a type, all of one value."""
    shape = (size, *type.shape) if type.batched else type.shape
    return torch.full(shape, value, dtype=getattr(torch, type.dtype))


def make(kind: str, arguments: dict[str, Any]) -> nn.Module:
    """The module, lists as tuples."""
    plain = {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}
    maker = CASES[kind].torch or getattr(nn, kind)
    module: nn.Module = maker(**plain)
    return module


def out_of_proportion(arguments: dict[str, Any]) -> bool:
    """A deviation that is none, or a mean outside of the bounds, near which torch may draw for ever."""
    mean = arguments.get("mean", 0.0)
    return bool(arguments.get("std", 1.0) <= 0 or not arguments.get("a", -2.0) <= mean <= arguments.get("b", 2.0))


def make_parameter(shape: list[int], init: Any = None, batch: bool = True) -> nn.Parameter:
    """A parameter, filled as `init` says."""
    parameter = nn.Parameter(torch.zeros(shape))
    if init is not None:
        arguments = {"type": init} if isinstance(init, str) else init
        if arguments["type"] == "trunc_normal_" and out_of_proportion(arguments):
            raise ValueError("torch looks at neither")
        getattr(nn.init, arguments["type"])(parameter, **{k: v for k, v in arguments.items() if k != "type"})
    if not parameter.isfinite().all():
        raise ValueError("not a number")
    return parameter


def judged(
    module: nn.Module, inputs: Sequence[TensorType], value: float = 1
) -> tuple[tuple[tuple[int, ...], str], ...]:
    """The type of each output for one sample; raises where any mode or batch fails, or they differ.

    Where no input has a batch axis, all of its shape. value: what the inputs are filled with.
    """
    found = set()
    batched = any(type.batched for type in inputs)
    for training in (True, False):
        for batch in (2, 3):
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                output = module.train(training)(*(batch_of(batch, type, value) for type in inputs))
            outputs = output if isinstance(output, tuple) else (output,)
            if any((batched and each.shape[0] != batch) or each.numel() == 0 for each in outputs):
                raise ValueError("the batch is lost, or nothing is left")
            found.add(tuple((tuple(each.shape[batched:]), str(each.dtype).removeprefix("torch.")) for each in outputs))
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
            if CASES[kind].refused(arguments, inputs):
                return None
            module = make(kind, arguments)
            (found,) = judged(module, inputs, CASES[kind].value)
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
