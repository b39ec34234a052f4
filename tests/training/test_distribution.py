from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from specbuild.api import infer, load, reload, train
from specbuild.data import open_data
from specbuild.data.share import Share
from specbuild.errors import DataError
from specbuild.runs import checkpoints, manifest
from specbuild.training.distribution import Processes
from specbuild.training.launching import GRACE, outcome
from tests.training.together import PATIENCE, child_of, two_processes

HEAD = {"type": "Linear", "out_features": 3}
CONVOLVED = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3}, "ReLU", "Flatten", HEAD]
NORMALIZED = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3}, "BatchNorm2d", "ReLU", "Flatten", HEAD]
TIED = [
    "Flatten", {"name": "first", "type": "Linear", "out_features": 64}, {"name": "second", "type": "Linear",
                                                                        "out_features": 64}, HEAD,
]  # fmt: skip
SGD = {"type": "SGD", "lr": 0.05, "momentum": 0.9}


def document(arrays: Path, layers: list[Any], batch: int = 32, **changes: Any) -> dict[str, Any]:
    """20 steps on 97 images in batches of 32: the last batch is one image, and one of two processes has none of it."""
    split = {
        "dataset": {"type": "Arrays", "path": str(arrays), "fields": {"input": "image", "target": "label"}},
        "transforms": ["RandomHorizontalFlip", "ToTensor"],
        "loader": {"batch_size": batch},
    }
    return {
        "specbuild": 1,
        "input": [1, 8, 8],
        "layers": layers,
        "loss": "CrossEntropyLoss",
        "optimizer": SGD,
        "data": {"train": split, "val": {"split": 0.25}},
        "train": {"epochs": 5, "device": "cpu"},
        **changes,
    }


def documents(data: Path) -> dict[str, dict[str, Any]]:
    together = {"epochs": 5, "device": "cpu", "distributed": {"sync_batchnorm": True}}
    several = {"epochs": 5, "device": "cpu", "accumulate": 3, "clip_grad_norm": 0.5, "ema": {"decay": 0.9}}
    adam = {"type": "Adam", "lr": 0.003}
    weighted = {"type": "CrossEntropyLoss", "weight": [1.0, 5.0, 0.2], "ignore_index": 1}
    sharded = {"epochs": 5, "device": "cpu", "clip_grad_norm": 0.5, "distributed": {"strategy": "fsdp"}}
    return {
        "plain": document(data, CONVOLVED),
        "normalized": document(data, NORMALIZED, train=together),
        "weighted": document(data, CONVOLVED, 29, loss=weighted, optimizer=adam, train=several),
        "summed": document(data, CONVOLVED, loss={"type": "CrossEntropyLoss", "reduction": "sum"},
                           optimizer={"type": "SGD", "lr": 0.001}),
        "closure": document(data, CONVOLVED, 97, optimizer={"type": "LBFGS", "lr": 0.1, "max_iter": 4}),
        "sharded": document(data, CONVOLVED, train=sharded),
    }  # fmt: skip


NAMES = ("plain", "normalized", "weighted", "summed", "closure", "sharded")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents, and the runs that two processes made of them."""
    folder = tmp_path_factory.mktemp("several")
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (129, 8, 8), dtype=np.uint8)
    label = (image[:, :4].mean((1, 2)) // 10 % 3).astype(np.int64)
    np.savez(folder / "data.npz", image=image, label=label)
    for name, content in documents(folder / "data.npz").items():
        (folder / f"{name}.yaml").write_text(json.dumps(content))
    two_processes(str(Path(__file__).with_name("part.py")), str(folder))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_compute_what_one_computes(name: str, folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    alone = train(folder / f"{name}.yaml", run=tmp_path / "run")
    together = reload(folder / f"{name}.run")
    assert len(together.metrics) == len(alone.metrics) == 5
    for ours, theirs in zip(together.metrics, alone.metrics, strict=True):
        measured = {key: value for key, value in theirs.items() if key.startswith(("train_", "val_"))}
        assert {key: ours[key] for key in measured} == pytest.approx(measured, abs=1e-5)
    state, other = together.model.state_dict(), alone.model.state_dict()
    assert list(state) == list(other)
    for key, tensor in other.items():
        torch.testing.assert_close(state[key], tensor, rtol=1e-4, atol=1e-5, msg=f"{name}: {key}")


@pytest.mark.parametrize(("total", "processes"), [(10, 3), (2, 4), (0, 2), (8, 4)])
def test_shares_are_the_whole_in_order_and_even(total: int, processes: int) -> None:
    whole = torch.arange(total)
    parts = [Share(rank, processes).of(whole) for rank in range(processes)]
    assert torch.equal(torch.cat(parts), whole)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True) == [Share(rank, processes).size(total) for rank in range(processes)]
    assert sum(Share(rank, processes).weight(total) for rank in range(processes)) == pytest.approx(min(total, 1))


class Command:
    """`specbuild train` under way in a folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "specbuild", "train", *arguments], cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def read_until(self, words: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}")

    def child(self, rank: int) -> int:
        """The pid of a process by its rank."""
        return child_of(self.process.pid, rank)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def long(folder: Path, tmp_path: Path) -> Path:
    """A training that does not end by itself."""
    content = documents(folder / "data.npz")["plain"]
    (tmp_path / "long.yaml").write_text(json.dumps({**content, "train": {"epochs": 10**6, "device": "cpu"}}))
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_one_that_is_killed_ends_all_and_what_was_good_is_kept(long: Path) -> None:
    command = Command(long, "long.yaml", "--nproc", "2", "--run", "run")
    command.read_until("epoch       2/")
    pid = command.child(1)
    os.kill(pid, signal.SIGKILL)
    status, out, err = command.end()
    assert (status, out) == (1, "")
    assert f"error: process 1 of 2 (pid {pid}) was ended by SIGKILL, and the others with it" in err
    assert "the run is in run" in err
    assert "Traceback" not in err
    assert manifest.verify(long / "run").status == "interrupted"
    checkpoints.verified(checkpoints.found(long / "run")[0])
    assert sorted(path.name for path in long.iterdir()) == ["long.yaml", "run"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_an_interrupt_ends_all(long: Path) -> None:
    command = Command(long, "long.yaml", "--nproc=2", "--run", "run")
    command.read_until("epoch       1/")
    command.process.send_signal(signal.SIGINT)
    status, out, err = command.end()
    assert (status, out) == (130, "")
    last = err.splitlines()[-1]
    assert last.startswith("interrupted after ")
    assert "the run is in run; `specbuild train --resume --run run` goes on after step" in last
    assert err.count("interrupted") == 1
    assert "death signal" not in err  # torch's own words
    assert manifest.verify(long / "run").status == "interrupted"


def test_bad_data_in_one_is_told_once(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for k in range(8):
            Image.new("L", (8, 8)).save(tmp_path / "photos" / kind / f"{k}.png")
    (tmp_path / "photos" / "dog" / "5.png").write_text("no image")
    dataset = {"type": "ImageFolder", "root": "photos"}
    content = document(tmp_path, ["Flatten", {"type": "Linear", "out_features": 2}], data={
        "train": {"dataset": dataset, "transforms": ["Grayscale", "ToTensor"], "loader": {"batch_size": 16,
                                                                                         "shuffle": False}},
    })  # fmt: skip
    (tmp_path / "bad.yaml").write_text(json.dumps(content))
    status, out, err = Command(tmp_path, "bad.yaml", "--nproc", "2", "--run", "run").end()
    assert (status, out) == (1, "")
    assert err.count("SB405") == 1
    assert "5.png" in err
    assert "interrupted" not in err
    assert "warn" not in err.lower()
    assert not (tmp_path / "run").exists()


def test_what_is_wrong_with_the_document_is_all_that_is_told(tmp_path: Path) -> None:
    content = document(tmp_path, ["Flatten", {"type": "Linear", "out_features": 2}], optimizer="LBFGS",
                       train={"accumulate": 2})  # fmt: skip
    (tmp_path / "bad.yaml").write_text(json.dumps(content))
    status, out, err = Command(tmp_path, "bad.yaml", "--nproc", "2", "--run", "run").end()
    assert (status, out) == (1, "")
    assert err.count("SB410") == 1
    assert "was ended by" not in err


@pytest.mark.parametrize(
    ("first", "second", "status", "words"),
    [
        (1, 143, 1, None),  # one has told; the launcher has ended the other
        (1, -15, 1, None),
        (1, -9, 1, None),
        (2, 143, 2, None),
        (-9, 143, 1, "was ended by SIGKILL"),
        (-9, -15, 1, "was ended by SIGKILL"),
        (-9, 1, 1, "was ended by SIGKILL"),  # one was killed; the other has told what it saw of it
        (-11, 143, 1, "was ended by SIGSEGV"),
        (143, 143, 143, None),
        (143, -9, 143, None),  # the other did not end when it was told to
        (-15, 143, 143, None),
        (130, 143, 130, None),
        (130, -15, 130, None),
        (-2, -15, 130, "error: the 2 processes were ended by SIGINT"),
        (-15, -15, 143, "error: the 2 processes were ended by SIGTERM"),
    ],
)
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("later", [0, 1, GRACE - 1])
def test_the_status_follows_from_how_each_ended(
    first: int, second: int, status: int, words: str | None, rank: int, later: int
) -> None:
    """Whichever rank was the first, and however much later the other was seen to have ended."""
    failures = {rank: ProcessFailure(rank, 70, first, ""), 1 - rank: ProcessFailure(1 - rank, 80, second, "")}
    failures[rank].timestamp = 1000
    failures[1 - rank].timestamp = 1000 + (GRACE if second == -9 else later)
    if words is not None and words.startswith("was"):
        words = f"error: process {rank} of 2 (pid 70) {words}, and the others with it"
    found, message = outcome(dict(sorted(failures.items())), 2)
    assert (found, message and message.splitlines()[0]) == (status, words)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--nproc", "0"], 2, "Invalid value for '--nproc'"),
        (["--nproc", "-2"], 2, "Invalid value for '--nproc'"),
        (["--nproc", "two"], 2, "Invalid value for '--nproc'"),
    ],
)
def test_a_wrong_number_of_processes(arguments: list[str], status: int, words: str, tmp_path: Path) -> None:
    found, _, err = Command(tmp_path, "x.yaml", *arguments).end()
    assert (found, words in err) == (status, True), err


def one_of(processes: int, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """The first of several, that has not met the others."""
    monkeypatch.setenv("LOCAL_RANK", "0")
    return Processes(torch.distributed.HashStore(), 0, processes)


@pytest.mark.parametrize(
    ("changes", "asked", "words"),
    [
        ({}, "cuda:1", "--device: error[SB407]: cuda:1 is one device, and 40 processes need one each"),
        ({"train": {"device": "cuda:0"}}, None, "error[SB407]: cuda:0 is one device, and 40 processes need one each"),
        ({}, None, "error[SB410]: 40 processes cannot share a batch of 32"),
        ({"layers": ["Flatten", {"type": "Linear", "out_features": 4}, "BatchNorm1d", HEAD]}, None,
         "SB406"),
        ({"train": {"ema": {}, "distributed": {"strategy": "fsdp"}}}, "cpu",
         "error[SB410]: ema needs the whole network, and with strategy fsdp no process has it"),
        ({"optimizer": {**SGD, "fused": True}, "train": {"distributed": {"strategy": "fsdp"}}}, "cpu",
         "error[SB410]: SGD is fused for whole parameters alone, and with strategy fsdp they are in parts"),
        ({"optimizer": "LBFGS", "train": {"distributed": {"strategy": "fsdp"}}}, "cpu",
         "error[SB410]: LBFGS needs the whole network, and with strategy fsdp no process has it"),
        ({"optimizer": "Rprop", "train": {"distributed": {"strategy": "fsdp"}}}, "cpu",
         "error[SB410]: Rprop needs the whole network, and with strategy fsdp no process has it"),
        ({"optimizer": "Adafactor", "train": {"distributed": {"strategy": "fsdp"}}}, "cpu",
         "error[SB410]: Adafactor needs the whole network, and with strategy fsdp no process has it"),
        ({"layers": TIED, "tie": {"second.weight": "first.weight"}, "train": {"distributed": {"strategy": "fsdp"}}},
         "cpu", "error[SB410]: second.weight is tied to first.weight, and with strategy fsdp"),
    ],
)  # fmt: skip
def test_what_processes_cannot_share(
    changes: Any, asked: str | None, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load(document(folder / "data.npz", **{"layers": CONVOLVED, **changes}))
    world = one_of(16 if words == "SB406" else 40, monkeypatch)
    plan, splits = infer(spec), open_data(spec)

    def begin() -> None:
        world.settled(spec, plan, asked)
        world.shared(splits, plan)

    with pytest.raises(DataError) as caught:
        begin()
    assert words in str(caught.value)
    if words == "SB406":
        assert "of a batch of 1, 16 processes have 0 or 1 each" in str(caught.value)


@pytest.mark.parametrize("older", ["absent", "without parts"])
def test_checkpoints_in_parts_need_a_torch_that_writes_them(older: str, folder: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    class Writer:  # as torch had it before
        def __init__(self, path: str) -> None: ...

    name = "torch.distributed.checkpoint.hf_storage"
    if older == "absent":
        monkeypatch.setitem(sys.modules, name, None)
    else:
        monkeypatch.setattr(f"{name}.HuggingFaceStorageWriter", Writer)
    sharded = {"distributed": {"strategy": "fsdp"}}
    spec = load(document(folder / "data.npz", CONVOLVED, train=sharded))
    world = one_of(2, monkeypatch)
    with pytest.raises(DataError, match=r"torch \S+ cannot write checkpoints of a network in parts") as caught:
        world.settled(spec, infer(spec), "cpu")
    assert "checkpoint: null" in str(caught.value.diagnostics[0].fix)
    spec = load(document(folder / "data.npz", CONVOLVED, train={**sharded, "checkpoint": None}))
    world.settled(spec, infer(spec), "cpu")
