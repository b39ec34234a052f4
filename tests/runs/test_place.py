from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from specbuild.errors import RunError
from specbuild.runs.place import Place, folder_name


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def listed(folder: str) -> list[str]:
    return sorted(os.listdir(folder))


def message_of(run: Path) -> str:
    with pytest.raises(RunError) as caught:
        Place.take("net", run)
    (problem,) = caught.value.diagnostics
    return str(problem)


def test_numbers_count_on() -> None:
    assert [Place.take("net").appear() for _ in range(3)] == [Path(f"runs/net/{n}") for n in (1, 2, 3)]
    assert listed("runs/net") == ["1", "2", "3"]


def test_a_run_under_way_is_hidden_and_keeps_its_number() -> None:
    first, second = Place.take("net"), Place.take("net")
    assert listed("runs/net") == [".1.partial", ".2.partial"]
    assert (second.appear(), first.appear()) == (Path("runs/net/2"), Path("runs/net/1"))


def test_a_number_taken_by_someone_else_is_passed_over() -> None:
    place = Place.take("net")
    Path("runs/net/1").mkdir()
    Path("runs/net/1/mine").touch()
    assert place.appear() == Path("runs/net/2")


def test_discarding_leaves_nothing_not_even_the_parents_that_were_made() -> None:
    Place.take("net").discard()
    assert listed(".") == []
    Place.take("net", Path("a/b/c")).discard()
    assert listed(".") == []


def test_discarding_leaves_what_others_have() -> None:
    place = Place.take("net")
    Place.take("net").appear()
    place.discard()
    assert listed("runs/net") == ["2"]


def test_a_named_folder_may_exist_if_it_is_empty() -> None:
    Path("mine").mkdir()
    place = Place.take("net", Path("mine"))
    (place.partial / "file").touch()
    assert place.appear() == Path("mine")
    assert listed("mine") == ["file"]
    assert listed(".") == ["mine"]


def test_a_folder_with_something_in_it_is_taken() -> None:
    Path("mine").mkdir()
    Path("mine/file").touch()
    Path("file").touch()
    assert message_of(Path("mine")) == "mine: error[SB505]: is not empty"
    assert message_of(Path("file")) == "file: error[SB505]: is a file"
    assert message_of(Path(".")) == ".: error[SB505]: is not a new folder"


def test_two_trainings_into_one_folder() -> None:
    Place.take("net", Path("mine"))
    assert message_of(Path("mine")) == "mine: error[SB505]: is being written by another training"


def test_a_folder_that_is_filled_meanwhile_loses_nothing() -> None:
    place = Place.take("net", Path("mine"))
    (place.partial / "weights").touch()
    Path("mine").mkdir()
    Path("mine/file").touch()
    with pytest.raises(RunError, match=r"filled while the training ran; the run is whole in \.mine\.partial"):
        place.appear()
    place.discard()
    assert listed(".mine.partial") == ["weights"]


def test_a_file_where_a_folder_is_needed() -> None:
    Path("file").touch()
    assert message_of(Path("file/run")) == "file: error[SB506]: cannot be written: File exists"


def take_some(count: int) -> list[str]:
    return [str(Place.take("net").appear()) for _ in range(count)]


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
