"""What torch has pickled, made safetensors: against what was saved, and what would do harm."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from specbuild.api import build
from specbuild.errors import RunError
from specbuild.importing.state_dicts import converted

SPEC = {
    "specbuild": 1,
    "input": [1, 8, 8],
    "layers": [
        {"name": "conv", "type": "Conv2d", "out_channels": 2, "kernel_size": 3},
        {"name": "norm", "type": "BatchNorm2d"},
    ],
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2)))


def wrapped(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_plain_state_dict_goes_into_a_network(zipped: bool) -> None:
    state = network().state_dict()
    torch.save(state, "net.pth", _use_new_zipfile_serialization=zipped)
    done = converted("net.pth")
    assert str(done) == f"net.safetensors: 7 tensors, {Path('net.safetensors').stat().st_size:,} bytes"
    model = build({**SPEC, "weights": "net.safetensors"})
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (lambda state: {"state_dict": state, "epoch": 3}, ("the weights are under 'state_dict', beside epoch",)),
        (
            lambda state: {"args": {"lr": 0.1}, "model": wrapped(state, "module."), "model_ema": wrapped(state, "x.")},
            (
                "the weights are under 'model', beside args, model_ema",
                "every key began with 'module.', which is left out",
            ),
        ),
        (
            lambda state: wrapped(state, "_orig_mod.module."),
            ("every key began with '_orig_mod.module.', which is left out",),
        ),
        (lambda state: {**state, "version": 2}, ("left out, for they are no tensors: version",)),
    ],
)
def test_checkpoints_of_training_scripts(content: Any, notes: tuple[str, ...]) -> None:
    state = network().state_dict()
    torch.save(content(state), "net.pth")
    assert converted("net.pth", "out.safetensors").notes == notes
    found = load_file("out.safetensors")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in state.items())


class Harm:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            network(),
            "holds more than tensors, and nothing in it is run: it names torch.nn.modules.",
        ),
        ({"state_dict": network().state_dict(), "x": Harm()}, "nothing in it is run: it names posix.mkdir"),
        ([torch.zeros(2)], "holds list, and no state_dict"),
        ({"epoch": 3}, "holds no state_dict"),
        ({1: torch.zeros(2)}, "holds no state_dict"),
    ],
)
def test_what_is_no_state_dict_is_not_run(content: Any, message: str) -> None:
    torch.save(content, "net.pth")
    with pytest.raises(RunError, match=rf"net\.pth: error\[SB517\]: .*{re.escape(message)}"):
        converted("net.pth")
    assert sorted(os.listdir()) == ["net.pth"]


def test_files_that_are_none() -> None:
    Path("text.pth").write_text("no weights")
    Path("empty.pth").touch()
    Path("folder.pth").mkdir()
    os.mkfifo("pipe.pth")
    torch.save(network().state_dict(), "cut.pth")
    with Path("cut.pth").open("r+b") as file:
        file.truncate(700)
    for name in ("text", "empty", "cut"):
        with pytest.raises(RunError, match=r"SB517.*is no file of torch's, or is damaged"):
            converted(f"{name}.pth")
    for name in ("folder", "pipe", "none"):
        with pytest.raises(RunError, match=r"SB517.*cannot be read"):
            converted(f"{name}.pth")
    save_file({"a": torch.zeros(1)}, "data.pth")
    with pytest.raises(RunError, match=r"SB517.*is a safetensors file already"):
        converted("data.pth")
    assert not list(Path().glob("*.safetensors"))


def test_where_it_is_written() -> None:
    torch.save(network().state_dict(), "net.pth")
    with pytest.raises(RunError, match=r"out\.bin: error\[SB517\]: weights are written as safetensors"):
        converted("net.pth", "out.bin")
    with pytest.raises(RunError, match=r"SB506.*cannot be written: No such file or directory"):
        converted("net.pth", "none/out.safetensors")
