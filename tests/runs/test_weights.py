from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from specbuild.catalogue.rules import Storage
from specbuild.errors import RunError
from specbuild.runs import weights

WANTED = {"conv.weight": Storage((4, 3, 2, 2)), "norm.num_batches_tracked": Storage((), "int64")}


def tensors() -> dict[str, torch.Tensor]:
    return {"conv.weight": torch.randn(4, 3, 2, 2), "norm.num_batches_tracked": torch.tensor(7)}


def problems(path: Path) -> list[str]:
    with pytest.raises(RunError) as caught:
        weights.load(path, WANTED)
    assert {(problem.code, problem.file) for problem in caught.value.diagnostics} == {("SB503", str(path))}
    return [
        problem.message.removeprefix("w.safetensors does not fit spec.json: ") for problem in caught.value.diagnostics
    ]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = tensors()
    weights.save(saved, tmp_path / "w.safetensors")
    loaded = weights.load(tmp_path / "w.safetensors", WANTED)
    assert all(torch.equal(loaded[name], saved[name]) for name in WANTED)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_channels_last_views_and_tied_tensors_are_stored_plainly(tmp_path: Path) -> None:
    base = torch.randn(4, 3, 2, 2)
    saved = {
        "channels_last": base.to(memory_format=torch.channels_last),
        "tied": base,
        "transposed": base.transpose(0, 1),
        "strided": torch.randn(8)[::2].requires_grad_(),
    }
    weights.save(saved, tmp_path / "w.safetensors")
    loaded = load_file(tmp_path / "w.safetensors")
    assert all(torch.equal(loaded[name], tensor) and loaded[name].is_contiguous() for name, tensor in saved.items())


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save({"conv.weight": torch.randn(4, 3, 2, 1).double(), "extra": torch.ones(1)}, path)
    assert problems(path) == [
        "norm.num_batches_tracked is missing",
        "extra is no part of the network",
        "conv.weight is [4, 3, 2, 1] float64; the network has [4, 3, 2, 2] float32",
    ]


@pytest.mark.parametrize("keep", [0, 7, 30, -1])
def test_a_truncated_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(tensors(), path)
    path.write_bytes(path.read_bytes()[:keep])
    (message,) = problems(path)
    assert message.startswith("it cannot be read: ")
