"""What can be said of the data and the training without touching them: fields, shapes, classes, batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.wording import with_article
from specbuild.network.grouping import check_optimizer
from specbuild.network.metrics import check_metrics, metric_names
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
    found += islice(check_metrics(spec, plan), MOST_TOLD)
    if isinstance(spec.optimizer, Optimizer) and plan is not None:
        found += check_optimizer(spec.optimizer, plan)
    names = metric_names(spec, val=spec.data is None or spec.data.val is not None)
    found += check_scheduler(spec, plan, names)
    found += check_training(spec, plan, names)
    if spec.data is not None:
        found += Fold(spec, spec.data, plan).check()
    return found


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
