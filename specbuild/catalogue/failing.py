"""Which plug-in made something fail while it ran: by the traceback."""

from __future__ import annotations

from specbuild.catalogue.guarding import raised
from specbuild.catalogue.plugged import PLUGGED
from specbuild.catalogue.rules import Violation


def blame(error: BaseException) -> str | None:
    """What a plug-in did, in words; None where no line of one was running."""
    if isinstance(error, Violation):
        return error.message if error.code == "SB315" else None
    modules = {cls.__module__ for cls in PLUGGED.values()}
    fact, trace = None, error.__traceback__
    while trace is not None:
        module, code = trace.tb_frame.f_globals.get("__name__"), trace.tb_frame.f_code
        if module in modules:
            owner = code.co_qualname.rpartition(".")[0].rpartition(".")[2].strip("<>")
            of = f" of {owner}" if owner and owner != "locals" else ""
            fact = f"`{code.co_name}`{of} ({module}) {raised(error)}"
        trace = trace.tb_next
    return fact


def suspects() -> str:
    """The plug-ins that are there."""
    return ", ".join(f"{name} of {cls.__module__}" for name, cls in sorted(PLUGGED.items()))
