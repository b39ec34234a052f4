"""The one door to torchvision, which takes a second to import and may need help to."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""Operators that torchvision registers stand-ins for on import, and that its compiled part declares."""
_declared: list[Any] = []
"""Keeps the declarations alive: they vanish with their `Library`."""


@cache
def torchvision() -> Any:
    """torchvision, with `datasets`, `transforms.v2` and `tv_tensors` imported.

    A torchvision whose compiled part was built for another torch (a CUDA build beside a CPU build)
    fails on import for want of two operators. Declared here, they let its Python parts work: all
    that specbuild uses.
    """
    try:
        module = importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        module = _with_declared_operators()
    for name in ("datasets", "transforms.v2", "transforms.v2.functional", "tv_tensors"):
        importlib.import_module(f"torchvision.{name}")
    return module


def _with_declared_operators() -> Any:
    from torch.library import Library

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library: Any = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    _declared.append(library)
    for schema in SCHEMAS:
        library.define(schema)
    return importlib.import_module("torchvision")
