"""`specbuild verify` and `specbuild runs` as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from specbuild.api import list_runs
from specbuild.reports.runs import run_json
from tests.cli.test_cli import SPECBUILD, run
from tests.runs.training import TEXT, bare, trained, unfinished


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("commands") / "run")


def sizes(run: Path) -> int:
    return sum(path.stat().st_size for path in run.rglob("*") if path.is_file())


@pytest.fixture
def runs(whole: Path, tmp_path: Path) -> Path:
    for number in (1, 2):
        shutil.copytree(whole, tmp_path / "runs" / "digits" / str(number))
    for path in bare(tmp_path / "runs" / "digits" / "1").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return tmp_path / "runs"


def test_verify_of_a_whole_run(runs: Path) -> None:
    done = run("verify", runs / "digits" / "1")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in lines[:10]] == sorted(os.listdir(runs / "digits" / "1"))
    assert lines[0].split() == ["environment.json", lines[0].split()[1], "as", "written"]
    assert " ".join(done.stdout.split()).endswith(": 10 files, all as written")


def test_verify_of_a_damaged_one(runs: Path) -> None:
    (runs / "digits" / "1" / "spec.json").unlink()
    done = run("verify", runs / "digits" / "1")
    assert (done.returncode, done.stderr) == (1, "")
    told = " ".join(done.stdout.split())
    assert " spec.json missing " in told
    assert told.endswith("1 of 10 files is not what was written; 9 are as written")
    found = json.loads(run("verify", runs / "digits" / "1", "--format", "json").stdout)
    assert (found["as_written"], found["complete"], found["running"]) == (False, True, False)
    assert {file["name"]: file["fault"] for file in found["files"] if file["fault"]} == {"spec.json": "missing"}


def test_verify_of_an_unfinished_one(runs: Path) -> None:
    done = run("verify", unfinished(runs / "digits" / "1"))
    told = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert told.endswith("1 is as written; 3 are not held by anything yet; the training has not ended: there is no "
                         "manifest")  # fmt: skip


def test_verify_of_no_run(tmp_path: Path) -> None:
    done = run("verify", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[SB501]: is not a run directory: it has no manifest.json" in done.stderr


@pytest.mark.parametrize("command", ["verify", "runs list", "runs clean"])
def test_names_cannot_speak_to_the_terminal(runs: Path, command: str) -> None:
    (runs / "digits" / "1" / "\x1b[2Jmine\n").touch()
    done = run(*command.split(), runs / "digits" / "1")
    assert "\x1b" not in done.stdout + done.stderr
    assert "mine" in done.stdout


def test_list(runs: Path) -> None:
    unfinished(runs / "digits" / "2")
    done = run("runs", "list", runs)
    head, first, second = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert head.split() == ["run", "status", "epochs", "best", "written", "size"]
    assert first.split()[:4] == ["digits/1", "finished", "2/2", "val_accuracy"]
    assert first.split()[5].startswith("2001-09-")
    assert second.split()[:4] == ["digits/2", "unfinished", "2/2", "val_accuracy"]


def test_list_as_json(runs: Path) -> None:
    done = run("runs", "list", runs / "digits", "--format", "json")
    first, second = json.loads(done.stdout)["runs"]
    assert (first["run"], first["status"], first["epochs"], first["epochs_asked"]) == (
        str(runs / "digits" / "1"), "finished", 2, 2,
    )  # fmt: skip
    assert first["written"].startswith("2001-09-")
    assert second["bytes"] == sizes(runs / "digits" / "2")


def test_list_of_an_empty_folder_and_of_none(tmp_path: Path) -> None:
    done = run("runs", "list", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}: no runs\n")
    done = run("runs", "list", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[SB501]: there is no such folder" in done.stderr


def test_compare(runs: Path) -> None:
    done = run("runs", "compare", runs / "digits" / "1", runs / "digits" / "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"A {runs}/digits/1, finished B " in " ".join(done.stdout.split())
    assert "A and B mean the same" in done.stdout
    found = json.loads(run("runs", "compare", *runs.glob("digits/*"), "--format", "json").stdout)
    assert found["differences"][0]["metrics"] == dict.fromkeys(
        ("train_loss", "train_accuracy", "val_loss", "val_accuracy"), 0.0
    )


def test_compare_takes_two(runs: Path) -> None:
    done = run("runs", "compare", runs / "digits" / "1")
    assert done.returncode == 2
    assert "at least two runs can be compared" in done.stderr


def test_clean_says_first_and_removes_with_yes(runs: Path) -> None:
    newest = runs / "digits" / "2"
    told = run("runs", "clean", runs)
    assert "--checkpoints" in told.stdout
    assert "nothing was removed: choose by" in told.stdout
    told = run("runs", "clean", runs, "--checkpoints", "--keep", "1")
    assert "would be removed:" in told.stdout
    assert "nothing was removed: --yes removes it" in " ".join(told.stdout.split())
    assert (runs / "digits" / "1").exists()
    done = run("runs", "clean", runs, "--checkpoints", "--keep", "1", "--yes", "--format", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["removed"], len(found["removals"]), found["left"]) == (0, True, 2, [])
    assert not (runs / "digits" / "1").exists()
    assert run("verify", newest).returncode == 0


def test_clean_keeps_at_least_one(runs: Path) -> None:
    assert run("runs", "clean", runs, "--keep", "0").returncode == 2


def test_of_a_training_that_runs_and_is_killed(tmp_path: Path) -> None:
    """The lock is the system's: it is let go when its holder dies, however that is."""
    (tmp_path / "digits.yaml").write_text(TEXT)
    place = tmp_path / "run"
    command = [SPECBUILD, "train", "digits.yaml", "--set", "train.epochs=100000", "--run", str(place)]
    training = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while only(place).get("epochs", 0) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        found = only(place)
        assert (found["status"], found["epochs_asked"]) == ("running", 100_000)
        assert "a training writes there" in run("runs", "clean", place, "--unfinished", "--damaged", "--yes").stdout
    finally:
        training.kill()
        training.wait()
    found = only(place)
    assert (found["status"], found["faults"], found["best"]["metric"]) == ("unfinished", [], "val_accuracy")
    told = json.loads(run("verify", place, "--format", "json").stdout)
    faults = {file["name"] for file in told["files"] if file["fault"]}
    assert faults <= {"metrics.jsonl"}  # half a line, where it was killed in the middle of one
    assert (told["complete"], told["running"]) == (False, False)
    assert run("runs", "clean", place, "--unfinished", "--yes").returncode == 0
    assert place.exists()  # it has epochs


def only(place: Path) -> dict[str, Any]:
    """The run in a folder, as `list` tells it; nothing where there is none yet."""
    runs = list_runs(place) if place.exists() else ()
    return run_json(runs[0]) if runs else {}


def test_no_torch(runs: Path) -> None:
    one, other = str(runs / "digits" / "1"), str(runs / "digits" / "2")
    commands = [
        ["verify", one],
        ["runs", "list", str(runs)],
        ["runs", "compare", one, other],
        ["runs", "clean", str(runs)],
    ]
    program = (
        "import sys\nfrom specbuild.cli.app import app\n"
        f"for command in {commands!r}:\n    app(command, standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'safetensors', 'rich') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
