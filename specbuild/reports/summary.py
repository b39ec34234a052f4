"""The summary of a network: a table of its layers, totals and memory. Imports no torch."""

from __future__ import annotations

from typing import Any

from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.network.plan import Plan, Step, outcome_of

COLUMNS = ("name", "type", "output", "parameters", "MACs")
INDENT = "  "


def activation_bytes(plan: Plan) -> int:
    """Bytes of the input and of every layer's output, for one sample."""
    return sum(bytes_of(given) for given in plan.inputs.values()) + sum(bytes_of(step.output) for step in plan.layers())


def bytes_of(tensor: TensorType) -> int:
    """Bytes of one sample of a type."""
    return tensor.size * ITEM_BYTES[tensor.dtype]


def parameters_of(step: Step) -> int:
    """The trainable elements of a layer, or of all layers in a scope."""
    if step.layer is None:
        return sum(parameters_of(inner) for inner in step.steps)
    return sum(storage.size for storage in outcome_of(step).parameters.values())


def macs_of(step: Step) -> int:
    """The multiply-accumulates of a layer, or of all layers in a scope, for one sample."""
    if step.layer is None:
        return sum(macs_of(inner) for inner in step.steps)
    return outcome_of(step).macs


def text(plan: Plan, depth: int | None = None) -> str:
    """The table, totals below; scopes deeper than `depth` are one row each."""
    rows: list[tuple[str, ...]] = [(name, "", str(given), "", "") for name, given in plan.inputs.items()]
    for step in plan.steps:
        add_rows(step, 0, rows, depth)
    widths = [max(len(row[i]) for row in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
    lines = [plan.name, line(COLUMNS, widths), "  ".join("─" * width for width in widths)]
    lines += [line(row, widths) for row in rows]
    lines += ["", *(f"{label:<24}{value}" for label, value in totals(plan).items())]
    return "\n".join(lines)


def line(row: tuple[str, ...], widths: list[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = [cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
    return "  ".join(cells).rstrip()


def add_rows(step: Step, level: int, rows: list[tuple[str, ...]], depth: int | None) -> None:
    """The row of a step, and those of the steps inside it."""
    name = INDENT * level + step.local_name
    folded = depth is not None and level + 1 >= depth
    if step.layer is None and not folded:
        rows.append((name, step.type, str(step.output), "", ""))
        for inner in step.steps:
            add_rows(inner, level + 1, rows, depth)
    else:
        rows.append((name, step.type, str(step.output), count(parameters_of(step)), count(macs_of(step))))


def count(number: int) -> str:
    """A number with its thousands apart; nothing for none."""
    return f"{number:,}" if number else ""


def totals(plan: Plan) -> dict[str, str]:
    """What the network costs, in words."""
    buffers = sum(s.size for step in plan.layers() for s in outcome_of(step).buffers.values())
    found = {"parameters": f"{plan.parameters():,}"}
    if buffers:
        found["buffers"] = f"{buffers:,}"
    found["multiply-accumulates"] = f"{plan.macs():,} a sample"
    found["memory: weights"] = mebibytes(plan.parameter_bytes())
    found["memory: activations"] = f"{mebibytes(activation_bytes(plan))} a sample"
    return found


def mebibytes(size: int) -> str:
    """A number of bytes in MiB."""
    return f"{size / 2**20:,.2f} MiB"


def as_json(plan: Plan) -> dict[str, Any]:
    """The whole tree with its totals, for `json.dumps`; sizes in bytes, shapes without the batch axis."""
    return {
        "name": plan.name,
        "inputs": {name: type_json(given) for name, given in plan.inputs.items()},
        "outputs": {name: type_json(made) for name, made in plan.outputs.items()},
        "parameters": plan.parameters(),
        "macs": plan.macs(),
        "weight_bytes": plan.parameter_bytes(),
        "activation_bytes": activation_bytes(plan),
        "layers": [step_json(step) for step in plan.steps],
    }


def type_json(tensor: TensorType) -> dict[str, Any]:
    """A tensor's type."""
    return {"shape": list(tensor.shape), "dtype": tensor.dtype}


def step_json(step: Step) -> dict[str, Any]:
    """One layer, or a scope with what is in it."""
    found: dict[str, Any] = {
        "name": step.name,
        "type": step.type,
        "output": type_json(step.output),
        "parameters": parameters_of(step),
        "macs": macs_of(step),
    }
    if step.layer is None:
        found["layers"] = [step_json(inner) for inner in step.steps]
    else:
        found["arguments"] = step.layer.arguments()
    return found
