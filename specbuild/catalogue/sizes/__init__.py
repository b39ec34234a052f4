"""Sizes that are not settled: integers written over symbols, as in `input: [3, H, W]`.

Imported only where a document has a symbol. `expressions` is the arithmetic, `conditions` what is asked of sizes,
`promises` what a document says of its symbols, `deciding` the answers.
"""

from __future__ import annotations
