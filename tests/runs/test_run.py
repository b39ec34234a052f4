from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from specbuild.api import load, reload, train
from specbuild.errors import RunError
from specbuild.runs import manifest

torch.set_num_threads(1)

TEXT = """\
specbuild: 1  # kept as it came
name: digits
input: [1, 8, 8]
layers:
  - {name: conv1, type: Conv2d, out_channels: 4, kernel_size: 3}
  - {name: norm, type: BatchNorm2d}
  - ReLU
  - Flatten
  - {name: head, type: Linear, out_features: 10}
loss: CrossEntropyLoss
optimizer: Adam
data:
  train: {dataset: Digits, transforms: [ToTensor]}
  val: {split: 0.2}
train: {epochs: 9}
"""
FILES = (
    "source.yaml",
    "overrides.json",
    "samples.json",
    "spec.json",
    "model.safetensors",
    "metrics.jsonl",
    "environment.json",
    "golden.safetensors",
    "manifest.json",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    return train(TEXT, ["train.epochs=2", "layers.conv1.bias=false"], run=folder / "run").path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def problems(run: Path) -> list[tuple[str, str]]:
    with pytest.raises(RunError) as caught:
        reload(run)
    return [(problem.code, problem.message) for problem in caught.value.diagnostics]


def sealed(run: Path) -> Path:
    """The run with a manifest that agrees with what is in it now."""
    (run / "manifest.json").unlink()
    manifest.write(run, "finished")
    return run


def test_a_run_has_these_files_and_no_other(trained: Path) -> None:
    assert sorted(os.listdir(trained)) == sorted([*FILES, "checkpoints", "run.json"])


def test_the_source_is_kept_as_it_came(trained: Path) -> None:
    assert (trained / "source.yaml").read_text() == TEXT
    overrides = json.loads((trained / "overrides.json").read_bytes())
    assert overrides == ["train.epochs=2", "layers.conv1.bias=false"]


def test_the_resolved_spec_trains_to_the_same(trained: Path, tmp_path: Path) -> None:
    again = train(trained / "spec.json", run=tmp_path / "again")
    first = reload(trained)
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor)
    assert (trained / "spec.json").read_bytes() == (tmp_path / "again/spec.json").read_bytes()


def test_a_dict_is_kept_as_json(tmp_path: Path) -> None:
    document = {**load(TEXT).source.tree, "train": {"epochs": 1}}
    run = train(document, run=tmp_path / "run")
    assert json.loads((run.path / "source.json").read_bytes()) == document


def test_what_is_reloaded(trained: Path) -> None:
    run = reload(trained)
    assert (run.path, run.status, run.spec.name, run.plan.parameters()) == (
        trained,
        "finished",
        "digits",
        1494,
    )
    assert not run.model.training
    assert [record["epoch"] for record in run.metrics] == [1, 2]
    assert run.environment["torch"] == torch.__version__
    stored = load_file(trained / "model.safetensors")
    assert stored.keys() == run.model.state_dict().keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in run.model.state_dict().items())


SCRIPT = """
import hashlib, sys, torch
torch.set_num_threads(1)
from specbuild import reload
run = reload(sys.argv[1])
with torch.inference_mode():
    output = run.model(torch.linspace(-1, 1, 7 * 64).reshape(7, 1, 8, 8))
print(hashlib.sha256(output.numpy().tobytes()).hexdigest())
print(run.verdict)
"""


def test_a_new_process_gives_the_same_bits(trained: Path, tmp_path: Path) -> None:
    with torch.inference_mode():
        output = reload(trained).model(torch.linspace(-1, 1, 7 * 64).reshape(7, 1, 8, 8))
    moved = shutil.copytree(trained, tmp_path / "elsewhere")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(moved)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == [
        hashlib.sha256(output.numpy().tobytes()).hexdigest(),
        "verified: every file has its SHA-256, and the outputs are equal bit for bit",
    ]


def test_a_caller_s_random_numbers_are_left_alone(trained: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    reload(trained)
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_in_any_file_is_reported_with_its_name(run: Path, name: str) -> None:
    file = run / name
    whole = file.read_bytes()
    for place in sorted({0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1}):
        for bit in (0x01, 0x20, 0x80):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            ((code, message),) = problems(run)
            assert (code, message.split(" was altered")[0]) == ("SB503", name), (place, bit)
    file.write_bytes(whole)
    assert reload(run).status == "finished"


@pytest.mark.parametrize("name", [name for name in FILES if name != "manifest.json"])
def test_a_missing_file_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    assert problems(run) == [("SB502", f"{name} is missing")]


def change_weights(run: Path, factor: float) -> None:
    file = run / "model.safetensors"
    weights = load_file(file)
    weights["head.weight"] *= factor
    save_file(weights, file)


def change_environment(run: Path, **values: Any) -> None:
    file = run / "environment.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **values}))


def test_another_output_is_an_error(run: Path) -> None:
    change_weights(run, 2.0)
    ((code, message),) = problems(sealed(run))
    assert code == "SB504"
    golden = load_file(run / "golden.safetensors")["output"]
    bias = load_file(run / "model.safetensors")["head.bias"]
    difference = (golden - bias).abs().max().item()  # twice the weights: what is not bias comes twice
    shown = float(message.removeprefix("the outputs differ from the recorded ones by ").split(";")[0])
    assert shown == pytest.approx(difference, rel=1e-2)
    assert message.endswith("; they must be equal bit for bit")


def test_the_last_bit_counts_where_the_machine_is_the_same(run: Path) -> None:
    change_weights(run, 1 + 1e-6)
    ((code, _),) = problems(sealed(run))
    assert code == "SB504"


def test_another_machine_may_round_otherwise(run: Path) -> None:
    change_weights(run, 1 + 1e-6)
    change_environment(run, threads=99)
    verdict = reload(sealed(run)).verdict
    assert verdict.startswith("verified: every file has its SHA-256, and the outputs differ by at most ")
    assert verdict.endswith(" (threads 99 → 1)")


def test_but_not_compute_something_else(run: Path) -> None:
    change_weights(run, 1.1)
    change_environment(run, torch="1.0")
    ((code, message),) = problems(sealed(run))
    assert (code, "; they may differ by " in message) == ("SB504", True)


def test_weights_of_another_network(run: Path) -> None:
    weights = load_file(run / "model.safetensors")
    weights["head.weight"] = weights["head.weight"][:5].contiguous()
    del weights["norm.running_var"]
    save_file(weights, run / "model.safetensors")
    assert problems(sealed(run)) == [
        ("SB503", "model.safetensors does not fit spec.json: norm.running_var is missing"),
        ("SB503", "model.safetensors does not fit spec.json: head.weight is [5, 144] float32; "
         "the network has [10, 144] float32"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("environment.json", "[]", "environment.json is not a JSON object"),
        ("environment.json", "{", "environment.json is not a JSON object"),
        ("metrics.jsonl", "", "metrics.jsonl has no best epoch"),
        ("metrics.jsonl", "{}\n", "line 1 of metrics.jsonl was altered"),
    ],
)
def test_files_that_a_forged_manifest_vouches_for(run: Path, name: str, content: str, message: str) -> None:
    (run / name).write_text(content)
    assert problems(sealed(run)) == [("SB503", message)]
