"""Runs that are reloaded with another torch, on another CPU, or on another device."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from specbuild.api import evaluate, reload, train
from specbuild.cli.app import app
from specbuild.errors import DataError, RunError
from specbuild.runs import sealing

torch.set_num_threads(1)

HERE = Path(__file__).parent / "format1"
VERIFIED = "verified: every file has its SHA-256, and "


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(HERE / "xor.yaml", data_root=HERE, run=tmp_path_factory.mktemp("trained") / "run").path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def made_with(run: Path, **values: Any) -> Path:
    """The run as if it had been made with something else."""
    file = run / "environment.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **values}))
    sealing.write(run, {key: value for key, value in sealing.read(run).items() if key != "files"})
    return run


def scaled(run: Path, factor: float) -> None:
    weights = load_file(run / "model.safetensors")
    weights["head.weight"] *= factor
    save_file(weights, run / "model.safetensors")


def outputs(run: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """What the weights in the file give for the recorded input, by hand; and what was recorded."""
    golden, w = load_file(run / "golden.safetensors"), load_file(run / "model.safetensors")
    hidden = (golden["input"] @ w["linear_1.weight"].T + w["linear_1.bias"]).clamp(min=0)
    return hidden @ w["head.weight"].T + w["head.bias"], golden["output"]


def test_on_the_same_machine_bit_for_bit(trained: Path) -> None:
    found = reload(trained)
    assert (found.differences, found.largest_difference, found.tolerance) == ((), 0.0, 0.0)
    assert found.verdict == f"{VERIFIED}the outputs are equal bit for bit"


def test_what_differs_is_said_and_the_tolerance_is_a_thousandth_of_the_largest_output(run: Path) -> None:
    now = json.loads((run / "environment.json").read_bytes())
    found = reload(made_with(run, torch="1.0", cpu_capability="NEON", threads=99, machine="arm64", python="3.99"))
    here = [f"{old} → {now[name]}" for name, old in
            (("torch", "1.0"), ("cpu_capability", "NEON"), ("threads", 99), ("machine", "arm64"))]  # fmt: skip
    names = ("torch", "cpu_capability", "threads", "machine")
    assert found.differences == tuple(f"{name} {change}" for name, change in zip(names, here, strict=True))
    assert found.tolerance == pytest.approx(1e-3 * outputs(run)[1].abs().max().item())
    assert found.largest_difference == 0.0
    assert found.verdict == f"{VERIFIED}the outputs are equal bit for bit ({', '.join(found.differences)})"


def test_the_largest_difference_is_that_of_the_outputs(run: Path) -> None:
    scaled(run, 1 + 1e-5)
    actual, recorded = outputs(run)
    found = reload(made_with(run, threads=99))
    assert found.largest_difference == pytest.approx((actual - recorded).abs().max().item(), rel=0.05)
    assert 0 < found.largest_difference < found.tolerance
    told = f"differ by at most {found.largest_difference:.2g}, of {found.tolerance:.2g} allowed (threads 99 → 1)"
    assert found.verdict == f"{VERIFIED}the outputs {told}"


def test_more_than_the_tolerance_is_another_model(run: Path) -> None:
    scaled(run, 1.01)
    actual, recorded = outputs(run)
    with pytest.raises(RunError) as caught:
        reload(made_with(run, threads=99))
    (problem,) = caught.value.diagnostics
    differ, allowed = (actual - recorded).abs().max().item(), 1e-3 * recorded.abs().max().item()
    assert problem.code == "SB504"
    told = f"the outputs differ from the recorded ones by {differ:.3g}; they may differ by {allowed:.3g}"
    assert problem.message == told


def test_several_outputs_each_have_their_own_tolerance(tmp_path: Path) -> None:
    from specbuild.catalogue.types import TensorType
    from specbuild.language.loading import load
    from specbuild.network.compile import build
    from specbuild.network.inference import infer
    from specbuild.runs import golden
    from specbuild.runs.recording import model_of

    plan = infer(load({
        "specbuild": 1, "input": [4],
        "layers": [{"name": "body", "type": "Linear", "out_features": 4},
                   {"name": "small", "type": "Linear", "out_features": 2, "from": "body"},
                   {"name": "large", "type": "Linear", "out_features": 2, "from": "body"}],
        "outputs": ["small", "large"],
    }))  # fmt: skip
    state = build(plan).state_dict()
    state["large.weight"] *= 1e6
    assert all(isinstance(kind, TensorType) for kind in plan.outputs.values())
    golden.save(model_of(plan, state), plan, tmp_path / "golden.safetensors")
    recorded = load_file(tmp_path / "golden.safetensors")
    state["small.bias"] = state["small.bias"] + 1e-3 * recorded["output.small"].abs().max() / 2
    proof = golden.prove(model_of(plan, state), plan, tmp_path / "golden.safetensors", same_machine=False)
    assert proof.allowed == pytest.approx(1e-3 * recorded["output.small"].abs().max().item())
    assert proof.difference == pytest.approx(proof.allowed / 2, rel=1e-3)
    state["small.bias"] = state["small.bias"] + 1e-3 * recorded["output.small"].abs().max()
    with pytest.raises(RunError, match=r"the outputs differ from the recorded ones by .*; they may differ by "):
        golden.prove(model_of(plan, state), plan, tmp_path / "golden.safetensors", same_machine=False)


def test_a_device_proves_it_too_and_keeps_the_model(trained: Path) -> None:
    found = reload(trained, device="cpu")
    assert found.verdict == f"{VERIFIED}the outputs on cpu are equal bit for bit"
    assert found.differences == ()
    assert {tensor.device.type for tensor in found.model.state_dict().values()} == {"cpu"}
    assert evaluate(found, "val", device="cpu", data_root=HERE)["loss"] == pytest.approx(found.best["val_loss"])


def test_a_run_of_a_gpu_is_the_same_bits_on_the_same_cpu(run: Path) -> None:
    made_with(run, device="cuda:0")
    assert reload(run).differences == ()  # its recorded output is the CPU's
    found = reload(run, device="cpu")
    assert found.differences == ("device cuda:0 → cpu",)
    assert found.tolerance == 0.0
    assert found.verdict == f"{VERIFIED}the outputs on cpu are equal bit for bit (device cuda:0 → cpu)"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_outputs_are_held_to_the_tolerance(trained: Path) -> None:
    found = reload(trained, "last", device="cuda")
    assert found.differences == ("device cpu → cuda",)
    assert found.tolerance > 0
    assert found.largest_difference <= found.tolerance
    assert {tensor.device.type for tensor in found.model.state_dict().values()} == {"cuda"}


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "there is no device called 'gpu'"), ("cuda:99", "cuda:99 is not there: this machine has ")],
)
def test_a_device_that_is_not_there(trained: Path, device: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        reload(trained, device=device)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.file, problem.message[: len(message)]) == ("SB407", "--device", message)


def test_the_command_prints_what_was_proven(run: Path) -> None:
    made_with(run, threads=99)
    told = CliRunner().invoke(app, ["reload", str(run), "--device", "cpu"])
    assert told.exit_code == 0
    words = f"{run}: {VERIFIED}the outputs on cpu are equal bit for bit (threads 99 → 1)"
    assert told.output.splitlines()[-1] == words
    content = json.loads(CliRunner().invoke(app, ["reload", str(run), "--format", "json"]).output)
    found = reload(run)
    assert {key: content[key] for key in ("run", "verified", "differences", "largest_difference", "tolerance")} == {
        "run": str(run), "verified": found.verdict, "differences": ["threads 99 → 1"],
        "largest_difference": 0.0, "tolerance": found.tolerance,
    }  # fmt: skip
    assert content["parameters"] == 58
