"""Reading a saved torch.export program so that nothing in it can run.

`torch.export.load` unpickles what an archive marks as a pickle, and example inputs that `weights_only` refuses. What
it would unpickle so is found first, in the bytes that it then reads, and refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import NoReturn

import torch
from torch.export import ExportedProgram

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError

TENSOR = "tensor_"
"""How the names of constants begin that are tensors; others are objects."""
FORMAT = b"pt2"


def loaded(path: Path) -> ExportedProgram:
    """The program of a file. Raises `RunError` (SB515) for one that cannot be read, or holds a pickle."""
    try:
        content = path.read_bytes()
    except OSError as error:
        refuse(path, f"it cannot be read: {error.strerror or error}")
    require_plain(path, content)
    try:
        return torch.export.load(io.BytesIO(content))
    except Exception as error:  # torch raises of every kind
        refuse(path, f"torch.export.load: {first_line(error)}")


def require_plain(path: Path, content: bytes) -> None:
    """SB515 for an archive with something that would be unpickled freely."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            roots = {name.partition("/")[0] for name in names}
            if len({name.lower() for name in names}) != len(names) or len(roots) != 1:
                refuse(path, "it has two files of one name, or no folder that holds them all")
            files = {name.partition("/")[2]: name for name in names}
            if "archive_format" not in files or archive.read(files["archive_format"]) != FORMAT:
                refuse(path, "it is no archive of torch.export.save, or one of an older torch", "save it again")
            for name, full in files.items():
                judge(path, name, archive.read(full))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        refuse(path, "it is no archive of torch.export.save")


def judge(path: Path, name: str, content: bytes) -> None:
    """SB515 for a file of an archive that would be unpickled freely."""
    folder, _, last = name.rpartition("/")
    if folder == "data/sample_inputs" and content:
        try:
            torch.load(io.BytesIO(content), weights_only=True)
        except Exception:  # pickle's and torch's
            refuse(path, "its example inputs are not tensors alone")
    elif folder in ("data/weights", "data/constants"):
        if last.endswith("_config.json"):
            try:
                entries = json.loads(content)["config"]
            except (ValueError, KeyError, TypeError, RecursionError):
                refuse(path, f"{name} is not what torch.export.save writes")
            for key, entry in entries.items():
                plain = isinstance(entry, dict) and entry.get("use_pickle") is False
                if not plain or (folder == "data/constants" and not str(entry.get("path_name")).startswith(TENSOR)):
                    refuse(path, f"`{key}` is kept as a pickle")
        elif last.endswith(".pt"):
            refuse(path, f"{name} is a pickle")


def refuse(path: Path, message: str, fix: str | None = None) -> NoReturn:
    """SB515."""
    raise RunError([Diagnostic("SB515", message, file=str(path), fix=fix)])


def first_line(error: BaseException) -> str:
    """What an exception says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
