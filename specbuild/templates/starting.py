"""From a template to a document of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Edit
from specbuild.errors import SpecError
from specbuild.language.editing import applied, change_of
from specbuild.language.source import places_of, read_text

FOLDER = Path(__file__).parent
NAMES = ("digits", "classifier", "segmenter", "autoencoder", "regression", "text")
"""From the one that needs nothing on."""


def templates() -> dict[str, str]:
    """The templates, and what each is, in a line."""
    return {name: text_of(name).partition("\n")[0].removeprefix("# ") for name in NAMES}


def text_of(template: str) -> str:
    """A template as it stands."""
    return (FOLDER / f"{template}.yaml").read_text(encoding="utf-8")


def variables_of(template: str) -> dict[str, Any]:
    """The variables of a template, which may be given other values."""
    found: dict[str, Any] = read_text(text_of(template), f"{template}.yaml").tree.get("vars", {})
    return found


def started(template: str, name: str | None = None, values: Mapping[str, Any] | None = None, file: str = "") -> str:
    """A template as a document of its own; its comments stay.

    values: of variables, by their names; file: what the document is to be called, in its comments.
    Raises `SpecError` for values with which it is not right.
    """
    from specbuild.network.checking import judge

    text = text_of(template)
    edits = [Edit(("vars", key), value) for key, value in (values or {}).items()]
    if name is not None:
        edits.append(Edit(("name",), name))
    root = places_of(text, "yaml")
    assert root is not None
    changes = [change_of(text, True, root, edit) for edit in edits]
    text = applied(text, (change for change in changes if change is not None))
    if file:
        text = text.replace(f"{template}.yaml", file)
    if name is not None:
        text = text.replace(f"runs/{template}/", f"runs/{name}/")
    wrong = judge(read_text(text, file or f"{template}.yaml"), ())
    if wrong:
        raise SpecError(wrong)
    return text
