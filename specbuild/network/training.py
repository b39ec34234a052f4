"""The section `train` against the network, the loss and the optimizer, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specbuild.catalogue.optimizers import Optimizer
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Spec
from specbuild.network.grouping import learned
from specbuild.network.plan import Plan
from specbuild.network.scheduling import span_of, steps_per_epoch

CLIPPINGS = ("clip_grad_norm", "clip_grad_value")


def check_training(spec: Spec, plan: Plan | None, names: Sequence[str]) -> Iterator[Diagnostic]:
    """What of `train` does not go together; names: of the numbers that an epoch ends with."""
    yield from check_closure(spec)
    yield from check_stopping(spec, names)
    yield from check_average(spec, steps_per_epoch(spec))
    if plan is None:
        return
    if spec.train.memory_format == "channels_last":
        misfit = layout_misfit(plan)
        if misfit is not None:
            yield refused("memory_format", f"memory_format is channels_last, but {misfit}", "memory_format: auto")
    for field in CLIPPINGS:
        if getattr(spec.train, field) is None:
            continue
        sparse = next((parameter.names[0] for parameter in learned(plan) if parameter.sparse), None)
        if sparse is not None:
            fix = f"leave {field} out, or `sparse: true`"
            yield refused(field, f"{field} takes no sparse gradients, as those of {sparse} are", fix)


def check_closure(spec: Spec) -> Iterator[Diagnostic]:
    """What an optimizer that evaluates a batch as often as it likes cannot do."""
    if not closes_over(spec):
        return
    assert isinstance(spec.optimizer, Optimizer)
    name, train = spec.optimizer.type, spec.train
    often = f"{name} evaluates the loss of a batch several times a step"
    if train.accumulate > 1:
        yield refused("accumulate", f"{often}: it takes no accumulated gradients", "a larger batch_size")
    for field in CLIPPINGS:
        if getattr(train, field) is not None:
            yield refused(field, f"{often}, and searches by its gradients as they are", f"leave {field} out")
    if train.precision == "float16":
        message = f"{often}: its gradients cannot be scaled as float16 needs it"
        yield refused("precision", message, "precision: float32")
    if train.memory_format == "channels_last":
        message = f"{name} takes gradients as one vector, which channels_last does not allow"
        yield refused("memory_format", message, "leave memory_format out")


def check_stopping(spec: Spec, names: Sequence[str]) -> Iterator[Diagnostic]:
    """The number that an early end goes by."""
    stopping = spec.train.early_stopping
    if stopping is None or stopping.metric is None or stopping.metric in names:
        return
    meant = nearest(stopping.metric, names)
    path: Path = ("train", "early_stopping", "metric")
    yield Diagnostic(
        "SB411", f"early_stopping.metric is {stopping.metric}, but an epoch ends with {', '.join(names)}", path,
        fix=f"did you mean {meant}?" if meant else None, edit=renaming(path, stopping.metric, meant, names),
    )  # fmt: skip


def check_average(spec: Spec, steps: int | None) -> Iterator[Diagnostic]:
    """An average of the weights that is never brought up to date; steps: of an epoch, None where they are not known."""
    ema = spec.train.ema
    if ema is None or steps is None:
        return
    span = span_of(spec, "step", steps)
    if ema.every > span.total:
        only = f"but there {'is' if span.total == 1 else 'are'} only {span}: it would stay at the first weights"
        path: Path = ("train", "ema", "every")
        yield Diagnostic(
            "SB410", f"the average is brought up to date every {ema.every} steps, {only}", path, fix="every: 1"
        )


def closes_over(spec: Spec) -> bool:
    """Whether the optimizer evaluates a batch as often as it likes."""
    return bool(getattr(spec.optimizer, "closure", False))


def layout_misfit(plan: Plan) -> str | None:
    """Why images cannot lie channels last in this network, in words; None where they can."""
    if not any(len(kind.shape) == 3 for kind in plan.inputs.values()):
        return "no input has the three axes of an image"
    # `Module.to` would lay out tensors of five axes so as well, and fail.
    wide = next((step for step, storage in plan.storages() if len(storage.shape) == 5), None)
    return None if wide is None else "the network has weights of five axes, which cannot lie so"


def refused(field: str, message: str, fix: str) -> Diagnostic:
    """SB410 at a field of `train`."""
    return Diagnostic("SB410", message, ("train", field), fix=fix)
