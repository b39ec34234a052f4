"""The torch side of data sets and transforms: samples, in batches, as a document asks for them.

The names are loaded when they are first used: what reads files here does without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specbuild.data.probing import probe
    from specbuild.data.split import Split
    from specbuild.data.splits import open_data
    from specbuild.data.weighing import weighed

__all__ = ["Split", "open_data", "probe", "weighed"]

HOMES = {"Split": "split", "open_data": "splits", "probe": "probing", "weighed": "weighing"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in HOMES:
        raise AttributeError(f"module 'specbuild.data' has no attribute {name!r}")
    value = getattr(import_module(f"specbuild.data.{HOMES[name]}"), name)
    globals()[name] = value
    return value
