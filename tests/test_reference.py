"""The reference pages are what the classes say: every entry, with its formula or source and an example."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from specbuild.catalogue.layers import LAYERS
from specbuild.reports.reference import OTHERS, pages

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"


def test_pages_are_as_made() -> None:
    """`make reference` writes them anew."""
    made = pages()
    there = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.rglob("*.md")}
    assert sorted(there) == sorted(made)
    assert there == made


def test_every_entry_is_there() -> None:
    text = "\n".join(pages().values())
    for name in (*LAYERS, *(name for _, table in OTHERS.values() for name in table)):
        assert f"\n## {name}\n" in text


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_every_layer_says_what_it_computes_on_what_shapes(kind: str) -> None:
    """Its first line holds a formula, or the shapes; the examples run in `test_layer_examples`."""
    text = inspect.cleandoc(LAYERS[kind].__doc__ or "")
    assert "`" in text.partition("```")[0]
    assert "```yaml" in text
