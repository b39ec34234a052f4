from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from specbuild.errors import RunError
from specbuild.runs import sealing
from specbuild.runs.sealing import NAME


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "00000050"
    for name in ("state.json", "inner/part.txt", "checkpoints/00000007/state.json"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    sealing.write(path, {"step": 50})
    return path


def found(folder: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in sealing.faults(folder, sealing.read(folder))]


def test_every_file_down_to_the_third_level_is_sealed(folder: Path) -> None:
    content = sealing.read(folder)
    names = ("checkpoints/00000007/state.json", "inner/part.txt", "state.json")
    entry = {name: {"sha256": hashlib.sha256(name.encode()).hexdigest(), "bytes": len(name)} for name in names}
    assert content == {"step": 50, "files": entry}
    assert found(folder) == []


def test_digests_that_are_known_are_taken(folder: Path) -> None:
    sealing.write(folder, {}, {"state.json": ("0" * 64, 10)})
    assert sealing.read(folder)["files"]["state.json"] == {"sha256": "0" * 64, "bytes": 10}
    assert found(folder) == [("SB503", "state.json was altered: its SHA-256 is not the manifest's")]


def test_what_has_no_plain_name_or_is_a_link_is_not_sealed(folder: Path) -> None:
    (folder / "a copy (2).txt").touch()
    (folder / ".lock").touch()
    (folder / "checkpoints/.00000008.new").mkdir()
    (folder / "checkpoints/.00000008.new/state.json").touch()
    (folder / "link").symlink_to(folder / "state.json")
    os.mkfifo(folder / "pipe")
    before = sealing.read(folder)
    sealing.write(folder, {"step": 50})
    assert sealing.read(folder) == before
    assert found(folder) == [("SB503", f"{name} is not in the manifest") for name in ("a copy (2).txt", "link", "pipe")]


def test_a_linked_folder_is_named_and_not_entered(folder: Path) -> None:
    (folder / "checkpoints/00000007/more.json").touch()
    sealing.write(folder, {})
    (folder / "checkpoints").rename(folder.parent / "elsewhere")
    (folder / "checkpoints").symlink_to(folder.parent / "elsewhere")
    assert found(folder) == [("SB503", "checkpoints is not a plain folder")]


def test_what_lies_too_deep_is_named_by_its_folder(folder: Path) -> None:
    (folder / "checkpoints/00000007/deep/er").mkdir(parents=True)
    assert found(folder) == [("SB503", "checkpoints/00000007/deep is not in the manifest")]


def test_a_folder_where_a_file_was_and_a_file_where_a_folder_was(folder: Path) -> None:
    (folder / "state.json").unlink()
    (folder / "state.json").mkdir()
    (folder / "inner/part.txt").unlink()
    (folder / "inner").rmdir()
    (folder / "inner").touch()
    assert found(folder) == [
        ("SB503", "inner is not a plain folder"),
        ("SB503", "state.json is not a plain file"),
    ]


def test_a_folder_without_a_manifest(folder: Path) -> None:
    (folder / NAME).unlink()
    with pytest.raises(RunError) as caught:
        sealing.read(folder)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message, problem.file) == ("SB501", "has no manifest.json", str(folder))


def test_a_manifest_without_end_is_not_read(folder: Path) -> None:
    with (folder / NAME).open("wb") as file:
        file.truncate(sealing.LIMIT + 1)
    with pytest.raises(RunError, match=r"is not a manifest: it has more than 16,777,216 bytes"):
        sealing.read(folder)


def test_the_same_json_in_other_words_was_altered(folder: Path) -> None:
    content = json.loads((folder / NAME).read_bytes())
    (folder / NAME).write_text(json.dumps(content))
    with pytest.raises(RunError, match="its content does not have the SHA-256 that it says"):
        sealing.read(folder)
