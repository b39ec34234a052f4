"""How large a document may be. Each bound is far above any network, and far below what hurts a machine."""

from __future__ import annotations

MAX_BYTES = 64 * 2**20
"""The size of a document."""

MAX_DEPTH = 100
"""Collections within collections, aliases opened."""

MAX_NODES = 4_000_000
"""Keys and values together, each alias counted as all that it stands for."""

MAX_DIGITS = 400
"""The length of a number as written."""

TOO_DEEP = f"lists and mappings may be nested {MAX_DEPTH} deep; this one is deeper"
TOO_MANY = f"a document may hold {MAX_NODES:,} keys and values; this one holds more"
TOO_LONG = f"a number may have {MAX_DIGITS} characters; this one has {{length}}"
NOT_FINITE = "{written} is not a finite number"
