"""How large a document may be, and how much it may ask for.

Each bound is far above any network, and far below what hurts a machine. Those that grow with a document's
length leave a program free to write a large network out, while a short text cannot ask for one.
"""

from __future__ import annotations

MAX_BYTES = 64 * 2**20
"""The size of a document."""

MAX_DEPTH = 100
"""Collections within collections, aliases opened."""

LARGE = 2**20
"""The length of a document that has its verdict within a second; a longer one takes its time, and may hold more."""

MAX_NODES = 4_000_000
"""Keys and values together, each alias counted as all that it stands for."""

FEW_NODES, CHARACTERS_A_NODE = 200_000, 5
"""How many of them a document may hold, and a large one for each so many characters."""

MOST_LAYERS = 200_000
"""The layers of a network, and its scopes."""

FEW_LAYERS, CHARACTERS_A_LAYER = 20_000, 16
"""How many of them a document may have, and a large one for each so many characters."""

MAX_DIGITS = 400
"""The length of a number as written."""

MOST_WORK, CHARACTERS_A_VALUE = 300_000, 4
"""What expressions, repeats and blocks may make, values and the forms that they are computed by: so much, and one
more for each so many characters of the document."""

MOST_TOLD = 100
"""How many mistakes of one document are told at once."""

MOST_BASES = 4
"""How many documents one builds on, each the base of the one before."""

TOO_DEEP = f"lists and mappings may be nested {MAX_DEPTH} deep; this one is deeper"
TOO_MANY = "a document may hold {most:,} keys and values; this one holds more"
TOO_LONG = f"a number may have {MAX_DIGITS} characters; this one has {{length}}"
TOO_WRONG = "after so many mistakes the rest of the document is not judged"
TOO_WRONG_FIX = "mend these, and check again"
NOT_FINITE = "{written} is not a finite number"


def most_nodes(length: int) -> int:
    """The keys and values that a document of so many characters may hold."""
    return min(MAX_NODES, max(FEW_NODES, length // CHARACTERS_A_NODE)) if length > LARGE else FEW_NODES


def most_layers(length: int) -> int:
    """The layers that a document of so many characters may have; 0 for one that came as a dict."""
    if 0 < length <= LARGE:
        return FEW_LAYERS
    return min(MOST_LAYERS, max(FEW_LAYERS, length // CHARACTERS_A_LAYER)) if length else MOST_LAYERS
