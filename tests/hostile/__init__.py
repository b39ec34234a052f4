"""Documents that mean harm, each of a mebibyte or less, by the name of their file."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile import meaning, reading, sizes

MOST_BYTES = 2**20
MOST_SECONDS = 1.0
MOST_MEMORY = 300 * 2**20
MOST_OUTPUT = 200_000
"""In characters: a hundred diagnostics, each with its line and its mend."""

DOCUMENTS: dict[str, Callable[[], bytes]] = {**reading.DOCUMENTS, **meaning.DOCUMENTS, **sizes.DOCUMENTS}
