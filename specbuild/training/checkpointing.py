"""Checkpoints of several processes: all write one together, each what it has, and one gives it its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from specbuild.runs import checkpoints
from specbuild.runs.checkpoints import Aside

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit
    from specbuild.training.sharding import Taken


def suffix(rank: int) -> str:
    """Of the names of a process's files in a checkpoint."""
    return f"-{rank}" if rank else ""


class Writers:
    """The processes as they write checkpoints, each in a thread beside its training.

    They talk in a group of their own, for what they say must not be taken for the training's. It needs nobody but
    them: where the launcher is gone, the last checkpoint is still written.
    """

    def __init__(self, rank: int, group: dist.ProcessGroup) -> None:
        self.rank, self.group = rank, group

    def write(
        self, aside: Aside, state: Mapping[str, Any], own: Mapping[str, Any], parts: Taken | None, run_id: str
    ) -> Path:
        """Write a checkpoint: the first process what all have alike, and each what it has for itself.

        parts: what this process has of a network in parts. Raises in all processes where one of them fails: there
        its own error, and `OSError` in the others.
        """
        first = self.rank == 0
        rest = {} if parts is None else {"sharded": parts.rest.model_dump()}

        def put() -> None:
            if parts is not None:
                parts.put(aside.folder)
            aside.put({**state, **own, **rest} if first else own, suffix(self.rank))

        self.together(aside.begin if first else None)
        self.together(put)
        self.together((lambda: aside.appear(run_id)) if first else None)
        return aside.path

    def together(self, call: Callable[[], object] | None) -> None:
        """Do something, and wait until all have; raises where it failed in one of them."""
        problem: Exception | None = None
        try:
            if call is not None:
                call()
        except Exception as error:  # the others wait to hear of it
            problem = error
        number = (getattr(problem, "errno", None) or 0) if problem is not None else 0
        failed = torch.tensor([0 if problem is None else self.rank + 1, number])
        dist.all_reduce(failed, dist.ReduceOp.MAX, group=self.group)
        if problem is not None:
            raise problem
        rank, number = failed.tolist()
        if rank:
            said = f"{os.strerror(number)} (" if number else "it could not be written ("
            raise OSError(number, f"{said}process {rank - 1})")


def read(fit: Fit, folder: Path, state: Mapping[str, Any], rank: int) -> Mapping[str, Any]:
    """What a process had for itself in a checkpoint; of a network in parts it gets its part."""
    if not fit.world.has_whole:
        from specbuild.training import sharding  # wants a newer torch than the rest

        sharding.load(folder, fit.model, fit.optimizer, state["sharded"])
        fit.schedule.groups = fit.optimizer.param_groups
    return state if rank == 0 else checkpoints.read(folder, suffix(rank))


def said_by_first(text: str, rank: int) -> str:
    """What the first process says, in all of them."""
    content = bytearray(text.encode()) if rank == 0 else bytearray()
    size = torch.tensor([len(content)])
    dist.broadcast(size, 0)
    if rank:
        content = bytearray(int(size))
    dist.broadcast(torch.frombuffer(content, dtype=torch.uint8), 0)
    return content.decode()
