"""Warnings about layers, and what stands beside what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.catalogue.windows import AXES, each
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.language.wording import with_article
from specbuild.network.lint.graph import Graph
from specbuild.network.plan import Plan, Step

CONVOLUTIONS = frozenset({"Conv1d", "Conv2d", "Conv3d"})
TRANSPOSED = frozenset({"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"})
POOLINGS = frozenset({f"{kind}Pool{axes}d" for kind in ("Max", "Avg", "LP") for axes in (1, 2, 3)})
NORMALIZED = frozenset({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"})
DROPOUTS = frozenset({"AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"})
REARRANGED = frozenset({"Flatten", "Identity", "Permute", "Reshape", "Squeeze", "Transpose", "Unflatten", "Unsqueeze"})
"""Layers that put the same numbers into another shape."""
LINEAR = NORMALIZED | DROPOUTS | {"Flatten", "Identity"} | {
    f"{kind}Pool{axes}d" for kind in ("Avg", "AdaptiveAvg") for axes in (1, 2, 3)
}  # fmt: skip
"""Layers that make nothing nonlinear of what two others give together."""
SHARING = frozenset({"LogSoftmax", "Softmax", "Softmin"})
FAMILIES = {"Linear": "Linear", **dict.fromkeys(CONVOLUTIONS, "Conv"), **dict.fromkeys(TRANSPOSED, "ConvTranspose")}


def odd_layers(plan: Plan) -> Iterator[Diagnostic]:
    """SB808 to SB810, SB812, SB813, SB824, and SB817 for a BatchNorm."""
    graph = Graph(plan)
    tied = {key.rpartition(".")[0] for pair in plan.tie.items() for key in pair}
    cancelled: dict[Path, list[tuple[Step, Step]]] = {}
    for number, step in enumerate(graph.steps):
        kind, sources = step.type, graph.sources[number]
        if kind in FAMILIES:
            before = graph.back(sources[0], LINEAR, alone=True)
            if before is not None and doubled(before, step) and not (tied and tied & {before.name, step.name}):
                yield linear_pair(before, step)
        if kind in NORMALIZED:
            before = graph.back(sources[0], frozenset(), alone=True)
            if before is not None and cancels(before):
                cancelled.setdefault(before.path, []).append((before, step))
            yield from odd_momentum(step)
        if kind in CONVOLUTIONS or kind in POOLINGS:
            yield from unread(step)
        if kind in SHARING:
            yield from over_the_batch(step)
    if cancelled:
        yield from biases(graph, cancelled)
    for number in graph.ends.values():
        last = graph.back(number, REARRANGED)
        if last is not None and last.type in DROPOUTS and argument(last, "p") > 0:
            yield Diagnostic(
                "SB810", f"it is the last layer: in training it drops a share of {argument(last, 'p'):g} of the answer",
                last.path, instance=last.name, fix="put it before the last layer with weights, or leave it out",
            )  # fmt: skip


def argument(step: Step, name: str) -> Any:
    """An argument of a layer."""
    return getattr(step.layer, name)


def doubled(first: Step, second: Step) -> bool:
    """Whether two layers with nothing nonlinear between are no more than one.

    What is narrower in the middle is a factorization, and so are groups and windows of different axes: those are
    made on purpose, with fewer weights than the one layer would have.
    """
    if FAMILIES.get(first.type) != FAMILIES[second.type]:
        return False
    if second.type == "Linear":
        taken, middle, given = (argument(first, "in_features"), argument(first, "out_features"),
                                argument(second, "out_features"))  # fmt: skip
        return bool(middle == argument(second, "in_features") and middle >= min(taken, given))
    if argument(first, "groups") > 1 or argument(second, "groups") > 1:
        return False
    middle = argument(first, "out_channels")
    if middle < min(argument(first, "in_channels"), argument(second, "out_channels")):
        return False
    axes = len(second.output.shape) - 1
    kernels = [*zip(each(argument(first, "kernel_size"), axes), each(argument(second, "kernel_size"), axes),
                    strict=True)]  # fmt: skip
    return not (any(a > b == 1 for a, b in kernels) and any(b > a == 1 for a, b in kernels))


def linear_pair(first: Step, second: Step) -> Diagnostic:
    """SB808."""
    one = "one Linear" if second.type == "Linear" else "one convolution"
    return Diagnostic(
        "SB808", f"nothing nonlinear stands between `{first.name}` and it: the two are no more than {one}",
        second.path, instance=second.name, fix="a ReLU between them, or leave one of them out",
    )  # fmt: skip


def cancels(step: Step) -> bool:
    """Whether a layer adds a number to each channel, which a BatchNorm after it takes away again."""
    if step.type == "Linear" and len(step.output.shape) != 1:
        return False  # the channels of the BatchNorm are another axis
    return step.type in FAMILIES and bool(argument(step, "bias"))


def biases(graph: Graph, cancelled: dict[Path, list[tuple[Step, Step]]]) -> Iterator[Diagnostic]:
    """SB809, with the edit where it is right for all instances of the line."""
    uses = dict.fromkeys(cancelled, 0)
    for step in graph.steps:
        if step.path in uses:
            uses[step.path] += 1
    for path, pairs in cancelled.items():
        before, after = pairs[0]
        everywhere = len(pairs) == uses[path]
        yield Diagnostic(
            "SB809", f"its bias is lost: `{after.name}`, {with_article(after.type)}, takes each channel's mean away",
            (*path, "bias"), instance=before.name,
            fix="bias: false" if everywhere else f"bias: false where {with_article(after.type)} follows",
            edit=Edit((*path, "bias"), False) if everywhere else None,
        )  # fmt: skip


def odd_momentum(step: Step) -> Iterator[Diagnostic]:
    """SB817 for a momentum that counts as Keras does."""
    momentum = argument(step, "momentum")
    if momentum is None or 0 <= momentum <= 0.5 or momentum == 1:
        return
    fix = f"momentum: {1 - momentum:.4g}" if 0 < momentum < 1 else "momentum: 0.1"
    yield Diagnostic(
        "SB817", f"momentum is {momentum:g}, which is the share of the new batch: to all before it is left "
        f"{1 - momentum:.4g}" if 0 < momentum < 1 else f"momentum is {momentum:g}: it is a share, from 0 to 1",
        (*step.path, "momentum"), instance=step.name, fix=fix,
    )  # fmt: skip


def over_the_batch(step: Step) -> Iterator[Diagnostic]:
    """SB824 for shares of the samples in a batch, where those of one sample are most likely meant."""
    dim, rank = argument(step, "dim"), step.output.rank
    guessed = dim is None and rank in (1, 3)  # torch's own guess, and otherwise 1
    if step.output.batched and rank > 1 and (guessed or (dim is not None and dim % rank == 0)):
        fact = f"`dim` is left out, which torch takes for 0 where there are {rank} axes" if dim is None else (
            f"`dim` is {dim}")  # fmt: skip
        yield Diagnostic(
            "SB824", f"{fact}: the shares are of the samples of the batch, which add up to 1",
            (*step.path, "dim") if dim is not None else step.path, instance=step.name,
            fix="dim: 1" if rank == 2 else "dim: -1, or dim: 1",
        )  # fmt: skip


def unread(step: Step) -> Iterator[Diagnostic]:
    """SB812 and SB813: rows or columns of the input that no window covers."""
    sizes = step.inputs[0].shape[1:]
    counts = step.output.shape[1:]
    axes = len(sizes)
    kernels = each(argument(step, "kernel_size"), axes)
    written = argument(step, "stride")
    strides = kernels if written is None else each(written, axes)
    dilations = each(getattr(step.layer, "dilation", 1), axes)
    wide = [
        (axis, kernel, stride)
        for axis, kernel, stride, dilation, count in zip(AXES[axes], kernels, strides, dilations, counts, strict=True)
        if kernel > 1 and stride > dilation * (kernel - 1) + 1 and not (isinstance(count, int) and count == 1)
    ]
    if wide:
        axis, kernel, stride = wide[0]
        share = "what is between them"
        if set(dilations) == {1}:
            share = f"{stride - kernel} of every {stride} points along the {axis}"
        yield Diagnostic(
            "SB812", f"stride is {stride}, but kernel_size is {kernel}: its windows miss {share}",
            (*step.path, "stride"), instance=step.name, fix=f"stride: {kernel}, or kernel_size: {stride}",
        )  # fmt: skip
        return
    padding = each(getattr(step.layer, "padding", 0), axes) if step.type in POOLINGS else ()
    if step.type not in POOLINGS or argument(step, "ceil_mode") or any(padding):
        return
    left = [
        (axis, size, (size - kernel) % stride, stride)
        for axis, size, kernel, stride in zip(AXES[axes], sizes, kernels, strides, strict=True)
        if kernel == stride and isinstance(size, int) and (size - kernel) % stride
    ]
    if left:
        lost = " and ".join(f"{dropped} of the {axis} {size}" for axis, size, dropped, _ in left)
        axis, *_, multiple = left[0]
        yield Diagnostic(
            "SB813", f"its windows miss {lost}", step.path, instance=step.name,
            fix=f"ceil_mode: true, or a {axis} that is a multiple of {multiple}",
        )  # fmt: skip
