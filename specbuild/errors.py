"""The exceptions of specbuild.

    Exception
    └── SpecbuildError          everything below; carries `diagnostics`, never empty
        ├── SpecError           the document is wrong (SB1xx, SB2xx, SB3xx)
        ├── DataError           the data or the training cannot go as written (SB4xx)
        └── RunError            a run directory, an export or an input of predict is wrong (SB5xx)

Errors are data until the last moment: an exception carries `Diagnostic` objects, and
`specbuild.diagnostics.render` alone turns them into text or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specbuild.diagnostics.diagnostic import Diagnostic


class SpecbuildError(Exception):
    """What went wrong, as one or more diagnostics."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        assert self.diagnostics, "an error without a diagnostic explains nothing"
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


class SpecError(SpecbuildError):
    """The document is wrong."""


class DataError(SpecbuildError):
    """The data, or the training on it, cannot go as the document says."""


class RunError(SpecbuildError):
    """A run directory is missing, altered, in the way, or cannot be written; an input of predict cannot be used."""
