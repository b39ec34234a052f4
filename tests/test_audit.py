"""What checking does to the machine: it reads the document with its bases, and imports what it always does; no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import DOCUMENTS

ROOT = Path(__file__).resolve().parent.parent
BASES = ROOT / "tests/specs/bases"
OURS = (
    "specbuild",
    "yaml",
    "_yaml",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
)
"""What may be imported beside the standard library."""
WATCHED = (
    "exec", "compile", "import", "open", "subprocess", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
    "pty", "socket", "urllib", "http", "ftplib", "smtplib", "ctypes", "os.remove", "os.rename", "os.mkdir", "os.rmdir",
    "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.putenv", "os.unsetenv", "os.kill",
    "shutil", "tempfile", "pickle", "marshal.load", "code", "webbrowser", "sqlite3", "mmap", "fcntl", "signal",
)  # fmt: skip

WATCHING = """
import json, os, sys
sys.path.insert(0, os.environ["SPECBUILD_ROOT"])
names = json.load(sys.stdin)
import specbuild
from specbuild.diagnostics import render
watched, seen = tuple(json.loads(os.environ["WATCHED"])), []
reading = [None]

def watch(event, arguments):
    if reading[0] is not None and event.startswith(watched):
        seen.append([reading[0], event, [str(argument)[:200] for argument in arguments[:3]]])

sys.addaudithook(watch)
for name in names:
    reading[0] = name
    diagnostics = specbuild.check(name)
    render.text(diagnostics), json.dumps(render.as_json(diagnostics))
    reading[0] = None
print(json.dumps(seen))
"""


def events(names: list[str], folder: Path) -> list[tuple[str, str, list[str]]]:
    """What the checks of some documents make known to Python's audit hooks."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHING], input=json.dumps(names), cwd=folder, capture_output=True, text=True,
        check=True,
        env={**os.environ, "SPECBUILD_ROOT": str(ROOT), "WATCHED": json.dumps(WATCHED),
             "PYDANTIC_DISABLE_PLUGINS": "__all__"},  # as the command line has it
    )  # fmt: skip
    return [(name, event, arguments) for name, event, arguments in json.loads(done.stdout)]


def may_import(name: str) -> bool:
    """Whether a module is one of those that checking is made of."""
    top = name.partition(".")[0]
    return top in OURS or top in sys.stdlib_module_names or top.startswith("_sysconfigdata")


def is_code(path: str) -> bool:
    """Whether a file is a module, or what Python keeps of one."""
    return path.endswith((".py", ".pyc", ".so")) or "__pycache__" in path


def judge(found: list[tuple[str, str, list[str]]], folder: Path) -> list[tuple[str, str, list[str]]]:
    """What is not allowed of it."""
    wrong = []
    for name, event, arguments in found:
        allowed = False
        if event == "import":
            allowed = may_import(arguments[0])
        elif event == "open":
            path, mode = arguments[0], arguments[1]
            is_read = mode in ("r", "rb") or (mode == "None" and is_code(path))
            read = (folder / path).resolve()
            is_base = read.parent == BASES and name.startswith("tests/specs/broken/")
            allowed = is_read and (is_code(path) or is_base or read == (folder / name).resolve())
        elif event in ("compile", "exec"):  # of modules, and of expressions into a tree that nobody runs
            allowed = event == "compile" or "<code object <module>" in arguments[0] or "__create_fn__" in arguments[0]
        elif event.startswith("marshal.load"):
            allowed = True  # modules that were compiled before
        if not allowed:
            wrong.append((name, event, arguments))
    return wrong


SPECS = [
    *sorted(path.relative_to(ROOT) for path in (ROOT / "specs").glob("*.yaml")),
    *sorted(path.relative_to(ROOT) for path in (ROOT / "tests/specs/broken").iterdir() if path.suffix != ".txt"),
]


def test_checking_reads_the_document_and_its_bases_and_runs_nothing() -> None:
    found = events([str(path) for path in SPECS], ROOT)
    assert {event for _, event, _ in found} >= {"open", "import"}, "the hook is on"
    assert judge(found, ROOT) == []


def test_no_module_is_imported_by_a_name_of_the_document() -> None:
    imported = {
        arguments[0] for _, event, arguments in events([str(path) for path in SPECS], ROOT) if event == "import"
    }
    assert not [name for name in imported if not may_import(name)]


@pytest.mark.parametrize("part", range(4))
def test_hostile_documents_do_nothing_either(part: int, tmp_path: Path) -> None:
    names = sorted(DOCUMENTS)[part::4]
    for name in names:
        (tmp_path / name).write_bytes(DOCUMENTS[name]())
    before = sorted(path.name for path in tmp_path.iterdir())
    assert judge(events(names, tmp_path), tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_watch_sees_what_is_forbidden(tmp_path: Path) -> None:
    forbidden = [
        ("a.yaml", "open", ["/etc/passwd", "r"]), ("a.yaml", "open", ["a.yaml", "w"]), ("a.yaml", "import", ["numpy"]),
        ("a.yaml", "import", ["torch"]), ("a.yaml", "subprocess.Popen", ["sh"]), ("a.yaml", "socket.connect", []),
        ("a.yaml", "exec", ["<code object f>"]), ("a.yaml", "os.remove", ["a"]),
    ]  # fmt: skip
    assert judge(forbidden, tmp_path) == forbidden
