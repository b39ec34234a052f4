"""What a code means: its title, its explanation, and an example with what is really printed of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from specbuild.diagnostics import render
from specbuild.diagnostics.codes import CODES, Code
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import SpecError
from specbuild.language.source import read_text
from specbuild.network.checking import judge

GROUPS = {
    "1": "Reading",
    "2": "Structure and names",
    "3": "Shapes and dtypes",
    "4": "Data, loss and training",
    "5": "Runs and exports",
    "8": "Lint: warnings",
}
"""By the first digit of a code."""
INDENT = "    "


class Explanation(NamedTuple):
    """A code, with what `check` says of its failing example; as text it is what `specbuild explain` prints."""

    code: str
    title: str
    explanation: str
    failing: str
    """A document; or command lines, each beginning with `$ `, where no document alone earns the code."""
    diagnostics: tuple[Diagnostic, ...]
    mended: str

    def __str__(self) -> str:
        return text_of(self)


def explanation_of(code: str) -> Explanation:
    """The explanation of `SB301`, `sb301` or `301`; raises `ValueError` for a code that is not there."""
    name = code.strip().upper()
    name = name if name.startswith("SB") else f"SB{name}"
    if name not in CODES:
        meant = name[:5] if name[:5] in CODES else nearest(name, CODES)
        raise ValueError(
            f"there is no code {code}" + (f": did you mean {meant}?" if meant else "; `specbuild explain` lists all")
        )
    entry = CODES[name]
    return Explanation(name, entry.title, entry.explanation, entry.failing, judged(entry), entry.mended)


def judged(entry: Code) -> tuple[Diagnostic, ...]:
    """What is wrong with the failing example; nothing for command lines, which are not run."""
    if is_command(entry.failing):
        return ()
    name = "spec.json" if entry.failing.lstrip().startswith("{") else "spec.yaml"
    try:
        return judge(read_text(entry.failing, name))
    except SpecError as error:
        return error.diagnostics


def is_command(example: str) -> bool:
    """Whether an example is command lines."""
    return example.startswith("$ ")


def text_of(explained: Explanation, width: int = render.WIDTH) -> str:
    """The explanation as text, in so many columns."""
    parts = [
        f"{explained.code}: {explained.title}",
        textwrap.fill(explained.explanation, width, break_long_words=False, break_on_hyphens=False),
        "This fails:",
        indented(explained.failing),
    ]
    if explained.diagnostics:
        parts += ["It prints:", indented(render.text(explained.diagnostics, width - len(INDENT)))]
    parts += ["This is right:", indented(explained.mended)]
    return "\n\n".join(parts)


def indented(text: str) -> str:
    """An example, set apart."""
    return textwrap.indent(text.rstrip("\n"), INDENT)


def as_json(explained: Explanation) -> dict[str, Any]:
    """The explanation for `json.dumps`."""
    return {**explained._asdict(), "diagnostics": render.as_json(explained.diagnostics)}


def grouped() -> Iterator[tuple[str, list[Code]]]:
    """The codes of each group, in order."""
    for digit in GROUPS:
        yield digit, [entry for code, entry in CODES.items() if code[2] == digit]


def listing() -> str:
    """Every code with its title."""
    return "\n\n".join(
        "\n".join([f"SB{digit}xx  {GROUPS[digit]}", *(f"  {entry.code}  {entry.title}" for entry in entries)])
        for digit, entries in grouped()
    )
