from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from specbuild.errors import RunError
from specbuild.runs.place import Place, folder_name


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Event = multiprocessing.get_context("fork").Event


def listed(folder: str) -> list[str]:
    return sorted(os.listdir(folder))


def message_of(run: Path) -> str:
    with pytest.raises(RunError) as caught:
        Place.take("net", run)
    (problem,) = caught.value.diagnostics
    return str(problem)


def test_numbers_count_on() -> None:
    assert [Place.take("net").settle() for _ in range(3)] == [Path(f"runs/net/{n}") for n in (1, 2, 3)]
    assert listed("runs/net") == ["1", "2", "3"]


def test_a_run_under_way_has_its_number() -> None:
    first, second = Place.take("net"), Place.take("net")
    assert listed("runs/net") == ["1", "2"]
    assert (second.settle(), first.settle()) == (Path("runs/net/2"), Path("runs/net/1"))
    assert listed("runs/net/1") == []


def test_discarding_leaves_nothing_not_even_the_parents_that_were_made() -> None:
    Place.take("net").discard()
    assert listed(".") == []
    place = Place.take("net", Path("a/b/c"))
    (place.folder / "checkpoints").mkdir()
    (place.folder / "checkpoints/file").touch()
    place.discard()
    assert listed(".") == []


def test_discarding_leaves_what_others_have() -> None:
    place = Place.take("net")
    Place.take("net").settle()
    place.discard()
    assert listed("runs/net") == ["2"]


def test_a_named_folder_may_exist_if_it_is_empty() -> None:
    Path("mine").mkdir()
    place = Place.take("net", Path("mine"))
    (place.folder / "file").touch()
    assert place.settle() == Path("mine")
    assert listed("mine") == ["file"]
    assert listed(".") == ["mine"]


def test_a_named_folder_that_was_there_stays_when_its_training_is_discarded() -> None:
    Path("mine").mkdir()
    place = Place.take("net", Path("mine"))
    (place.folder / "file").touch()
    place.discard()
    assert (listed("."), listed("mine")) == (["mine"], [])


def test_a_folder_with_something_in_it_is_taken() -> None:
    Path("mine").mkdir()
    Path("mine/file").touch()
    Path("file").touch()
    assert message_of(Path("mine")) == "mine: error[SB505]: is not empty"
    assert message_of(Path("file")) == "file: error[SB505]: is a file"
    assert message_of(Path(".")) == ".: error[SB505]: is not a new folder"


def test_a_training_that_was_not_finished_is_gone_on_with() -> None:
    place = Place.take("net", Path("mine"))
    (place.folder / "source.yaml").touch()
    place.settle()
    assert message_of(Path("mine")) == "mine: error[SB505]: has a training that was not finished"
    assert Place.again(Path("mine")).settle() == Path("mine")


def test_two_trainings_into_one_folder() -> None:
    first = Place.take("net", Path("mine"))
    said = f"mine: error[SB505]: is being written by another training: process {os.getpid()} on {socket.gethostname()}"
    assert message_of(Path("mine")) == said
    (first.folder / "source.yaml").touch()
    assert message_of(Path("mine")) == said
    with pytest.raises(RunError, match="is being written by another training"):
        Place.again(Path("mine"))
    first.settle()
    Place.again(Path("mine")).settle()


def test_a_lock_ends_with_the_process_that_holds_it() -> None:
    process = multiprocessing.get_context("fork").Process(target=take_and_die)
    process.start()
    process.join()
    assert listed("mine") == [".lock"]
    Place.take("net", Path("mine")).settle()


def take_and_die() -> None:
    Place.take("net", Path("mine"))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_was_forked_off_does_not_hold_the_lock() -> None:
    place = Place.take("net", Path("mine"))
    process = multiprocessing.get_context("fork").Process(target=live_on, args=(ended := Event(), begun := Event()))
    process.start()
    begun.wait()
    os.close(place.lock.descriptor)  # what the end of a process does
    Place.again(Path("mine")).settle()
    ended.set()
    process.join()


def live_on(ended: Any, begun: Any) -> None:
    begun.set()
    ended.wait()


def test_a_file_where_a_folder_is_needed() -> None:
    Path("file").touch()
    assert message_of(Path("file/run")) == "file: error[SB506]: cannot be written: File exists"


def take_some(count: int) -> list[str]:
    return [str(Place.take("net").settle()) for _ in range(count)]


def test_processes_never_share_a_number() -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        taken = [name for names in pool.map(take_some, [25] * 4) for name in names]
    assert len(set(taken)) == len(taken) == 100
    assert len(listed("runs/net")) == 100


@pytest.mark.parametrize(
    ("name", "folder"), [("net", "net"), ("../x", "_x"), ("a/b c", "a_b_c"), ("..", "unnamed"), ("é", "_")]
)
def test_any_name_is_one_folder(name: str, folder: str) -> None:
    assert folder_name(name) == folder
