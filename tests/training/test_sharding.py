"""Checkpoints in parts, as tests/training/sharded.py writes and reads them in several processes."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata

from specbuild.errors import RunError
from specbuild.training import sharding
from specbuild.training.shards import name_of
from specbuild.training.world import ALONE
from tests.training.sharded import OPTIMIZERS, TASKS, Training, local, resumed, without_pickle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes saved, what two others made of it, and what three others read."""
    folder = tmp_path_factory.mktemp("parts")
    torch.set_num_threads(1)
    stores = [torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False) for _ in TASKS]
    command = [sys.executable, "-m", "tests.training.sharded", str(folder), *(str(store.port) for store in stores)]
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
