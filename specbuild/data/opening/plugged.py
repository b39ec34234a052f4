"""Data sets of plug-ins."""

from __future__ import annotations

from pathlib import Path

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.rules import Violation
from specbuild.data.failure import Unusable, first_line
from specbuild.data.sources import Source, own_source


def opened_by_plugin(entry: Dataset, root: Path) -> Source:
    """What a plug-in's `open(root)` gives: a torch `Dataset` of dicts of fields."""
    try:
        return own_source(entry.open(root), tuple(entry.sample() or ()))
    except Violation as violation:
        raise Unusable(violation.code, violation.message, fix=violation.fix) from violation
    except OSError as error:
        raise Unusable("SB403", f"{entry.type} cannot be opened: {first_line(error)}") from None
