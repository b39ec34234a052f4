"""A sealed folder: its `manifest.json` lists every file with its size and SHA-256, and has a SHA-256 of its own.

A run directory is one, and so is each checkpoint in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.files import json_bytes, write_whole
from specbuild.runs.reading import DEPTH, FIX, NotPlainError, opened, plain, status, wrong

NAME = "manifest.json"
LIMIT = 16 * 2**20
"""Bytes; a file takes about 170, so there is room for ten thousand checkpoints."""


def write(folder: Path, content: Mapping[str, Any], digests: Mapping[str, tuple[str, int]] | None = None) -> None:
    """Write the manifest of `folder`: `content`, then the `files` and the manifest's own `sha256`.

    digests: SHA-256 and bytes of files that are known already, by name; they are not read again. A file
    without a plain name, or a link, is none of specbuild's and not listed.
    """
    known = digests or {}
    files = {}
    for name in sorted(entries(folder)):
        if name == NAME or not plain(name):
            continue
        try:
            sha256, size = known[name] if name in known else measured(folder, name)
        except NotPlainError:
            continue
        files[name] = {"sha256": sha256, "bytes": size}
    content = {**content, "files": files}
    write_whole(folder / NAME, json_bytes({**content, "sha256": own_digest(content)}))


def read(folder: Path) -> dict[str, Any]:
    """What the manifest of `folder` says, without its own SHA-256, once it is proven to be what was written.

    Its `files` are plain names with `sha256` and `bytes`; the rest is for the caller to judge.
    """
    file = folder / NAME
    try:
        if not os.path.lexists(file):
            raise RunError([Diagnostic("SB501", f"has no {NAME}", file=str(folder))])
        with opened(folder, NAME) as stream:
            raw = stream.read(LIMIT + 1)
        if len(raw) > LIMIT:
            raise altered(file, f"is not a manifest: it has more than {LIMIT:,} bytes")
    except NotPlainError:
        raise altered(file, "is not a manifest: it is not a plain file") from None
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
    if not well_formed(content.get("files")):
        raise altered(file, "is not a manifest: `files` are plain file names with `sha256` and `bytes`")
    return content


def well_formed(files: Any) -> bool:
    """Whether the list of files has its form: above all, that no name in it leads out of the folder."""
    return isinstance(files, dict) and all(
        plain(name)
        and isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and type(entry.get("bytes")) is int
        for name, entry in files.items()
    )


def faults(folder: Path, content: Mapping[str, Any]) -> list[Diagnostic]:
    """Every file that is missing, altered, no plain file, or not listed in the manifest's `content`."""
    judged = (fault(folder, name, content) for name in content["files"])
    found = {problem.file: problem for problem in judged if problem is not None}  # a linked folder is named once
    elsewhere = "move it elsewhere; what a run holds is settled when it is written"
    try:
        there = sorted(entries(folder))
    except OSError as error:
        return [*found.values(), Diagnostic("SB503", f"cannot be listed: {error.strerror}", file=str(folder))]
    for name in there:
        path = str(folder / name)
        if name not in content["files"] and name != NAME and path not in found:
            found[path] = Diagnostic("SB503", f"{name} is not in the manifest", file=path, fix=elsewhere)
    return list(found.values())


def fault(folder: Path, name: str, content: Mapping[str, Any]) -> Diagnostic | None:
    """What is wrong with one file that the manifest lists, if anything."""
    path, entry = folder / name, content["files"][name]
    try:
        size = status(folder, name).st_size
        if size != entry["bytes"]:
            message = f"{name} was altered: it has {size:,} bytes, and had {entry['bytes']:,}"
            return Diagnostic("SB503", message, file=str(path), fix=FIX)
        if digest(folder, name) != entry["sha256"]:
            return Diagnostic(
                "SB503", f"{name} was altered: its SHA-256 is not the manifest's", file=str(path), fix=FIX
            )
    except NotPlainError as error:
        what = "file" if error.what == name else "folder"
        return Diagnostic("SB503", f"{error.what} is not a plain {what}", file=str(folder / error.what), fix=FIX)
    except FileNotFoundError:
        return Diagnostic("SB502", f"{name} is missing", file=str(path), fix=FIX)
    except OSError as error:
        return Diagnostic("SB503", f"{name} cannot be read: {error.strerror}", file=str(path))
    return None


def entries(folder: Path, depth: int = DEPTH) -> Iterator[str]:
    """Every file of `folder` and of the folders in it, by its path in it; what lies too deep, by its folder.

    A name with a leading dot is passed over.
    """
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if depth > 1 and path.is_dir() and not path.is_symlink():
            yield from (f"{path.name}/{inner}" for inner in entries(path, depth - 1))
        else:
            yield path.name


def measured(folder: Path, name: str) -> tuple[str, int]:
    """The SHA-256 of a file of `folder`, and its bytes."""
    with opened(folder, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size


def digest(folder: Path, name: str) -> str:
    """The SHA-256 of a file of `folder`."""
    return measured(folder, name)[0]


def own_digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of a manifest without its own: of its canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def altered(file: Path, message: str) -> RunError:
    """SB503 for one file."""
    return wrong(file, f"{file.name} {message}")
