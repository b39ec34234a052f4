"""Damaged and forged runs: `verify`, `reload` and `train --resume` name what is wrong, and nothing else comes of it."""
