"""Processes that run `specbuild train`, forked off one that has imported torch: a kill costs no new interpreter.

The parent has one thread when it forks (it looks), and torch computes with one, so that what is forked is a process
like any other.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.kill.dying import Death, watch

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds after which a training counts as hung."""


class Ended(NamedTuple):
    """A process that has ended."""

    status: int
    """The exit status; the negative number of the signal that killed it."""
    output: str
    """What it printed."""
    trace: list[str]
    """What it did, a line each."""

    @property
    def steps(self) -> int:
        """Steps of the optimizer that it did."""
        return self.trace.count("step")

    @property
    def operations(self) -> list[str]:
        """Its operations on the run, in order."""
        return [line for line in self.trace if " " in line]


class Child:
    """A training under way."""

    def __init__(self, nursery: Nursery, pid: int, files: Path) -> None:
        self.nursery, self.pid, self.files = nursery, pid, files

    def signal(self, number: int) -> None:
        """Send it a signal; it may have ended."""
        if not self.nursery.answered(0):
            os.kill(self.pid, number)  # not waited for yet, or no more than just now: the number is its own

    def lines(self) -> list[str]:
        """What it did so far."""
        trace = self.files / "trace"
        return trace.read_text().splitlines() if trace.exists() else []

    def ended(self, patience: float = PATIENCE) -> Ended:
        """Wait for its end."""
        hung = not self.nursery.answered(patience)
        if hung:
            os.kill(self.pid, signal.SIGKILL)
        status = self.nursery.answer()["status"]
        output = (self.files / "output").read_text(errors="replace")
        assert not hung, f"hung for {patience} s:\n{output}"
        return Ended(status, output, self.lines())


class Nursery:
    """One process that forks others, one at a time."""

    def __init__(self, folder: Path, plugins: Sequence[str] = ()) -> None:
        self.folder, self.count = folder, 0
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "1000"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.nursery", str(folder), *plugins],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.answer() == {"ready": True}

    def answered(self, patience: float) -> bool:
        """Whether there is an answer within so many seconds."""
        return bool(select.select([self.process.stdout], [], [], patience)[0])

    def answer(self) -> dict[str, Any]:
        """What it says next."""
        assert self.process.stdout is not None
        line = bytearray()
        while not line.endswith(b"\n"):  # unbuffered, so that `select` sees what there is
            part = os.read(self.process.stdout.fileno(), 1)
            assert part, "the nursery has ended"
            line += part
        return dict(json.loads(line))

    def start(
        self,
        arguments: Sequence[str],
        run: Path,
        death: Death | None = None,
        *,
        in_turn: bool = False,
        grace: float | None = None,
        **environment: str,
    ) -> Child:
        """Begin `specbuild ARGUMENTS`, which writes in `run`.

        in_turn: as in `watch`. grace: seconds that a step has to end by itself, where they are others than in earnest.
        """
        self.count += 1
        files = self.folder / f"process{self.count}"
        files.mkdir()
        asked = {
            "arguments": list(arguments), "run": str(run), "files": str(files), "death": death,
            "grace": grace, "in_turn": in_turn, "environment": environment,
        }  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        return Child(self, self.answer()["pid"], files)

    def close(self) -> None:
        """No more of them."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def nursery(folder: Path, plugins: Sequence[str] = ()) -> Iterator[Nursery]:
    """A nursery that keeps its files in `folder`; plugins: modules of tests.kill to be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Nursery(folder, plugins)
    try:
        yield made
    finally:
        made.close()


def child(asked: dict[str, Any]) -> int:
    """What a forked process does; its exit status."""
    files = Path(asked["files"])
    for number, name in ((0, os.devnull), (1, files / "output"), (2, files / "output")):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    from specbuild.cli.app import app
    from specbuild.training import interruption

    death = None if asked["death"] is None else Death(*asked["death"])
    watch(Path(asked["run"]), files / "trace", death, in_turn=asked["in_turn"])
    os.environ.update(asked["environment"])
    interruption.GRACE = asked["grace"] or interruption.GRACE
    try:
        app(asked["arguments"], standalone_mode=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def serve(folder: Path, plugins: Sequence[str]) -> None:
    """Import and try all that a training needs; then fork one for each line of standard input."""
    import torch

    from specbuild.api import train
    from specbuild.plugins import load_plugins
    from tests.kill.documents import WARMING

    torch.set_num_threads(1)
    load_plugins(plugins)
    train(WARMING, run=folder / "warming")
    assert threading.active_count() == 1
    assert len(os.listdir("/proc/self/task")) == 1, "a process that forks has one thread"
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                status = child(json.loads(line))
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(status)
        print(json.dumps({"pid": pid}), flush=True)
        _, ended = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(ended)}), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2:])
