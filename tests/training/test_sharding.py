"""Checkpoints in parts. Run as a script, it is the processes that write and read them: `FOLDER PORT...`."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
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
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.tensor import DTensor

from specbuild.api import build, infer, load
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.training import sharding
from specbuild.training.meeting import joined
from specbuild.training.shards import name_of
from specbuild.training.stepping import optimizer_of
from specbuild.training.world import ALONE, World

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes saved, what two others made of it, and what three others read."""
    folder = tmp_path_factory.mktemp("parts")
    torch.set_num_threads(1)
    stores = [torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False) for _ in TASKS]
    command = [sys.executable, __file__, str(folder), *(str(store.port) for store in stores)]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def assert_same(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_training_ends_where_the_uninterrupted_one_does(name: str, folder: Path) -> None:
    for rank in (0, 1):
        resumed, through = (load_file(folder / f"{name}.{rank}.{how}") for how in ("resumed", "through"))
        assert_same(resumed, through)
    first, second = (load_file(folder / f"{name}.{rank}.through") for rank in (0, 1))
    assert not torch.equal(first["norm.running_mean"], second["norm.running_mean"])  # each keeps its own
    assert not torch.equal(first["generator"], second["generator"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_one_process_reads_what_two_have_written(name: str, folder: Path) -> None:
    training = Training(ALONE, name, seed=7)
    assert resumed(training, folder / name) == {}
    assert_same(training.tensors(local), load_file(folder / f"{name}.whole"))


@pytest.mark.parametrize("name", ["adamw", "momentum", "alone"])
def test_three_processes_read_what_others_have_written(name: str, folder: Path) -> None:
    assert_same(load_file(folder / f"{name}.resharded"), load_file(folder / f"{name}.whole"))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_files_are_safetensors_and_as_large_as_the_parts(name: str, folder: Path) -> None:
    files = {path.name for path in (folder / name).iterdir()}
    assert files == {name_of(0), name_of(1), "rest0.json", "rest1.json"}
    assert (folder / name / "rest0.json").read_bytes() == (folder / name / "rest1.json").read_bytes()
    with safe_open(folder / name / name_of(0), "pt") as first, safe_open(folder / name / name_of(1), "pt") as second:
        assert first.get_tensor("model.wide.weight").shape == (3, 6)
        assert second.get_tensor("model.wide.weight").shape == (2, 6)
        assert first.get_tensor("model.shift").shape == (1, 5)
        assert "model.shift" not in second.keys()  # noqa: SIM118  no mapping


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_a_thread_writes_beside_the_training_is_the_same(name: str, folder: Path) -> None:
    for rank in (0, 1):
        assert_same(*(load_file(folder / each / name_of(rank)) for each in (f"{name}.thread", name)))


def test_what_is_pickled_is_neither_written_nor_read(copy: Path) -> None:
    """As torch.distributed.checkpoint's own writer and reader would: what watches for it sees them."""
    with pytest.raises(AssertionError, match="pickle is used"), without_pickle():
        FileSystemWriter(copy).finish(Metadata({}), [])
    (copy / ".metadata").write_bytes(pickle.dumps(Metadata({})))
    with pytest.raises(AssertionError, match="pickle is used"), without_pickle():
        FileSystemReader(copy).read_metadata()
    training = Training(ALONE, "adamw", seed=7)
    assert resumed(training, copy) == {}


def test_where_one_cannot_write_all_hear_of_it(folder: Path) -> None:
    here, there = ((folder / f"refusal{rank}").read_text() for rank in (1, 0))
    assert f"{folder / 'nowhere' / name_of(1)}: error[SB506]: cannot be written: No such file or directory" in here
    assert f"{folder / 'refused'}: error[SB506]: another process could not write its part" in there


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A checkpoint of two processes to be damaged."""
    for path in (folder / "adamw").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def rewritten(path: Path, change: Callable[[dict[str, torch.Tensor]], object], **info: Any) -> None:
    """A file anew, with another content; info: what its header says of other tensors."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["DCP_SHARDING_INFO"]) | info
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"DCP_SHARDING_INFO": json.dumps(header)})


def swapped(path: Path) -> None:
    rewritten(path, lambda tensors: None, **{"model.wide.weight": {"saved_offsets": [0, 0]}})


def recast(path: Path) -> None:
    rewritten(path, lambda tensors: tensors.update({"model.wide.bias": tensors["model.wide.bias"].half()}))


def widened(path: Path) -> None:
    rewritten(path, lambda tensors: tensors.update({"model.wide.bias": torch.zeros(3)}))


def shrunk(path: Path) -> None:
    rewritten(path, lambda tensors: tensors.pop("model.wide.bias"))


def grown(path: Path) -> None:
    rewritten(path, lambda tensors: tensors.update(more=torch.zeros(1)), more={"saved_offsets": [0]})


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name(name_of(0)))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "it cannot be read: No such file or directory"),
        (linked, "it is not a plain file"),
        (lambda path: path.write_bytes(b""), "its header would have 0 bytes, of 0 in all"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "incomplete metadata, file not fully covered"),
        (lambda path: path.write_bytes(path.read_bytes() + b"0"), "incomplete metadata, file not fully covered"),
        (lambda path: path.write_bytes((2**62).to_bytes(8, "little") + path.read_bytes()[8:]),
         "its header would have 4,611,686,018,427,387,904 bytes"),
        (lambda path: path.write_bytes((2**20).to_bytes(8, "little") + b" " * 2**21),
         "of 2,097,160 in all and at most"),
        (lambda path: save_file(load_file(path), path), "it cannot be read: 'DCP_SHARDING_INFO'"),
        (recast, "model.wide.bias is [2] float16 at [3], not [2] float32 at [3]"),
        (widened, "model.wide.bias is [3] float32 at [3], not [2] float32 at [3]"),
        (swapped, "model.wide.weight is [2, 6] float32 at [0, 0], not [2, 6] float32 at [3, 0]"),
        (shrunk, "model.wide.bias is missing"),
        (grown, "more does not belong there"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_and_nothing_is_changed(
    damage: Callable[[Path], object], words: str, copy: Path
) -> None:
    training = Training(ALONE, "adamw", seed=7)
    before = training.tensors(local)
    damage(copy / name_of(1))
    with pytest.raises(RunError) as caught:
        resumed(training, copy)
    start = f"{copy / name_of(1)}: error[SB503]: {name_of(1)} does not fit: "
    assert str(caught.value).startswith(start)
    assert words in str(caught.value)
    assert_same(training.tensors(local), before)


def test_a_file_of_one_more_process_does_not_belong_there(copy: Path) -> None:
    (copy / name_of(2)).write_bytes((copy / name_of(1)).read_bytes())
    with pytest.raises(RunError, match=r"00003-model-.* does not fit: the checkpoint is of 2 processes"):
        resumed(Training(ALONE, "adamw", seed=7), copy)


def test_another_network_or_optimizer_is_refused(copy: Path) -> None:
    with pytest.raises(RunError, match=r"SB503.*wide\.weight is \[5, 6\] float32, not \[4, 6\] float32"):
        resumed(Training(ALONE, "adamw", seed=7, width=4), copy)
    with pytest.raises(RunError, match=r"SB503.*the optimizer's momentum_decay is missing"):
        resumed(Training(ALONE, "nadam", seed=7), copy)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["processes"], 0, "processes: Input should be greater than or equal to 1"),
        (["processes"], "2", "processes: Input should be a valid integer"),
        (["processes"], 3, f"{name_of(0)} does not fit: model.wide.bias is [3] float32 at [0], not [2] float32 at"),
        (["more"], 1, "more: Extra inputs are not permitted"),
        (["model", "wide.bias", "dtype"], "load", "model.wide.bias.dtype: Value error, there is no dtype load"),
        (["model", "wide.bias", "shape"], [-5], "model.wide.bias.shape.0: Input should be greater than or equal to 0"),
        (["state", "step", "other"], {"shape": [], "dtype": "float32"}, "a state of other, which is no parameter"),
        (["state", "exp_avg", "shift"], {"shape": [2**50], "dtype": "float32"}, "exp_avg.shift is [1, 5] float32"),
        (["groups", 0, "params"], ["wide.bias"], "the optimizer's groups have other parameters"),
        (["groups", 0, "lr"], "0.1", "the optimizer's lr cannot be '0.1'"),
        (["groups", 0, "betas"], [0.9], "the optimizer's betas cannot be [0.9]"),
        (["groups", 0], 5, "groups.0: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_beside_the_tensors(path: list[Any], value: Any, words: str, copy: Path) -> None:
    rest = json.loads((copy / "rest0.json").read_text())
    inner = rest
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    training = Training(ALONE, "adamw", seed=7)
    with pytest.raises(RunError) as caught:
        sharding.load(copy, training.model, training.optimizer, rest)
    assert "SB503" in str(caught.value)
    assert words in str(caught.value)


def test_numbers_and_tied_parameters(tmp_path: Path) -> None:
    """What specbuild's own optimizers do not need today: states that are no tensors; a parameter under two names."""

    def made(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        model[1].weight = model[0].weight
        return model, torch.optim.SGD(model.parameters(), lr=0.1)

    model, optimizer = made(0)
    optimizer.state[model[0].bias] = {"count": 3, "rate": 0.1}
    rest = json.loads(json.dumps(sharding.save(tmp_path, model, optimizer)))
    other, theirs = made(1)
    sharding.load(tmp_path, other, theirs, rest)
    assert_same(other.state_dict(), model.state_dict())
    assert theirs.state[other[0].bias] == {"count": 3, "rate": 0.1}


if __name__ == "__main__":
    perform_all(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
