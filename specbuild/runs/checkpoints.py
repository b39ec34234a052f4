"""Checkpoints: all that a training needs to go on as if it had never stopped, each in a folder of its own.

A checkpoint is put together aside and renamed when it is whole, so what stands under `checkpoints/` is complete; its
manifest then proves that it still is. Its values are a tree: `state.json` has what is JSON, and the tensors of each
top-level key lie in `<key>.safetensors`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import belonging, reading, sealing, weights
from specbuild.runs.belonging import FORMAT, STATE
from specbuild.runs.files import Written, appear, force_to_disk, remove, write_new
from specbuild.runs.tree import Unfit, put_together, taken_apart

FOLDER = "checkpoints"
NAMED = re.compile(r"(\d{4,10})-(\d{8,16})")
"""Finished epochs, and steps of the optimizer."""
GROUP = re.compile(r"[a-z]{1,20}")
"""A key of the tree that has tensors."""
AXES = 8
"""A tensor has at most so many, for the bound of a header."""
STATE_LIMIT = 2**28
"""Bytes of `state.json`: it holds a line for each tensor and each epoch."""


def name_of(epochs: int, steps: int) -> str:
    """What the checkpoint after so many finished epochs and steps is called."""
    return f"{epochs:04d}-{steps:08d}"


def place_of(folder: Path) -> tuple[int, int]:
    """Finished epochs and steps of a checkpoint, by its name."""
    found = NAMED.fullmatch(folder.name)
    assert found is not None
    return int(found[1]), int(found[2])


def found(run: Path) -> list[Path]:
    """The checkpoints of a run, the newest first; whether they are whole is not looked at."""
    folder = run / FOLDER
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if NAMED.fullmatch(path.name)), key=place_of, reverse=True)


class Aside:
    """A checkpoint that is being written, in a hidden folder; `appear` gives it its name."""

    def __init__(self, run: Path, name: str) -> None:
        self.path = run / FOLDER / name
        self.folder = self.path.with_name(f".{name}.new")
        self.written: dict[str, Written] = {}

    def begin(self) -> None:
        """An empty folder; the one that all are in is made for good."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.folder.parent.is_dir():
            self.folder.parent.mkdir()
            force_to_disk(self.folder.parent.parent)
        self.folder.mkdir()

    def put(self, state: Mapping[str, Any], suffix: str = "") -> None:
        """Write a tree; suffix: of the names of its files, where each of several processes has a tree."""
        tensors: dict[str, torch.Tensor] = {}
        plain = taken_apart(dict(state), tensors)
        groups: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            groups.setdefault(name.partition(".")[0], {})[name] = tensor.contiguous()
        for group, members in groups.items():
            self.write(f"{group}{suffix}.safetensors", save(members))
        self.write(f"state{suffix}.json", json.dumps(plain, allow_nan=False).encode())

    def write(self, name: str, content: bytes) -> None:
        """Write one file."""
        self.written[name] = write_new(self.folder / name, content)

    def appear(self, run_id: str) -> Path:
        """Write the manifest, and give the folder its name; returns the path.

        One that stood there is replaced, unless it is whole: it is the same then, and was not known to be on disk.
        """
        content = {"specbuild_checkpoint": FORMAT, "run": run_id, "name": self.path.name}
        if stands(self.path, run_id):
            self.discard()
            force_to_disk(self.path.parent)
            return self.path
        sealing.write(self.folder, content, self.written)
        if os.path.lexists(self.path):
            remove(self.path)
        appear(self.folder, self.path)
        return self.path

    def discard(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def stands(path: Path, run_id: str) -> bool:
    """Whether a whole checkpoint of the run has this name."""
    try:
        return path.is_dir() and bool(verified(path, run_id))
    except (RunError, OSError):
        return False


def tidy(run: Path) -> None:
    """Take away what a process that was killed left half done, in the run and among its checkpoints."""
    for folder in (run, run / FOLDER):
        if folder.is_symlink() or not folder.is_dir():
            continue
        for path in folder.iterdir():
            if path.name.startswith(".") and path.name.endswith((".new", ".old")):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def keep(run: Path, last: int, newest: Path, best_epoch: int | None = None) -> bool:
    """Remove all but the last ones, and the first one after the best epoch; whether any went.

    newest: known to be whole. What is beyond it was passed over, and goes. That of the start goes once
    there is another.
    """
    before = found(run)
    there = [path for path in before if place_of(path) <= place_of(newest)]
    after_best = [path for path in there if place_of(path)[0] == best_epoch]
    kept = {*there[:last], *after_best[-1:]} - {path for path in there[1:] if place_of(path) == (0, 0)}
    gone = False
    for path in before:
        if path not in kept:
            gone = drop(path) or gone
    with suppress(OSError):
        force_to_disk(run / FOLDER)
    return gone


def drop(path: Path) -> bool:
    """Take a checkpoint away, or whatever stands in its place; what cannot be stays. Whether it went."""
    try:
        if path.is_dir() and not path.is_symlink():
            remove(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def verified(folder: Path, run_id: str | None = None) -> dict[str, Any]:
    """The manifest of a checkpoint, every file held against it; raises `RunError`.

    run_id: of the run that it must belong to.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise refusal(folder, "is not a plain folder")
    content = sealing.read(folder)
    problems = sealing.faults(folder, content)
    if problems:
        raise RunError(problems)
    told = belonging.fault_of(content, folder.name, run_id)
    if told is not None:
        raise refusal(folder / sealing.NAME, told)
    return content


def read(folder: Path, suffix: str = "") -> dict[str, Any]:
    """The tree of a verified checkpoint, its tensors in host memory; raises `RunError`. suffix: as in `Aside.put`."""
    name = f"state{suffix}.json"
    plain = reading.read_object(folder, name, STATE_LIMIT)
    try:
        tensors: dict[str, torch.Tensor] = {}
        for group, part in plain.items():
            names = sorted(named({group: part}))
            if names:
                if not GROUP.fullmatch(group) or any(each.partition(".")[0] != group for each in names):
                    raise Unfit(f"{reading.shown(group)} has tensors of another name")
                tensors |= tensors_of(folder / f"{group}{suffix}.safetensors", names)
        state: dict[str, Any] = put_together(plain, tensors)
    except (ValueError, RecursionError, Unfit) as error:
        raise refusal(folder / name, f"is not a checkpoint's: {error}") from None
    except (OSError, SafetensorError) as error:
        raise refusal(folder / name, f"cannot be read: {reading.shown(str(error))}") from None
    return state


def tensors_of(file: Path, names: list[str]) -> dict[str, torch.Tensor]:
    """The tensors of a file, once they are those that are named."""
    weights.require_header(file, {name: Storage((0,) * AXES, "float32") for name in names})
    with safe_open(file, framework="pt") as opened:
        if sorted(opened.keys()) != names:
            raise Unfit(f"{file.name} has other tensors than {STATE} says")
        # copied to where torch allots memory: what sums, as LBFGS does, goes by how numbers are aligned
        return {name: opened.get_tensor(name).clone() for name in names}


def named(value: Any) -> Iterator[str]:
    """The names of the tensors in the JSON of a tree."""
    if isinstance(value, list):
        for part in value:
            yield from named(part)
    elif isinstance(value, dict):
        name = value.get("$tensor")
        if isinstance(name, str):
            yield name
        for part in value.values():
            yield from named(part)


def refusal(file: Path, message: str) -> RunError:
    """SB503 for a checkpoint."""
    return RunError([Diagnostic("SB503", f"{file.name} {message}", file=os.fspath(file))])
