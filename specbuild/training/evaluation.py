"""A run's best weights, judged on one of its splits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from specbuild.data import open_data, probe
from specbuild.data.mixing import averaged
from specbuild.data.settling import at_first
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.sections import SplitName
from specbuild.network.inference import infer
from specbuild.network.metrics import metrics_of
from specbuild.network.pipeline import check_data, missing_for_training
from specbuild.runs.run import Run
from specbuild.training.device import choose
from specbuild.training.indexing import lookups_told
from specbuild.training.layout import memory_format
from specbuild.training.measuring import Meter
from specbuild.training.objective import Objective
from specbuild.training.passes import Feed, measure
from specbuild.training.precision import autocast, recorded


def evaluate(
    run: Run,
    split: SplitName = "test",
    *,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """`loss` and every metric by its label, None where it is not defined; a confusion matrix as lists.

    Raises `DataError`; the run's own model stays where it is.

    Train is judged as val is: each sample once, without what draws or mixes.

    device: by default a GPU if there is one, else the CPU, wherever the run was trained.
    """
    spec = run.spec
    written = spec.data.names() if spec.data is not None else ()
    if split not in written:
        fix = f"it has {' and '.join(written)}" if written else None
        message = f"the run's spec has no data.{split}"
        raise DataError([Diagnostic("SB401", message, file=str(run.path), fix=fix)])
    problems = [*missing_for_training(spec), *check_data(spec, run.plan)]
    if errors := [problem for problem in problems if problem.severity == "error"]:  # a run may be forged
        raise DataError(spec.place(errors))
    target = choose(spec, device or "auto")
    root = None if data_root is None else Path(data_root)
    if split == "train":
        spec = as_judged(spec)
    samples = open_data(spec, splits=(split,), data_root=root, preprocessing=run.preprocessing)[split]
    plan = infer(at_first(spec, samples)) if spec.dims else run.plan
    probe(samples, plan)
    objective = Objective(spec, target)
    meter = Meter(spec.losses, metrics_of(spec), target, objective.judged, plan.outputs)
    layout = memory_format(spec, plan, target)
    model = copy_of(run.model, target, layout)
    computing = autocast(target, recorded(run.environment))
    with lookups_told(spec, plan, model):
        called = averaged(model, samples.views)
        measure(called, objective, samples.batches(0, target), Feed(plan, layout), meter, computing)
    return {**meter.results(), **meter.tables()}


def as_judged(spec: Spec) -> Spec:
    """The document with val's transforms and loader for train."""
    assert spec.data is not None
    judged = {"transforms": spec.data.transforms_of("val"), "loader": spec.data.loader_of("val")}
    return replace(spec, data=spec.data.model_copy(update={"train": spec.data.train.model_copy(update=judged)}))


def copy_of(model: nn.Module, device: torch.device, layout: torch.memory_format) -> nn.Module:
    """The model on a device, in a layout; the one given is left as it is."""
    from copy import deepcopy

    return deepcopy(model).to(device).to(memory_format=layout)  # type: ignore[no-any-return,call-overload]
