"""`specbuild fmt`: what is written, what is printed, and the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specbuild.cli.app import app
from specbuild.formatting.formatting import formatted

ROOT = Path(__file__).resolve().parents[2]
OTHER = "name:  'n'\r\nspecbuild: 1\r\ninput: [4]  # é\r\nlayers: [{type: ReLU}]"
FORM = 'specbuild: 1\r\nname: "n"\r\ninput: [4]  # é\r\nlayers:\r\n  - ReLU\r\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_bytes(text.encode())
    return path


def test_files_are_written_with_their_mode_mark_and_link(folder: Path) -> None:
    path = write("a.yaml", "\ufeff" + OTHER)
    path.chmod(0o640)
    Path("link.yaml").symlink_to("a.yaml")
    write("b.yaml", FORM)
    done = CliRunner().invoke(app, ["fmt", "link.yaml", "b.yaml"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "link.yaml: formatted\nb.yaml: unchanged\n", "")
    assert path.read_bytes().decode() == "\ufeff" + FORM
    assert path.stat().st_mode & 0o777 == 0o640
    assert Path("link.yaml").is_symlink()
    assert sorted(each.name for each in folder.iterdir()) == ["a.yaml", "b.yaml", "link.yaml"]


def test_check_and_diff_write_nothing() -> None:
    path, _ = write("a.yaml", OTHER), write("b.yaml", FORM)
    done = CliRunner().invoke(app, ["fmt", "--check", "a.yaml", "b.yaml"])
    assert (done.exit_code, done.stdout) == (1, "a.yaml: would be formatted\nb.yaml: ok\n")
    assert CliRunner().invoke(app, ["fmt", "--check", "b.yaml"]).exit_code == 0
    done = CliRunner().invoke(app, ["fmt", "--diff", "a.yaml", "b.yaml"])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "--- a.yaml", "+++ a.yaml", "@@ -1,4 +1,5 @@", "-name:  'n'", " specbuild: 1", '+name: "n"',
        " input: [4]  # é", "-layers: [{type: ReLU}]", "+layers:", "+  - ReLU",
    ]  # fmt: skip
    assert path.read_bytes().decode() == OTHER


def test_what_cannot_be_read_is_told_and_left_alone() -> None:
    path, other = write("a.yaml", "layers: [a: ]]\n"), write("b.yaml", OTHER)
    done = CliRunner().invoke(app, ["fmt", "a.yaml", "none.yaml", "b.yaml"])
    assert (done.exit_code, done.stdout) == (1, "b.yaml: formatted\n")
    assert "a.yaml:1:14: error[SB103]" in done.stderr
    assert "none.yaml: error[SB101]" in done.stderr
    assert path.read_text() == "layers: [a: ]]\n"
    assert other.read_bytes().decode() == FORM


def test_a_file_that_nobody_may_write_stays() -> None:
    path = write("a.yaml", OTHER)
    path.chmod(0o444)
    done = CliRunner().invoke(app, ["fmt", "a.yaml"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("a.yaml: error[SB112]: the new document cannot be written: nobody may write to it\n")
    assert path.read_bytes().decode() == OTHER


def test_standard_input_goes_to_standard_output() -> None:
    done = CliRunner().invoke(app, ["fmt", "-"], OTHER.encode())
    assert (done.exit_code, done.stdout_bytes.decode(), done.stderr) == (0, FORM, "")
    done = CliRunner().invoke(app, ["fmt", "-"], b"a: [")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "<stdin>:1:" in done.stderr
    assert CliRunner().invoke(app, ["fmt", "-", "--format", "json"], b"a: 1").exit_code == 2


def test_json_says_it_to_programs() -> None:
    write("a.yaml", OTHER)
    write("b.yaml", "a: [")
    done = CliRunner().invoke(app, ["fmt", "--diff", "--format", "json", "a.yaml", "b.yaml"])
    changed, failed = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (1, "")
    assert (changed["file"], changed["status"], changed["diff"][:10]) == ("a.yaml", "changed", "--- a.yaml")
    assert (failed["file"], failed["status"], failed["diagnostics"][0]["code"]) == ("b.yaml", "failed", "SB103")


def test_json_documents() -> None:
    text = '{"layers":[{"type":"ReLU"},{"out_features":2,"type":"Linear"}],"input":[4],"specbuild":1,"x":"\\u00e9"}'
    path = write("a.json", text)
    assert CliRunner().invoke(app, ["fmt", "a.json"]).exit_code == 0
    assert path.read_text(encoding="utf-8") == (
        '{\n  "specbuild": 1,\n  "input": [4],\n  "layers": [\n    "ReLU",\n'
        '    {"type": "Linear", "out_features": 2}\n  ],\n  "x": "é"\n}\n'
    )


def test_the_page_shows_what_it_does() -> None:
    before, after = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/starting.md").read_text(), re.DOTALL)
    assert formatted(before) == after
