"""An input as it was read, and one that cannot be used. Imports no torch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from specbuild.diagnostics.diagnostic import Diagnostic

Array = np.ndarray[Any, Any]


class Place(NamedTuple):
    """Where an input comes from."""

    file: str
    """A path, `<stdin>` or `<array>`."""
    unit: str = ""
    """What is counted in it: `line`, `row`, `sample`; nothing where it is one input."""
    number: int = 0

    def __str__(self) -> str:
        """As a table shows it: `a.png`, `x.npz[3]`, `houses.csv:4`."""
        if not self.unit:
            return self.file
        return f"{self.file}[{self.number}]" if self.unit == "sample" else f"{self.file}:{self.number}"

    def refused(self, message: str, fix: str | None = None) -> Diagnostic:
        """SB513 for what is there."""
        where = f"{self.unit} {self.number}: " if self.unit else ""
        return Diagnostic("SB513", f"{where}{message}", file=self.file, fix=fix)


class Given(NamedTuple):
    """One input as it is before the transforms."""

    place: Place
    fields: dict[str, Array]
    """By the network's inputs; an image is uint8 `[C, H, W]`."""


class Refused(Exception):  # noqa: N818  carries a diagnostic to where the inputs are read
    """An input that cannot be read, or does not fit."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
