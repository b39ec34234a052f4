"""Plug-ins: layers, losses, data sets and transforms of one's own, under their names in a document.

They come from the person at the keyboard, by `--plugin MODULE` or by `specbuild.plugin(...)`, never from a document.
What a plug-in needs is here: the classes to derive from, and the words that rules are written in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.entry import Bool, Count, Entry, Float, Int, Size, Str
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.plugged import plug
from specbuild.catalogue.rules import Outcome, Storage, Violation, choose, inferred, minimum, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError

__all__ = [
    "Bool", "Count", "Dataset", "Float", "Int", "Layer", "Loss", "Outcome", "SampleType", "Size", "Storage", "Str",
    "TensorType", "Transform", "Violation", "choose", "inferred", "load_plugins", "minimum", "plugin", "require",
]  # fmt: skip

T = TypeVar("T", bound=type[Entry])


def plugin(cls: T) -> T:
    """Add a class to the catalogue under its name; also as a decorator.

    A subclass of `Layer`, `Loss`, `Dataset` or `Transform`. A layer without a rule (`infer`) is run on torch's meta
    device to see what comes out. Raises `TypeError` for another class, `ValueError` for a name that is taken.
    """
    if isinstance(cls, type) and issubclass(cls, Layer) and "infer" in cls.__abstractmethods__:
        from specbuild.network.meta import infer

        cls.infer = infer  # type: ignore[method-assign]
        cls.measured = True
        cls.__abstractmethods__ = cls.__abstractmethods__ - {"infer"}
    plug(cls)
    return cls


def load_plugins(modules: Iterable[str]) -> None:
    """Import modules, which add their classes as they run; the working directory is looked at first.

    Raises `SpecbuildError` (SB508) for one that cannot be imported.
    """
    for module in modules:
        here = str(Path.cwd())
        sys.path.insert(0, here)
        try:
            import_module(module)
        except Exception as error:  # whatever somebody's module raises
            cause = f"{type(error).__name__}: {error}"
            fix = None
            if module.endswith(".py") or not all(part.isidentifier() for part in module.split(".")):
                fix = f"a module's name, as Python's `import` takes it: {Path(module.rstrip('.')).stem or 'my_layers'}"
            raise SpecbuildError(
                [Diagnostic("SB508", f"the plug-in `{module}` cannot be imported: {cause}", fix=fix)]
            ) from error
        finally:
            sys.path.remove(here)
