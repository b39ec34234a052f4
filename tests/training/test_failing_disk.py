"""Trainings on a disk that fails: none of them crashes, and none loses what it has."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from specbuild import api
from specbuild.errors import RunError
from specbuild.runs import checkpoints, manifest
from specbuild.training import saving, session
from specbuild.training.reporting import Silent
from specbuild.training.saving import Saver
from tests.training.failing_disk import Disk

torch.set_num_threads(1)

TEXT = """\
specbuild: 1
name: digits
input: [1, 8, 8]
layers: [Flatten, {type: Dropout, p: 0.1}, {name: head, type: Linear, out_features: 10}]
loss: CrossEntropyLoss
optimizer: {type: SGD, lr: 0.1, momentum: 0.9}
data:
  train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 512}}
  val: {split: 0.2}
train: {epochs: 2, checkpoint: {steps: 2, last: 1}}
"""
FAULTS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EACCES, errno.EROFS)


class Notes(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def in_order(self: Saver, save: Callable[[Saver], None] = Saver.save) -> None:
    """A checkpoint is on the disk before the next step, so that the operations come in one order."""
    save(self)
    if self.thread is not None:
        self.thread.join()


@pytest.fixture(autouse=True, scope="module")
def at_once() -> Iterator[None]:
    """Nothing is waited for."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(saving, "RETRY", 0.0)
        patched.setattr(session, "AGAIN", 0.0)
        patched.setattr(Saver, "save", in_order)
        yield


@pytest.fixture(scope="module")
def undisturbed(at_once: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of the weights of a training that nothing disturbed."""
    return sha256_of(api.train(TEXT, run=tmp_path_factory.mktemp("undisturbed") / "run").path)


@pytest.fixture(scope="module")
def operations(at_once: None, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often such a training turns to its disk."""
    disk = Disk(tmp_path_factory.mktemp("counted") / "run", lambda number, name: None)
    with disk.mounted():
        api.trained(TEXT, run=disk.folder)
    return len(disk.done)


def sha256_of(run: Path) -> str:
    return hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()


def newest_whole(run: Path) -> tuple[int, int] | None:
    """Epochs and steps of the newest checkpoint, which is whole and can be read."""
    there = checkpoints.found(run)
    if not there:
        return None
    checkpoints.verified(there[0])
    assert checkpoints.read(there[0])["model"]
    return checkpoints.place_of(there[0])


class Torn:
    """One training on a disk that fails, and what there must be of it at every moment."""

    def __init__(self, run: Path, refuse: Callable[[int, str], int | None], *, look: bool = True) -> None:
        self.run, self.disk, self.notes = run, Disk(run, refuse), Notes()
        self.newest: tuple[int, int] | None = None
        if look:
            self.disk.before = self.look

    def look(self) -> None:
        """There is never less than there was."""
        newest = newest_whole(self.run)
        assert self.newest is None or (newest is not None and newest >= self.newest), self.disk.done[-3:]
        self.newest = newest

    def go(self) -> RunError | None:
        """Train; the error that ended it."""
        try:
            with self.disk.mounted():
                api.trained(TEXT, run=self.run, report=self.notes)
        except RunError as error:
            assert [problem.code for problem in error.diagnostics] == ["SB506"]
            self.look()
            return error
        return None

    def mended(self) -> str:
        """Go on with it on a disk that is whole; the SHA-256 of its weights."""
        run = api.trained(TEXT, run=self.run, resume=True)
        assert run is not None
        return sha256_of(run)

    def hold(self, undisturbed: str) -> RunError | None:
        """Train, go on if that is needed, and end in the same bits, with nothing half done left behind."""
        error = self.go()
        if error is None:
            assert sha256_of(self.run) == undisturbed, self.disk.done
        else:
            if self.newest is not None:
                (problem,) = error.diagnostics
                assert f"what was trained is in {self.run}/checkpoints/" in (problem.because or "")
            assert self.mended() == undisturbed
        manifest.verify(self.run)
        return error


def test_an_operation_that_is_refused_once(tmp_path: Path, operations: int, undisturbed: str) -> None:
    """Every one of them, with one fault after the other. Before the first step, and once it is over, it may be told."""
    ended = []
    for number in range(operations):
        fault = FAULTS[number % len(FAULTS)]
        torn = Torn(
            tmp_path / str(number),
            lambda n, name, number=number, fault=fault: fault if n == number else None,
            look=False,
        )
        error = torn.hold(undisturbed)
        assert torn.disk.refused == 1
        if error is not None:
            ended.append((number, fault))
    print(operations, ended)
    full = [number for number, fault in ended if fault in (errno.ENOSPC, errno.EDQUOT)]
    assert max(full) < 30, ended
