"""A neural network, its data and its training as one document.

The public names are loaded when they are first used, so that `import specbuild` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specbuild.api import (
        build,
        check,
        diff,
        dry_run,
        evaluate,
        explain,
        export,
        fix,
        from_module,
        infer,
        load,
        predict,
        reload,
        train,
        verify,
    )
    from specbuild.diagnostics.diagnostic import Diagnostic
    from specbuild.errors import DataError, RunError, SpecbuildError, SpecError
    from specbuild.language.document import Spec
    from specbuild.network.plan import Plan
    from specbuild.plugins import plugin
    from specbuild.runs.run import Run

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "Diagnostic",
    "Plan",
    "Run",
    "RunError",
    "Spec",
    "SpecError",
    "SpecbuildError",
    "build",
    "check",
    "diff",
    "dry_run",
    "evaluate",
    "explain",
    "export",
    "fix",
    "from_module",
    "infer",
    "load",
    "plugin",
    "predict",
    "reload",
    "train",
    "verify",
]

HOMES = {
    "specbuild.api": (
        "build",
        "check",
        "diff",
        "dry_run",
        "evaluate",
        "explain",
        "export",
        "fix",
        "from_module",
        "infer",
        "load",
        "predict",
        "reload",
        "train",
        "verify",
    ),
    "specbuild.diagnostics.diagnostic": ("Diagnostic",),
    "specbuild.errors": ("DataError", "RunError", "SpecError", "SpecbuildError"),
    "specbuild.language.document": ("Spec",),
    "specbuild.network.plan": ("Plan",),
    "specbuild.plugins": ("plugin",),
    "specbuild.runs.run": ("Run",),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in HOMES.items():
        if name in names:
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'specbuild' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
