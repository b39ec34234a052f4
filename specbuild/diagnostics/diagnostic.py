"""One thing that is wrong, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and indices from the root, `("layers", 3, "stride")`."""

Target = Literal["value", "key"]
"""Which of the two a caret marks: the value at a path, or the key that holds it."""


LONGEST = 1000
"""The characters of a message, or of a mend."""


class Span(NamedTuple):
    """A stretch of text; lines and columns count from 1 in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Edit(NamedTuple):
    """A certain mend: put `value` in place of the value (or the key) at `path`.

    With the target `text` it is put, as it stands, in place of the diagnostic's own span: the mend of
    a text that cannot be read.
    """

    path: Path
    value: Any
    target: Target | Literal["text"] = "value"


class Replacement(NamedTuple):
    """An edit as it is made in a text: what stands in the span gives way to `text`."""

    span: Span
    text: str


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
    """Only where it is beyond doubt: `check --fix` makes it."""
    file: str | None = None
    span: Span | None = None
    snippet: str | None = None
    """The source line that `span` starts on."""
    replacement: Replacement | None = None
    """What `edit` does to the text; None where the text has no place for it."""
    instance: str | None = field(default=None, compare=False)
    """The layer in which it was seen, where one written line makes several; the first one is told."""

    strict: bool = False
    """Whether a warning counts as an error, as under `check --strict`."""

    def __post_init__(self) -> None:
        """Texts that quote a document stay short."""
        for name in ("message", "because", "fix"):
            text = getattr(self, name)
            if text is not None and len(text) > LONGEST:
                object.__setattr__(self, name, text[: LONGEST - 1] + "…")

    @property
    def text(self) -> str:
        """The message, with the layer that it is about."""
        return self.message if self.instance is None else f"{self.instance}: {self.message}"

    @property
    def severity(self) -> Literal["error", "warning"]:
        """SB8xx are warnings unless they are judged strictly, all else are errors."""
        return "warning" if self.code.startswith("SB8") and not self.strict else "error"

    def placed(
        self, file: str | None, span: Span | None, snippet: str | None, replacement: Replacement | None = None
    ) -> Diagnostic:
        """The same, with its place in the text."""
        return replace(self, file=file, span=span, snippet=snippet, replacement=replacement)

    @property
    def place(self) -> str:
        """Where it is, as editors and terminals link it: `spec.yaml:9:45`."""
        place = self.file or "spec"
        if self.span:
            place += f":{self.span.line}:{self.span.column}"
        elif self.path:
            place += f": {path_text(self.path)}"
        return place

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}[{self.code}]: {self.text}"


def path_text(path: Path) -> str:
    """A path as people and `--set` write it: `layers[3].stride`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def pointer_of(path: Path) -> str:
    """A path as a JSON Pointer (RFC 6901): `/layers/3/stride`; the empty text is the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
