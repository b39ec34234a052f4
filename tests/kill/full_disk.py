"""Trainings on a real file system that is really full: `python -m tests.kill.full_disk`, a part of `make torture`.

It is a tmpfs of a few MiB, mounted by root, or in a user namespace of its own (`unshare`); where neither can be, that
is said. Besides, every operation of a training is refused, of which the suite tries a sample.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from specbuild.runs import checkpoints, manifest

MIB = 2**20
SIZE = 16 * MIB
INSIDE = "SPECBUILD_TORTURE_INSIDE"
TEXT = """\
specbuild: 1
name: full_disk
input: [1, 8, 8]
layers: [Flatten, {type: Linear, out_features: 2048}, ReLU, {type: Dropout, p: 0.1}, {type: Linear, out_features: 10}]
loss: CrossEntropyLoss
optimizer: {type: Adam, lr: 1e-3}
data:
  train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 256}}
  val: {split: 0.2}
train: {epochs: 60, checkpoint: {steps: 20}}
"""
"""A checkpoint of it takes up to 3 MiB."""


class Training:
    """`specbuild train` in a process of its own, and what it says."""

    def __init__(self, folder: Path, run: Path, *options: str) -> None:
        (folder / "spec.yaml").write_text(TEXT)
        self.log = folder / "log"
        command = [sys.executable, "-m", "specbuild", "train", str(folder / "spec.yaml"), "--run", str(run), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for it, for two minutes at most, while the training runs."""
        for _ in range(2400):
            if happened():
                return
            assert self.process.poll() is None, f"it ended before that:\n{self.said}"
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(f"it never happened:\n{self.said}")

    def ended(self) -> int:
        return self.process.wait(timeout=300)

    def show(self, *words: str) -> None:
        """The lines in which one of the words is."""
        for line in self.said.splitlines():
            if any(word in line for word in words):
                print(f"    {line}")


def sha256_of(run: Path) -> str:
    return hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()


def filled(folder: Path) -> Path:
    """A file that takes all the space there is, and what came free since."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (MIB, 4096):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return ballast


def whole(run: Path) -> Path:
    """The newest checkpoint, which is whole and can be read."""
    newest = checkpoints.found(run)[0]
    checkpoints.verified(newest)
    checkpoints.read(newest)
    return newest


@contextmanager
def small(folder: Path, size: int = SIZE) -> Iterator[Path]:
    """A file system of so many bytes."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fills_and_empties(folder: Path, disk: Path, undisturbed: str) -> None:
    """The disk fills while it trains, and space returns before it ends, or after that."""
    run = disk / "run"
    training = Training(folder, run)
    training.until(lambda: len(checkpoints.found(run)) > 1)
    ballast = filled(disk)
    training.until(lambda: filled(disk).exists() and training.said.count("could not be written") > 1)
    print(f"  full: {whole(run).name} is whole")
    training.until(lambda: filled(disk).exists() and training.said.count("tries again in") > 1)
    whole(run)
    ballast.unlink()
    assert training.ended() == 0, training.said
    assert sha256_of(run) == undisturbed
    manifest.verify(run)
    training.show("warning", "written again")
    print("  space returned: finished, equal")


def stays_full(folder: Path, disk: Path, undisturbed: str) -> None:
    """Nobody makes room; SIGTERM ends the waiting, and the training goes on later."""
    run = disk / "run"
    training = Training(folder, run)
    training.until(lambda: len(checkpoints.found(run)) > 1)
    ballast = filled(disk)
    training.until(lambda: filled(disk).exists() and "the run cannot be written" in training.said)
    training.process.send_signal(signal.SIGTERM)
    assert training.ended() == 1, training.said
    assert "SB506" in training.said
    newest = whole(run)
    assert str(newest) in training.said
    training.show("SB506", "= because", "= fix")
    ballast.unlink()
    again = Training(folder, run, "--resume")
    assert again.ended() == 0, again.said
    assert sha256_of(run) == undisturbed
    manifest.verify(run)
    again.show("goes on")
    print(f"  resumed from {newest.name}: finished, equal")


def log_is_full(folder: Path, disk: Path, undisturbed: str) -> None:
    """The lines that it prints go to a full disk, and its run to another."""
    filled(disk)
    with (disk / "log").open("wb") as log:
        command = [
            sys.executable,
            "-m",
            "specbuild",
            "train",
            str(folder / "spec.yaml"),
            "--run",
            str(folder / "log_run"),
        ]
        assert subprocess.run(command, stdout=subprocess.DEVNULL, stderr=log, check=False).returncode == 0
    assert sha256_of(folder / "log_run") == undisturbed
    print("  finished, equal")


def too_small(folder: Path, disk: Path, undisturbed: str) -> None:
    """The training is told before its first step that it does not fit."""
    training = Training(folder, disk / "run", "--set", "layers[1].out_features=20000")
    assert training.ended() == 1, training.said
    assert "SB506" in training.said
    assert not list(disk.iterdir())
    training.show("SB506", "= because", "= fix")


def read_only(folder: Path, disk: Path, undisturbed: str) -> None:
    """The folder cannot be written."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for options in ((), ("--resume",)):
        training = Training(folder, disk / "run", *options)
        assert training.ended() == 1, training.said
        assert "SB506" in training.said
        training.show("SB506")


def watched(folder: Path, disk: Path, undisturbed: str) -> None:
    """With TensorBoard and pictures: they may fail, and the training does not."""
    run = disk / "run"
    training = Training(folder, run, "--set", "train.tensorboard=true")
    training.until(lambda: len(checkpoints.found(run)) > 1)
    ballast = filled(disk)
    training.until(lambda: filled(disk).exists() and "the run cannot be written" in training.said)
    ballast.unlink()
    assert training.ended() == 0, training.said
    assert sha256_of(run) == undisturbed
    manifest.verify(run)
    training.show("failed")
    print("  finished, equal")


PARTS = (fills_and_empties, stays_full, log_is_full, too_small, read_only, watched)


def on_small_disks() -> int:
    """All parts, each on a file system of its own; how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = Training(folder, folder / "undisturbed")
        assert first.ended() == 0, first.said
        undisturbed = sha256_of(folder / "undisturbed")
        for number, part in enumerate(PARTS):
            print(f"{part.__name__}: {(part.__doc__ or '').strip()}", flush=True)
            try:
                with small(folder / f"disk{number}") as disk:
                    part(folder, disk, undisturbed)
            except (AssertionError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"  FAILED: {error}", flush=True)
    return failed


def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as name:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", name]
        try:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return False
        except OSError:
            return False
        subprocess.run(["umount", name], check=True)
    return True


def every_operation() -> int:
    """Refuse each operation of a training: once, for a while, for good; the exit status."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/training/test_failing_disk.py"]
    return subprocess.run(command, env={**os.environ, "SPECBUILD_TORTURE": "1"}, check=False).returncode


def on_disks_of_ones_own() -> int:
    """`on_small_disks`, where file systems can be mounted; how many failed."""
    if can_mount():
        failed = on_small_disks()
        print(f"a disk that is full: {len(PARTS)} trials, {failed} failed")
        return failed
    isolated = ["unshare", "--user", "--map-root-user", "--mount"]
    there = INSIDE not in os.environ and shutil.which("unshare") is not None
    if there and subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode == 0:
        command = [*isolated, sys.executable, "-m", "tests.kill.full_disk"]
        return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
    print("a disk that is full: SKIPPED, no file system can be mounted here, neither by this user nor in a namespace")
    return 0


def main() -> int:
    """The exit status."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    failed = on_disks_of_ones_own()
    if INSIDE in os.environ:
        return failed
    return int(bool(failed) | bool(every_operation()))


if __name__ == "__main__":
    raise SystemExit(main())
