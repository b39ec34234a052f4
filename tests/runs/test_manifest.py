from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from specbuild.errors import RunError
from specbuild.runs import manifest
from specbuild.runs.files import json_bytes

FIX = "restore it from a copy, or train again"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "1"
    path.mkdir()
    for name in manifest.REQUIRED:
        (path / name).write_text(f"this is {name}\n")
    manifest.write(path, "finished")
    return path


def messages(folder: Path) -> list[tuple[str, str]]:
    """Code and message of each problem; each names its file."""
    with pytest.raises(RunError) as caught:
        manifest.verify(folder)
    return [(problem.code, problem.message) for problem in caught.value.diagnostics]


def rewrite(folder: Path, **changes: Any) -> None:
    """A manifest with other content that is true to itself."""
    content = json.loads((folder / "manifest.json").read_bytes())
    del content["sha256"]
    content |= changes
    (folder / "manifest.json").write_bytes(json_bytes({**content, "sha256": manifest.own_digest(content)}))


def test_what_was_written_is_verified(folder: Path) -> None:
    assert manifest.verify(folder).status == "finished"
    assert set(manifest.verify(folder).files) == set(manifest.REQUIRED)


def test_the_hashes_are_sha256(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    for name in manifest.REQUIRED:
        data = (folder / name).read_bytes()
        assert content["files"][name] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    own = content.pop("sha256")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert own == hashlib.sha256(canonical.encode()).hexdigest()


def test_every_flipped_bit_of_the_manifest_is_its_own_fault(folder: Path) -> None:
    file = folder / "manifest.json"
    whole = file.read_bytes()
    for place in range(len(whole)):
        for bit in (1, 32, 128):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            ((code, message),) = messages(folder)
            assert code == "SB503"
            assert message.startswith("manifest.json was altered"), place


def test_every_flipped_byte_of_a_file_names_it(folder: Path) -> None:
    for name in manifest.REQUIRED:
        whole = (folder / name).read_bytes()
        for place in range(len(whole)):
            (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            assert messages(folder) == [("SB503", f"{name} was altered: its SHA-256 is not the manifest's")]
        (folder / name).write_bytes(whole)


def test_all_that_is_wrong_at_once(folder: Path) -> None:
    (folder / "spec.json").unlink()
    (folder / "metrics.jsonl").write_text("longer than it was before")
    (folder / "golden.safetensors").unlink()
    (folder / "golden.safetensors").mkdir()
    (folder / "notes.txt").touch()
    (folder / ".DS_Store").touch()
    with pytest.raises(RunError) as caught:
        manifest.verify(folder)
    problems = {problem.message: (problem.code, problem.file, problem.fix) for problem in caught.value.diagnostics}
    elsewhere = "move it elsewhere; what a run holds is settled when it is written"
    longer = "metrics.jsonl was altered: it has 25 bytes, and had 22"
    assert problems == {
        "spec.json is missing": ("SB502", str(folder / "spec.json"), FIX),
        longer: ("SB503", str(folder / "metrics.jsonl"), FIX),
        "golden.safetensors is not a plain file": ("SB503", str(folder / "golden.safetensors"), FIX),
        "notes.txt is not in the manifest": ("SB503", str(folder / "notes.txt"), elsewhere),
    }


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "spec.json").rename(tmp_path / "spec.json")
    (folder / "spec.json").symlink_to(tmp_path / "spec.json")
    assert messages(folder) == [("SB503", "spec.json is not a plain file")]


@pytest.mark.parametrize(
    "name", ["../1/spec.json", "/etc/passwd", "a/b/c/d", "a/../b", "a/", "..", ".hidden", "", "a\\b", "é"]
)
def test_a_forged_manifest_leads_nowhere(folder: Path, name: str) -> None:
    files = json.loads((folder / "manifest.json").read_bytes())["files"]
    rewrite(folder, files={**files, name: files["spec.json"]})
    expected = "manifest.json is not a manifest: `files` are plain file names with `sha256` and `bytes`"
    assert messages(folder) == [("SB503", expected)]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "done"},
        {"reason": 1},
        {"id": "1"},
        {"id": None},
        {"files": []},
        {"files": {"a": 1}},
        {"files": {"a": {"sha256": "0", "bytes": True}}},
    ],
)
def test_a_manifest_of_another_form(folder: Path, changes: dict[str, Any]) -> None:
    rewrite(folder, **changes)
    ((code, message),) = messages(folder)
    assert (code, message[:33]) == ("SB503", "manifest.json is not a manifest: ")


def test_a_manifest_that_lists_too_little(folder: Path) -> None:
    rewrite(folder, files={})
    (folder / "spec.json").unlink()
    missing = [message for code, message in messages(folder) if code == "SB502"]
    assert missing == [f"the manifest lists no {name}" for name in manifest.REQUIRED]


@pytest.mark.parametrize(
    ("version", "fix"),
    [
        (3, "read it with a newer specbuild"),
        ("2", "is it a run's manifest? restore it from a copy"),
        (True, "is it a run's manifest? restore it from a copy"),
        (0, "is it a run's manifest? restore it from a copy"),
        (None, "is it a run's manifest? restore it from a copy"),
    ],
)
def test_a_format_that_cannot_be_read(folder: Path, version: Any, fix: str) -> None:
    rewrite(folder, specbuild_run=version)
    with pytest.raises(RunError) as caught:
        manifest.verify(folder)
    (problem,) = caught.value.diagnostics
    message = f"is a run of format {version!r}; this specbuild reads formats up to 2"
    assert (problem.code, problem.message, problem.fix) == ("SB501", message, fix)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"sha256": 1}'])
def test_a_manifest_that_is_none(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    ((code, message),) = messages(folder)
    assert (code, message[:25]) == ("SB503", "manifest.json was altered")


def test_a_manifest_that_is_no_file(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    expected = "manifest.json is not a manifest: it is not a plain file"
    assert messages(folder) == [("SB503", expected)]


def found_and_offered(path: Path) -> tuple[str, str | None]:
    with pytest.raises(RunError) as caught:
        manifest.verify(path)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.file) == ("SB501", str(path))
    return problem.message, problem.fix


def test_what_is_no_run_and_what_was_meant(folder: Path, tmp_path: Path) -> None:
    offered = f"the newest run there is {folder}"
    assert found_and_offered(tmp_path) == ("is not a run directory: it has no manifest.json", offered)
    assert found_and_offered(tmp_path / "2") == ("there is no such folder", offered)
    inside = folder / "model.safetensors"
    assert found_and_offered(inside) == ("is a file; a run is a folder", f"give the run directory: {folder}")
    unfinished = tmp_path / "2"
    (unfinished / "checkpoints").mkdir(parents=True)
    message = "has no manifest.json: its training still runs, or has not finished an epoch, or was killed"
    fix = f"`specbuild train --resume --run {unfinished}` goes on with it"
    assert found_and_offered(unfinished) == (message, fix)
