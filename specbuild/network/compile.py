"""From a Plan to torch: the one module of `network` that imports it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from specbuild.network.plan import Plan, Step


def build(plan: Plan) -> nn.Sequential:
    """A plain `nn.Sequential(OrderedDict(...))`, nested where the document nests.

    The keys of its `state_dict` are the layers' names. Weights are torch's own initial ones.
    """
    return sequential(plan.steps)


def sequential(steps: Sequence[Step]) -> nn.Sequential:
    """The modules of one scope under their names."""
    return nn.Sequential(OrderedDict((step.local_name, module(step)) for step in steps))


def module(step: Step) -> nn.Module:
    """One layer, or one scope, as a module."""
    if step.layer is None:
        return sequential(step.steps)
    built: nn.Module = step.layer.build(nn)
    return built
