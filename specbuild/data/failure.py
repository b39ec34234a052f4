"""Data that cannot be used, said at the place of the document that asks for it."""

from __future__ import annotations

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import DataError
from specbuild.language.document import Spec


class Unusable(Exception):  # noqa: N818  a fact about data, not an error until it is placed
    """What is wrong with a data set; `field` is the argument at fault. The caller knows the place."""

    def __init__(self, code: str, message: str, *, field: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field, self.fix = code, message, field, fix

    def at(self, path: Path) -> Diagnostic:
        """As a diagnostic on the entry at `path`."""
        return Diagnostic(self.code, self.message, path if self.field is None else (*path, self.field), fix=self.fix)


def failure(spec: Spec, *diagnostics: Diagnostic) -> DataError:
    """The error of these diagnostics, placed in the document."""
    return DataError(spec.place(diagnostics))


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip().rstrip(":") if lines else type(error).__name__
