"""The weights of a run, as safetensors; what a file must hold is known from the Plan."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes

from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.network.plan import Plan, outcome_of
from specbuild.runs import reading
from specbuild.runs.files import write_whole
from specbuild.runs.headers import DTYPES

NAME = "model.safetensors"
LAST = "last.safetensors"
"""The weights of the last epoch, in a run whose best epoch is another."""
MOST_TOLD = 20
"""How many tensors that are wrong are told at once."""


def expected(plan: Plan) -> dict[str, Storage]:
    """Every parameter and buffer of the network, under its key in the `state_dict`; a tied one once."""
    stored = {
        f"{step.name}.{name}" if name else step.name: storage
        for step in plan.layers()
        for name, storage in {**outcome_of(step).parameters, **outcome_of(step).buffers}.items()
        if storage.persistent
    }
    return {key: storage for key, storage in stored.items() if key not in plan.tie}


def untied(state: Mapping[str, torch.Tensor], plan: Plan) -> dict[str, torch.Tensor]:
    """A `state_dict` without the parameters that are another one."""
    return {key: tensor for key, tensor in state.items() if key not in plan.tie}


def save(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write tensors, each contiguous and with storage of its own, whole or not at all."""
    plain = {
        name: tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    write_whole(path, as_bytes(plain))


def load(path: Path, wanted: Mapping[str, Storage]) -> dict[str, torch.Tensor]:
    """The tensors of a file, once their names, shapes and dtypes are those that are wanted.

    The header's length is held against the file's and against the names that are wanted before it is read, and
    safetensors holds the file's size against the header: what is read into memory, and what a network is then built
    with, is bounded by what is wanted and by what is there.
    """
    require_header(path, wanted)
    try:
        with safe_open(path, framework="pt") as file:
            found = {}
            for name in file.keys():  # noqa: SIM118  safe_open is no mapping
                view = file.get_slice(name)
                found[name] = Storage(tuple(view.get_shape()), DTYPES.get(view.get_dtype(), view.get_dtype()))
            problems = differences(found, wanted)
            if not problems:
                return {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError, ValueError) as error:
        problems = [f"it cannot be read: {reading.shown(str(error))}"]
    raise misfit(path, problems)


def require_header(path: Path, wanted: Mapping[str, Storage]) -> None:
    """SB503 for a header that is longer than the file, or than the tensors that are wanted can make it."""
    try:
        with reading.opened(path.parent, path.name) as file:
            size = os.fstat(file.fileno()).st_size
            (length,) = struct.unpack("<Q", file.read(8))
    except struct.error:
        raise misfit(path, ["it cannot be read: it has no header"]) from None
    except OSError as error:
        raise misfit(path, [f"it cannot be read: {error.strerror or 'it is not a plain file'}"]) from None
    if length > size - 8:
        raise misfit(path, [f"it cannot be read: it has {size:,} bytes, and a header of {length:,}"])
    most = header_limit(wanted)
    if length > most:
        raise misfit(path, [f"its header has {length:,} bytes; that of the network's tensors has at most {most:,}"])


def header_limit(wanted: Mapping[str, Storage]) -> int:
    """The most bytes of a header with these tensors, and a few more that can be named as too many.

    A character takes at most six as JSON, the dtype, the offsets and their keys 100 and a size 21.
    """
    return 2**16 + sum(6 * len(name) + 100 + 21 * len(storage.shape) for name, storage in wanted.items())


def misfit(path: Path, problems: list[str]) -> RunError:
    """SB503 for each thing that is wrong with a file; of very many, for the first."""
    if len(problems) > MOST_TOLD:
        problems = [*problems[:MOST_TOLD], f"and {len(problems) - MOST_TOLD:,} more"]
    return RunError(
        [Diagnostic("SB503", f"{path.name} does not fit spec.json: {problem}", file=str(path)) for problem in problems]
    )


def differences(found: Mapping[str, Storage], wanted: Mapping[str, Storage]) -> list[str]:
    """What is missing, too many, or of another shape or dtype; in words."""
    words = [f"{name} is missing" for name in wanted if name not in found]
    words += [f"{reading.shown(name)} is no part of the network" for name in found if name not in wanted]
    for name, storage in wanted.items():
        if name in found and found[name] != storage:
            words.append(f"{name} is {described(found[name])}; the network has {described(storage)}")
    return words


def described(storage: Storage) -> str:
    """A tensor's shape and dtype."""
    return f"{list(storage.shape)} {storage.dtype}"
