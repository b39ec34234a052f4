"""What a folder of runs came to, by its manifests and metrics alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from specbuild.api import list_runs, load, reload
from specbuild.errors import RunError
from specbuild.network.metrics import best_of, metric_names
from specbuild.reports.runs import listing, run_json
from specbuild.runs import environment, recording
from specbuild.runs.asking import asked_of, usual_best
from specbuild.runs.comparing import ENVIRONMENT
from specbuild.runs.finding import OVERRIDES, SPEC
from specbuild.runs.listing import Listed
from tests.runs.training import CHECKPOINTS, TEXT, sealed, trained, unfinished


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("listing") / "run")


@pytest.fixture
def runs(whole: Path, tmp_path: Path) -> Path:
    """Three copies: two of one name and one beside that name."""
    for number, name in enumerate(("digits/1", "digits/2", "alone")):
        run = Path(shutil.copytree(whole, tmp_path / "runs" / name))
        written(run, 1_000_000_000 + number)
    return tmp_path / "runs"


def written(run: Path, time: float) -> None:
    for path in run.rglob("*"):
        os.utime(path, (time, time))


def changed(file: Path, old: bytes, new: bytes) -> None:
    file.write_bytes(file.read_bytes().replace(old, new))


def only(folder: Path) -> Listed:
    (run,) = list_runs(folder)
    return run


def test_a_finished_run(whole: Path) -> None:
    found, run = only(whole), reload(whole)
    assert (found.path, found.status, found.epochs, found.asked) == (whole, "finished", 2, 2)
    assert (found.metric, found.best) == ("val_accuracy", run.best["val_accuracy"])
    assert found.bytes == sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    assert found.written == max(path.stat().st_mtime for path in whole.rglob("*") if path.is_file())
    assert found.faults == ()


def test_newest_last_at_any_depth(runs: Path) -> None:
    assert [run.path for run in list_runs(runs)] == [runs / "digits/1", runs / "digits/2", runs / "alone"]
    written(runs / "digits" / "1", 1_000_000_009)
    assert [run.path for run in list_runs(runs / "digits")] == [runs / "digits/2", runs / "digits/1"]
    assert [run.path for run in list_runs(runs / "alone")] == [runs / "alone"]


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_how_a_training_ended(runs: Path, status: str) -> None:
    assert only(sealed(runs / "alone", status)).status == status  # type: ignore[arg-type]


def test_an_unfinished_training_has_its_epochs_from_its_metrics(runs: Path) -> None:
    run = unfinished(runs / "alone")
    found = only(run)
    assert (found.status, found.epochs, found.asked, found.metric) == ("unfinished", 2, 2, "val_accuracy")
    assert found.best == reload(runs / "digits" / "1").best["val_accuracy"]
    (run / OVERRIDES).write_text("[]\n")  # then what the document itself asks for
    assert only(run).asked == 5
    (run / OVERRIDES).write_text("{")
    assert (only(run).asked, only(run).metric) == (None, None)


def test_half_a_line_at_the_end_of_an_unfinished_one(runs: Path) -> None:
    file = unfinished(runs / "alone") / "metrics.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    assert (only(runs / "alone").status, only(runs / "alone").epochs) == ("unfinished", 1)


def test_a_training_that_has_just_begun(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").touch()
    assert (only(run).status, only(run).epochs, only(run).asked) == ("unfinished", 0, None)
    (run / "source.yaml").write_text(TEXT)
    assert only(run).asked == 5


def test_its_lock_tells_that_a_training_runs(runs: Path) -> None:
    run = unfinished(runs / "alone")
    with (run / ".lock").open("w") as lock:
        assert only(run).status == "unfinished"
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert only(run).status == "running"
    assert only(run).status == "unfinished"
    with (runs / "digits" / "1" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [each.status for each in list_runs(runs / "digits")].count("running") == 1


def test_asking_for_the_lock_lets_it_go(runs: Path) -> None:
    lock = runs / "alone" / ".lock"
    lock.touch()
    list_runs(runs)
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is held


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda run: (run / "spec.json").unlink(), "spec.json is missing"),
        (lambda run: (run / "notes.txt").touch(), "notes.txt is not in the manifest"),
        (lambda run: os.truncate(run / "golden.safetensors", 3), "golden.safetensors has 3 bytes, and had 736"),
        (lambda run: (run / "manifest.json").write_text("{"),
         "manifest.json was altered: it is no longer the JSON that was written"),
        (lambda run: changed(run / "metrics.jsonl", b'"epoch": 2', b'"epoch": 3'),
         "line 2 of metrics.jsonl was altered"),
    ],
)  # fmt: skip
def test_a_damaged_run(runs: Path, damage, fault: str) -> None:  # type: ignore[no-untyped-def]
    damage(runs / "alone")
    found = only(runs / "alone")
    assert (found.status, found.faults) == ("damaged", (fault,))


def test_checkpoints_are_known_by_their_manifests(runs: Path) -> None:
    (runs / "alone" / "checkpoints" / ".0003-00000054.new").mkdir()
    found = only(runs / "alone")
    assert (found.status, found.steps) == ("finished", tuple(name.split("/")[1] for name in CHECKPOINTS))


def test_links_are_not_followed(runs: Path) -> None:
    (runs / "latest").symlink_to(runs / "digits" / "2")
    (runs / "more").symlink_to(runs / "digits")
    assert len(list_runs(runs)) == 3


def test_a_linked_file_is_not_read(runs: Path, tmp_path: Path) -> None:
    metrics = runs / "alone" / "metrics.jsonl"
    shutil.move(metrics, tmp_path / "metrics.jsonl")
    metrics.symlink_to(tmp_path / "metrics.jsonl")
    assert (only(runs / "alone").epochs, only(runs / "alone").faults) == (0, ("metrics.jsonl is not a plain file",))


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == ()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text("{}")
    (tmp_path / "source.yaml").write_text(TEXT)
    assert list_runs(tmp_path) == ()
    assert listing(tmp_path, (), datetime.now()) == f"{tmp_path}: no runs"


@pytest.mark.parametrize("content", ["[]", "{", '{"train": 3}', '{"train": {"epochs": "x", "best": {"metric": 3}}}'])
def test_a_document_of_anything_is_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "spec.json").write_text(content)
    assert asked_of(tmp_path, {}) == (None, None)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        list_runs(tmp_path / "runs")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message) == ("SB501", "there is no such folder")


@pytest.mark.parametrize("val", [True, False])
@pytest.mark.parametrize("name", ["digits_cnn", "autoencoder", "googlenet", "cifar_cnn", "text_transformer"])
def test_what_the_best_epoch_goes_by_is_what_training_goes_by(name: str, val: bool) -> None:
    spec = load(f"specs/{name}.yaml")
    record = dict.fromkeys(metric_names(spec, val=val))
    losses = tuple(spec.losses) if len(spec.losses) > 1 else ()
    if spec.train.best is None:
        assert usual_best(record, losses) == best_of(spec, val=val).metric


def test_a_best_that_is_written(runs: Path) -> None:
    file = runs / "alone" / "spec.json"
    document = json.loads(file.read_text())
    document["train"]["best"] = {"metric": "train_loss", "mode": None}
    file.write_text(json.dumps(document))
    assert only(sealed(runs / "alone")).metric == "train_loss"


def test_names_are_those_that_the_run_is_written_under() -> None:
    assert (ENVIRONMENT, SPEC, OVERRIDES) == (environment.NAME, recording.SPEC, recording.OVERRIDES)


def test_the_table_keeps_to_80_columns(runs: Path) -> None:
    shutil.move(runs / "alone", runs / f"a_long_name_{'x' * 60}")
    lines = listing(runs, list_runs(runs), datetime(2001, 10, 1)).splitlines()
    assert (
        lines[0] == "run       status    epochs  best                 written      size" or max(map(len, lines)) <= 80
    )
    assert max(map(len, lines)) <= 80
    assert lines[-2] == f"a_long_name_{'x' * 60}"


def test_a_time_beyond_the_calendar_is_no_crash(runs: Path) -> None:
    run = replace(only(runs / "alone"), written=10.0**15)
    assert run_json(run)["written"] is None
    assert listing(runs, [run], datetime.now()).splitlines()[1].split()[5] == "-"
