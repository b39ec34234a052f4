"""A document in its settled form. What it means stays the same: what is made is read again, and compared."""

from __future__ import annotations

from specbuild.formatting.roles import canonical, same
from specbuild.language.source import Source, read_text


def formatted(text: str, name: str = "<text>") -> str:
    """The text of a document in its settled form; comments stay where they belong.

    name: as diagnostics show it, and by its ending what the text is read as.
    Raises `SpecError` for a text that cannot be read.
    """
    source = read_text(text, name)
    if source.format == "json":
        from specbuild.formatting.json_form import written_json

        made = written_json(source.tree)
    else:
        from specbuild.formatting.printing import printed
        from specbuild.formatting.reading import nodes_of

        made = "\n".join(printed(source.text, nodes_of(source.text))) + "\n"
        if ending(source.text) != "\n":
            made = made.replace("\n", ending(source.text))
    require_same(source, made)
    return made


def ending(text: str) -> str:
    """How the first line of a text ends."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def require_same(source: Source, made: str) -> None:
    """Raises `AssertionError` unless the made text says what the source says, and silences the same warnings."""
    again = read_text(made, source.name, source.format)
    assert same(canonical(source.tree), canonical(again.tree)), "the formatted document would mean something else"
    if source.format == "yaml" and "specbuild:" in source.text.partition("#")[2]:
        from specbuild.network.checking import judge

        def said(source: Source) -> list[tuple[str, str]]:
            return sorted((found.code, found.message) for found in judge(source, ()))

        assert said(source) == said(again), "the formatted document would be judged otherwise"
