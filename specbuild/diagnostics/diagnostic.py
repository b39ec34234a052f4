"""One thing that is wrong, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and indices from the root, `("layers", 3, "stride")`."""

Target = Literal["value", "key"]
"""Which of the two a caret marks: the value at a path, or the key that holds it."""


class Span(NamedTuple):
    """A stretch of text; lines and columns count from 1 in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Edit(NamedTuple):
    """A certain mend: put `value` in place of the value (or the key) at `path`."""

    path: Path
    value: Any
    target: Target = "value"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong with a document, its data or a run.

    `code` stands in the table of `specbuild.diagnostics.codes`. `path` says where in the
    document; `file` and `span` are filled in by `placed`, once, when a reader needs them.
    """

    code: str
    message: str
    path: Path = ()
    target: Target = "value"
    because: str | None = None
    fix: str | None = None
    edit: Edit | None = None
    file: str | None = None
    span: Span | None = None
    snippet: str | None = None
    """The source line that `span` starts on."""
    instance: str | None = field(default=None, compare=False)
    """The layer in which it was seen, where one written line makes several; the first one is told."""

    @property
    def text(self) -> str:
        """The message, with the layer that it is about."""
        return self.message if self.instance is None else f"{self.instance}: {self.message}"

    @property
    def severity(self) -> Literal["error", "warning"]:
        """SB8xx are warnings, all else are errors."""
        return "warning" if self.code.startswith("SB8") else "error"

    def placed(self, file: str | None, span: Span | None, snippet: str | None) -> Diagnostic:
        """The same, with its place in the text."""
        return replace(self, file=file, span=span, snippet=snippet)

    def __str__(self) -> str:
        place = self.file or "spec"
        if self.span:
            place += f":{self.span.line}:{self.span.column}"
        elif self.path:
            place += f": {path_text(self.path)}"
        return f"{place}: {self.severity}[{self.code}]: {self.text}"


def path_text(path: Path) -> str:
    """A path as people and `--set` write it: `layers[3].stride`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
