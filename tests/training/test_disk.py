"""The disk space that a training takes, folders that cannot be written, and a folder that two trainings want."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from specbuild import api
from specbuild.diagnostics.render import text
from specbuild.errors import RunError
from specbuild.language.loading import load
from specbuild.network.inference import infer
from specbuild.runs import checkpoints, manifest
from specbuild.training import disk
from specbuild.training.disk import require_space, space_of
from tests.training.failing_disk import Disk

torch.set_num_threads(1)

TEXT = """\
specbuild: 1
name: digits
input: [1, 8, 8]
layers: [Flatten, {type: Linear, out_features: 512}, ReLU, {name: head, type: Linear, out_features: 10}]
loss: CrossEntropyLoss
optimizer: {type: Adam, lr: 1e-3}
data:
  train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 512}}
  val: {split: 0.2}
train: {epochs: 4, checkpoint: {steps: 2}}
"""


def used(run: Path) -> int:
    return sum(path.stat().st_size for path in run.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["train.ema.decay=0.5", "optimizer.amsgrad=true", "train.checkpoint.last=1"],
        ["optimizer={type: SGD, lr: 0.1, momentum: 0.9}", "train.best={metric: val_loss, mode: max}"],
        ["train.checkpoint=null"],
    ],
)
def test_no_training_takes_more_than_was_estimated(tmp_path: Path, overrides: list[str]) -> None:
    """Its folder is measured before every operation; and a checkpoint is at least half as large."""
    spec = load(TEXT, overrides)
    estimated, seen, largest = space_of(spec, infer(spec)), [0], [0]
    measured = Disk(tmp_path / "run", lambda number, name: None)

    def look() -> None:
        seen.append(used(measured.folder))
        largest.extend(used(path) for path in checkpoints.found(measured.folder))

    measured.before = look
    with measured.mounted():
        api.trained(TEXT, overrides, run=measured.folder)
    assert max(seen) <= estimated.whole
    assert estimated.least <= estimated.whole
    if estimated.kept:
        assert max(largest) <= estimated.checkpoint <= 2 * max(largest)


def document(features: int, **train: str) -> str:
    """A network whose weights take 4 KiB for each feature."""
    held = ", ".join(f"{name}: {value}" for name, value in train.items())
    return (
        TEXT.replace("[1, 8, 8]", "[1, 32, 32]").replace("512}, ReLU", f"{features}}}, ReLU").replace("steps: 2", held)
    )


def told(folder: Path, features: int, **train: str) -> str | None:
    spec = load(document(features, **train))
    try:
        return require_space(spec, infer(spec), folder)
    except RunError as error:
        return text(error.diagnostics)


def without_figures(said: str | None, folder: Path) -> str:
    assert said is not None
    return re.sub(r"[\d,.]+ [KMGT]?i?B\b", "N", " ".join(said.replace(str(folder), "RUN").split()))


def test_a_disk_that_is_too_small_is_told_at_the_start(tmp_path: Path) -> None:
    """On the real disk: a network of a size by which it is too small, or would be with more checkpoints."""
    free = shutil.disk_usage(tmp_path).free
    assert told(tmp_path, free // 4096 // 1000, last="2") is None
    each = free // 4096 // 5  # a checkpoint takes the weights three times, and Adam keeps them twice
    assert without_figures(told(tmp_path, int(each * 0.3), last="2"), tmp_path) == (
        "the training takes up to N on disk, and N are free; with `train.checkpoint.last: 1` it takes N"
    )
    assert without_figures(told(tmp_path, int(each * 0.8), last="2"), tmp_path) == (
        "RUN: error[SB506]: cannot be written: the training takes at least N on disk, and N are free "
        "= because: a checkpoint takes N, and the newest stays while the next is written "
        "= fix: --run with a folder on another disk; or `train.checkpoint: null`, which takes N"
    )
    assert "train.checkpoint: null" not in (told(tmp_path, 5 * each, last="2") or "")


def test_a_training_that_does_not_fit_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder, nor one that was there any other than it was."""
    whole = api.trained(TEXT, ["train.epochs=1"], run=tmp_path / "whole")
    assert whole is not None
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    monkeypatch.setattr(disk, "SMALL", 0)
    monkeypatch.setattr(disk, "free_space", lambda folder: 1000)
    with pytest.raises(RunError, match="SB506"):
        api.trained(TEXT, run=tmp_path / "new")
    assert os.listdir(tmp_path) == ["whole"]
    with pytest.raises(RunError, match="SB506"):
        api.trained(TEXT, ["train.ema.decay=0.5"], run=tmp_path / "other")
    monkeypatch.setattr(disk, "held", lambda folder: 0)
    with pytest.raises(RunError, match="SB506"):
        api.trained(TEXT, run=whole, resume=True)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_what_a_training_has_written_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on in the space that it had."""
    run = api.trained(TEXT, ["train.epochs=2"], run=tmp_path / "run")
    monkeypatch.setattr(disk, "SMALL", 0)
    spec = load(TEXT)
    needed = space_of(spec, infer(spec))
    monkeypatch.setattr(disk, "free_space", lambda folder: needed.least - used(tmp_path / "run") + 100_000)
    assert api.trained(TEXT, run=run, resume=True) == run


def test_a_dry_run_tells_the_space() -> None:
    rehearsal = api.dry_run(TEXT)
    spec = load(TEXT)
    assert rehearsal.disk == space_of(spec, infer(spec))
    assert f"\n  disk        about {disk.in_bytes(rehearsal.disk.whole)} (4 checkpoints of " in str(rehearsal)
    assert "\n  disk        about 0.36 MiB\n" in str(api.dry_run(TEXT, ["train.checkpoint=null"]))


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_folder_that_cannot_be_written(tmp_path: Path, fault: int) -> None:
    """Whether it is the folder that cannot be made, or what is in it."""
    for first in range(3):
        refused = Disk(tmp_path, lambda number, name, first=first: fault if number == first else None)  # type: ignore[misc]
        with refused.mounted(), pytest.raises(RunError) as caught:
            api.trained(TEXT, run=tmp_path / "a/run")
        (problem,) = caught.value.diagnostics
        assert (problem.code, problem.message) == ("SB506", f"cannot be written: {os.strerror(fault)}")
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("resume", [False, True])
def test_a_path_that_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").touch()
    for run in (None, "runs/a", "x" * 300, "x/" * 3000):
        with pytest.raises(RunError) as caught:
            api.trained(TEXT, run=run, resume=resume)
        (problem,) = caught.value.diagnostics
        assert problem.code == "SB506", problem
    assert os.listdir(tmp_path) == ["runs"]


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A training under way in another process, with workers that load its data."""
    folder = tmp_path_factory.mktemp("taken")
    (folder / "spec.yaml").write_text(WORKERS)
    command = [sys.executable, "-m", "specbuild", "train", str(folder / "spec.yaml"), "--run", str(folder / "run")]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        while not any(checkpoints.place_of(path)[1] > 4 for path in checkpoints.found(folder / "run")):
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield process, folder / "run"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


WORKERS = (
    TEXT.replace("batch_size: 512", "batch_size: 512, num_workers: 1, persistent_workers: true")
    .replace("[ToTensor]", "[{type: ElasticTransform, sigma: 1}, ToTensor]")  # sample by sample, by workers
    .replace("epochs: 4", "epochs: 100000")
)


def children(process: int) -> list[int]:
    """The processes that another one has started."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if parent(path) == process]


def parent(stat: Path) -> int | None:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_a_folder_in_use(training: tuple[subprocess.Popen[bytes], Path]) -> None:
    """Neither a new training nor one that goes on gets at it; once its holder is killed, one does at once.

    The workers of the one that was killed are still there then, and do not hold it.
    """
    process, run = training
    sources = {path: path.read_bytes() for path in (run / "source.yaml", run / "run.json")}
    for resume in (False, True):
        with pytest.raises(RunError) as caught:
            api.trained(WORKERS, run=run, resume=resume)
        (problem,) = caught.value.diagnostics
        holder = f"process {process.pid} on {socket.gethostname()}"
        assert (problem.code, problem.message) == ("SB505", f"is being written by another training: {holder}")
    assert {path: path.read_bytes() for path in sources} == sources
    assert process.poll() is None

    workers = children(process.pid)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    process.kill()
    process.wait()
    assert (run / ".lock").exists()
    done = checkpoints.place_of(checkpoints.found(run)[0])[0]
    alone = ["data.train.loader.num_workers=0", "data.train.loader.persistent_workers=false"]
    written = api.trained(WORKERS, [f"train.epochs={done + 1}", *alone], run=run, resume=True)
    assert [Path(f"/proc/{worker}/stat").read_text().split()[2] for worker in workers] == ["T"] * len(workers)
    assert written is not None
    manifest.verify(written)
    assert not (run / ".lock").exists()
