"""Whether two plans are of one network: names, layers, sources, types, init and ties; where it is written apart."""

from __future__ import annotations

from specbuild.catalogue.layer import Layer
from specbuild.network.plan import Plan, Scope, Step


def same_plan(a: Plan, b: Plan) -> bool:
    """Whether two plans mean the same; the types of scopes, which are blocks' names, may be others."""
    return (
        a.inputs == b.inputs
        and a.outputs == b.outputs
        and dict(a.tie) == dict(b.tie)
        and dict(a.init) == dict(b.init)
        and same_scope(a.scope, b.scope)
    )


def same_scope(a: Scope, b: Scope) -> bool:
    """Whether two scopes have the same steps; what their inputs are called is theirs."""
    return (
        len(a.inputs) == len(b.inputs)
        and list(a.outputs.values()) == list(b.outputs.values())
        and len(a.steps) == len(b.steps)
        and all(same_step(x, y) for x, y in zip(a.steps, b.steps, strict=True))
    )


def same_step(a: Step, b: Step) -> bool:
    """Whether two steps are the same layer, or scopes of the same."""
    return (
        a.name == b.name
        and settled(a.layer) == settled(b.layer)
        and a.sources == b.sources
        and a.output == b.output
        and a.results == b.results
        and (a.scope is None) == (b.scope is None)
        and (a.scope is None or b.scope is None or same_scope(a.scope, b.scope))
    )


def settled(layer: Layer | None) -> Layer | None:
    """A layer whose stride is written; a pooling's is its kernel's size where it is not."""
    if layer is None or getattr(layer, "stride", 0) is not None:
        return layer
    return layer.model_copy(update={"stride": getattr(layer, "kernel_size", None)})
