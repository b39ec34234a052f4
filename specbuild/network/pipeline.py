"""What can be said of the data and the training without touching them: fields, shapes, classes, batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Accuracy
from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.training import Best
from specbuild.language.wording import with_article
from specbuild.network.grouping import check_optimizer
from specbuild.network.plan import Plan, Scope, Step
from specbuild.network.samples import Fold, loss_path, told_target
from specbuild.network.scheduling import check_scheduler
from specbuild.network.training import check_training

UNBOUNDED = frozenset(
    {
        "Linear", "Bilinear", "Embedding", "EmbeddingBag", "Conv1d", "Conv2d", "Conv3d",
        "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d",
        "SyncBatchNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "LayerNorm2d",
        "RMSNorm", "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention", "Transformer",
        "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder", "TransformerDecoderLayer",
        "ReLU", "LeakyReLU", "PReLU", "RReLU", "ReLU6", "ELU", "CELU", "SELU", "GELU", "GLU", "SiLU", "Mish",
        "Hardshrink", "Hardswish", "Softshrink", "Softplus", "LogSigmoid", "LogSoftmax", "Tanh", "Tanhshrink",
        "Softsign",
    }
)  # fmt: skip
"""Layers whose output leaves the range from 0 to 1."""
UNLABELLED = {"numbers": "compares numbers", "signs": "compares distances", "label lists": "takes lists of them"}
"""What losses do that no accuracy is measured with, by their targets."""
KEEPS_RANGE = frozenset(
    {
        "Flatten", "Unflatten", "Identity", "Reshape", "Permute", "Transpose", "Squeeze", "Unsqueeze", "Narrow",
        "Select", "Mean", "MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
        "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "PixelShuffle", "PixelUnshuffle",
    }
)  # fmt: skip


def missing_for_training(spec: Spec, *, data: bool = True) -> list[Diagnostic]:
    """What a training lacks; data: whether the document must name its data."""
    losses = "CrossEntropyLoss"
    if len(spec.outputs) > 1:
        losses = "{" + ", ".join(f"{output}: {losses}" for output in spec.outputs) + "}"
    wanted = {
        "loss": (spec.loss, "what is made small", f"loss: {losses}"),
        "optimizer": (spec.optimizer, "how the weights are changed", "optimizer: {type: Adam, lr: 1e-3}"),
        "data": (
            spec.data,
            "what is learned from",
            "data: {train: {dataset: Digits, transforms: [ToTensor]}}",
        ),
    }
    return [
        Diagnostic("SB401", f"`{key}` is missing: {what}", fix=f"add `{example}`")
        for key, (section, what, example) in wanted.items()
        if section is None and (data or key != "data")
    ]


def check_data(spec: Spec, plan: Plan | None) -> list[Diagnostic]:
    """All that is wrong with the loss, the metrics, the data and the training of a document.

    plan: None where the network has none, being wrong; what depends on its output is not judged then.
    """
    found = [] if plan is None else list(check_loss(spec, plan))
    found += check_metrics(spec, plan)
    if isinstance(spec.optimizer, Optimizer) and plan is not None:
        found += check_optimizer(spec.optimizer, plan)
    names = metric_names(spec, val=spec.data is None or spec.data.val is not None)
    found += check_scheduler(spec, plan, names)
    found += check_training(spec, plan, names)
    if spec.data is not None:
        found += Fold(spec, spec.data, plan).check()
    return found


def metrics_of(spec: Spec) -> tuple[Accuracy, ...]:
    """The metrics that are written, or accuracy where the loss is one of labels."""
    if spec.metrics:
        return tuple(metric for metric in spec.metrics if isinstance(metric, Accuracy))
    output = judged_output(spec)
    return (Accuracy(),) if output is not None and of_labels(spec, spec.losses[output]) else ()


def judged_output(spec: Spec) -> str | None:
    """The output that the metrics are of: the first whose loss is one of labels, or the first with a loss."""
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
    labels = [*loss_labels(spec.losses), *(metric.label for metric in metrics_of(spec))]
    splits = ("train", "val") if val else ("train",)
    return tuple(f"{split}_{label}" for split in splits for label in labels)


def best_of(spec: Spec, *, val: bool) -> Best:
    """Which epoch's weights are kept: as written, or by default; val: whether there is a val split."""
    if spec.train.best is not None:
        return spec.train.best
    metrics = metrics_of(spec)
    if val and metrics:
        return Best(metric=f"val_{metrics[0].label}")
    return Best(metric="val_loss" if val else "train_loss")


def check_loss(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """What each loss asks of the network alone."""
    for output, loss in spec.losses.items():
        kind, path = plan.outputs[output], loss_path(spec, output)
        if not kind.batched:
            yield Diagnostic("SB402", f"{output} is {kind}: it has no batch axis to hold a target against", path)
            continue
        if not told_target(spec, loss):
            try:
                loss.compare(kind, None)
            except Violation as violation:
                yield of_violation(violation, path)
        last = settled_by(plan.scope, plan.scope.outputs[output].position)
        if loss.takes_shares and isinstance(last, Step) and last.type in UNBOUNDED:
            yield Diagnostic(
                "SB402", f"{loss.type} needs outputs from 0 to 1, but {last.name} is {with_article(last.type)}", path,
                fix=f"{path[-1]}: BCEWithLogitsLoss, or a Sigmoid as the last layer",
            )  # fmt: skip


def settled_by(scope: Scope, position: int, keeps: Collection[str] = KEEPS_RANGE) -> Step | int:
    """The layer that settles the range of what stands at `position`, or the scope's input that does.

    keeps: the types of layers that are passed over.
    """
    while position >= 0:
        step = scope.steps[position]
        if step.scope is not None:
            (end,) = step.scope.outputs.values()
            inner = settled_by(step.scope, end.position, keeps)
            if isinstance(inner, Step):
                return inner
            position = step.sources[-1 - inner].position
        elif step.type not in keeps:
            return step
        else:
            position = step.sources[0].position
    return position


def check_metrics(spec: Spec, plan: Plan | None) -> Iterator[Diagnostic]:
    """Metrics that the loss and the output allow, and a `best` that will be among the results."""
    output = judged_output(spec)
    loss = spec.losses[output] if output is not None else None
    for index, metric in enumerate(spec.metrics):
        if not isinstance(metric, Accuracy) or output is None or loss is None:
            continue
        if not loss.labelled:
            yield Diagnostic(
                "SB411", f"accuracy is of labels, and {loss.type} {UNLABELLED[loss.targets]}", ("metrics", index),
                fix="leave accuracy out",
            )  # fmt: skip
        elif loss.targets == "labels":
            if plan is None or not plan.outputs[output].shape:
                continue
            classes = loss.classes(plan.outputs[output])
            if classes is not None and metric.top_k > classes:
                yield Diagnostic(
                    "SB411", f"top_k is {metric.top_k}, but the network gives {classes} classes",
                    ("metrics", index, "top_k"), fix=f"a top_k below {classes}",
                )  # fmt: skip
        elif metric.top_k > 1:
            yield Diagnostic(
                "SB411", f"top_k is {metric.top_k}, but {loss.type} asks yes or no",
                ("metrics", index, "top_k"), fix="leave top_k out",
            )  # fmt: skip
    best = spec.train.best
    if best is not None:
        names = metric_names(spec, val=spec.data is None or spec.data.val is not None)
        if best.metric not in names:
            meant = nearest(best.metric, names)
            path: Path = ("train", "best", "metric")
            yield Diagnostic(
                "SB411", f"best.metric is {best.metric}, but an epoch ends with {', '.join(names)}", path,
                fix=f"did you mean {meant}?" if meant else None, edit=renaming(path, best.metric, meant, names),
            )  # fmt: skip
