"""Forged runs under an audit hook: what `reload` and `--resume` of them do to the machine."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import specbuild
from specbuild.api import reload, train
from specbuild.errors import SpecbuildError
from tests.damage.drawing import damaged, forged
from tests.damage.making import Watching, linked

NEVER = (
    "pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile",
    "pty.", "socket.connect", "socket.bind", "urllib.Request", "ctypes.dlopen", "code.__new__",
)  # fmt: skip
PLACES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "shutil.rmtree", "shutil.copyfile", "shutil.move",
)  # fmt: skip
INSTALLED = tuple(
    str(Path(place).resolve())
    for place in {*sys.path, os.path.dirname(os.__file__), str(Path(specbuild.__file__).parent)} if place
)  # fmt: skip
"""Where modules are."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Does what nobody may see undone; the hook cannot be taken off, so it listens only while asked to."""

    def __init__(self, folder: Path, place: Path) -> None:
        """folder: with the runs that `making.made` made, of `OTHERS` too. place: of a copy."""
        self.folder, self.place, self.root = folder, place, os.path.realpath(place)
        self.templates = [path for path in sorted(folder.iterdir()) if (path / "run.json").exists()]
        self.templates = [path for path in self.templates if not path.name.startswith(("whole", "other", "copy"))]
        self.on = False
        self.seen: list[str] = []
        self.known = {name.partition(".")[0] for name in sys.modules} | set(sys.stdlib_module_names)
        for module in pkgutil.walk_packages(specbuild.__path__, "specbuild."):  # what is imported late is imported now
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        for template in self.templates:
            self.of(linked(template, place))
        self.known |= {name.partition(".")[0] for name in sys.modules}
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what may not be."""
        if not self.on:
            return
        self.on = False
        try:
            found = self.wrong(event, arguments)
        finally:
            self.on = True
        if found:
            self.seen.append(f"{event} {[str(each)[:100] for each in arguments[:3]]}")

    def wrong(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Whether it may not be."""
        if event.startswith(NEVER):
            return True
        if event == "import":
            return str(arguments[0]).partition(".")[0] not in self.known
        if event in ("exec", "compile"):
            file = arguments[0].co_filename if event == "exec" else str(arguments[1])
            if file.startswith("<"):  # text is <string>
                return not file.startswith("<frozen")
            return not os.path.realpath(file).startswith(INSTALLED)
        if event == "open":
            return self.wrong_open(*arguments)
        if event.startswith(PLACES):
            paths = arguments[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]
            return not all(self.inside(each) for each in paths if isinstance(each, (str, bytes, os.PathLike)))
        return False

    def wrong_open(self, path: Any, mode: Any, flags: Any) -> bool:
        """Whether a file may not be opened so: outside the run for writing, or in it by way of a link."""
        if isinstance(path, int) or path is None:
            return False
        where = os.path.abspath(os.fsdecode(path))
        if flags & WRITING:
            return not self.inside(where)
        return where.startswith(self.root + "/") and os.path.realpath(where) != where

    def inside(self, path: Any) -> bool:
        """Whether a path is in the run, or in the system's folder for what does not last."""
        text = os.fsdecode(path)
        if "__pycache__" in text:
            return True
        if not os.path.isabs(text):
            return "/" not in text  # of a folder that is open
        parent = os.path.realpath(os.path.dirname(text))
        temporary = os.path.realpath(tempfile.gettempdir())
        return text == self.root or f"{parent}/".startswith((f"{self.root}/", f"{temporary}/", "/dev/null"))

    def of(self, run: Path) -> tuple[str, list[str]]:
        """What becomes of a run, and every exception that is none of ours."""
        faults, outcome = [], []
        try:
            reload(run, "last")
            outcome.append("reloaded")
        except SpecbuildError:
            outcome.append("refused by reload")
        except BaseException as error:
            faults.append(f"reload: {type(error).__name__}: {str(error)[:300]}")
        report = Watching()
        try:
            train(None, run=run, resume=True, data_root=self.folder, report=report)
            outcome.append("gone on with")
        except SpecbuildError:
            outcome.append("refused by --resume" if not report.run.name else "gone on with, and refused")
        except BaseException as error:
            faults.append(f"resume: {type(error).__name__}: {str(error)[:300]}{where(error)}")
        shutil.rmtree(run)
        return ", ".join(outcome), faults

    def judged(self, seed: int) -> tuple[str, str, str]:
        """One run: what was done to it, what became of it, and what may not be."""
        template, other = self.templates[seed % len(self.templates)], self.folder / "other"
        run = linked(template, self.place)
        forging = seed % 5 != 0
        told = forged(run, other, seed) if forging else damaged(run, other, seed).told
        self.seen = []
        before = names(self.folder)
        self.on = True
        try:
            outcome, faults = self.of(run)
        finally:
            self.on = False
        faults += self.seen[:5]
        made = names(self.folder) - before
        if made:
            faults.append(f"made {sorted(made)}")
        return f"{template.name} {seed}: {told}", outcome, "; ".join(faults)


def names(folder: Path) -> set[str]:
    """What is beside the runs, but for the copies that processes work on."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("copy-")}


def where(error: BaseException) -> str:
    """The last line of the traceback that is ours."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if "specbuild" in trace.tb_frame.f_code.co_filename:
            lines.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f" at {', '.join(lines[-3:])}"
