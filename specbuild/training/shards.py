"""What the files of a checkpoint in parts hold, and how they are held against it before anything is read."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError
from safetensors import SafetensorError, safe_open
from torch.distributed.tensor import DTensor

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.headers import DTYPES

FILE = re.compile(r"shard-(\d{5})-model-00001-of-00001\.safetensors")
"""As torch.distributed.checkpoint names them, from 00001."""
INFO = "DCP_SHARDING_INFO"
"""Where a file's header says what part of each tensor it has."""
MANY = 8
FIX = "take an earlier checkpoint, or restore it from a copy"


class Strict(BaseModel):
    """What is read from a file: no other fields, no other types."""

    model_config = ConfigDict(strict=True, extra="forbid")


def known(dtype: str) -> str:
    """A dtype's name, if files have it."""
    if dtype not in DTYPES.values():
        raise ValueError(f"there is no dtype {dtype}")
    return dtype


class Part(NamedTuple):
    """The part of a tensor that a file has."""

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{list(self.shape)} {self.dtype} at {list(self.offsets)}"


class Kept(Strict):
    """A whole tensor, wherever its parts are."""

    shape: list[NonNegativeInt]
    dtype: Annotated[str, AfterValidator(known)]
    cut: bool = False
    """Whether each process has its rows of it."""

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Kept:
        """What is kept of a tensor."""
        dtype = str(tensor.dtype).removeprefix("torch.")
        return cls(shape=list(tensor.shape), dtype=dtype, cut=isinstance(tensor, DTensor))

    def part(self, rank: int, size: int) -> Part | None:
        """What one of so many processes writes of it; None where that is nothing."""
        if 0 in self.shape or (rank and not self.cut):
            return None
        first, shape = [0] * len(self.shape), list(self.shape)
        if self.cut and shape:
            rows = -(-shape[0] // size)
            first[0] = rank * rows
            shape[0] = min(rows, shape[0] - first[0])
            if shape[0] <= 0:
                return None
        return Part(tuple(first), tuple(shape), self.dtype)

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"


class Rest(Strict):
    """What is kept beside the tensors, equal in all processes."""

    processes: Annotated[int, Field(ge=1, lt=100_000)]
    model: dict[str, Kept]
    buffers: dict[str, Kept]
    own: dict[str, Kept]
    state: dict[str, dict[str, Kept]]
    """Of each state of the optimizer, by parameter."""
    numbers: dict[str, dict[str, int | float | bool | None]]
    """States that are no tensors."""
    groups: list[dict[str, Any]]
    """The optimizer's `param_groups`, with the names of their parameters."""

    def all(self) -> Iterator[tuple[str, Kept]]:
        """Every tensor that is not one process's own, by its key."""
        yield from ((f"model.{name}", kept) for name, kept in self.model.items())
        for state, tensors in self.state.items():
            yield from ((f"optimizer.{state}.{name}", kept) for name, kept in tensors.items())

    def of_process(self, rank: int) -> Iterator[tuple[str, Kept]]:
        """The tensors of one process, by their keys."""
        yield from ((f"process.{rank}.buffer.{name}", kept) for name, kept in self.buffers.items())
        yield from ((f"process.{rank}.own.{name}", kept) for name, kept in self.own.items())

    def file(self, rank: int) -> dict[str, Part]:
        """What the file of one process holds."""
        parts = {key: kept.part(rank, self.processes) for key, kept in self.all()}
        parts |= {key: kept.part(0, 1) for key, kept in self.of_process(rank)}
        return {key: part for key, part in parts.items() if part is not None}


def name_of(rank: int) -> str:
    """The file of a process."""
    return f"shard-{rank + 1:05d}-model-00001-of-00001.safetensors"


def understood(folder: Path, rest: Mapping[str, Any]) -> Rest:
    """What was kept beside the tensors, once it has its form."""
    try:
        return Rest.model_validate(rest)
    except ValidationError as error:
        where = ".".join(str(each) for each in error.errors()[0]["loc"])
        raise damaged(folder, [f"{where}: {error.errors()[0]['msg']}"]) from None


def require_files(folder: Path, kept: Rest) -> None:
    """SB503 where the files in the folder are not those that the processes wrote."""
    for rank in range(kept.processes):
        require_whole(folder / name_of(rank), kept.file(rank))
    for path in sorted(folder.iterdir()):
        found = FILE.fullmatch(path.name)
        if found and not 1 <= int(found[1]) <= kept.processes:
            raise damaged(path, [f"the checkpoint is of {kept.processes} processes"])


def require_whole(path: Path, wanted: Mapping[str, Part]) -> None:
    """SB503 where a file is not there, cut off, or holds other names, shapes, dtypes or parts than it should.

    Its header is read once its length is known to be sound; safetensors holds the rest of the file against it.
    """
    if not wanted and not path.exists():
        return
    limit = 4096 + sum(512 + 32 * len(key) + 128 * len(part.shape) for key, part in wanted.items())
    try:
        size = os.lstat(path).st_size
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise damaged(path, ["it is not a plain file"])
        with path.open("rb") as plain:
            length = int.from_bytes(plain.read(8), "little")
        if size < 8 or length > min(size - 8, limit):
            raise damaged(path, [f"its header would have {length:,} bytes, of {size:,} in all and at most {limit:,}"])
        with safe_open(path, framework="pt") as file:
            info = json.loads((file.metadata() or {})[INFO])
            found = {}
            for key in file.keys():  # noqa: SIM118  safe_open is no mapping
                view = file.get_slice(key)
                dtype = DTYPES.get(view.get_dtype(), view.get_dtype())
                found[key] = str(Part(tuple(info[key]["saved_offsets"]), tuple(view.get_shape()), dtype))
    except OSError as error:
        raise damaged(path, [f"it cannot be read: {error.strerror or error}"]) from None
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(path, [f"it cannot be read: {error}"]) from None
    problems = differences(found, {key: str(part) for key, part in wanted.items()})
    if problems:
        raise damaged(path, problems)


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What is missing, too many, or another; in words."""
    words = [f"{name} is missing" for name in wanted if name not in found]
    words += [f"{name} does not belong there" for name in found if name not in wanted]
    others = [name for name in wanted if name in found and found[name] != wanted[name]]
    return words + [f"{name} is {found[name]}, not {wanted[name]}" for name in others]


def damaged(path: Path, problems: list[str]) -> RunError:
    """SB503 for a file, or for the checkpoint as a whole; the first few of many problems."""
    told = problems if len(problems) <= MANY else [*problems[:MANY], f"{len(problems) - MANY} more like these"]
    return RunError(
        Diagnostic("SB503", f"{path.name} does not fit: {problem}", file=str(path), fix=FIX) for problem in told
    )
