"""The processes that write checkpoints in parts and read them, as a script: `FOLDER PORT...`."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any, cast
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor

from specbuild.api import build, infer, load
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.training import sharding
from specbuild.training.meeting import joined
from specbuild.training.stepping import optimizer_of
from specbuild.training.world import World

CPU = torch.device("cpu")
BEFORE, AFTER = 3, 2
"""Steps before the checkpoint, and from there to the end."""
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"type": "SGD", "lr": 0.1},
    "momentum": {"type": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True},
    "adamw": {"type": "AdamW", "lr": 0.01, "betas": [0.8, 0.95]},
    "amsgrad": {"type": "Adam", "lr": 0.01, "amsgrad": True, "fused": True},
    "nadam": {"type": "NAdam", "lr": 0.01},
}


def document(optimizer: str, width: int = 5) -> dict[str, Any]:
    """Rows that two and three processes cannot share evenly, and one that only the first one has."""
    return {
        "specbuild": 1,
        "input": [6],
        "layers": [
            {"name": "wide", "type": "Linear", "out_features": width},
            {"name": "norm", "type": "BatchNorm1d"},
            {"name": "drop", "type": "Dropout", "p": 0.3},
            {"name": "shift", "type": "Parameter", "shape": [1, width]},
            {"name": "shifted", "type": "Add", "from": ["drop", "shift"]},
            {"name": "head", "type": "Linear", "out_features": 3},
        ],
        "loss": "MSELoss",
        "optimizer": OPTIMIZERS[optimizer],
        "train": {"device": "cpu", "distributed": {"strategy": "fsdp"}},
    }


class Training:
    """A network and its optimizer, made as `train` makes them."""

    def __init__(self, world: World, optimizer: str, seed: int, width: int = 5) -> None:
        self.world = world
        spec: Spec = load(document(optimizer, width))
        plan = infer(spec)
        world.settled(spec, plan, None)
        torch.manual_seed(seed)
        self.model = build(spec)
        self.called = world.wrapped(self.model)
        self.optimizer = optimizer_of(spec, plan, self.model, CPU)

    def steps(self, first: int, count: int) -> None:
        """Steps, each process on its part of a batch; the learning rate changes too."""
        for number in range(first, first + count):
            whole = torch.randn(8, 9, generator=torch.Generator().manual_seed(number))
            batch = whole[self.world.rank :: self.world.size]
            self.called.train()
            loss = (self.called(batch[:, :6]) - batch[:, 6:]).square().mean()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.9
        self.called.eval()
        with torch.no_grad():
            self.called(whole[:, :6])

    def tensors(self, of: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, torch.Tensor]:
        """All that is learned with; of: what is taken of each tensor."""
        found = dict(self.model.state_dict())
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                found[f"{name}:{key}"] = value
        found = {name: of(tensor.detach()).clone() for name, tensor in found.items()}
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return {**found, "lr": torch.tensor(rates, dtype=torch.float64)}

    def here(self) -> dict[str, torch.Tensor]:
        """What is in this process, the state of its random numbers too."""
        return {**self.tensors(local), "generator": torch.get_rng_state()}


def local(tensor: torch.Tensor) -> torch.Tensor:
    return cast(torch.Tensor, tensor.to_local()) if isinstance(tensor, DTensor) else tensor


@contextmanager
def without_pickle() -> Iterator[None]:
    """While entered, whatever would pickle something, or read it back, fails."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("pickle is used")

    names = [(pickle, name) for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")]
    names += [(torch, "save"), (torch, "load")]
    names += [(torch.distributed.distributed_c10d, name) for name in ("_pickler", "_unpickler")]
    for module, name in names:
        assert hasattr(module, name)
    patches = [patch.object(module, name, refused) for module, name in names]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def saved(training: Training, folder: Path) -> None:
    """A checkpoint with its rest, as one that trains keeps it."""
    folder.mkdir(exist_ok=True)
    with without_pickle():
        rest = sharding.save(folder, training.model, training.optimizer, {"generator": torch.get_rng_state()})
    (folder / f"rest{training.world.rank}.json").write_text(json.dumps(rest))


def resumed(training: Training, folder: Path) -> dict[str, torch.Tensor]:
    rest = json.loads((folder / "rest0.json").read_text())
    with without_pickle():
        return sharding.load(folder, training.model, training.optimizer, rest)


def train_on(world: World, folder: Path) -> None:
    """Train, save, and train on."""
    for name in OPTIMIZERS:
        training = Training(world, name, seed=0)
        training.steps(0, BEFORE)
        saved(training, folder / name)
        whole = training.tensors(world.whole)
        if world.writer:
            save_file(whole, folder / f"{name}.whole")
        (folder / f"{name}.thread").mkdir(exist_ok=True)
        taken = sharding.take(training.model, training.optimizer, {"generator": torch.get_rng_state()})
        thread = Thread(target=taken.write, args=(folder / f"{name}.thread",))
        thread.start()
        training.steps(BEFORE, AFTER)
        thread.join()
        save_file(training.here(), folder / f"{name}.{world.rank}.through")
    (folder / "refused").mkdir(exist_ok=True)
    with pytest.raises(RunError) as caught:
        sharding.save(folder / ("refused" if world.writer else "nowhere"), training.model, training.optimizer)
    (folder / f"refusal{world.rank}").write_text(str(caught.value))


def train_alone(world: World, folder: Path) -> None:
    """Train and save in one process."""
    training = Training(world, "adamw", seed=1)
    training.steps(0, BEFORE)
    saved(training, folder / "alone")
    save_file(training.tensors(local), folder / "alone.whole")


def go_on(world: World, folder: Path) -> None:
    """Load what was saved, and train on."""
    for name in OPTIMIZERS:
        training = Training(world, name, seed=7)
        torch.set_rng_state(resumed(training, folder / name)["generator"])
        training.steps(BEFORE, AFTER)
        save_file(training.here(), folder / f"{name}.{world.rank}.resumed")


def reshard(world: World, folder: Path) -> None:
    """Load what another number of processes has saved."""
    for name in ("adamw", "momentum", "alone"):
        training = Training(world, "adamw" if name == "alone" else name, seed=7)
        assert resumed(training, folder / name) == {}
        whole = training.tensors(world.whole)
        if world.writer:
            save_file(whole, folder / f"{name}.resharded")


TASKS: dict[Callable[[World, Path], None], int] = {train_on: 2, train_alone: 1, go_on: 2, reshard: 3}
"""What is done in turn, and by how many processes."""


def perform(task: Callable[[World, Path], None], folder: Path, rank: int, processes: int, port: int) -> None:
    """One process of a task."""
    variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes,
                 "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": "True",
                 "TORCHELASTIC_RESTART_COUNT": "0"}  # fmt: skip
    os.environ.update({name: str(value) for name, value in variables.items()})
    with joined() as world:
        task(world, folder)


def perform_all(folder: Path, ports: list[int]) -> None:
    """Every task, in processes that are forked: importing torch takes longer than all that they do."""
    fork = get_context("fork").Process
    for (task, size), port in zip(TASKS.items(), ports, strict=True):
        processes = [fork(target=perform, args=(task, folder, rank, size, port)) for rank in range(size)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        if any(process.exitcode for process in processes):
            sys.exit(f"{task.__name__} failed")


if __name__ == "__main__":
    perform_all(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
