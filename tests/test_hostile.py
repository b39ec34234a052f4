"""What a document cannot do: hang, crash, fill memory or the terminal, reach out of the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import DOCUMENTS, MOST_BYTES, MOST_MEMORY, MOST_OUTPUT

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30
"""Seconds of the processor: no measurement, but an end to what has none."""
CHUNK = 12
"""How many documents one process judges; memory is measured of all of them."""
NAMES = sorted(DOCUMENTS)
CHUNKS = [NAMES[first : first + CHUNK] for first in range(0, len(NAMES), CHUNK)]

CHECKING = """
import io, json, os, signal, sys
from contextlib import redirect_stderr, redirect_stdout
from specbuild.cli.checking import check_specs
from specbuild.cli.output import Format, guarded

found = []
for name in sys.argv[1:]:
    signal.setitimer(signal.ITIMER_VIRTUAL, float(os.environ["PATIENCE"]))
    written, status = io.StringIO(), 0
    with redirect_stdout(written), redirect_stderr(written):
        try:
            guarded(check_specs)([name], (), Format.text)
        except SystemExit as ended:
            status = ended.code
    found.append([status, written.getvalue()])
try:
    with open("/proc/self/status") as file:  # what `getrusage` says begins with what the parent had
        memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
except OSError:
    memory = 0
print(json.dumps([found, memory]))
"""


def specbuild(*arguments: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    """The command, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-m", "specbuild", *arguments], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120, **more,  # type: ignore[call-overload]
    )  # fmt: skip


@pytest.mark.parametrize("names", CHUNKS, ids=lambda names: names[0].partition(".")[0])
def test_a_document_ends_with_a_verdict(names: list[str], tmp_path: Path) -> None:
    for name in names:
        document = DOCUMENTS[name]()
        assert len(document) <= MOST_BYTES, name
        (tmp_path / name).write_bytes(document)
    done = subprocess.run(
        [sys.executable, "-c", CHECKING, *names], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATIENCE": str(PATIENCE)},
    )  # fmt: skip
    assert done.returncode == 0, f"ended by {done.returncode} in one of {names}: {done.stderr[-2000:]}"
    verdicts, memory = json.loads(done.stdout)
    for name, (status, output) in zip(names, verdicts, strict=True):
        assert status in (0, 1), name
        assert "internal error" not in output, (name, output[-1000:])
        assert "Traceback" not in output, (name, output[-1000:])
        assert (status == 1) == ("error[SB" in output), (name, output[:1000])
        assert len(output) < MOST_OUTPUT, name
        assert all(character.isprintable() or character == "\n" for character in output), name
    assert memory < MOST_MEMORY, f"{memory / 2**20:.0f} MiB in one of {names}"


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for name, why in {
        "pipe.yaml": "it is not a regular file",
        "folder.yaml": "it is a directory",
        "/dev/zero": "it is not a regular file",
        "loop.yaml": "too many levels of symbolic links",
        "none.yaml": "there is no such file",
        "pipe.yaml/a": "not a directory",
        "a" * 5000: "file name too long",
    }.items():
        done = specbuild("check", name, folder=tmp_path)
        assert done.returncode == 1, name
        assert done.stderr == ""
        assert f"error[SB101]: the document cannot be read: {why}" in done.stdout


def test_a_pipe_that_the_shell_made_is_read(tmp_path: Path) -> None:
    document = "specbuild: 1\ninput: [4]\nlayers: [ReLU]\n"
    command = f"{sys.executable} -m specbuild check <(printf {document!r})"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(": ok\n")


def test_standard_input_without_end(tmp_path: Path) -> None:
    with open("/dev/zero", "rb") as zeros:
        done = specbuild("check", "-", folder=tmp_path, stdin=zeros)
    assert done.returncode == 1
    assert done.stdout == "<stdin>: error[SB109]: a document may have 64 MiB; this one has more\n"


@pytest.mark.parametrize(
    "override",
    [
        "a",
        "=",
        "a=[" + "[" * 5000,
        "a.b" * 10_000 + "=1",
        "a" * 100_000 + "=1",
        "layers[" + "9" * 5000 + "]=1",
        "layers[999999999]=1",
        "layers[-1]=1",
        "layers.__class__=1",
        "layers[0].__class__.__base__=1",
        "__class__=1",
        "name=../../x",
        'name="\\e[31m\\n"',
        "vars.a=${9**9**9}",
        "vars.a=!!python/object:os.system x",
        "layers=" + "9" * 5000,
        "layers[0]={type: ReLU, repeat: 1000000000}",
        "name=\x1b[31m",
        "layers[0]=&a [*a]",
    ],
    ids=lambda override: override[:20],
)
def test_overrides(override: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("specbuild: 1\ninput: [4]\nlayers: [ReLU]\n")
    done = specbuild("check", "a.yaml", "--set", override, folder=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert "error[SB" in output
    assert "internal error" not in output
    assert all(character.isprintable() or character == "\n" for character in output)
    assert len(output) < MOST_OUTPUT


@pytest.mark.parametrize("name", ["../../x", "..", "a/b", "a\\nb", "", "C:x", "a\\0"])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f'specbuild: 1\nname: "{name}"\ninput: [4]\nlayers: [ReLU]\n')
    done = specbuild("check", "a.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "error[SB205]" in done.stdout


def test_json_output_holds_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('specbuild: 1\ninput: [4]\nlayers: [{type: "\\e\\x9b\\u202e\\u2028"}]\n')
    for format in ("json", "github", "sarif"):
        done = specbuild("check", "a.yaml", "--format", format, folder=tmp_path)
        assert done.returncode == 1
        assert all(character.isprintable() or character == "\n" for character in done.stdout), format
