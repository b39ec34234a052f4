"""Trainings on a disk that fails: none of them crashes, and none loses what it has."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from specbuild import api
from specbuild.errors import RunError
from specbuild.runs import checkpoints, manifest
from specbuild.runs.checkpoints import Aside
from specbuild.training import closing, saving
from specbuild.training.reporting import Lines, Silent, Start
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
ALL = "SPECBUILD_TORTURE" in os.environ
"""Whether every operation is tried, as under `make torture`, or a sample of them."""
Refusal = Callable[[int, str], int | None]
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
        patched.setattr(closing, "AGAIN", 0.0)
        patched.setattr(Saver, "save", in_order)
        yield


@pytest.fixture(scope="module")
def undisturbed(at_once: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of the weights of a training that nothing disturbed."""
    return sha256_of(api.train(TEXT, run=tmp_path_factory.mktemp("undisturbed") / "run").path)


@pytest.fixture(scope="module")
def operations(at_once: None, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What such a training asks of its disk, in order."""
    disk = Disk(tmp_path_factory.mktemp("counted") / "run", lambda number, name: None)
    with disk.mounted():
        api.trained(TEXT, run=disk.folder)
    return disk.done


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

    def __init__(self, run: Path, refuse: Refusal, *, look: bool = False) -> None:
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
        except RunError as caught:
            error = caught
        else:
            return None
        assert [problem.code for problem in error.diagnostics] == ["SB506"]
        self.look()
        return error

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
                assert f" is in {self.run}/checkpoints/" in (problem.because or "")
            assert self.mended() == undisturbed
        manifest.verify(self.run)
        return error


def test_there_is_never_less_than_there_was(tmp_path: Path, undisturbed: str) -> None:
    """Before every operation of a training the newest checkpoint is whole, and none is older than the one before."""
    torn = Torn(tmp_path / "run", lambda number, name: None, look=True)
    assert torn.hold(undisturbed) is None
    assert torn.newest == (2, 6)


def once(number: int, fault: int) -> Refusal:
    """Refuse one operation."""
    return lambda n, name: fault if n == number else None


def during(first: int, count: int, fault: int) -> Refusal:
    """Refuse some operations, all but those that remove something."""
    return lambda n, name: fault if first <= n < first + count and name not in ("unlink", "rmdir") else None


def refused_once(folder: Path, numbers: Iterable[int], undisturbed: str) -> list[tuple[int, int]]:
    """Refuse each operation once, with one fault after the other; those that ended the training."""
    ended = []
    for number in numbers:
        fault = FAULTS[number % 7 % len(FAULTS)]
        torn = Torn(folder / f"once-{number}", once(number, fault))
        if torn.hold(undisturbed) is not None:
            ended.append((number, fault))
        assert torn.disk.refused == 1
    return ended


def full_for_a_while(folder: Path, numbers: Iterable[int], undisturbed: str) -> list[int]:
    """Let the disk be full from each operation on for some more; those that ended the training."""
    ended = []
    for number in numbers:
        torn = Torn(folder / f"while-{number}", during(number, 2 + number % 23, errno.ENOSPC))
        if torn.hold(undisturbed) is not None:
            ended.append(number)
    return ended


def full_for_good(folder: Path, numbers: Iterable[int], undisturbed: str) -> int:
    """Let the disk be full from each operation on; how many trainings went on later, and ended in the same bits."""
    equal = 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(closing, "PATIENCE", 0.0)
        for number in numbers:
            torn = Torn(folder / f"good-{number}", during(number, 10**9, errno.ENOSPC))
            assert torn.hold(undisturbed) is not None
            equal += 1
    return equal


def test_an_operation_that_is_refused_once(tmp_path: Path, operations: list[str], undisturbed: str) -> None:
    """Only before the first step, and once the training is over, does it end one; a full disk only before it."""
    ended = refused_once(tmp_path, range(0, len(operations), 1 if ALL else 8), undisturbed)
    first, over = operations.index("mkdir .0000-00000000.new"), operations.index("open .spec.json.new")
    assert all(number < first or number >= over for number, fault in ended), ended
    assert all(number < first for number, fault in ended if fault in (errno.ENOSPC, errno.EDQUOT)), ended


def test_a_disk_that_is_full_for_a_while(tmp_path: Path, operations: list[str], undisturbed: str) -> None:
    first = operations.index("mkdir .0000-00000000.new")
    assert full_for_a_while(tmp_path, range(first, len(operations), 1 if ALL else 17), undisturbed) == []


def test_a_disk_that_is_full_for_good(tmp_path: Path, operations: list[str], undisturbed: str) -> None:
    assert full_for_good(tmp_path, range(4, len(operations) - 1, 1 if ALL else 19), undisturbed) > 5


def test_what_is_said_of_a_full_disk(tmp_path: Path, operations: list[str], undisturbed: str) -> None:
    """What is needed and what is free, the checkpoint that there is, and when it can be written again."""
    third = operations.index("mkdir .0000-00000002.new")
    torn = Torn(tmp_path / "run", during(third, 3, errno.ENOSPC))
    assert torn.go() is None
    said = [re.sub(r"[\d.]+ ([KMGT]iB)", r"N \1", line.replace(str(torn.run), "RUN")) for line in torn.notes.lines]
    assert said[0] == (
        "warning: a checkpoint could not be written: No space left on device: it needs N KiB, and N GiB are free; "
        "the newest one is RUN/checkpoints/0000-00000000; the training goes on, and tries again in 0 s"
    )
    assert said[-1].startswith("checkpoints can be written again: the newest one is RUN/checkpoints/000")
    ended = Torn(tmp_path / "ended", during(operations.index("open .spec.json.new"), 10**9, errno.ENOSPC))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(closing, "PATIENCE", 0.0)
        error = ended.go()
    assert error is not None
    (problem,) = error.diagnostics
    assert problem.message.startswith("cannot be written: No space left on device: it needs ")
    assert problem.because == f"what was trained up to step 6 is in {ended.run}/checkpoints/0002-00000006"
    assert problem.fix == f"`train --resume --run {ended.run}`, once it can be written"


def test_an_early_end_is_not_trained_beyond(tmp_path: Path) -> None:
    """Where the run could not be written after an early end, going on with it writes it, and trains no more."""
    early = ["train.epochs=9", "train.early_stopping.patience=1", "train.early_stopping.min_delta=5"]
    whole = api.train(TEXT, early, run=tmp_path / "whole")
    disk = Disk(tmp_path / "run", lambda number, name: None)
    disk.refuse = lambda number, name: errno.EIO if ".environment.json.new" in disk.done[-1] else None
    with disk.mounted(), pytest.raises(RunError, match=r"error\[SB506\]: cannot be written: Input/output error"):
        api.trained(TEXT, early, run=disk.folder)
    mended = api.train(TEXT, early, run=disk.folder, resume=True)
    assert (mended.reason, sha256_of(disk.folder)) == (whole.reason, sha256_of(tmp_path / "whole"))
    assert mended.reason.startswith("stopped early at epoch 2")


def test_without_checkpoints_the_end_is_waited_for(tmp_path: Path, undisturbed: str) -> None:
    """Nothing but the process holds what was trained: it tries again, whatever the disk said."""
    bare = ["train.checkpoint=null"]
    disk, notes = Disk(tmp_path / "run", lambda number, name: None), Notes()
    disk.refuse = lambda number, name: errno.EIO if disk.refused < 3 and "open .model" in disk.done[-1] else None
    with disk.mounted():
        api.trained(TEXT, bare, run=disk.folder, report=notes)
    assert sha256_of(disk.folder) == undisturbed
    assert [line.partition(":")[2] for line in notes.lines] == [
        " the run cannot be written: Input/output error; tries again in 0 s"
    ] * 3


def test_what_was_passed_over_pushes_nothing_out(tmp_path: Path, undisturbed: str) -> None:
    """A damaged checkpoint does not count as the newest, neither for `last: 1` nor on a full disk."""
    run = tmp_path / "run"
    api.trained(TEXT, ["train.checkpoint.last=9"], run=run)
    (run / "manifest.json").unlink()
    for path in checkpoints.found(run)[:2]:
        (path / "model.safetensors").write_bytes(b"")
    good = checkpoints.found(run)[2]
    assert checkpoints.keep(run, 1, good)
    assert checkpoints.found(run) == [good]
    written = api.trained(TEXT, run=run, resume=True)
    assert written is not None
    assert sha256_of(written) == undisturbed


def test_a_checkpoint_that_stands_is_not_written_again(tmp_path: Path) -> None:
    """One that was not known to be on disk, for its folder could not be forced to it."""
    aside = Aside(tmp_path, "0000-00000002")
    disk = Disk(tmp_path, lambda number, name: errno.EIO if disk.done[-2].startswith("rename") else None)
    disk.done += ["", ""]
    with disk.mounted(), pytest.raises(OSError, match="Input/output error"):
        written(aside, "a" * 32)
    inode = aside.path.stat().st_ino
    assert written(Aside(tmp_path, "0000-00000002"), "a" * 32).stat().st_ino == inode
    assert os.listdir(tmp_path / "checkpoints") == ["0000-00000002"]
    assert written(Aside(tmp_path, "0000-00000002"), "b" * 32).stat().st_ino != inode


def written(aside: Aside, run_id: str) -> Path:
    aside.begin()
    aside.put({"model": {"weight": torch.zeros(2)}})
    return aside.appear(run_id)


def test_lines_that_a_full_disk_does_not_take_end_no_training(tmp_path: Path) -> None:
    with open("/dev/full", "w") as log:
        api.trained(TEXT, run=tmp_path / "run", report=Lines(log))
        with open(os.devnull, "w") as empty:  # for what waits in the stream
            os.dup2(empty.fileno(), log.fileno())
    manifest.verify(tmp_path / "run")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_observers_that_cannot_write_end_no_training(tmp_path: Path, undisturbed: str) -> None:
    """Pictures and TensorBoard; no half picture is left, and none is listed."""
    if find_spec("tensorboard") is None or find_spec("matplotlib") is None:
        pytest.skip("needs tensorboard and matplotlib")
    run, notes = tmp_path / "run", Notes()
    disk = Disk(run, lambda number, name: errno.ENOSPC if ".png" in disk.done[-1] else None)
    run.mkdir()

    class Blocked(Notes):
        def start(self, start: Start) -> None:
            (run / "tensorboard").touch()

    notes = Blocked()
    with disk.mounted():
        api.trained(TEXT, ["train.tensorboard=true"], run=run, report=notes, pictures=True)
    assert sha256_of(run) == undisturbed
    assert [line.partition(" failed")[0] for line in notes.lines] == ["warning: Board", "warning: Pictures"]
    assert not list(run.glob("*.png"))
    manifest.verify(run)
