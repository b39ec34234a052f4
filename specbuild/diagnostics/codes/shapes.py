"""Shapes and dtypes: SB3xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

SHAPES: tuple[Code, ...] = ()
