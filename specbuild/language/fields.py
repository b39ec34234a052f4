"""The docstrings under the fields of a class: the one text that documents an argument."""

from __future__ import annotations

import ast
import inspect
from functools import cache

from specbuild.catalogue.entry import Entry


def field_docs(cls: type[Entry]) -> dict[str, str]:
    """What each field of `cls` is, bases included, as its source says under the field."""
    docs = {} if cls.documented_by is None else field_docs(cls.documented_by)
    for base in reversed(cls.__mro__):
        if issubclass(base, Entry) and base is not Entry:
            docs.update(module_docs(base.__module__).get(base.__qualname__, {}))
    return {name: docs[name] for name in cls.model_fields if name in docs}


@cache
def module_docs(module: str) -> dict[str, dict[str, str]]:
    """The field docstrings of every class of an imported module, by class."""
    import sys

    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: class_docs(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def class_docs(node: ast.ClassDef) -> dict[str, str]:
    """The docstring that follows each annotated field."""
    docs: dict[str, str] = {}
    for field, following in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[field.target.id] = inspect.cleandoc(following.value.value)
    return docs
