"""A diagnostic's entry in the table of codes."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What a code means, with a document that earns it and the same document mended.

    The tests run both examples. Codes that no document alone can earn (a missing file, an altered
    run) have a command line as `failing` and as `mended`, each beginning with `$ `.
    """

    code: str
    title: str
    explanation: str
    failing: str
    mended: str
