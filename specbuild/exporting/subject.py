"""What is exported: a network with its weights, and what a program that uses it wants to know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.cost import memory_here, require_memory
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved
from specbuild.runs.run import Run
from specbuild.runs.taking import take
from specbuild.runs.transfer import held

SPEC, PREPROCESSING, LABELS, TIED = (f"specbuild.{key}" for key in ("spec", "preprocessing", "labels", "tied"))
"""Under what a file's metadata hold the resolved document, what was learned from the training data, the names of the
classes, and which parameters are another one; each as JSON."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A network in eval mode on the CPU."""

    spec: Spec
    plan: Plan
    model: nn.Sequential
    origin: str
    """Whose weights they are, in words."""
    name: str
    """The file of the document, or the run's folder."""
    preprocessing: dict[str, Any] | None = None
    """What was learned from train's samples to prepare others by."""
    labels: Any = None
    """The names of the classes, as far as they are known."""

    def metadata(self) -> dict[str, str]:
        """What goes into a file beside the weights."""
        told = {SPEC: resolved(self.spec, self.plan), PREPROCESSING: self.preprocessing, LABELS: self.labels,
                TIED: dict(self.plan.tie) or None}  # fmt: skip
        return {key: json.dumps(value, ensure_ascii=False) for key, value in told.items() if value is not None}


def of_run(run: Run) -> Subject:
    """A run with the weights that it was reloaded with."""
    return Subject(
        run.spec, run.plan, run.model.cpu(), f"the {run.weights} weights of {run.path}", str(run.path),
        run.preprocessing, run.labels,
    )  # fmt: skip


def of_spec(spec: Spec, plan: Plan) -> Subject:
    """A network that was not trained, with the weights that its training would begin with."""
    require_memory(plan, memory_here())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed)
        model = build(plan, spec)
    origin = f"initial weights, seed {spec.train.seed}"
    if spec.weights:
        take(model, held(spec, plan))
        origin += f", and those of {', '.join(source.name for source in spec.weights)}"
    return Subject(spec, plan, model.eval(), origin, spec.source.name)
