"""What is removed from a folder of runs, and that nothing else ever is."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specbuild.api import clean_runs, list_runs, reload, verify
from specbuild.errors import RunError
from specbuild.runs import cleaning, finding, manifest
from tests.runs.training import CHECKPOINTS, TEXT, bare, sealed, trained, unfinished


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("cleaning") / "run")


@pytest.fixture
def runs(whole: Path, tmp_path: Path) -> Path:
    """Four runs of one name, the third with checkpoints; 10 is the newest number."""
    for number in (1, 2, 9, 10):
        run = Path(shutil.copytree(whole, tmp_path / "runs" / "digits" / str(number)))
        if number != 9:
            bare(run)
    return tmp_path / "runs"


def begun(folder: Path) -> Path:
    """A training that was killed in its first epoch."""
    (folder / "checkpoints" / ".0000-00000000.new").mkdir(parents=True)
    (folder / "source.yaml").write_text(TEXT)
    (folder / "overrides.json").write_text("[]\n")
    (folder / ".lock").touch()
    return folder


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Everything in a folder but locks: files by content, links by target."""
    found = {}
    for path in folder.rglob("*"):
        if path.name != ".lock" and (path.is_symlink() or path.is_file()):
            found[path.relative_to(folder).as_posix()] = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return found


def removed(runs: Path, **options: Any) -> list[str]:
    found = clean_runs(runs, yes=True, **options)
    assert not any(removal.path.exists() for removal in found.removals)
    return sorted(removal.path.relative_to(runs).as_posix() for removal in found.removals)


def left(runs: Path, **options: Any) -> dict[str, str]:
    found = clean_runs(runs, yes=True, **options)
    return {each.path.relative_to(runs).as_posix(): each.why for each in found.left}


def test_nothing_is_removed_without_yes(runs: Path) -> None:
    begun(runs / "digits" / "11")
    before = snapshot(runs)
    found = clean_runs(runs, unfinished=True, checkpoints=True, keep=1, damaged=True)
    assert (len(found.removals), found.done) == (4, False)  # of 9 the whole
    assert snapshot(runs) == before


def test_nothing_is_removed_that_was_not_asked_for(runs: Path) -> None:
    begun(runs / "digits" / "11")
    before = snapshot(runs)
    assert clean_runs(runs, yes=True).removals == ()
    assert snapshot(runs) == before


def test_keep_goes_by_number(runs: Path) -> None:
    assert removed(runs, keep=2) == ["digits/1", "digits/2"]
    assert sorted(os.listdir(runs / "digits")) == ["10", "9"]
    assert removed(runs, keep=2) == []


def test_keep_counts_finished_runs_of_a_name_and_touches_no_others(runs: Path, whole: Path) -> None:
    sealed(runs / "digits" / "10", "interrupted")
    (runs / "digits" / "9" / "spec.json").unlink()
    shutil.copytree(whole, runs / "digits" / "best")
    shutil.copytree(whole, runs / "other" / "1")
    assert removed(runs, keep=1) == ["digits/1"]


def test_unfinished_is_what_kept_nothing(runs: Path) -> None:
    begun(runs / "digits" / "11")
    unfinished(runs / "digits" / "10")  # has epochs
    for name, checkpoint in (("12", "0000-00000005"), ("13", "0000-00000000")):
        folder = begun(runs / "digits" / name) / "checkpoints" / checkpoint
        folder.mkdir()
        (folder / "manifest.json").touch()
    assert removed(runs, unfinished=True) == ["digits/11", "digits/13"]


def test_checkpoints_of_finished_runs(runs: Path) -> None:
    interrupted = Path(shutil.copytree(runs / "digits" / "9", runs / "digits" / "11"))
    sealed(interrupted, "interrupted")
    run, before = runs / "digits" / "9", manifest.read(runs / "digits" / "9")
    size = sum(path.stat().st_size for path in (run / "checkpoints").rglob("*") if path.is_file())
    found = clean_runs(runs, checkpoints=True, yes=True)
    assert [(removal.path, removal.bytes) for removal in found.removals] == [(run / "checkpoints", size)]
    assert not verify(run).faults
    assert reload(run).status == "finished"
    files = {name: entry for name, entry in before["files"].items() if not name.startswith("checkpoints/")}
    assert manifest.read(run) == {**before, "files": files}
    assert (interrupted / "checkpoints").is_dir()


def test_removing_checkpoints_hides_no_damage(runs: Path) -> None:
    """A bit that flipped before is still found after: digests are kept, not made anew."""
    file = runs / "digits" / "9" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    removed(runs, checkpoints=True)
    assert [fault.name for fault in verify(runs / "digits" / "9").faults] == ["model.safetensors"]


def test_damaged_runs_are_left_unless_named(runs: Path) -> None:
    (runs / "digits" / "9" / "spec.json").unlink()
    (runs / "digits" / "1" / "manifest.json").write_text("{")
    told = left(runs, checkpoints=True, unfinished=True, keep=3)
    assert told == dict.fromkeys(("digits/1", "digits/9"), "is damaged: --damaged removes it")
    assert removed(runs, damaged=True) == ["digits/1", "digits/9"]


def test_what_no_training_wrote_is_left(runs: Path) -> None:
    (runs / "digits" / "2" / "notes.txt").write_text("mine")
    begun(runs / "digits" / "11")
    (runs / "digits" / "11" / "thesis").mkdir()
    (runs / "digits" / "11" / "thesis" / "one.tex").write_text("mine")
    assert left(runs, damaged=True, unfinished=True) == {
        "digits/2": "holds notes.txt, which no training wrote",
        "digits/11": "holds thesis/one.tex, which no training wrote",
    }
    assert (runs / "digits" / "2" / "spec.json").exists()


def test_other_folders_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text("{}")
    (tmp_path / "source.yaml").write_text(TEXT)
    before = snapshot(tmp_path)
    assert removed(tmp_path, damaged=True, unfinished=True, checkpoints=True, keep=1) == []
    assert snapshot(tmp_path) == before


def test_a_run_that_is_being_written_is_left(runs: Path) -> None:
    for name in ("1", "2", "9", "10"):
        (runs / "digits" / name / ".lock").touch()
    run = begun(runs / "digits" / "11")
    with (run / ".lock").open("w") as lock, (runs / "digits" / "9" / ".lock").open("w") as other:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(other, fcntl.LOCK_EX)
        told = left(runs, unfinished=True, checkpoints=True, damaged=True, keep=2)
        assert told == dict.fromkeys(("digits/9", "digits/11"), "a training writes there")
    assert removed(runs, unfinished=True, checkpoints=True) == ["digits/11", "digits/9/checkpoints"]


def test_a_training_that_begins_between_looking_and_removing(runs: Path) -> None:
    run = begun(runs / "digits" / "11")
    planned = cleaning.cleaning(runs, unfinished=True)
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = cleaning.carried_out(planned)
    assert (done.removals, [each.why for each in done.left]) == ((), ["a training writes there"])
    (run / "metrics.jsonl").write_text("{}\n")
    done = cleaning.carried_out(planned)
    assert (done.removals, [each.why for each in done.left]) == ((), ["is no longer what it was"])


def test_links_are_left(runs: Path, tmp_path: Path) -> None:
    elsewhere = begun(tmp_path / "elsewhere" / "1")
    (runs / "other").symlink_to(elsewhere.parent)
    (runs / "digits" / "12").symlink_to(elsewhere)
    shutil.move(runs / "digits" / "9" / "checkpoints", tmp_path / "checkpoints")
    (runs / "digits" / "9" / "checkpoints").symlink_to(tmp_path / "checkpoints")
    before = snapshot(tmp_path)
    told = left(runs, unfinished=True, checkpoints=True, keep=3)
    assert told == {
        "other": "is a link", "digits/12": "is a link", "digits/9": "is damaged: --damaged removes it",
    }  # fmt: skip
    assert snapshot(tmp_path) == before
    removed(runs, damaged=True)
    assert (tmp_path / CHECKPOINTS[0] / "state.json").exists()
    assert left(runs / "digits" / "12", unfinished=True) == {".": "is a link"}


def test_one_run_by_its_own_name(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(runs / "digits" / "11")
    monkeypatch.chdir(run)
    found = clean_runs(".", unfinished=True, yes=True)
    assert [removal.path for removal in found.removals] == [run.resolve()]
    assert sorted(os.listdir(runs / "digits")) == ["1", "10", "2", "9"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no such folder"):
        clean_runs(tmp_path / "runs", unfinished=True)


def test_what_the_file_system_refuses_is_said_and_the_rest_removed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def refusing(old: Path, new: Path) -> None:
        if old.name == "1":
            raise PermissionError(13, "Permission denied", str(old))
        rename(old, new)

    monkeypatch.setattr(cleaning.os, "rename", refusing)
    found = clean_runs(runs, keep=2, yes=True)
    assert [removal.path.name for removal in found.removals] == ["2"]
    assert [(each.path.name, each.why, each.refused) for each in found.left] == [
        ("1", "cannot be removed: Permission denied", True)
    ]


class Killed(BaseException):
    """What ends a removal at some call."""


CALLS = [(cleaning.os, "rename"), (cleaning.shutil, "rmtree"), (os, "replace"), (os, "unlink"), (os, "rmdir"),
         (os, "fsync")]  # fmt: skip


def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, work: Callable[[], object]) -> bool:
    """Whether the work was ended at its so-and-so-many-th call that changes something on disk."""
    count = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return call(*args, **kwargs)

        return counting

    with monkeypatch.context() as patched:
        for module, name in CALLS:
            patched.setattr(module, name, counted(getattr(module, name)))
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("what", ["checkpoints", "keep"])
def test_killed_anywhere_a_run_is_whole_or_cleaned_again(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    options: dict[str, Any] = {"checkpoints": True} if what == "checkpoints" else {"keep": 1}
    number = 1
    while True:
        copy = Path(shutil.copytree(runs, tmp_path / f"copy{number}"))
        if not killed_at(monkeypatch, number, lambda copy=copy: clean_runs(copy, **options, yes=True)):  # type: ignore[misc]
            break
        if what == "keep":
            assert not any(verify(run.path).faults for run in list_runs(copy))
        clean_runs(copy, **options, yes=True)
        assert not any(verify(run.path).faults for run in list_runs(copy))
        hidden = [path for path in copy.rglob("*") if finding.hidden(path.relative_to(copy).as_posix())]
        assert {path.name for path in hidden} <= {".lock"}
        names = sorted(os.listdir(copy / "digits"))
        assert names == (["10"] if what == "keep" else ["1", "10", "2", "9"])
        assert not (copy / "digits" / "9" / "checkpoints").exists()
        shutil.rmtree(copy)
        number += 1
    assert number > 6
