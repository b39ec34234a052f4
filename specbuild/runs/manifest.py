"""The manifest of a run directory: what files it holds, and the SHA-256 of each and of itself."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.files import json_bytes, write_whole

NAME = "manifest.json"
VERSION = 1
LIMIT = 2**20
"""Bytes; a manifest lists a handful of files."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

Status = Literal["finished", "interrupted", "failed"]
STATUSES = ("finished", "interrupted", "failed")
REQUIRED = ("spec.json", "model.safetensors", "metrics.jsonl", "environment.json", "golden.safetensors")


class Manifest(NamedTuple):
    """What a verified manifest says."""

    status: Status
    files: dict[str, int]
    """Bytes of each file, by name."""
    reason: str = ""
    """What ended the training, in words."""


def write(folder: Path, status: Status, reason: str = "") -> None:
    """Hash every file in `folder` and write the manifest, which makes it a run directory."""
    names = sorted(entries(folder))
    files = {name: {"sha256": digest(folder / name), "bytes": (folder / name).stat().st_size} for name in names}
    content: dict[str, Any] = {"specbuild_run": VERSION, "status": status, "reason": reason, "files": files}
    write_whole(folder / NAME, json_bytes({**content, "sha256": own_digest(content)}))


def verify(folder: Path) -> Manifest:
    """Hold every file of a run directory against its manifest; raise `RunError` naming what differs."""
    manifest = read(folder)
    faults = (fault(folder, name, manifest) for name in manifest["files"])
    problems = [problem for problem in faults if problem is not None]
    for name in REQUIRED:
        if name not in manifest["files"]:
            problems.append(Diagnostic("SB502", f"the manifest lists no {name}", file=str(folder / NAME)))
    for entry in sorted(entries(folder)):
        if entry not in manifest["files"] and entry != NAME and not entry.startswith("."):
            problems.append(
                Diagnostic(
                    "SB503",
                    f"{entry} is not in the manifest",
                    file=str(folder / entry),
                    fix="move it elsewhere; what a run holds is settled when it is written",
                )
            )
    if problems:
        raise RunError(problems)
    sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
    return Manifest(manifest["status"], sizes, manifest.get("reason", ""))


def read(folder: Path) -> dict[str, Any]:
    """The manifest's content, once it is proven to be what was written."""
    file = folder / NAME
    try:
        if not folder.is_dir():
            raise RunError([not_a_run(folder)])
        if not os.path.lexists(file):
            raise RunError([not_a_run(folder)])
        if not stat.S_ISREG(os.lstat(file).st_mode) or file.stat().st_size > LIMIT:
            raise altered(file, "is not a manifest: not a plain file of at most 1 MiB")
        raw = file.read_bytes()
    except OSError as error:
        raise RunError([Diagnostic("SB501", f"cannot be read: {error.strerror}", file=str(file))]) from None
    try:
        content: dict[str, Any] = json.loads(raw)
        claimed = content.pop("sha256")
        rendered = json_bytes({**content, "sha256": claimed})
        actual = own_digest(content)
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError):
        raise altered(file, "was altered: it is no longer the JSON that was written") from None
    if actual != claimed or rendered != raw:  # the second catches what parses the same, such as a space
        raise altered(file, "was altered: its content does not have the SHA-256 that it says")
    if content.get("specbuild_run") != VERSION:
        raise RunError(
            [
                Diagnostic(
                    "SB501",
                    f"is a run of format {content.get('specbuild_run')!r}; this specbuild reads format {VERSION}",
                    file=str(file),
                    fix="read it with the specbuild that wrote it",
                )
            ]
        )
    if not well_formed(content):
        raise altered(file, "is not a manifest: a status and plain file names with `sha256` and `bytes`")
    return content


def well_formed(content: dict[str, Any]) -> bool:
    """Whether the manifest has its form: above all, that no name in it leads out of the folder."""
    files = content.get("files")
    return (
        content.get("status") in STATUSES
        and isinstance(content.get("reason", ""), str)
        and isinstance(files, dict)
        and all(
            plain(name)
            and isinstance(entry, dict)
            and isinstance(entry.get("sha256"), str)
            and type(entry.get("bytes")) is int
            for name, entry in files.items()
        )
    )


def entries(folder: Path) -> Iterator[str]:
    """Every file of a folder and of the folders in it, by its path in it; whatever else is there, by its name."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from (f"{path.name}/{inner.name}" for inner in path.iterdir())
        else:
            yield path.name


def plain(name: str) -> bool:
    """Whether a name is that of a file in the folder, or in a folder in it."""
    parts = name.split("/")
    return len(parts) <= 2 and all(PLAIN_NAME.fullmatch(part) for part in parts)


def fault(folder: Path, name: str, manifest: dict[str, Any]) -> Diagnostic | None:
    """What is wrong with one file, if anything."""
    path, entry = folder / name, manifest["files"][name]
    fix = "restore it from a copy, or train again"
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            return Diagnostic("SB503", f"{name} is not a plain file", file=str(path), fix=fix)
        if found.st_size != entry["bytes"]:
            message = f"{name} was altered: it has {found.st_size:,} bytes, and had {entry['bytes']:,}"
            return Diagnostic("SB503", message, file=str(path), fix=fix)
        if digest(path) != entry["sha256"]:
            return Diagnostic(
                "SB503", f"{name} was altered: its SHA-256 is not the manifest's", file=str(path), fix=fix
            )
    except FileNotFoundError:
        return Diagnostic("SB502", f"{name} is missing", file=str(path), fix=fix)
    except OSError as error:
        return Diagnostic("SB503", f"{name} cannot be read: {error.strerror}", file=str(path))
    return None


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_digest(content: dict[str, Any]) -> str:
    """The SHA-256 of a manifest without its own: of its canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def altered(file: Path, message: str) -> RunError:
    """SB503 for one file."""
    return RunError(
        [
            Diagnostic(
                "SB503",
                f"{file.name} {message}",
                file=str(file),
                fix="restore it from a copy, or train again",
            )
        ]
    )


def not_a_run(folder: Path) -> Diagnostic:
    """SB501, with the run that was probably meant."""
    near = folder if folder.is_dir() else folder.parent
    if not folder.exists():
        message = "there is no such folder"
    elif not folder.is_dir():
        message = "is a file; a run is a folder"
    elif folder.name.endswith(".partial"):
        message = f"has no {NAME}: its training still runs, or was killed"
    else:
        message = f"is not a run directory: it has no {NAME}"
    return Diagnostic("SB501", message, file=str(folder), fix=neighbours(near))


def neighbours(folder: Path) -> str | None:
    """The newest of the runs in `folder`, to be offered."""
    try:
        if (folder / NAME).is_file():
            return f"give the run directory: {folder}"
        runs = [path for path in folder.iterdir() if path.name.isdecimal() and (path / NAME).is_file()]
    except OSError:
        return None
    if not runs:
        return None
    newest = max(runs, key=lambda path: int(path.name))
    return f"the newest run there is {newest}"
