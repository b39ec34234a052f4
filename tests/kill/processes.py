"""Trainings of two processes, ended at any moment and gone on with: `python -m tests.kill.processes [COUNT] [SEED]`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from specbuild.runs import checkpoints
from tests.training.together import child_of

PATIENCE = 120
"""Seconds after which a training hangs."""
TIMES = {"seconds", "samples_per_second"}
"""What no two trainings have alike."""


def document(**changes: Any) -> dict[str, Any]:
    """Each process draws for itself (dropout), counts for itself (BatchNorm), and measures its own part."""
    split = {
        "dataset": {"type": "Arrays", "path": "data.npz", "fields": {"input": "image", "target": "label"}},
        "transforms": ["RandomHorizontalFlip", "ToTensor"],
        "loader": {"batch_size": 8},
    }
    return {
        "specbuild": 1,
        "input": [1, 8, 8],
        "layers": [
            {"type": "Conv2d", "out_channels": 8, "kernel_size": 3}, "BatchNorm2d", "ReLU", "Flatten",
            {"type": "Dropout", "p": 0.4}, {"type": "Linear", "out_features": 24}, "ReLU",
            {"type": "Linear", "out_features": 3},
        ],
        "loss": "CrossEntropyLoss",
        "optimizer": {"type": "AdamW", "lr": 0.002},
        "metrics": ["accuracy", "f1", "auroc"],
        "data": {"train": split, "val": {"split": 0.3}},
        "train": train(),
        **changes,
    }  # fmt: skip


def train(**changes: Any) -> dict[str, Any]:
    checkpoint = {"steps": 37, "last": 3}
    return {"epochs": 3, "device": "cpu", "precision": "float32", "checkpoint": checkpoint, **changes}


def documents() -> dict[str, dict[str, Any]]:
    workers = document()
    workers["data"]["train"]["loader"]["num_workers"] = 1
    fsdp = document(train=train(distributed={"strategy": "fsdp"}, clip_grad_norm=1.0))
    parts = document(train=train(accumulate=2, distributed={"strategy": "fsdp", "sync_batchnorm": True}))
    for slow in (fsdp, parts):
        slow["data"]["train"]["loader"]["batch_size"] = 24
        slow["train"]["epochs"] = 2
    return {
        "ddp": document(),
        "fsdp": fsdp,
        "accumulated": document(
            scheduler={"type": "OneCycleLR", "max_lr": 0.01},
            train=train(accumulate=3, ema={"decay": 0.9}, distributed={"sync_batchnorm": True}),
        ),
        "workers": workers,
        "parts": parts,
    }


def prepare(folder: Path, samples: int = 2400) -> None:
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (samples, 8, 8), dtype=np.uint8)
    label = (image[:, :4].mean((1, 2)) // 10 % 3).astype(np.int64)
    np.savez(folder / "data.npz", image=image, label=label)
    for name, content in documents().items():
        (folder / f"{name}.yaml").write_text(json.dumps(content))


class Training:
    """`specbuild train` under way in several processes."""

    def __init__(self, folder: Path, *arguments: str, processes: int = 2) -> None:
        command = [sys.executable, "-m", "specbuild", "train", *arguments, "--nproc", str(processes)]
        self.process = subprocess.Popen(
            command, cwd=folder, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.said = ""

    def read_until(self, words: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}:\n{self.said}")

    def child(self, rank: int) -> int:
        """The pid of a process by its rank."""
        return child_of(self.process.pid, rank)

    def end(self) -> int:
        try:
            self.said += self.process.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"it hangs:\n{self.said}") from None
        return self.process.returncode


def to_launcher(number: int) -> Callable[[Training], None]:
    return lambda training: training.process.send_signal(number)


def to_process(rank: int, number: int) -> Callable[[Training], None]:
    return lambda training: os.kill(training.child(rank), number)


def to_all(number: int) -> Callable[[Training], None]:
    return lambda training: os.killpg(training.process.pid, number)


ENDS = {
    "TERM to the launcher": (to_launcher(signal.SIGTERM), 143),
    "TERM to process 0": (to_process(0, signal.SIGTERM), 143),
    "TERM to process 1": (to_process(1, signal.SIGTERM), 143),
    "INT to all": (to_all(signal.SIGINT), 130),
    "TERM to all": (to_all(signal.SIGTERM), 143),
    "HUP to the launcher": (to_launcher(signal.SIGHUP), 129),
    "KILL to process 0": (to_process(0, signal.SIGKILL), 1),
    "KILL to process 1": (to_process(1, signal.SIGKILL), 1),
    "KILL to the launcher": (to_launcher(signal.SIGKILL), -9),
    "KILL to all": (to_all(signal.SIGKILL), -9),
}  # fmt: skip
"""How a training may be ended, and with which exit status it ends."""


def content(run: Path) -> dict[str, Any]:
    """All that a finished training has come to: its epochs, the files of its last checkpoint, and its weights."""
    found: dict[str, Any] = {}
    newest = checkpoints.found(run)[0]
    checkpoints.verified(newest)
    for file in sorted([*newest.glob("*.safetensors"), *run.glob("*.safetensors")]):
        found |= {f"{file.parent.name if file.parent == newest else ''}/{file.name}:{name}": tensor
                  for name, tensor in load_file(file).items()}  # fmt: skip
    lines = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    found["metrics"] = [{key: value for key, value in line.items() if key not in TIMES | {"crc"}} for line in lines]
    found["tables"] = json.loads((newest / "state.json").read_text())["best"]["tables"]
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What is not equal bit for bit."""
    return sorted(name for name in one.keys() | other.keys() if not equal(one.get(name), other.get(name)))


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one.flatten().view(torch.uint8), other.flatten().view(torch.uint8))
    return bool(one == other)


def ended(training: Training, folder: Path, draw: random.Random) -> str:
    """End a training at some moment: as it starts, or in any of its steps; how, and what there is then."""
    how = draw.choice(sorted(ENDS))
    end, wanted = ENDS[how]
    wait = draw.uniform(0, 5)
    there = checkpoints.found(folder)
    begun = time.monotonic()
    if draw.random() < 0.85:
        while checkpoints.found(folder) == there and training.process.poll() is None:
            time.sleep(0.05)
    time.sleep(wait)
    with suppress(StopIteration, FileNotFoundError, ProcessLookupError):
        end(training)
    said = f"{how} after {time.monotonic() - begun:.1f} s"
    print(said, end=": ", flush=True)
    status = training.end()
    said = f"{status}, {[path.name for path in checkpoints.found(folder)]}"
    print(said, end="; ", flush=True)
    assert status in (wanted, 0), training.said
    assert "Traceback" not in training.said, training.said
    return said


def main(count: int, seed: int, names: list[str]) -> None:
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder)
        whole: dict[str, dict[str, Any]] = {}
        for number in range(count):
            name = draw.choice(names or sorted(documents()))
            if name not in whole:
                training = Training(folder, f"{name}.yaml", "--run", f"{name}.whole")
                assert training.end() == 0, training.said
                whole[name] = content(folder / f"{name}.whole")
            run = f"{name}.{number}"
            print(f"{number} {name}", end=": ", flush=True)
            for _ in range(draw.choice((1, 1, 2))):
                ended(Training(folder, "--resume", f"{name}.yaml", "--run", run), folder / run, draw)
            training = Training(folder, "--resume", f"{name}.yaml", "--run", run)
            assert training.end() == 0, training.said
            problems = differing(whole[name], content(folder / run))
            print(problems or "the same bits", flush=True)
            if problems:
                print(training.said)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.argv[3:])
