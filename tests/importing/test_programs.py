"""Saved torch.export programs as specs; torch's own modules and torch.export are the oracle."""

from __future__ import annotations

import json
import os
import pickle
import re
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import specbuild
from specbuild.importing.archives import is_plain
from specbuild.importing.programs import from_program

torch.set_num_threads(1)


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(x + self.norm(self.conv(x)))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.body = nn.Sequential(Block(8), Block(8))
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(self.stem(x))
        return self.head(torch.flatten(self.pool(x), 1))


def saved(module: nn.Module, path: Path, *inputs: Tensor, dynamic: bool = True) -> Path:
    shapes = tuple({0: torch.export.Dim("batch")} for _ in inputs) if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.eval(), inputs, dynamic_shapes=shapes), path)
    return path


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_module_of_ones_own(dynamic: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Network()
    nn.init.normal_(module.body[0].norm.running_mean)
    path = saved(module, tmp_path / "own_net.pt2", torch.randn(2, 3, 17, 17), dynamic=dynamic)
    imported = from_program(path)
    assert sorted(imported.network.state_dict()) == sorted(module.state_dict())
    images = torch.randn(4, 3, 17, 17)
    assert torch.equal(imported.network(images), module(images))
    assert specbuild.infer(imported.text).parameters() == sum(each.numel() for each in module.parameters())
    assert imported.text.startswith("# own_net.pt2, a program of torch.export:")


def test_what_was_exported_comes_back(tmp_path: Path) -> None:
    document = """
specbuild: 1
name: back
inputs: {a: [4], b: [4]}
layers:
  - {name: left, type: Linear, out_features: 4, from: a}
  - {name: left_norm, type: LayerNorm}
  - {name: right, type: Linear, out_features: 4, bias: false, from: b}
  - {name: joined, type: Concat, from: [left_norm, right]}
  - {name: act, type: GELU, approximate: tanh}
  - {name: head, type: Linear, out_features: 2}
"""
    exported = specbuild.export(document, "torch", tmp_path / "back.pt2")
    wanted, found = specbuild.infer(document), from_program(exported.file).plan
    assert [(step.name, step.layer, step.sources) for step in found.layers()] == [
        (step.name, step.layer, step.sources) for step in wanted.layers()
    ]


class Sorted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).sort(1).values * 2.0


def test_what_has_no_layer_is_named_once(tmp_path: Path) -> None:
    path = saved(Sorted(), tmp_path / "sorted.pt2", torch.randn(2, 4))
    with pytest.raises(specbuild.RunError) as raised:
        from_program(path)
    assert [(found.code, found.message) for found in raised.value.diagnostics] == [
        ("SB516", "the model: aten.sort has no layer in the catalogue")
    ]


def test_one_layer_is_no_network(tmp_path: Path) -> None:
    path = saved(nn.Linear(2, 2), tmp_path / "plain.pt2", torch.randn(2, 2))
    with pytest.raises(specbuild.RunError, match=r"SB516.*has the key `weight`, with no layer's name before it"):
        from_program(path)


class Harm:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def rewritten(path: Path, last: str, content: bytes) -> Path:
    """The archive with another content of one file."""
    other = path.with_name("other.pt2")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith(last) else old.read(name))
    return other


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("data/sample_inputs/model.pt", "its example inputs are not tensors alone"),
        ("model_constants_config.json", "`it` is kept as a pickle"),
        ("archive_format", "it is no archive of torch.export.save, or one of an older torch"),
    ],
)
def test_nothing_in_a_file_runs(last: str, message: str, tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    path = saved(nn.Linear(2, 2), tmp_path / "plain.pt2", torch.randn(2, 2))
    content = {
        "data/sample_inputs/model.pt": pickle.dumps(Harm(harmed)),
        "model_constants_config.json": b'{"config": {"it": {"path_name": "opaque_obj_0", "use_pickle": true}}}',
        "archive_format": b"aoti",
    }[last]
    with pytest.raises(specbuild.RunError, match=f"SB515.*{message}"):
        from_program(rewritten(path, last, content))
    assert not harmed.exists()


def test_no_size_and_no_guard_in_a_file_runs(tmp_path: Path) -> None:
    path = saved(nn.Sequential(nn.Linear(2, 2)), tmp_path / "plain.pt2", torch.randn(2, 2))
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("models/model.json")]
        model = json.loads(archive.read(name))
    harmed = tmp_path / "harmed"
    harm = f"__import__('os').mkdir({str(harmed)!r})"
    written, sized = re.subn(r'(?<="expr_str": )"[^"]*"', lambda _: json.dumps(harm), json.dumps(model))
    assert sized
    with pytest.raises(specbuild.RunError, match=r"SB515.*a size in it is no arithmetic of sizes: __import__"):
        from_program(rewritten(path, "models/model.json", written.encode()))
    guarded = rewritten(path, "models/model.json", json.dumps({**model, "guards_code": [harm]}).encode())
    from_program(guarded)
    assert not harmed.exists()
    with suppress(Exception):  # what torch does with it: the reason for all this
        torch.export.load(guarded).module()(torch.zeros(2, 2))
    assert harmed.exists()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Symbol('s77', positive=True, integer=True)", True),
        ("Add(Mul(Integer(2), Symbol('s0', integer=True)), Integer(-1))", True),
        ("Max(Integer(1), FloorDiv(Symbol('s0'), Integer(2)))", True),
        ("-3", True),
        ("s77", False),
        ("exec(chr(112))", False),
        ("Symbol('__import__(1)')", False),
        ("Symbol(Symbol('s0'))", False),
        ("Symbol('s0', positive=exec(chr(112)))", False),
        ("Symbol('s0', **exec(chr(112)))", False),
        ("Integer('exec(1)')", False),
        ("Max.__class__", False),
        ("'s0'", False),
        ("[1 for _ in exec(1)]", False),
        ("Max(*exec(1))", False),
        ("(lambda: 1)()", False),
        ("open(1)", False),
        ("Max", False),
        ("Max(1", False),
        ("-" * 2000 + "1", False),
        (7, False),
    ],
)
def test_which_sizes_are_plain(text: Any, plain: bool) -> None:
    assert is_plain(text) is plain


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "text.pt2"
    path.write_text("nothing")
    with pytest.raises(specbuild.RunError, match=r"SB515.*it is no archive of torch.export.save"):
        from_program(path)
    with pytest.raises(specbuild.RunError, match=r"SB515.*it cannot be read: No such file"):
        from_program(tmp_path / "none.pt2")
