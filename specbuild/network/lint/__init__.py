"""Warnings: what is odd in a document but not wrong. Nothing here infers: the Spec and its Plan are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Spec
from specbuild.network.plan import Plan

NAMED = frozenset({"Hardsigmoid", "KLDivLoss", "LogSoftmax", "NLLLoss", "Sigmoid", "Softmax", "Softmax2d", "Softmin"})
"""Losses and layers that may not fit each other."""


def warnings(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """All that is odd in a document that has no errors; of the instances of a line the first one is told."""
    told: set[tuple[str, Path]] = set()
    for diagnostic in every(spec, plan):
        key = (diagnostic.code, diagnostic.path)
        if key not in told:
            told.add(key)
            yield diagnostic


def every(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """The warnings of each theme; only those that the document may have are imported."""
    from specbuild.network.lint.layers import odd_layers

    taken = bool(spec.weights or plan.frozen)  # a bias that comes with others' weights, or that a norm at rest keeps
    yield from (found for found in odd_layers(plan) if found.code != "SB809" or not taken)
    if any(loss.type in NAMED for loss in spec.losses.values()) or any(step.type in NAMED for step in plan.layers()):
        from specbuild.network.lint.losses import odd_losses

        yield from odd_losses(spec, plan)
    if spec.data is not None:
        from specbuild.network.lint.data import odd_data

        yield from odd_data(spec, plan, spec.data)
    if spec.scheduler is not None or unusual(spec.optimizer):
        from specbuild.network.lint.training import odd_training

        yield from odd_training(spec)
    tree = spec.source.tree
    if (
        tree.get("vars")
        or tree.get("blocks")
        or any(not part.text or "repeat" in part.text for part in spec.source.parts)
    ):
        from specbuild.network.lint.unused import unused

        yield from unused(tree)


def unusual(optimizer: Any) -> bool:
    """Whether the numbers of an optimizer need a closer look."""
    if optimizer is None:
        return False
    momentum = getattr(optimizer, "momentum", 0)
    return bool(optimizer.parts) or not 1e-9 <= optimizer.lr <= 0.1 or not (momentum == 0 or 0.1 <= momentum < 1)
