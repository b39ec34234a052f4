"""`tie`: parameters that are another layer's."""

from __future__ import annotations

from collections.abc import Iterator

from specbuild.catalogue.types import Shape
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest
from specbuild.network.plan import Plan, outcome_of


def check_ties(plan: Plan) -> Iterator[Diagnostic]:
    """Each tie leads from one parameter to another of the same shape, which is not tied itself."""
    if not plan.tie:
        return
    shapes: dict[str, Shape] = {
        f"{step.name}.{name}" if name else step.name: storage.shape
        for step in plan.layers()
        for name, storage in outcome_of(step).parameters.items()
    }
    for tied, kept in plan.tie.items():
        unknown = [key for key in (tied, kept) if key not in shapes]
        for key in unknown:
            meant = nearest(key, shapes)
            yield Diagnostic(
                "SB217", f"there is no parameter `{key}`", ("tie", tied), "key" if key == tied else "value",
                fix=f"did you mean `{meant}`?" if meant else "a parameter is called as in the state_dict: head.weight",
            )  # fmt: skip
        if unknown:
            continue
        if kept == tied:
            yield Diagnostic("SB217", f"`{tied}` is tied to itself", ("tie", tied), fix="leave it out")
        elif kept in plan.tie:
            yield Diagnostic("SB217", f"`{kept}` is tied itself", ("tie", tied), fix="tie both to the same parameter")
        elif shapes[tied] != shapes[kept]:
            yield Diagnostic(
                "SB217",
                f"`{tied}` is {list(shapes[tied])}, but `{kept}` is {list(shapes[kept])}",
                ("tie", tied),
                fix="tie parameters of one shape",
            )
