"""The metrics of a document: of which output each is, what the results are called, and what the best epoch goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Metric
from specbuild.catalogue.metrics.accuracy import Accuracy
from specbuild.catalogue.rules import Violation
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.training import Best
from specbuild.network.plan import Plan


def metrics_of(spec: Spec) -> tuple[Metric, ...]:
    """The metrics that are written, also if they are none, or accuracy where the loss is one of labels."""
    if spec.metrics is not None:
        return cast("tuple[Metric, ...]", spec.metrics)
    output = judged_output(spec)
    return (Accuracy(),) if output is not None and of_labels(spec, spec.losses[output]) else ()


def judged_output(spec: Spec) -> str | None:
    """The output that a metric is of unless it says which: the first whose loss is one of labels, or the first."""
    labelled = (output for output, loss in spec.losses.items() if of_labels(spec, loss))
    return next(labelled, next(iter(spec.losses), None))


def of_labels(spec: Spec, loss: Loss) -> bool:
    """Whether a loss holds an output against labels: those of an autoencoder do not."""
    return loss.labelled and loss.target not in spec.inputs


def loss_labels(outputs: Iterable[str]) -> tuple[str, ...]:
    """What the losses are called in the results: all together, and where there are several each by itself."""
    each = tuple(f"{output}_loss" for output in outputs)
    return ("loss", *each) if len(each) > 1 else ("loss",)


def metric_names(spec: Spec, *, val: bool) -> tuple[str, ...]:
    """The numbers that an epoch ends with: `train_loss`, `train_accuracy`, and the same for val."""
    labels = [*loss_labels(spec.losses), *(metric.label for metric in metrics_of(spec) if metric.number)]
    splits = ("train", "val") if val else ("train",)
    return tuple(dict.fromkeys(f"{split}_{label}" for split in splits for label in labels))


def best_of(spec: Spec, *, val: bool) -> Best:
    """Which epoch's weights are kept: as written, or by default; val: whether there is a val split."""
    if spec.train.best is not None:
        return spec.train.best
    first = next((metric.label for metric in metrics_of(spec) if metric.number), None)
    if val and first is not None:
        return Best(metric=f"val_{first}")
    return Best(metric="val_loss" if val else "train_loss")


def check_metrics(spec: Spec, plan: Plan | None) -> Iterator[Diagnostic]:
    """Metrics that the losses and the outputs allow, and a `best` that will be among the results."""
    seen: dict[str, int] = {}
    for index, metric in enumerate(cast("Sequence[Metric]", spec.metrics or ())):
        yield from check_metric_at(spec, plan, metric, ("metrics", index))
        seen[metric.label] = seen.get(metric.label, 0) + 1
        if seen[metric.label] == 2:  # said once, however often it is there
            yield Diagnostic(
                "SB411", f"{metric.label} is measured already: two numbers would have one name", ("metrics", index),
                fix="leave one of them out",
            )  # fmt: skip
    names = metric_names(spec, val=spec.data is None or spec.data.val is not None)
    best = spec.train.best
    if best is not None and best.metric not in names:
        meant = nearest(best.metric, names)
        path: Path = ("train", "best", "metric")
        yield Diagnostic(
            "SB411", f"best.metric is {best.metric}, but an epoch ends with {', '.join(names)}", path,
            fix=f"did you mean {meant}?" if meant else None, edit=renaming(path, best.metric, meant, names),
        )  # fmt: skip


def check_metric_at(spec: Spec, plan: Plan | None, metric: Metric, path: Path) -> Iterator[Diagnostic]:
    """One metric against its output and the loss of that."""
    if metric.output is not None and metric.output not in spec.losses:
        if spec.losses:
            meant, place = nearest(metric.output, spec.losses), (*path, "output")
            yield Diagnostic(
                "SB411", f"no loss is of an output `{metric.output}`; there are {', '.join(spec.losses)}", place,
                fix=f"did you mean {meant}?" if meant else None,
                edit=renaming(place, metric.output, meant, tuple(spec.losses)),
            )  # fmt: skip
        return
    output = metric.output or judged_output(spec)
    if output is None:
        return
    kind = None if plan is None else plan.outputs[output]
    if kind is not None and not kind.batched:
        return  # reported with the loss
    loss = spec.losses[output]
    try:
        metric.compare(loss, of_labels(spec, loss), kind)
    except Violation as violation:
        yield of_violation(violation, path)
