"""A `state_dict` that torch has pickled, made a safetensors file, which holds data and nothing else."""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import weights
from specbuild.runs.headers import Unreadable, header_of, opened
from specbuild.runs.reading import shown

NESTED = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights", "params")
"""Under what training scripts put a `state_dict` beside other things; of several the first is taken."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DistributedDataParallel and `torch.compile` put before every key."""

GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
"""What torch says that it would not import."""


class Converted(NamedTuple):
    """A file of weights that was written."""

    output: Path
    tensors: int
    bytes: int
    notes: tuple[str, ...]
    """What was found in the way, and how it was taken."""

    def __str__(self) -> str:
        lines = [*self.notes, f"{self.output}: {self.tensors:,} tensors, {self.bytes:,} bytes"]
        return "\n".join(lines)


def converted(path: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Converted:
    """Write the `state_dict` in `path` as safetensors to `output`, by default beside it, whole or not at all.

    Only tensors and plain values are unpickled (`torch.load(weights_only=True)`). A `state_dict` inside a checkpoint's
    dict is found, and what wrappers put before the keys is taken away; both are said in `notes`.
    Raises `RunError`: SB517 for what cannot be read, SB506 for what cannot be written.
    """
    path = Path(path)
    target = path.with_suffix(".safetensors") if output is None else Path(output)
    if target.suffix != ".safetensors":
        raise refused(target, "weights are written as safetensors", f"--output {target.with_suffix('.safetensors')}")
    notes: list[str] = []
    state = unwrapped(state_of(loaded(path), path, notes), notes)
    try:
        weights.save(state, target)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise RunError([Diagnostic("SB506", message, file=str(target))]) from None
    except (RuntimeError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise refused(path, f"a tensor in it is none that safetensors holds: {first_line(error)}") from None
    return Converted(target, len(state), target.stat().st_size, tuple(notes))


def loaded(path: Path) -> Any:
    """What is in a file, of which nothing is run."""
    try:
        with opened(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise refused(path, f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # a damaged file may raise anything
        named = GLOBAL.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if named is not None:
            fix = "where it was made: torch.save(model.state_dict(), FILE)"
            raise refused(
                path, f"holds more than tensors, and nothing in it is run: it names {named[1]}", fix
            ) from None
        if is_safetensors(path):
            fix = f"call it {path.with_suffix('.safetensors').name}; then a document may name it"
            raise refused(path, "is a safetensors file already", fix) from None
        raise refused(path, "is no file of torch's, or is damaged") from None


def is_safetensors(path: Path) -> bool:
    """Whether a file has a header of safetensors."""
    try:
        return bool(header_of(path))
    except Unreadable:
        return False


def state_of(content: Any, path: Path, notes: list[str]) -> dict[str, torch.Tensor]:
    """The `state_dict`, or the one that is in a dict of other things."""
    if not isinstance(content, Mapping):
        raise refused(path, f"holds {type(content).__name__}, and no state_dict")
    tensors = {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}
    inner = {str(key): value for key, value in content.items() if is_state(value)}
    if inner and not any("." in str(key) for key in tensors):
        chosen = next((name for name in NESTED if name in inner), None) or next(iter(inner))
        others = [shown(str(key)) for key in content if key != chosen]
        beside = f", beside {', '.join(others[:5])}{', ...' if len(others) > 5 else ''}" if others else ""
        notes.append(f"the weights are under {shown(chosen)!r}{beside}")
        content = inner[chosen]
        tensors = {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}
    if not tensors or not all(isinstance(key, str) and key for key in tensors):
        raise refused(path, "holds no state_dict: no mapping of names to tensors is in it")
    left = [shown(str(key)) for key in content if key not in tensors]
    if left:
        notes.append(f"left out, for they are no tensors: {', '.join(left[:5])}{', ...' if len(left) > 5 else ''}")
    return dict(tensors)


def is_state(value: Any) -> bool:
    """Whether a value is a mapping of names to tensors, most of all."""
    if not isinstance(value, Mapping) or not value:
        return False
    return 2 * sum(isinstance(one, torch.Tensor) for one in value.values()) > len(value)


def unwrapped(state: dict[str, torch.Tensor], notes: list[str]) -> dict[str, torch.Tensor]:
    """The same without what a wrapper put before every key."""
    taken = ""
    while True:
        wrapper = next((one for one in WRAPPERS if all(key.startswith(one) and key != one for key in state)), None)
        if wrapper is None:
            break
        state = {key.removeprefix(wrapper): tensor for key, tensor in state.items()}
        taken += wrapper
    if taken:
        notes.append(f"every key began with {taken!r}, which is left out")
    return state


def first_line(error: BaseException) -> str:
    """The beginning of what an error says."""
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def refused(path: Path, message: str, fix: str | None = None) -> RunError:
    """SB517 for a file."""
    return RunError([Diagnostic("SB517", message, file=str(path), fix=fix)])
