"""Weights of a source, put into a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from safetensors import SafetensorError, safe_open

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.runs.transfer import Held


def take(model: torch.nn.Module, sources: Iterable[Held]) -> None:
    """Copy into a network what it takes of each source, in turn; the tensors stay where they are in memory.

    Raises `DataError` (SB517) for a file that is no longer what it was when it was held against the network.
    """
    state = model.state_dict()
    with torch.no_grad():
        for source in sources:
            for key, tensor in read(source).items():
                state[key].copy_(tensor)


def read(source: Held) -> Mapping[str, torch.Tensor]:
    """The tensors by their keys in the network."""
    taken = source.fit.taken
    if source.file is None:
        return {key: source.tensors[name] for key, name in taken.items()}
    try:
        with safe_open(source.file, framework="pt") as file:
            return {key: file.get_tensor(name) for key, name in taken.items()}
    except (SafetensorError, OSError, ValueError) as error:
        message = f"{source.weights.name}: it cannot be read: {error}"
        raise DataError([Diagnostic("SB517", message, source.weights.path, file=str(source.file))]) from None
