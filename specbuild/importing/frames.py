"""Where in the source a call stands, and what its result is called there."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from functools import cache
from types import CodeType, FrameType
from typing import NamedTuple

import torch

import specbuild
from specbuild.diagnostics.diagnostic import Span

OWN = tuple(os.path.dirname(os.path.abspath(module.__file__ or "")) + os.sep for module in (torch, specbuild))
"""Folders whose code is not the model's."""
OUTERMOST = frozenset({"Tracer.run", "traced"})
"""What calls the model: what called that is not the model's."""
FLEETING = frozenset({"x", "y", "out", "output", "result", "self"})
"""Variables that say nothing of what they hold."""


class Place(NamedTuple):
    """A call in a source file."""

    file: str
    span: Span
    snippet: str
    variable: str | None
    """The variable that its result is assigned to, if that is assigned nowhere else in the function."""


def place() -> Place | None:
    """Where the model's own code called what is running; None if that has no source file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OWN):
        frame = frame.f_back if frame.f_code.co_qualname not in OUTERMOST else None
    if frame is None or frame.f_code.co_filename.startswith("<"):
        return None
    code = frame.f_code
    line, end_line, column, end_column = positions(code)[frame.f_lasti // 2]
    if line is None or end_line is None or column is None or end_column is None:
        return None
    text = linecache.getline(code.co_filename, line).rstrip("\n")
    span = Span(line, column + 1, end_line, end_column + 1)
    names = assigned(code.co_filename, code.co_firstlineno)
    return Place(code.co_filename, span, text, names.get((line, column, end_line, end_column)))


@cache
def positions(code: CodeType) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    """The place of each instruction: first line, last line, first column, last column."""
    return tuple(code.co_positions())


@cache
def functions(file: str) -> dict[int, ast.FunctionDef]:
    """The functions of a file by their first lines, decorators counted."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {min([node.lineno, *(d.lineno for d in node.decorator_list)]): node for node in found}


@cache
def assigned(file: str, first_line: int) -> dict[tuple[int, int, int, int], str]:
    """Of a function the variables that are assigned once, by the place of the value."""
    function = functions(file).get(first_line)
    if function is None:
        return {}
    stored: dict[str, int] = {argument.arg: 1 for argument in ast.walk(function) if isinstance(argument, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored[node.id] = stored.get(node.id, 0) + 1
    found = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if stored[name] == 1 and name not in FLEETING and value.end_lineno and value.end_col_offset is not None:
                found[value.lineno, value.col_offset, value.end_lineno, value.end_col_offset] = name
    return found
