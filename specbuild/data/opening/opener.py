"""What opens a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from specbuild.data.sources import Source

Open: TypeAlias = Callable[[Any, Path, str | None], Source]
"""From an entry, the folder that relative paths are under, and the field that may hold images."""
Openers: TypeAlias = Mapping[type[Any], Open]
"""By the class of the entry."""


def placed(root: Path, written: str) -> Path:
    """A path of the document: under `root` unless it is absolute; `~` is the user's folder."""
    return root / Path(written).expanduser()
