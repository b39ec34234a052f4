"""Reading a saved torch.export program so that nothing in it can run.

`torch.export.load` unpickles what an archive marks as a pickle, and example inputs that `weights_only` refuses; sizes
that are expressions go to sympy, which has Python evaluate them. What would run so is found first, in the bytes that it
then reads, and refused. The guards of a program are Python source too, which `ExportedProgram.module` runs unless it is
told not to check them: what reads a program from here tells it.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.export import ExportedProgram

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.reading import shown

TENSOR = "tensor_"
"""How the names of constants begin that are tensors; others are objects."""
FORMAT = b"pt2"
SYMBOL = re.compile(r"[a-z]{1,3}[0-9]{1,9}")
"""The name of an open size, as torch gives them."""
FUNCTIONS = frozenset({
    "Abs", "Add", "And", "CeilDiv", "CeilToInt", "CleanDiv", "Equality", "FloorDiv", "FloorToInt", "GreaterThan",
    "IntTrueDiv", "Integer", "LessThan", "Max", "Min", "Mod", "ModularIndexing", "Mul", "Not", "Or", "Pow",
    "PowByNatural", "PythonMod", "Rational", "StrictGreaterThan", "StrictLessThan", "Symbol", "Unequality", "Where",
})  # fmt: skip
"""What sizes are made of, as sympy writes them."""
LONGEST = 1000
"""Characters of an expression."""


def loaded(path: Path) -> ExportedProgram:
    """The program of a file. Raises `RunError` (SB515) for one that cannot be read, or holds a pickle."""
    try:
        content = path.read_bytes()
    except OSError as error:
        refuse(path, f"it cannot be read: {error.strerror or error}")
    require_plain(path, content)
    try:
        return torch.export.load(io.BytesIO(content))
    except Exception as error:  # torch raises of every kind
        refuse(path, f"torch.export.load: {first_line(error)}")


def require_plain(path: Path, content: bytes) -> None:
    """SB515 for an archive with something that would be unpickled freely."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            roots = {name.partition("/")[0] for name in names}
            if len({name.lower() for name in names}) != len(names) or len(roots) != 1:
                refuse(path, "it has two files of one name, or no folder that holds them all")
            files = {name.partition("/")[2]: name for name in names}
            if "archive_format" not in files or archive.read(files["archive_format"]) != FORMAT:
                refuse(path, "it is no archive of torch.export.save, or one of an older torch", "save it again")
            for name, full in files.items():
                judge(path, name, archive.read(full))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        refuse(path, "it is no archive of torch.export.save")


def judge(path: Path, name: str, content: bytes) -> None:
    """SB515 for a file of an archive that would be unpickled freely."""
    folder, _, last = name.rpartition("/")
    if folder == "data/sample_inputs" and content:
        try:
            torch.load(io.BytesIO(content), weights_only=True)
        except Exception:  # pickle's and torch's
            refuse(path, "its example inputs are not tensors alone")
    elif folder in ("data/weights", "data/constants"):
        if last.endswith("_config.json"):
            try:
                entries = json.loads(content)["config"]
            except (ValueError, KeyError, TypeError, RecursionError):
                refuse(path, f"{name} is not what torch.export.save writes")
            for key, entry in entries.items():
                plain = isinstance(entry, dict) and entry.get("use_pickle") is False
                if not plain or (folder == "data/constants" and not str(entry.get("path_name")).startswith(TENSOR)):
                    refuse(path, f"`{key}` is kept as a pickle")
        elif last.endswith(".pt"):
            refuse(path, f"{name} is a pickle")
    elif last.endswith(".json"):
        try:
            found = next((text for text in expressions(json.loads(content)) if not is_plain(text)), None)
        except (ValueError, RecursionError):
            refuse(path, f"{name} is not what torch.export.save writes")
        if found is not None:
            refuse(path, f"a size in it is no arithmetic of sizes: {shown(str(found))}")


def expressions(value: Any) -> Iterator[Any]:
    """What is kept as an expression, wherever it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "expr_str":
                yield inner
            else:
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def is_plain(text: Any) -> bool:
    """Whether an expression is arithmetic of integers and open sizes, which nothing else can come of.

    Torch writes `Add(Symbol('s77', positive=True, integer=True), Integer(1))`.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        return False
    try:
        return is_size(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def is_size(node: ast.expr) -> bool:
    """Whether a node is a number, or a call of a function of sizes on such; the only texts are names of sizes."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and is_size(node.operand)
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        return False
    if node.func.id == "Symbol":
        flags = [keyword.value for keyword in node.keywords]
        named = [getattr(argument, "value", None) for argument in node.args]
        return (
            all(isinstance(flag, ast.Constant) and isinstance(flag.value, bool) for flag in flags)
            and len(named) == 1
            and isinstance(named[0], str)
            and SYMBOL.fullmatch(named[0]) is not None
        )
    return not node.keywords and all(is_size(argument) for argument in node.args)


def refuse(path: Path, message: str, fix: str | None = None) -> NoReturn:
    """SB515."""
    raise RunError([Diagnostic("SB515", message, file=str(path), fix=fix)])


def first_line(error: BaseException) -> str:
    """What an exception says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
