"""The summary of a network: a table of its layers, totals and memory. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from specbuild.catalogue.optimizers.optimizer import Optimizer
from specbuild.catalogue.rules import Storage
from specbuild.catalogue.types import TensorType
from specbuild.language.document import Spec
from specbuild.language.items import Reference
from specbuild.network.cost import in_bytes, memory_here, memory_of
from specbuild.network.plan import Plan, Step, outcome_of
from specbuild.network.resolve import fields_document

COLUMNS = ("name", "type", "output", "parameters", "MACs")
INDENT = "  "


class Use(NamedTuple):
    """What the network is to be used for: the question that its memory answers."""

    batch: int
    precision: str
    optimizer: Optimizer | None
    available: int | None
    """Bytes of the machine that it is to run on."""


def use_of(spec: Spec, batch: int | None = None, precision: str = "float32", available: int | None = None) -> Use:
    """The use that a document has in mind, on this machine unless another's memory is given."""
    written = spec.data.train.loader.batch_size if spec.data is not None else 1
    optimizer = spec.optimizer if isinstance(spec.optimizer, Optimizer) else None
    return Use(batch or written, precision, optimizer, memory_here() if available is None else available)


def parameters_of(step: Step, tie: Collection[str] = ()) -> int:
    """The trainable elements of a layer, or of all layers in a scope; those in `tie` count where they are another's."""
    if step.layer is None:
        return sum(parameters_of(inner, tie) for inner in step.steps)
    return sum(storage.size for key, storage in keyed(step) if key not in tie)


def keyed(step: Step) -> Iterator[tuple[str, Storage]]:
    """The parameters of a layer, or of all layers in a scope, by their keys in the `state_dict`."""
    if step.layer is None:
        for inner in step.steps:
            yield from keyed(inner)
        return
    for name, storage in outcome_of(step).parameters.items():
        yield f"{step.name}.{name}" if name else step.name, storage


def tied(step: Step, tie: Collection[str]) -> list[str]:
    """The parameters of a layer, or of all layers in a scope, that are another's."""
    return [key for key, _ in keyed(step) if key in tie] if tie else []


def is_frozen(step: Step, frozen: Collection[str]) -> bool:
    """Whether a layer, or a scope, has parameters, and all of them are frozen."""
    keys = [key for key, _ in keyed(step)] if frozen else []
    return bool(keys) and all(key in frozen for key in keys)


def macs_of(step: Step) -> int:
    """The multiply-accumulates of a layer, or of all layers in a scope, for one sample."""
    if step.layer is None:
        return sum(macs_of(inner) for inner in step.steps)
    return outcome_of(step).macs


def text(plan: Plan, use: Use, depth: int | None = None, over: Plan | None = None) -> str:
    """The table, totals below; scopes deeper than `depth` are one row each.

    over: the plan of the same network over sizes that are left open; `plan` is what it is at some sizes.
    """
    shapes = shapes_of(over or plan)
    inputs = (over or plan).inputs
    rows: list[tuple[str, ...]] = [(name, "", str(given), "", "") for name, given in inputs.items()]
    marked = marked_outputs(plan)
    for position, step in enumerate(plan.steps):
        add_rows(step, 0, rows, depth, plan, shapes, " (output)" if Reference(position) in marked else "")
        for (_, result, _), name in marked.items():
            if result is not None and name == f"{step.local_name}.{result}":
                rows.append((f"{name} (output)", "", str((over or plan).outputs[name]), "", ""))
    widths = [max(len(row[i]) for row in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
    lines = [plan.name, line(COLUMNS, widths), "  ".join("─" * width for width in widths)]
    lines += [line(row, widths) for row in rows]
    sizes = f"at {at_sizes(plan, over)}" if over is not None else ""
    said = totals(plan, use)
    width = max(24, *(len(label) + 2 for label in said))
    lines += [sizes, *(f"{label:<{width}}{value}" for label, value in said.items())]
    return "\n".join(lines)


def shapes_of(plan: Plan) -> dict[str, TensorType]:
    """What each layer and each scope gives."""
    found = {}
    stack = list(plan.steps)
    while stack:
        step = stack.pop()
        found[step.name] = step.output
        stack += step.steps
    return found


def sizes_of(plan: Plan, over: Plan) -> dict[str, int]:
    """The sizes that a plan has where another leaves them open."""
    return {
        str(name): size
        for kind, given in zip(over.inputs.values(), plan.inputs.values(), strict=True)
        for name, size in zip(kind.shape, given.shape, strict=True)
        if not isinstance(name, int)
    }


def at_sizes(plan: Plan, over: Plan) -> str:
    """`H = 32, W = 32`"""
    return ", ".join(f"{name} = {size:,}" for name, size in sizes_of(plan, over).items())


def marked_outputs(plan: Plan) -> dict[Reference, str]:
    """The outputs by where they come from; none where the last layer is the only one."""
    last = Reference(len(plan.steps) - 1)
    outputs = {reference: name for name, reference in plan.scope.outputs.items()}
    return {} if [*outputs] == [last] else outputs


def line(row: tuple[str, ...], widths: list[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = [cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
    return "  ".join(cells).rstrip()


def add_rows(
    step: Step, level: int, rows: list[tuple[str, ...]], depth: int | None, plan: Plan,
    shapes: Mapping[str, TensorType], mark: str = "",
) -> None:  # fmt: skip
    """The row of a step, and those of the steps inside it; mark: what stands after its name."""
    name = INDENT * level + step.local_name + mark
    folded = depth is not None and level + 1 >= depth
    if step.layer is None and not folded:
        rows.append((name, step.type, str(shapes[step.name]), "", ""))
        for inner in step.steps:
            add_rows(inner, level + 1, rows, depth, plan, shapes)
    else:
        own = count(parameters_of(step, plan.tie))
        marks = ["tied"] * bool(tied(step, plan.tie)) + ["frozen"] * is_frozen(step, plan.frozen)
        parameters = f"{own} ({', '.join(marks)})".lstrip() if marks else own
        rows.append((name, step.type, str(shapes[step.name]), parameters, count(macs_of(step))))


def count(number: int) -> str:
    """A number with its thousands apart; nothing for none."""
    return f"{number:,}" if number else ""


def totals(plan: Plan, use: Use) -> dict[str, str]:
    """What the network costs, in words."""
    buffers = sum(s.size for step in plan.layers() for s in outcome_of(step).buffers.values())
    found = {"parameters": f"{plan.parameters():,}"}
    if plan.frozen:
        learned = plan.trainable()
        found["parameters"] += f": {learned:,} trainable, {plan.parameters() - learned:,} frozen"
    if buffers:
        found["buffers"] = f"{buffers:,}"
    found["multiply-accumulates"] = f"{plan.macs():,} a sample"
    memory = memory_of(plan, precision=use.precision, optimizer=use.optimizer)
    found["memory: weights"] = in_bytes(memory.weights + memory.buffers)
    found["memory: running"] = f"{in_bytes(memory.flowing)} a sample"
    learning = in_bytes(memory.gradients + memory.optimizer)
    what = f"gradients and {use.optimizer.type}" if use.optimizer is not None else "gradients"
    found["memory: training"] = f"{in_bytes(memory.kept)} a sample, {learning} for {what}"
    precision = "" if use.precision == "float32" else f", {use.precision}"
    needed = memory.training(use.batch)
    found[f"batch of {use.batch}{precision}"] = (
        f"{in_bytes(memory.evaluating(use.batch))} to run, {in_bytes(needed)} to train{fits(needed, use.available)}"
    )
    return found


def fits(needed: int, available: int | None) -> str:
    """Whether it fits, where that is known."""
    if available is None:
        return ""
    return f": {'fits' if needed <= available else 'does not fit'} in {in_bytes(available)}"


def memory_json(plan: Plan, use: Use) -> dict[str, Any]:
    """Bytes, by what they are for."""
    memory = memory_of(plan, precision=use.precision, optimizer=use.optimizer)
    by_dtype: dict[str, int] = {}
    for step in plan.layers():
        for storage in outcome_of(step).buffers.values():
            by_dtype[storage.dtype] = by_dtype.get(storage.dtype, 0) + storage.bytes
    for _, storage in plan.storages():
        by_dtype[storage.dtype] = by_dtype.get(storage.dtype, 0) + storage.bytes
    needed = memory.training(use.batch)
    return {
        "weights": memory.weights,
        "buffers": memory.buffers,
        "by_dtype": by_dtype,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "running_a_sample": memory.flowing,
        "training_a_sample": memory.kept,
        "batch_size": use.batch,
        "precision": use.precision,
        "running": memory.evaluating(use.batch),
        "training": needed,
        "available": use.available,
        "fits": None if use.available is None else needed <= use.available,
    }


def as_json(plan: Plan, use: Use, over: Plan | None = None) -> dict[str, Any]:
    """The whole tree with its totals, for `json.dumps`; sizes in bytes, shapes without the batch axis.

    over: as for `text`; costs are then those at `sizes`.
    """
    shapes = shapes_of(over or plan)
    return {
        "name": plan.name,
        **({} if over is None else {"sizes": sizes_of(plan, over)}),
        "inputs": {name: type_json(given) for name, given in (over or plan).inputs.items()},
        "outputs": {name: type_json(made) for name, made in (over or plan).outputs.items()},
        "parameters": plan.parameters(),
        "trainable": plan.trainable(),
        "macs": plan.macs(),
        "memory": memory_json(plan, use),
        "layers": [step_json(step, plan, shapes) for step in plan.steps],
    }


def type_json(tensor: TensorType) -> dict[str, Any]:
    """A tensor's type."""
    return {"shape": [size if isinstance(size, int) else str(size) for size in tensor.shape], "dtype": tensor.dtype}


def step_json(step: Step, plan: Plan, shapes: Mapping[str, TensorType]) -> dict[str, Any]:
    """One layer, or a scope with what is in it; `tied` are parameters that count where they are another's."""
    found: dict[str, Any] = {
        "name": step.name,
        "type": step.type,
        "output": type_json(shapes[step.name]),
        "parameters": parameters_of(step, plan.tie),
        "macs": macs_of(step),
    }
    if step.layer is None:
        found["layers"] = [step_json(inner, plan, shapes) for inner in step.steps]
    else:
        if tied(step, plan.tie):
            found["tied"] = tied(step, plan.tie)
        if frozen := [key for key, _ in keyed(step) if key in plan.frozen]:
            found["frozen"] = frozen
        found["arguments"] = fields_document(step.layer)
    return found
