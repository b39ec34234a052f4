"""`verify` names each file that is not what was written, and no other."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from specbuild.api import verify
from specbuild.errors import RunError
from specbuild.runs import manifest
from tests.runs.training import CHECKPOINTS, sealed, trained, unfinished, verdicts

UNHELD = "not held by anything yet"
FIRST, LAST = CHECKPOINTS
"""Nothing else has what is in it but the id."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("verifying") / "run")


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def found(run: Path) -> dict[str, str]:
    files = verify(run).files
    assert len({file.name for file in files}) == len(files)
    return {file.name: file.verdict for file in files}


def names(run: Path) -> list[str]:
    return sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())


def test_every_file_of_a_run_is_as_written(run: Path) -> None:
    result = verify(run)
    assert [file.name for file in result.files] == names(run)
    assert {file.verdict for file in result.files} == {"as written"}
    assert [file.bytes for file in result.files] == [(run / name).stat().st_size for name in names(run)]
    assert (result.complete, result.running, result.faults, result.unheld) == (True, False, (), ())


def test_hidden_files_are_not_the_run_s(run: Path) -> None:
    (run / ".lock").touch()
    (run / "checkpoints" / ".0003-00000054.new").mkdir()
    (run / "checkpoints" / ".0003-00000054.new" / "state.json").touch()
    verdicts(found(run), {})


def test_what_was_done_to_a_file_is_said(run: Path) -> None:
    flip(run / "model.safetensors", 100)
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"\n")
    (run / "spec.json").unlink()
    (run / "notes.txt").write_text("mine")
    (run / "overrides.json").unlink()
    (run / "overrides.json").symlink_to("/etc/hostname")
    size = (run / "metrics.jsonl").stat().st_size
    wanted = {
        "model.safetensors": "altered: its SHA-256 is not the manifest's",
        "metrics.jsonl": f"altered: it has {size} bytes, and had {size - 1}",
        "spec.json": "missing",
        "notes.txt": "not in the manifest",
        "overrides.json": "not a plain file",
    }
    verdicts(found(run), wanted)
    assert {file.name for file in verify(run).faults} == set(wanted)


def test_a_pipe_does_not_keep_it_waiting(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    os.mkfifo(run / "metrics.jsonl")
    verdicts(found(run), {"metrics.jsonl": "not a plain file"})
    (run / manifest.NAME).unlink()
    assert found(run)["metrics.jsonl"] == "not a plain file"


def test_a_linked_folder_is_not_followed(run: Path, tmp_path: Path) -> None:
    (run / "checkpoints").rename(tmp_path / "elsewhere")
    (run / "checkpoints").symlink_to(tmp_path / "elsewhere")
    told = found(run)
    assert told.pop("checkpoints") == "not in the manifest"
    assert {told[name] for name in told if name.startswith("checkpoints/")} == {"checkpoints is not a plain folder"}
    assert {told[name] for name in told if not name.startswith("checkpoints/")} == {"as written"}


@pytest.mark.parametrize("ended", [True, False])
def test_random_damage_is_named(run: Path, ended: bool) -> None:
    if not ended:
        unfinished(run)
    draw = random.Random(7)
    every = names(run)
    for _ in range(100):
        name = draw.choice(every)
        file, damage = run / name, draw.choice(("flip", "cut", "swap"))
        kept, touched = {name: file.read_bytes()}, {name}
        if damage == "flip":
            flip(file, draw.randrange(len(kept[name])), 1 << draw.randrange(8))
        elif damage == "cut":
            os.truncate(file, draw.randrange(len(kept[name])))
        else:
            other = draw.choice([other for other in every if (run / other).read_bytes() != kept[name]])
            kept[other] = (run / other).read_bytes()
            touched.add(other)
            file.write_bytes(kept[other])
            (run / other).write_bytes(kept[name])
        bad = {file.name for file in verify(run).faults}
        manifests = {name for name in touched if Path(name).name == manifest.NAME}
        if manifests:  # then what else was touched may have nothing that holds it
            assert manifests <= bad <= touched
        else:
            assert bad == touched
        for name, content in kept.items():
            (run / name).write_bytes(content)
    verdicts(found(run), {})


def test_a_damaged_manifest_is_a_verdict_too(run: Path) -> None:
    (run / manifest.NAME).write_bytes((run / manifest.NAME).read_bytes() + b" ")
    told = found(run)
    assert told[manifest.NAME] == "altered: its content does not have the SHA-256 that it says"
    assert (told["model.safetensors"], told["metrics.jsonl"], told["source.yaml"]) == (
        UNHELD,
        "as written",
        "as written",
    )
    assert told[f"{LAST}/model.safetensors"] == "as written"  # by the checkpoint's own
    assert verify(run).complete


def test_a_manifest_that_lists_too_little(run: Path) -> None:
    (run / "golden.safetensors").unlink()
    verdicts(found(sealed(run)), {"golden.safetensors": "missing, and not in the manifest"})


def test_a_manifest_that_lists_itself_is_no_crash(run: Path) -> None:
    from specbuild.runs.files import json_bytes, write_whole

    content = manifest.read(run)
    content["files"][manifest.NAME] = {"sha256": "0" * 64, "bytes": 1}
    write_whole(run / manifest.NAME, json_bytes({**content, "sha256": manifest.own_digest(content)}))
    assert [file.name for file in verify(run).faults] == [manifest.NAME]


def test_a_training_that_has_not_ended(run: Path) -> None:
    result = verify(unfinished(run))
    assert (result.complete, result.faults, result.unheld) == (False, (), ())
    assert {file.name for file in result.files} == set(names(run))


def test_one_without_a_checkpoint(run: Path) -> None:
    shutil.rmtree(unfinished(run) / "checkpoints")
    verdicts(found(run), dict.fromkeys(("source.yaml", "overrides.json", "run.json"), UNHELD))


def test_its_newest_whole_checkpoint_knows_what_is_beside_it(run: Path) -> None:
    unfinished(run)
    with (run / "source.yaml").open("a") as file:
        file.write("#")
    (run / "overrides.json").unlink()
    (run / "run.json").write_text('{"id": "another"}')
    wanted = {
        "source.yaml": "altered: its SHA-256 is not the checkpoint's",
        "overrides.json": "missing",
        "run.json": "altered: its SHA-256 is not the checkpoint's",
    }
    verdicts(found(run), wanted)
    flip(run / LAST / "state.json", 100)
    wanted[f"{LAST}/state.json"] = "altered: its SHA-256 is not the manifest's"
    verdicts(found(run), wanted)
    (run / "metrics.jsonl").unlink()
    verdicts(found(run), {**wanted, "metrics.jsonl": "missing"})


def test_damage_to_its_checkpoint(run: Path) -> None:
    unfinished(run)
    flip(run / LAST / "model.safetensors", 100)
    (run / LAST / "state.json").unlink()
    (run / LAST / "more.json").touch()
    wanted = {
        f"{LAST}/model.safetensors": "altered: its SHA-256 is not the manifest's",
        f"{LAST}/state.json": "missing",
        f"{LAST}/more.json": "not in the manifest",
    }
    verdicts(found(run), wanted)


@pytest.mark.parametrize("damage", ["gone", "altered", "swapped", "moved"])
def test_a_checkpoint_without_a_manifest_that_holds(run: Path, damage: str) -> None:
    unfinished(run)
    file = run / LAST / manifest.NAME
    if damage == "gone":
        file.unlink()
    elif damage == "altered":
        file.write_text("{}")
    elif damage == "swapped":
        manifest.write(run / LAST, "finished")
    else:
        shutil.copytree(run / FIRST, run / LAST, dirs_exist_ok=True)
    told = {
        "gone": "missing",
        "altered": "altered: it is no longer the JSON that was written",
        "swapped": "altered: it is not that of a checkpoint",
        "moved": "altered: it is that of another checkpoint: it says '0001-00000018'",
    }[damage]
    others = [path.name for path in (run / LAST).iterdir() if path.name != manifest.NAME]
    wanted = {f"{LAST}/{manifest.NAME}": told, **{f"{LAST}/{name}": UNHELD for name in others}}
    verdicts(found(run), wanted)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"2", b"3", 1)], "altered: line 2 does not have its CRC"),
        (lambda lines: [lines[1], lines[0]], "altered: line 1 is of epoch 2, and 1 more"),
        (lambda lines: lines[1:], "altered: line 1 is of epoch 2, and 1 more"),
        (lambda lines: lines[:1], "altered: it has 1 of 2 lines"),
        (lambda lines: [], "altered: it has 0 of 2 lines"),
        (lambda lines: [lines[0], lines[1][:30]], "altered: line 2 does not have its CRC"),
        (lambda lines: [lines[0], lines[1][:-1]], "altered: its last line has no end"),
        (lambda lines: [b"[]\n", b"\xff\n"], "altered: line 1 does not have its CRC, and 1 more"),
    ],
)
def test_metrics_are_held_by_their_lines_and_the_checkpoint(run: Path, damage, told: str) -> None:  # type: ignore[no-untyped-def]
    file = unfinished(run) / "metrics.jsonl"
    file.write_bytes(b"".join(damage(file.read_bytes().splitlines(keepends=True))))
    assert found(run)["metrics.jsonl"] == told


@pytest.mark.parametrize("what", ["nothing", "empty", "file"])
def test_what_is_no_run(what: str, tmp_path: Path) -> None:
    place = tmp_path / "run"
    if what == "file":
        place.touch()
    elif what == "empty":
        place.mkdir()
    with pytest.raises(RunError) as caught:
        verify(place)
    messages = {"nothing": "there is no such folder", "file": "is a file; a run is a folder",
                "empty": "is not a run directory: it has no manifest.json"}  # fmt: skip
    assert [(each.code, each.message) for each in caught.value.diagnostics] == [("SB501", messages[what])]


def flip(file: Path, place: int, bit: int = 1) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= bit
    file.write_bytes(content)
