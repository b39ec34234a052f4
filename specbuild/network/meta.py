"""The rule of a layer that states none: it is run on torch's meta device, which computes shapes alone."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from specbuild.catalogue.guarding import PluginFailure
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Storage, Violation
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.network.compile import NAMESPACE


def infer(self: Layer, *inputs: TensorType, **named: TensorType) -> Outcome:
    """What comes out of batches of 2 and of 3, in training and in eval mode, where it is the same for all.

    A method of layers that state no rule. Raises `Violation` (SB310).
    """
    shown = ", ".join(map(str, (*inputs, *named.values())))
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        try:
            module = self.build(NAMESPACE)
            outputs = [
                (batch, module.train(training)(
                    *(tensor(type, batch) for type in inputs),
                    **{name: tensor(type, batch) for name, type in named.items()},
                ))
                for training in (True, False) for batch in (2, 3)
            ]  # fmt: skip
        except PluginFailure:
            raise
        except Exception as error:  # whatever torch raises is its refusal
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise Violation("SB310", f"{self.type} fails on {shown}: {first}") from None
    found = {type_of(self.type, output, batch) for batch, output in outputs}
    if len(found) != 1:
        raise Violation("SB310", f"{self.type} gives {' or '.join(sorted(map(str, found)))}, by batch size or mode")
    return Outcome(
        found.pop(),
        parameters={name: storage(tensor) for name, tensor in module.named_parameters()},
        buffers={name: storage(tensor) for name, tensor in module.named_buffers()},
    )


def type_of(layer: str, output: Any, batch: int) -> TensorType:
    """The type of what came out of a batch."""
    if not isinstance(output, torch.Tensor):
        raise Violation("SB310", f"{layer} gives {type(output).__name__}, and not one tensor")
    if output.dim() == 0 or output.shape[0] != batch:
        raise Violation("SB310", f"{layer} makes {list(output.shape)} of a batch of {batch}; axis 0 stays the batch")
    dtype = dtype_name(output)
    if dtype not in ITEM_BYTES:
        raise Violation("SB310", f"{layer} gives {dtype}, which no layer takes")
    return TensorType(tuple(output.shape[1:]), dtype)


def tensor(type: TensorType, batch: int) -> torch.Tensor:
    """A tensor without numbers."""
    shape = (batch, *type.shape) if type.batched else type.shape
    return torch.empty(shape, dtype=getattr(torch, type.dtype), device="meta")


def storage(tensor: torch.Tensor) -> Storage:
    """A parameter or a buffer as the catalogue notes it."""
    return Storage(tuple(tensor.shape), dtype_name(tensor))


def dtype_name(tensor: torch.Tensor) -> str:
    """torch's name for a dtype, without the prefix."""
    return str(tensor.dtype).removeprefix("torch.")
