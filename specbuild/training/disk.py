"""The disk space that a training takes, held against what is free before its first step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.types import ITEM_BYTES
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.network.cost import in_bytes, memory_of
from specbuild.network.plan import Plan
from specbuild.runs import checkpoints, golden, weights

SMALL = 8 * 2**20
"""Bytes that are not worth a word."""
CALM = 64 * 2**10
"""Bytes of the rest of a run: what was measured, the documents, the pictures, the manifests; about."""


class Space(NamedTuple):
    """Bytes on disk, estimated."""

    checkpoint: int
    """One checkpoint, when it is largest."""
    kept: int
    """How many are there at most while none is written; 0 where there are none."""
    run: int
    """What a run has at its end beside them."""

    @property
    def whole(self) -> int:
        """At most, when one more checkpoint is written, or the run."""
        return self.kept * self.checkpoint + max(self.checkpoint if self.kept else 0, self.run)

    @property
    def least(self) -> int:
        """With what it comes to its end, the older checkpoints removed in time."""
        return self._replace(kept=min(self.kept, 1)).whole

    def __str__(self) -> str:
        if not self.kept:
            return f"about {in_bytes(self.whole)}"
        return f"about {in_bytes(self.whole)} ({self.kept + 1} checkpoints of {in_bytes(self.checkpoint)})"


def space_of(spec: Spec, plan: Plan) -> Space:
    """What a training writes: of each checkpoint the weights, what the optimizer keeps, the best weights and the last.

    With `ema` the average comes to it.
    """
    optimizer = spec.optimizer
    assert isinstance(optimizer, Optimizer), "what training needs has been looked at"
    memory = memory_of(plan, optimizer=optimizer)
    network = memory.weights + memory.buffers
    copies = 3 + (spec.train.ema is not None)
    types = [*plan.inputs.values(), *plan.outputs.values()]
    proof = golden.BATCH * sum(type.size * ITEM_BYTES[type.dtype] for type in types)
    kept = 0 if spec.train.checkpoint is None else spec.train.checkpoint.last + 1
    return Space(copies * network + memory.optimizer + CALM, kept, 2 * network + proof + CALM)


def require_space(spec: Spec, plan: Plan, run: Path) -> str | None:
    """What is worth a word where the disk is smaller than what the training may take.

    Raises `RunError` (SB506) where it is smaller than the least that will do. What is in the folder counts as free.
    """
    needed = space_of(spec, plan)
    free = free_space(run)
    if free is None or needed.whole < SMALL or needed.whole <= (available := free + held(run)):
        return None
    takes = f"{in_bytes(free)} are free"
    if needed.least <= available:
        advice = ""
        if needed.kept > 2 and needed._replace(kept=2).whole < needed.whole:
            advice = f"; with `train.checkpoint.last: 1` it takes {in_bytes(needed._replace(kept=2).whole)}"
        return f"the training takes up to {in_bytes(needed.whole)} on disk, and {takes}{advice}"
    message = f"cannot be written: the training takes at least {in_bytes(needed.least)} on disk, and {takes}"
    because, fix = None, "--run with a folder on another disk"
    if needed.kept:
        because = f"a checkpoint takes {in_bytes(needed.checkpoint)}, and the newest stays while the next is written"
        without = needed._replace(kept=0)
        if without.whole <= available:
            fix += f"; or `train.checkpoint: null`, which takes {in_bytes(without.whole)}"
    raise RunError([Diagnostic("SB506", message, file=str(run), because=because, fix=fix)])


def free_space(folder: Path) -> int | None:
    """Bytes that are free where a folder is; None where the system does not tell."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free if usage.total else None


def held(run: Path) -> int:
    """Bytes of what a training that goes on writes anew, or removes."""
    try:
        files = [path for folder in checkpoints.found(run) for path in folder.iterdir()]
        files += [path for name in (weights.NAME, weights.LAST, golden.NAME) if (path := run / name).exists()]
        return sum(path.lstat().st_size for path in files)
    except OSError:
        return 0


def free_in(folder: Path) -> str:
    """What is free, as the end of a sentence about what is needed."""
    free = free_space(folder)
    if free is None:
        return ""
    try:
        nodes = os.statvfs(folder) if hasattr(os, "statvfs") else None
    except OSError:
        nodes = None
    if nodes is not None and nodes.f_files and not nodes.f_favail:
        return f", and {in_bytes(free)} are free, but no file can be added to those that are there"
    return f", and {in_bytes(free)} are free"
