"""`specbuild check --fix`: files are written whole, with nothing else changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specbuild.cli.app import app
from specbuild.cli.fixing import write_anew
from specbuild.errors import SpecError

WRONG = (
    "specbuild: 1\r\ninput: [16]  # é\r\nlayers:\r\n  - {name: head, type: Linear, in_features: 4, out_features: 10}"
)
RIGHT = WRONG.replace("in_features: 4", "in_features: 16")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "spec.yaml") -> Path:
    path = Path(name)
    path.write_bytes(text.encode())
    return path


def test_what_was_mended_is_printed_and_written() -> None:
    path = write(WRONG)
    done = CliRunner().invoke(app, ["check", "--fix", "spec.yaml"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "spec.yaml:4:45: fixed SB301: in_features: 16\nspec.yaml: ok\n"
    assert path.read_bytes().decode() == RIGHT
    assert os.listdir() == ["spec.yaml"]


def test_what_remains_is_printed_and_fails() -> None:
    write(WRONG.replace("4,", "4, activation: relu,"))
    done = CliRunner().invoke(app, ["check", "--fix", "spec.yaml"])
    assert done.exit_code == 1
    assert done.stdout.startswith("spec.yaml:4:48: error[SB201]: unknown key `activation`\n")
    assert "ok" not in done.stdout


def test_mode_link_and_byte_order_mark_stay(folder: Path) -> None:
    (folder / "real").mkdir()
    path = write("\ufeff" + WRONG, "real/spec.yaml")
    path.chmod(0o640)
    link = folder / "link.yaml"
    link.symlink_to("real/spec.yaml")
    done = CliRunner().invoke(app, ["check", "--fix", "link.yaml"])
    assert done.exit_code == 0
    assert link.is_symlink()
    assert path.read_bytes() == ("\ufeff" + RIGHT).encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir("real") == ["spec.yaml"]


def test_a_right_file_is_not_written() -> None:
    path = write(RIGHT)
    before = path.stat()
    assert CliRunner().invoke(app, ["check", "--fix", "spec.yaml"]).exit_code == 0
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_standard_input_goes_to_standard_output() -> None:
    command = [sys.executable, "-m", "specbuild", "check", "--fix", "-"]
    done = subprocess.run(command, input=WRONG.encode(), capture_output=True)
    assert (done.returncode, done.stdout.decode()) == (0, RIGHT)
    assert done.stderr.decode() == "<stdin>:4:45: fixed SB301: in_features: 16\n<stdin>: ok\n"
    done = subprocess.run(command, input=b"\xff\xfe", capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"\xff\xfe")
    assert "error[SB102]" in done.stderr.decode()


def test_several_files_and_other_formats() -> None:
    write(WRONG, "a.yaml")
    write(RIGHT.replace("Linear", "Lineer_layer"), "b.yaml")
    done = CliRunner().invoke(app, ["check", "--fix", "a.yaml", "b.yaml", "missing.yaml", "--format", "json"])
    assert done.exit_code == 1
    assert [(found["file"], found["code"]) for found in json.loads(done.stdout)] == [
        ("b.yaml", "SB204"),
        ("missing.yaml", "SB101"),
    ]
    assert done.stderr == "a.yaml:4:45: fixed SB301: in_features: 16\n"


def test_with_set_it_is_a_wrong_command_line() -> None:
    path = write(WRONG)
    done = CliRunner().invoke(app, ["check", "--fix", "spec.yaml", "--set", "input=[4]"])
    assert done.exit_code == 2
    assert path.read_bytes().decode() == WRONG


def test_a_file_that_nobody_may_write_to_is_left() -> None:
    path = write(WRONG)
    path.chmod(0o444)
    done = CliRunner().invoke(app, ["check", "--fix", "spec.yaml"])
    assert done.exit_code == 1
    assert done.stdout.endswith(
        "spec.yaml: error[SB112]: the new document cannot be written: nobody may write to it\n"
        "    = fix: chmod u+w spec.yaml\n"
    )
    assert "fixed" not in done.stdout
    assert path.read_bytes().decode() == WRONG
    assert os.listdir() == ["spec.yaml"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_file_as_it_was(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = write(WRONG)
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(SpecError, match="cannot be written: no space left on device"):
        write_anew("spec.yaml", b"x")
    assert path.read_bytes().decode() == WRONG
    assert os.listdir() == ["spec.yaml"]
