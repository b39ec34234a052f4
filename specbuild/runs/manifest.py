"""The manifest of a run directory: the run's id, how its training ended, and the SHA-256 of every file."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import sealing
from specbuild.runs.migration import VERSION, readable, up_to_date
from specbuild.runs.sealing import NAME, altered, entries, fault, own_digest

__all__ = ["NAME", "REQUIRED", "Manifest", "Status", "entries", "fault", "new_id", "own_digest", "read", "verify"]

ID = re.compile(r"[0-9a-f]{32}")

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
    id: str = ""
    """The run's own, drawn when its training began: 32 hexadecimal digits."""
    format: int = VERSION
    """The format in which the run's files were written."""


def new_id() -> str:
    """An id that no other run has."""
    return secrets.token_hex(16)


def write(
    folder: Path,
    status: Status,
    reason: str = "",
    id: str | None = None,
    digests: Mapping[str, tuple[str, int]] | None = None,
) -> None:
    """Hash every file in `folder` and write the manifest, which makes it a run directory.

    id: the run's; without one, a new one. digests: SHA-256 and bytes of files that are known already.
    """
    content = {"specbuild_run": VERSION, "id": id or new_id(), "status": status, "reason": reason}
    sealing.write(folder, content, digests)


def verify(folder: Path) -> Manifest:
    """Hold every file of a run directory against its manifest; raise `RunError` naming what differs."""
    version, content = proven(folder)
    problems = sealing.faults(folder, content)
    for name in REQUIRED:
        if name not in content["files"]:
            problems.append(Diagnostic("SB502", f"the manifest lists no {name}", file=str(folder / NAME)))
    if problems:
        raise RunError(problems)
    sizes = {name: entry["bytes"] for name, entry in content["files"].items()}
    return Manifest(content["status"], sizes, content["reason"], content["id"], version)


def read(folder: Path) -> dict[str, Any]:
    """The manifest's content, once it is proven to be what was written; that of an older format brought up to date."""
    return proven(folder)[1]


def proven(folder: Path) -> tuple[int, dict[str, Any]]:
    """The format that a manifest was written in, and its content brought up to date."""
    if not os.path.lexists(folder / NAME):
        raise RunError([not_a_run(folder)])
    content = sealing.read(folder)
    file = folder / NAME
    version = content.get("specbuild_run")
    if type(version) is not int or not readable(version):
        later = type(version) is int and version > VERSION
        fix = "read it with a newer specbuild" if later else "is it a run's manifest? restore it from a copy"
        message = f"is a run of format {version!r}; this specbuild reads formats up to {VERSION}"
        raise RunError([Diagnostic("SB501", message, file=str(file), fix=fix)])
    content = {"reason": "", **content}
    if content.get("status") not in STATUSES or not isinstance(content["reason"], str):
        raise altered(file, "is not a manifest: it has a status and a reason")
    content = up_to_date(content)
    if not isinstance(content.get("id"), str) or not ID.fullmatch(content["id"]):
        raise altered(file, "is not a manifest: its `id` has 32 hexadecimal digits")
    return version, content


def not_a_run(folder: Path) -> Diagnostic:
    """SB501, with the run that was probably meant."""
    near = folder if folder.is_dir() else folder.parent
    if not folder.exists():
        message = "there is no such folder"
    elif not folder.is_dir():
        message = "is a file; a run is a folder"
    elif any((folder / name).exists() for name in ("run.json", "checkpoints")):
        message = f"has no {NAME}: its training still runs, or has not finished an epoch, or was killed"
        return Diagnostic(
            "SB501", message, file=str(folder), fix=f"`specbuild train --resume --run {folder}` goes on with it"
        )
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
