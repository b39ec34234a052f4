"""What torch says of integers that point outside what they are looked up in, as a diagnostic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from torch import nn

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.indexing import LOOKUPS, UNPOOLINGS
from specbuild.network.plan import Plan

OUTSIDE = (
    "index out of range in self", "which is not in the valid range", "Expected idx >= 0 && idx < num_embeddings",
    "select(): index", "Found an invalid max index", "device-side assert triggered",
)  # fmt: skip
"""What torch's lookups fail with, on a CPU and on a GPU."""


@contextmanager
def lookups_told(spec: Spec, plan: Plan, model: nn.Module) -> Iterator[None]:
    """Raise `DataError` (SB404) where a layer of the model is given an integer that is too large, or below 0."""
    try:
        yield
    except (IndexError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        if not any(words in said for words in OUTSIDE):
            raise
        modules = {step.name: model.get_submodule(step.name) for step in plan.layers() if step.type in LOOKUPS}
        name = failed_in(error.__traceback__, modules) if "device-side" not in said else None
        if name is None and not modules:
            raise
        step = next((step for step in plan.layers() if step.name == name), None)
        if step is None:
            problem = Diagnostic(
                "SB404", f"an integer is outside of what {' or '.join(modules)} looks it up in: {said}", ("layers",),
                fix="--device cpu, which says where",
            )  # fmt: skip
        else:
            fix = "output_size: the size of what was pooled" if step.type in UNPOOLINGS else "a larger num_embeddings"
            message = f"{step.type} was given an integer outside of what it looks it up in: {said}"
            problem = Diagnostic("SB404", message, step.path, instance=step.name, fix=fix)
        raise DataError(spec.place([problem])) from None


def failed_in(trace: TracebackType | None, modules: dict[str, nn.Module]) -> str | None:
    """The module that was running, by its name."""
    found = None
    while trace is not None:
        running = trace.tb_frame.f_locals.get("self")
        found = next((name for name, module in modules.items() if module is running), found)
        trace = trace.tb_next
    return found
