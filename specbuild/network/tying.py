"""`tie`: parameters that are another layer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specbuild.catalogue.types import Shape
from specbuild.diagnostics.diagnostic import Diagnostic, Target
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
            message, fix = missing(plan, key, shapes)
            target: Target = "key" if key == tied else "value"
            yield Diagnostic("SB217", message, ("tie", tied), target, fix=fix)
        if unknown:
            continue
        if kept == tied:
            yield Diagnostic("SB217", f"`{tied}` is tied to itself", ("tie", tied), fix="leave it out")
        elif kept in plan.tie:
            yield Diagnostic("SB217", f"`{kept}` is tied itself", ("tie", tied), fix="tie both to the same parameter")
        elif not same(shapes[tied], shapes[kept]):
            yield Diagnostic(
                "SB217",
                f"`{tied}` is {list(shapes[tied])}, but `{kept}` is {list(shapes[kept])}",
                ("tie", tied),
                fix="tie parameters of one shape",
            )


def same(a: Shape, b: Shape) -> bool:
    """Whether two shapes are one, whatever the sizes that are left open."""
    return len(a) == len(b) and all((one == other) is True for one, other in zip(a, b, strict=True))


def missing(plan: Plan, key: str, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong with a key that is no parameter's, and the mend: another layer's is offered for its name only."""
    layer, _, name = key.rpartition(".")
    step = next((step for step in plan.layers() if step.name == layer), None)
    if step is None:
        alike = {known_key.rpartition(".")[0]: known_key for known_key in known if known_key.rpartition(".")[2] == name}
        meant = nearest(layer, alike) if layer else None
        inner = [known_key for known_key in known if known_key.startswith(f"{key}.")]
        fix = "a parameter is called as in the state_dict: head.weight"
        if inner or meant:
            fix = f"did you mean `{alike[meant] if meant else inner[0]}`?"
        return f"there is no parameter `{key}`" + (f": no layer is called `{layer}`" if layer else ""), fix
    outcome = outcome_of(step)
    if name in outcome.buffers:
        return f"`{key}` is a buffer, which no optimizer changes: only parameters are tied", "leave it out"
    own = [own for own in outcome.parameters if own]
    meant = nearest(name, own)
    has = f"{layer} has {', '.join(own)}" if own else f"{layer} has no parameters"
    return f"there is no parameter `{key}`", f"did you mean `{layer}.{meant}`?" if meant else has
