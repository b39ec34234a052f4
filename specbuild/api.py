"""The public functions. Each takes a document as a path, a text, a dict, or a loaded `Spec`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError, SpecError
from specbuild.language.document import Spec
from specbuild.language.loading import load as load_document
from specbuild.language.sections import SplitName
from specbuild.language.source import Source
from specbuild.network.inference import infer as infer_plan
from specbuild.network.pipeline import check_data
from specbuild.network.plan import Plan

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.data import Dataset

    from specbuild.runs.run import Run
    from specbuild.training.loop import Reporter

Document = str | os.PathLike[str] | Mapping[str, Any] | Source | Spec
"""A path, a text (one with a line break, or that begins with `{`), a dict, or what `load` returned."""


def load(document: Document, overrides: Iterable[str] = ()) -> Spec:
    """The validated document; raises `SpecError` with everything that is wrong with its form.

    overrides: texts such as `layers.conv1.out_channels=64`, as `--set` takes them.
    """
    return document if isinstance(document, Spec) else load_document(document, overrides)


def check(document: Document, overrides: Iterable[str] = ()) -> tuple[Diagnostic, ...]:
    """All that is wrong with a document, in the order it is written; empty if nothing is.

    Judges form, shapes, the loss and what is known of the data without touching it. Imports no torch.
    """
    try:
        spec = load(document, overrides)
    except SpecbuildError as error:
        return error.diagnostics
    try:
        plan = infer_plan(spec)
    except SpecbuildError as error:
        return spec.place([*spec.warnings, *error.diagnostics, *check_data(spec, None)])
    return spec.place([*spec.warnings, *without_rules(plan), *check_data(spec, plan)])


def without_rules(plan: Plan) -> Iterator[Diagnostic]:
    """SB803 for each line with a layer that was run to see what it gives."""
    told = set()
    for step in plan.layers():
        if step.layer is not None and step.layer.measured and step.path not in told:
            told.add(step.path)
            yield Diagnostic(
                "SB803", f"{step.type} states no rule: it was run on torch's meta device, and gave {step.output}",
                step.path, instance=step.name, fix="give its class an `infer`",
            )  # fmt: skip


def infer(document: Document, overrides: Iterable[str] = ()) -> Plan:
    """The plan: every layer with its types, parameters and cost. Raises `SpecError`. Imports no torch."""
    return infer_plan(load(document, overrides))


def build(document: Document | Plan, overrides: Iterable[str] = ()) -> nn.Sequential:
    """The network as a plain `nn.Sequential` of named layers, with torch's own initial weights.

    Raises `SpecError`, also (SB311) for weights that are larger than this machine's memory.
    """
    from specbuild.network.compile import build as build_plan
    from specbuild.network.cost import memory_here, require_memory

    if isinstance(document, Plan):
        require_memory(document, memory_here())
        return build_plan(document)
    spec = load(document, overrides)
    plan = infer_plan(spec)
    try:
        require_memory(plan, memory_here())
    except SpecError as error:
        raise SpecError(spec.place(error.diagnostics)) from None
    return build_plan(plan)


def train(
    document: Document,
    overrides: Iterable[str] = (),
    *,
    run: str | os.PathLike[str] | None = None,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
    report: Reporter | None = None,
) -> Run:
    """Train the network and return its finished run.

    run: the folder to make; by default `runs/<name>/<next number>`.
    device: `auto`, `cpu`, `cuda` or `mps`; by default what the document says.
    data_root: what relative paths of the data are relative to, instead of the working directory.
    train, val: data sets of one's own, of `(input, target)` or of dicts of fields.
    Raises `SpecError`, `DataError` or `RunError`.
    """
    from specbuild.training.loop import train as train_spec

    spec = load(document, overrides)
    return train_spec(
        spec,
        infer_plan(spec),
        run=run,
        device=device,
        data_root=data_root,
        train=train,
        val=val,
        report=report,
    )


def evaluate(
    run: str | os.PathLike[str] | Run,
    split: SplitName = "test",
    *,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> dict[str, float]:
    """Loss and metrics of a run's best weights on one of its splits: `train`, `val` or `test`."""
    from specbuild.training.evaluation import evaluate as evaluate_run

    return evaluate_run(
        reload(run) if isinstance(run, (str, os.PathLike)) else run, split, device=device, data_root=data_root
    )


def reload(run: str | os.PathLike[str]) -> Run:
    """A run as it was written: spec, plan, model with its best weights, metrics.

    Every file is held against the manifest, and the model's output against the recorded one.
    Raises `RunError` and names the file that is missing or was altered.
    """
    from specbuild.runs.run import reload as reload_run

    return reload_run(run)
