"""Trainings of two processes, ended and gone on with. Run as a script, it is one of the two: `FOLDER`."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from specbuild.api import load
from specbuild.data.sources import Sample
from specbuild.data.split import Split
from specbuild.errors import DataError
from specbuild.runs import checkpoints
from specbuild.runs.files import Written, write_new
from specbuild.training.loop import Interrupted, trained
from specbuild.training.meeting import joined
from specbuild.training.reporting import Silent
from specbuild.training.world import World
from tests.kill.processes import Training, content, differing, documents, prepare, to_process
from tests.training.together import two_processes

NAMES = ("ddp", "accumulated", "fsdp")
WHERE = ("train", "val")


class Notes(Silent):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@contextmanager
def told_to_end(where: str) -> Iterator[None]:
    """While entered, this process gets a SIGTERM in the second epoch: between two batches of train, or of val."""
    batches = Split.batches

    def watched(self: Split, epoch: int, device: torch.device | str, first: int = 0) -> Iterator[Sample]:
        for number, batch in enumerate(batches(self, epoch, device, first)):
            if (self.name, epoch, number) == (where, 2, 1):
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    with patch.object(Split, "batches", watched):
        yield


def ended(world: World, path: Path, run: Path, where: str) -> None:
    """One of the two is told to end; both end, at the same step."""
    try:
        if world.rank == 1:
            with told_to_end(where):
                trained(load(path), run=run, world=world)
        else:
            trained(load(path), run=run, world=world)
    except Interrupted as interrupted:
        assert interrupted.agreed or interrupted.status == 143  # noqa: PT017  this is no test, but one of its processes
        (run.parent / f"{run.name}.{world.rank}.json").write_text(json.dumps([interrupted.status, str(interrupted)]))
    else:
        raise AssertionError(f"{run} was not told to end")


@contextmanager
def full_disk() -> Iterator[None]:
    """While entered, this process's disk is full, once, for its second checkpoint."""
    tries: list[Path] = []

    def write(path: Path, data: bytes) -> Written:
        tries.append(path.parent)
        if len(set(tries)) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write_new(path, data)

    with patch.object(checkpoints, "write_new", write):
        yield


def part(folder: Path) -> None:
    """What each of the two processes does."""
    with joined() as world, patch("specbuild.training.agreeing.AGREE", 0.0):  # at every batch
        for name in NAMES:
            path = folder / f"{name}.yaml"
            trained(load(path), run=folder / f"{name}.whole", world=world)
            for where in WHERE if name in ("ddp", "fsdp") else WHERE[:1]:
                run = folder / f"{name}.{where}"
                ended(world, path, run, where)
                notes = Notes()
                trained(load(path), run=run, world=world, resume=True, report=notes)
        for name in ("ddp", "fsdp"):
            notes = Notes()
            run = folder / f"{name}.full"
            if world.rank == 1:
                with full_disk():
                    trained(load(folder / f"{name}.yaml"), run=run, world=world)
            else:
                trained(load(folder / f"{name}.yaml"), run=run, world=world, report=notes)
                (folder / f"{name}.notes.json").write_text(json.dumps(notes.notes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made."""
    folder = tmp_path_factory.mktemp("resumed")
    prepare(folder, 240)
    for name, each in documents().items():
        each["train"] |= {"epochs": 2, "checkpoint": {"steps": 6}}
        each["data"]["train"]["dataset"]["path"] = str(folder / "data.npz")
        (folder / f"{name}.yaml").write_text(json.dumps(each))
    two_processes("-m", "tests.training.test_resuming_processes", str(folder))
    return folder


@pytest.mark.parametrize(("name", "where"), [*((name, "train") for name in NAMES), ("ddp", "val"), ("fsdp", "val")])
def test_two_processes_go_on_with_the_same_bits(name: str, where: str, folder: Path) -> None:
    """Generators, running statistics and sums of each process for itself, in the middle of an epoch and of val."""
    ends = [json.loads((folder / f"{name}.{where}.{rank}.json").read_text()) for rank in (0, 1)]
    assert [status for status, _ in ends] == [143, 143]
    assert "interrupted after 1 finished epoch" in ends[0][1]
    assert ends[0][1].rpartition("goes on after step ")[2] == ends[1][1].rpartition("goes on after step ")[2] != ""
    whole = content(folder / f"{name}.whole")
    assert len(whole["metrics"]) == 2
    assert differing(whole, content(folder / f"{name}.{where}")) == []


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_a_disk_that_is_full_in_one_process_ends_none(name: str, folder: Path) -> None:
    (note,) = json.loads((folder / f"{name}.notes.json").read_text())
    assert "No space left on device" in note
    assert "the training goes on" in note
    assert differing(content(folder / f"{name}.whole"), content(folder / f"{name}.full")) == []


def test_another_number_of_processes_does_not_go_on(folder: Path) -> None:
    with pytest.raises(DataError, match="was trained by 2 processes, and now there is 1") as caught:
        trained(load(folder / "ddp.yaml"), run=folder / "ddp.train", resume=True)
    assert [(problem.code, problem.fix) for problem in caught.value.diagnostics] == [("SB509", "--nproc 2")]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_the_command_goes_on_and_a_signal_to_one_process_ends_both(folder: Path) -> None:
    run = folder / "ddp.val"
    newest = checkpoints.found(run)[0]
    training = Training(folder, "--resume", "ddp.yaml", "--run", run.name, "--set", "train.epochs=1000000")
    training.read_until(f"goes on from checkpoint {newest.name} of {run.name}: epoch 3")
    training.read_until("epoch       3/")
    to_process(1, signal.SIGTERM)(training)
    assert training.end() == 143, training.said
    assert training.said.count("interrupted") == 1
    newest = checkpoints.found(run)[0]
    checkpoints.verified(newest)
    assert f"goes on after step {int(newest.name[5:])}" in training.said


if __name__ == "__main__":
    part(Path(sys.argv[1]))
