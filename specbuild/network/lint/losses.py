"""Warnings about what a network ends with and the loss it is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.document import Spec
from specbuild.language.wording import with_article
from specbuild.network.lint.layers import DROPOUTS, REARRANGED
from specbuild.network.pipeline import settled_by
from specbuild.network.plan import Plan, Step, outcome_of
from specbuild.network.samples import loss_path

SOFTMAXES = frozenset({"Softmax", "Softmax2d", "Softmin", "LogSoftmax"})
SIGMOIDS = frozenset({"Sigmoid", "Hardsigmoid"})
APPLIES = {
    "CrossEntropyLoss": ("SB804", SOFTMAXES, "a LogSoftmax", "NLLLoss"),
    "BCEWithLogitsLoss": ("SB805", SIGMOIDS, "a Sigmoid", "BCELoss"),
    "MultiLabelSoftMarginLoss": ("SB805", SIGMOIDS, "a Sigmoid", None),
}
"""What losses do themselves: the warning, the layers that do it too, in words, and the loss that does not."""
KEEPS_VALUES = REARRANGED | DROPOUTS | {
    "ChannelShuffle", "Narrow", "PixelShuffle", "PixelUnshuffle", "Select", "Upsample", "UpsamplingBilinear2d",
    "UpsamplingNearest2d", *(f"{kind}MaxPool{axes}d" for kind in ("", "Adaptive") for axes in (1, 2, 3)),
}  # fmt: skip
"""Layers behind which shares are still shares, and a logarithm of one still is."""
SHARES = SOFTMAXES - {"LogSoftmax"} | SIGMOIDS
NO_LOGARITHMS = SHARES | {
    "CELU", "ELU", "GELU", "Hardshrink", "Hardswish", "LeakyReLU", "Mish", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
}  # fmt: skip
"""Activations that give no logarithms of shares."""
OF_LOGARITHMS = {"NLLLoss": "CrossEntropyLoss", "KLDivLoss": None}
"""Losses of logarithms of shares, each with the loss that computes them itself."""


def odd_losses(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """SB804, SB805 and SB807."""
    for output, loss in spec.losses.items():
        end = plan.scope.outputs[output]
        if end.result is not None:
            continue
        path = loss_path(spec, output)
        found = settled_by(plan.scope, end.position, KEEPS_VALUES)
        last = found if isinstance(found, Step) else None
        if last is not None and loss.type in APPLIES:
            code, layers, applied, other = APPLIES[loss.type]
            if last.type in layers and of_classes(last, plan, output, loss):
                fits = other if last.type in ("LogSoftmax", "Sigmoid") else None
                yield Diagnostic(
                    code, f"{loss.type} applies {applied} itself: this {last.type} is one too many",
                    last.path, instance=last.name,
                    fix="leave it out" + (f", or {path[-1]}: {fits}" if fits is not None else ""),
                )  # fmt: skip
        found = settled_by(plan.scope, end.position)
        last = found if isinstance(found, Step) else None
        if last is None:
            continue
        learned = bool(outcome_of(last).parameters) and last.layer is not None and not last.layer.plugged
        if loss.type in OF_LOGARITHMS and (learned or last.type in NO_LOGARITHMS):
            other = OF_LOGARITHMS[loss.type]
            yield Diagnostic(
                "SB807", f"{loss.type} needs logarithms of shares, but {last.name} is {with_article(last.type)}", path,
                fix="LogSoftmax in its place" if last.type in SHARES
                else (f"{path[-1]}: {other}, or " if other else "") + "a LogSoftmax as the last layer",
            )  # fmt: skip


def of_classes(last: Step, plan: Plan, output: str, loss: Any) -> bool:
    """Whether a Softmax is along the axis of the classes, as far as that axis is the one of the output."""
    axes, dim = plan.outputs[output].rank, getattr(last.layer, "dim", None)
    if last.type == "Softmax2d" or last.output.rank != axes or not hasattr(loss, "class_dim"):
        return True
    if dim is None:
        dim = 0 if axes in (1, 3) else 1  # torch's own guess
    return bool(dim % axes == loss.class_dim % axes)
