"""Some of the damages and forgeries each time; `make damage` has thousands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specbuild.api import reload, train, verify
from specbuild.errors import RunError, SpecbuildError
from specbuild.runs import manifest, sealing
from tests.damage.judging import fault_of
from tests.damage.making import Watching, document, linked, made

ROOT = Path(__file__).resolve().parent.parent.parent
NEWEST = "checkpoints/0004-00000024"
SAME = ("model.safetensors", "last.safetensors", "golden.safetensors", "spec.json", "confusion_matrix.json")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    made(folder, others=True)
    return folder


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    return linked(runs / "finished", tmp_path / "run")


def resumed(run: Path, runs: Path) -> list[str]:
    """What a training that goes on says."""
    report = Watching()
    train(None, run=run, resume=True, data_root=runs, report=report)
    return report.notes


def refused(run: Path, runs: Path) -> list[tuple[str, str]]:
    with pytest.raises(SpecbuildError) as caught:
        resumed(run, runs)
    return [(problem.code, problem.message) for problem in caught.value.diagnostics]


def same_bits(run: Path, runs: Path) -> None:
    for name in SAME:
        assert (run / name).read_bytes() == (runs / "finished" / name).read_bytes(), name
    assert not verify(run).faults


def changed(file: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file, and make the manifests of its folder and of the run agree with it."""
    content = json.loads(file.read_bytes())
    change(content)
    file.unlink()
    file.write_text(json.dumps(content))
    run = file.parent.parent.parent
    for folder in (file.parent, run):
        if (folder / manifest.NAME).exists():
            head = {key: value for key, value in sealing.read(folder).items() if key != "files"}
            sealing.write(folder, head)


@pytest.mark.parametrize("name", ["finished", "interrupted", "killed"])
def test_every_damage_is_named_and_nothing_damaged_is_loaded(name: str, runs: Path, tmp_path: Path) -> None:
    for seed in range(20):
        told, fault = fault_of(
            runs / name, runs / "other", tmp_path / "run", seed, resumed=seed % 8 == 0, bits=runs / "finished"
        )
        assert not fault, f"{told}\n{fault}"


WATCHING = """
import json, sys
from pathlib import Path
from tests.damage.watching import Watch
folder, place = Path(sys.argv[1]), Path(sys.argv[2])
watch = Watch(folder, place)
print(json.dumps([watch.judged(seed) for seed in range(28)]))
import os, pickle
calls = {
    "open": lambda: open("/nowhere/evil", "w"), "import": lambda: __import__("evil_module"), "exec": lambda: exec("1"),
    "pickle": lambda: pickle.loads(b"cos\\nsystem\\n."), "os.remove": lambda: os.remove("/nowhere/evil"),
    "os.system": lambda: os.system("true"),
}
for name, call in calls.items():
    watch.seen, watch.on = [], True
    try:
        call()
    except (OSError, ImportError):
        pass
    watch.on = False
    assert any(name in seen for seen in watch.seen), name
"""


def test_forged_runs_are_refused_or_gone_on_with_and_do_nothing_else(runs: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHING, str(runs), str(tmp_path / "copy-1")], capture_output=True, text=True,
        check=True, cwd=ROOT,
    )  # fmt: skip
    judged = json.loads(done.stdout.splitlines()[-1])
    assert [(told, fault) for told, _, fault in judged if fault] == []
    outcomes = {outcome.partition(", ")[2] for _, outcome, _ in judged}
    assert outcomes >= {"gone on with", "refused by --resume"}


def test_a_damaged_checkpoint_is_passed_over_and_the_training_ends_in_the_same_bits(run: Path, runs: Path) -> None:
    file = run / NEWEST / "optimizer.safetensors"
    raw = file.read_bytes()
    file.unlink()
    file.write_bytes(raw[:-1])
    older = sorted(path.name for path in (run / "checkpoints").iterdir())[-2]
    notes = resumed(run, runs)
    size = f"{len(raw) - 1:,} bytes, and had {len(raw):,}"
    assert notes[:2] == [
        f"checkpoint 0004-00000024 was passed over: optimizer.safetensors was altered: it has {size}",
        f"goes on from checkpoint {older} of {run}: epoch 4, after step {int(older[5:])}",
    ]
    same_bits(run, runs)


def test_a_damaged_file_beside_the_checkpoints_is_written_again(run: Path, runs: Path) -> None:
    (run / "model.safetensors").unlink()
    before = json.loads((run / manifest.NAME).read_bytes())
    assert resumed(run, runs)[0] == "model.safetensors is missing: it is not needed to go on, and is written again"
    same_bits(run, runs)
    after = json.loads((run / manifest.NAME).read_bytes())
    assert [after[key] for key in ("id", "status", "reason")] == [before[key] for key in ("id", "status", "reason")]


def test_a_training_that_was_killed_before_its_manifest_is_finished(run: Path, runs: Path) -> None:
    (run / manifest.NAME).unlink()
    resumed(run, runs)
    same_bits(run, runs)
    assert reload(run).reason == "all 4 epochs"
    assert resumed(run, runs) == [f"nothing is left to train in {run}: all 4 epochs"]


def test_no_checkpoint_is_left(run: Path, runs: Path) -> None:
    for path in (run / "checkpoints").iterdir():
        (path / "state.json").unlink()
    told = refused(run, runs)
    assert told[-1] == ("SB510", "has no checkpoint that is whole; 3 were looked at")
    assert told[:-1] == [("SB502", "state.json is missing")] * 3
    assert manifest.verify(runs / "finished")
    shutil.rmtree(run / "checkpoints")
    assert refused(run, runs) == [("SB510", "has no checkpoint that is whole; 0 were looked at")]


def test_no_link_is_followed(run: Path, runs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(run / "checkpoints", elsewhere)
    (run / "checkpoints").symlink_to(elsewhere)
    assert refused(run, runs) == [("SB503", "checkpoints is not a plain folder")]
    (run / "checkpoints").unlink()
    shutil.move(elsewhere, run / "checkpoints")
    (run / "curves.png").symlink_to(tmp_path / "precious")
    os.mkfifo(run / ".metrics.jsonl.new")
    report = Watching()
    train(None, run=run, resume=True, data_root=runs, report=report, pictures=True)
    assert report.notes[0] == "warning: curves.png is not in the manifest: it is not needed to go on"
    assert not (tmp_path / "precious").exists()


@pytest.mark.parametrize("what", ["link", "file", "pipe"])
def test_a_checkpoint_that_is_no_folder(what: str, run: Path, runs: Path) -> None:
    (run / manifest.NAME).unlink()
    newest = run / NEWEST
    shutil.rmtree(newest)
    if what == "link":
        newest.symlink_to(runs / "finished" / NEWEST)
    elif what == "file":
        newest.write_text("x")
    else:
        os.mkfifo(newest)
    assert [file.name for file in verify(run).faults] == [NEWEST]
    assert resumed(run, runs)[0] == f"checkpoint {newest.name} was passed over: {newest.name} is not a plain folder"
    same_bits(run, runs)
    assert (runs / "finished" / NEWEST / "state.json").exists()


def test_a_document_that_was_altered_is_not_trained_by(run: Path, runs: Path) -> None:
    source = (run / "source.yaml").read_text()
    (run / "source.yaml").unlink()
    (run / "source.yaml").write_text(source.replace('"epochs": 4', '"epochs": 5'))
    expected = ("SB503", "source.yaml was altered: its SHA-256 is not the manifest's")
    assert refused(run, runs) == [expected]
    report = Watching()
    train(source, run=run, resume=True, data_root=runs, report=report)
    assert report.notes[0].startswith("source.yaml was altered")
    assert (run / "source.yaml").read_text() == source


def test_another_id_is_refused_where_nobody_can_tell_whose_it_is(runs: Path, tmp_path: Path) -> None:
    run = linked(runs / "killed", tmp_path / "run")
    (run / "run.json").unlink()
    (run / "run.json").write_text(json.dumps({"id": "0" * 32}))
    ((code, message),) = refused(run, runs)
    assert code == "SB510"
    assert message.startswith(f"run.json has the id {'0' * 32}, and no checkpoint is of that run")
    (run / "run.json").unlink()
    resumed(run, runs)
    same_bits(run, runs)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state["best"].update(tables={"../../evil": [[1]]}), "'confusion_matrix'"),
        (lambda state: state["best"].update(tables={}), "a table has another form"),
        (lambda state: state["records"].pop(), "it has not as many records as epochs"),
        (lambda state: state["records"][0].update(val_loss={"$float": "inf"}), "val_loss is no number that it can be"),
        (lambda state: state["optimizer"]["param_groups"][0].update(betas={"$tuple": [1.0, 0.9]}),
         "the optimizer's betas is no share"),
        (lambda state: state["optimizer"]["param_groups"][0].update(maximize=True),
         "the optimizer's maximize is another"),
        (lambda state: state["scheduler"].update(last_epoch=10**9), "last_epoch is no count that it can be"),
        (lambda state: state["scheduler"].update(_anneal_func_type="x"),
         "the scheduler's _anneal_func_type is another"),
        (lambda state: state["limits"].update(steps=3), "it is of another step than its name says"),
        (lambda state: state["position"].update(__class__="x"), "the position has other keys"),
        (lambda state: state.update(processes="1"), "'>' not supported between instances of 'str' and 'int'"),
        (lambda state: state["model"].update({"x\x1b[2J": 1}), "model has other keys"),
    ],
)  # fmt: skip
def test_a_state_that_no_training_writes(change: Callable[[Any], Any], told: str, run: Path, runs: Path) -> None:
    changed(run / NEWEST / "state.json", change)
    assert refused(run, runs) == [("SB503", f"0004-00000024 does not fit this network: {told}")]
    assert not (run.parent.parent / "evil.json").exists()


@pytest.mark.parametrize("change", [
    lambda state: state.pop("document"), lambda state: state.update(document=[]),
    lambda state: state["document"].pop("train"),
])  # fmt: skip
def test_a_checkpoint_without_its_document_is_passed_over(change: Callable[[Any], Any], run: Path, runs: Path) -> None:
    changed(run / NEWEST / "state.json", change)
    told = "checkpoint 0004-00000024 was passed over: state.json is not what a training writes: it has no document"
    assert told in resumed(run, runs)
    same_bits(run, runs)


STEPS = {"type": "CosineAnnealingWarmRestarts", "T_0": 3}
GOING_ON: list[dict[str, Any]] = [
    {"optimizer": "Rprop", "metrics": ["precision", "perplexity"],
     "scheduler": {"type": "SequentialLR", "interval": "step", "milestones": [7],
                   "schedulers": [{"type": "LinearLR", "total_iters": 3}, STEPS]}},
    {"optimizer": "ASGD", "metrics": ["average_precision"], "scheduler": {**STEPS, "interval": "step"}},
    {"optimizer": {"type": "RMSprop", "centered": True, "momentum": 0.9},
     "scheduler": {"type": "CyclicLR", "base_lr": 0.001, "max_lr": 0.01, "step_size_up": 5}},
]  # fmt: skip


@pytest.mark.parametrize("changes", GOING_ON)
def test_every_checkpoint_that_a_training_writes_can_be_gone_on_from(
    changes: dict[str, Any], runs: Path, tmp_path: Path
) -> None:
    text = json.dumps({**document(epochs=2, checkpoint={"epochs": 1, "steps": 4, "last": 9}), **changes})
    whole = train(text, run=tmp_path / "whole", data_root=runs).path
    names = sorted(path.name for path in (whole / "checkpoints").iterdir())
    assert len(names) > 1
    for name in names[:-1]:
        run = linked(whole, tmp_path / name)
        (run / manifest.NAME).unlink()
        for later in names[names.index(name) + 1 :]:
            shutil.rmtree(run / "checkpoints" / later)
        assert "goes on from" in resumed(run, runs)[-1]
        assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_manifest_of_another_run_is_named(run: Path, runs: Path) -> None:
    (run / manifest.NAME).unlink()
    shutil.copyfile(runs / "other" / manifest.NAME, run / manifest.NAME)
    assert [file.name for file in verify(run).faults] == [manifest.NAME]
    with pytest.raises(RunError, match=r"model\.safetensors was altered: its SHA-256 is not the manifest's"):
        reload(run)
    assert resumed(run, runs)[0] == "manifest.json was altered: it is of another run: it is written again"
    same_bits(run, runs)
