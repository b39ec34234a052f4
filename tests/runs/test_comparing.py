"""Runs side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from specbuild.api import compare_runs, diff, reload
from specbuild.errors import RunError
from specbuild.reports import comparison as report
from specbuild.runs.metrics import rendered
from tests.runs.training import trained, unfinished


def forged(**record: Any) -> str:
    """A line whose CRC holds."""
    return rendered({**record, "best": True}) + "\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("comparing")
    return trained(folder / "a"), trained(folder / "b", "optimizer.lr=0.5", "layers.head.bias=false", epochs=3)


@pytest.fixture
def copy(pair: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(pair[1], tmp_path / "copy"))


def test_documents_are_held_against_the_first(pair: tuple[Path, Path]) -> None:
    a, b = pair
    found = compare_runs([a, b, a])
    first, second = str(a / "spec.json"), str(b / "spec.json")
    assert found.differences == (diff(first, second), diff(first, first))
    assert found.differences[0].sections == {"optimizer.lr": (0.1, 0.5), "train.epochs": (2, 3)}
    assert not found.differences[1]


def test_what_was_measured_is_that_of_the_best_epochs(pair: tuple[Path, Path]) -> None:
    found = compare_runs(pair)
    for path, run in zip(pair, found.runs, strict=True):
        reloaded = reload(path)
        assert {"epoch": run.best["epoch"], **run.measured} == reloaded.best
        assert run.epochs == len(reloaded.metrics)
        assert run.seconds == pytest.approx(sum(record["seconds"] for record in reloaded.metrics))
        assert run.environment == reloaded.environment
    assert found.measured == ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    assert found.environments == {}


def test_environments_are_told_where_they_differ(pair: tuple[Path, Path], copy: Path) -> None:
    file = copy / "environment.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "torch": "2.6.0", "threads": 8}))
    found = compare_runs([*pair, copy])
    torch = reload(pair[0]).environment["torch"]
    assert found.environments == {"torch": (torch, torch, "2.6.0"), "threads": (1, 1, 8)}
    assert f"made with\n  torch    A {torch}, B {torch}, C 2.6.0\n  threads  A 1, B 1, C 8" in report.text(found)
    assert found.runs[2].status == "damaged"


def test_an_unfinished_training_has_its_source_and_what_was_put_over_it(pair: tuple[Path, Path], copy: Path) -> None:
    found = compare_runs([pair[0], unfinished(copy)])
    sections = found.differences[0].sections
    assert (sections["optimizer.lr"], sections["train.epochs"]) == ((0.1, 0.5), (2, 3))
    assert found.runs[1].status == "unfinished"
    assert found.runs[1].measured == compare_runs(pair).runs[1].measured
    assert report.text(found).endswith("B: nothing is written yet of what it is made with")


def test_one_without_an_epoch_has_no_numbers(pair: tuple[Path, Path], copy: Path) -> None:
    (unfinished(copy) / "metrics.jsonl").unlink()
    found = compare_runs([pair[0], copy])
    assert (found.runs[1].best, found.runs[1].epochs, found.runs[1].seconds) == ({}, 0, 0)
    (line,) = [line for line in report.text(found).splitlines() if line.startswith("val_accuracy")]
    assert line.split() == ["val_accuracy", f"{found.runs[0].measured['val_accuracy']:.4f}", "-", "-"]


def test_the_table_has_the_numbers_and_their_differences(pair: tuple[Path, Path]) -> None:
    lines = report.text(compare_runs(pair)).splitlines()
    a, b = (reload(path).best["val_loss"] for path in pair)
    (row,) = [line.split() for line in lines if line.startswith("val_loss")]
    assert row == ["val_loss", f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}"]
    assert "at the best epoch" in "\n".join(lines)


@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_80_columns_for_any_number_of_runs(pair: tuple[Path, Path], count: int) -> None:
    paths = [pair[index % 2] for index in range(count)]
    found = compare_runs(paths)
    lines = report.text(found).splitlines()
    lines = lines[next(number for number, line in enumerate(lines) if line.startswith(report.TITLE)) :]
    assert max(map(len, lines)) <= 80
    heads = " ".join(line.removeprefix(report.TITLE) for line in lines if line.startswith(report.TITLE))
    assert all(f" {report.letter(index)} " in f"{heads} " for index in range(count))
    assert len(json.loads(json.dumps(report.as_json(found)))["runs"]) == count


def test_all_that_is_no_run_is_said_at_once(pair: tuple[Path, Path], copy: Path, tmp_path: Path) -> None:
    (copy / "spec.json").write_text("{")
    with pytest.raises(RunError) as caught:
        compare_runs([pair[0], tmp_path / "nothing", copy])
    missing, broken = caught.value.diagnostics
    assert (missing.code, missing.file) == ("SB501", str(tmp_path / "nothing"))
    assert broken.file == str(copy / "spec.json")


@pytest.mark.parametrize("content", ["[]", "{", '{"epoch": "x", "best": true}', forged(epoch=1, seconds=10**400)])
def test_files_of_anything_are_no_crash(pair: tuple[Path, Path], copy: Path, content: str) -> None:
    (copy / "environment.json").write_text(content)
    (copy / "metrics.jsonl").write_text(content)
    report.text(compare_runs([pair[0], copy]))
