"""The weights of a run, as safetensors; what a file must hold is known from the Plan."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.network.plan import Plan, outcome_of
from specbuild.runs.files import force_to_disk

NAME = "model.safetensors"
LAST = "last.safetensors"
"""The weights of the last epoch, in a run whose best epoch is another."""
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


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
    beside = path.with_name(f".{path.name}.new")
    try:
        save_file(plain, beside)
    except SafetensorError as error:
        raise system_error(error, path) from None
    force_to_disk(beside)
    os.replace(beside, path)


def system_error(error: SafetensorError, path: Path) -> Exception:
    """The operating system's refusal that safetensors wraps, as an `OSError`; else the error itself."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1])), str(path)) if found else error


def load(path: Path, wanted: Mapping[str, Storage]) -> dict[str, torch.Tensor]:
    """The tensors of a file, once their names, shapes and dtypes are those that are wanted.

    safetensors has already held the file's size against its header, so what is read into memory
    is bounded by what is wanted.
    """
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
        problems = [f"it cannot be read: {error}"]
    raise RunError(
        [Diagnostic("SB503", f"{path.name} does not fit spec.json: {problem}", file=str(path)) for problem in problems]
    )


def differences(found: Mapping[str, Storage], wanted: Mapping[str, Storage]) -> list[str]:
    """What is missing, too many, or of another shape or dtype; in words."""
    words = [f"{name} is missing" for name in wanted if name not in found]
    words += [f"{name} is no part of the network" for name in found if name not in wanted]
    for name, storage in wanted.items():
        if name in found and found[name] != storage:
            words.append(f"{name} is {described(found[name])}; the network has {described(storage)}")
    return words


def described(storage: Storage) -> str:
    """A tensor's shape and dtype."""
    return f"{list(storage.shape)} {storage.dtype}"
