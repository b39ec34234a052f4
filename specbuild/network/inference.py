"""From a Spec to a Plan: one walk over the layers, each rule applied to what came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Node, Spec
from specbuild.language.parsing import of_violation
from specbuild.network.plan import Plan, Step

TRAIL_HEAD, TRAIL_TAIL = 2, 3
"""How many shapes a trail shows at its beginning and at its end."""


def infer(spec: Spec) -> Plan:
    """The plan of a network; raises `SpecError` with every layer that is wrong.

    After a layer that does not fit its input, what depends on its output is not judged.
    """
    walk = Walk(spec.input)
    steps, output = walk.scope(spec.layers, spec.input, "")
    if walk.problems or output is None:
        raise SpecError(spec.place(walk.problems))
    return Plan(spec.name, spec.input, output, steps)


class Walk:
    """One inference: what was found wrong, and the shapes so far."""

    def __init__(self, input_type: TensorType) -> None:
        self.problems: list[Diagnostic] = []
        self.trail: list[tuple[str, TensorType]] = [("input", input_type)]

    def scope(
        self, nodes: Sequence[Node], input_type: TensorType | None, prefix: str
    ) -> tuple[tuple[Step, ...], TensorType | None]:
        """The steps of a scope and its output; None where a layer before was wrong."""
        steps: list[Step] = []
        flowing = input_type
        for node in nodes:
            name = prefix + node.name
            if node.layer is None:
                children, output = self.scope(node.children, flowing, name + ".")
                if flowing is not None and output is not None:
                    steps.append(Step(name, None, (flowing,), output, None, children, node.path))
            else:
                outcome = None if flowing is None else self.judge(node, node.layer, name, flowing)
                output = None
                if flowing is not None and outcome is not None:
                    output = outcome.output
                    layer = node.layer
                    if outcome.arguments:
                        layer = layer.model_copy(update=dict(outcome.arguments))
                    steps.append(Step(name, layer, (flowing,), output, outcome, (), node.path))
                    self.trail.append((name, output))
            flowing = output
        return tuple(steps), flowing

    def judge(self, node: Node, layer: Layer, name: str, input_type: TensorType) -> Outcome | None:
        """What the layer's rule finds out, or a report."""
        try:
            return layer.infer(input_type)
        except Violation as violation:
            found = of_violation(violation, node.path)
            self.problems.append(replace(found, message=f"{name}: {found.message}", because=trail_text(self.trail)))
            return None


def trail_text(trail: Sequence[tuple[str, TensorType]]) -> str:
    """The shapes that led to a layer, the middle left out."""
    parts = [f"{name} {shape}" for name, shape in trail]
    if len(parts) > TRAIL_HEAD + TRAIL_TAIL:
        parts = [*parts[:TRAIL_HEAD], "…", *parts[-TRAIL_TAIL:]]
    return " → ".join(parts)
