"""torchvision's class of a data set, made where its files are whole; it reads nothing else than it verifies."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.data.failure import Unusable, first_line
from specbuild.data.vision import torchvision


def opened(entry: TorchvisionSet, root: Path, **others: Any) -> Any:
    """torchvision's data set of an entry; it downloads and verifies what it is told to.

    others: arguments that take the place of the entry's. Raises `Unusable`: SB403 for what is not there or not
    whole, SB405 for what is there and cannot be read.
    """
    require_package(entry)
    given = {**entry.arguments(), "root": str(root), **others}
    try:
        with redirect_stdout(sys.stderr):
            return getattr(torchvision().datasets, entry.type)(**given)
    except Exception as error:  # whatever a damaged file makes torchvision's readers raise
        if isinstance(error, OSError) or any(part in str(error) for part in ("download", "not found", "not present")):
            raise not_there(entry, root, error) from None
        raise unreadable(entry, root, first_line(error)) from None


def require_package(entry: TorchvisionSet) -> None:
    """SB403 where the package is missing that the set's files are read with."""
    if entry.needs is not None and find_spec(entry.needs) is None:
        raise Unusable(
            "SB403", f"reading {entry.type} needs the package {entry.needs}, which is not installed",
            fix=f"pip install {entry.needs}",
        )  # fmt: skip


def downloads(entry: TorchvisionSet) -> bool:
    """Whether torchvision fetches the set at all."""
    return "download" in type(entry).model_fields


def not_there(entry: TorchvisionSet, root: Path, error: Exception | None = None) -> Unusable:
    """SB403 for a set that is not in its folder, or could not be fetched."""
    if error is not None and getattr(entry, "download", False):
        return Unusable(
            "SB403", f"{entry.type} could not be fetched to {root.absolute()}: {first_line(error)}",
            field="download" if "download" in entry.model_fields_set else None,
            fix="try again with a connection, or put the files there",
        )  # fmt: skip
    missing = getattr(error, "filename", None)
    lacks = f": there is no {Path(missing).absolute()}" if missing else ""
    elsewhere = "`--data-root` looks elsewhere"
    return Unusable(
        "SB403", f"{entry.type} is not in {root.absolute()}, or not whole{lacks}", field="root",
        fix=f"`download: true` fetches it; {elsewhere}" if downloads(entry) else f"put its files there; {elsewhere}",
    )  # fmt: skip


def unreadable(entry: TorchvisionSet, root: Path, reason: str) -> Unusable:
    """SB405 for files that are not what they should be."""
    return Unusable(
        "SB405", f"{entry.type} in {root.absolute()} cannot be read: {reason}", field="root",
        fix="delete the folder, and `download: true`" if downloads(entry) else "put whole files there",
    )  # fmt: skip


def require_labels(entry: TorchvisionSet, root: Path, labels: torch.Tensor, classes: int | None) -> None:
    """SB405 for labels that are no classes of the set."""
    if classes is None or not len(labels):
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise unreadable(entry, root, f"its labels go from {low} to {high}, not from 0 to {classes - 1}")
