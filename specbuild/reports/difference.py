"""What changed between two documents, as people and programs read it. Imports no torch."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from specbuild.catalogue.types import TensorType
from specbuild.network.difference import Difference, LayerChange, differ, leaves
from specbuild.network.plan import Step
from specbuild.network.resolve import fields_document
from specbuild.network.states import Weights
from specbuild.network.values import ABSENT, short

WIDTH = 80
NAMES = 26
"""The column of names is as wide as the longest, up to this."""
SHOWN = 3
"""How many keys of a `state_dict` are shown."""
SHORT_LIST = re.compile(r"\[[^\[\]]{,40}\]")
"""What stays on one line."""
TRAINING = ("tie", "weights", "freeze", "loss", "optimizer", "scheduler", "metrics", "data", "train")
MARKS = {"added": "+", "gone": "-", "changed": "~", "renamed": "~", "moved": "~"}

Row = tuple[str, str, str]
"""A mark, a name, and what changed."""


def text(found: Difference, old: str, new: str) -> str:
    """The changes by part, `+ - ~` before each; old, new: what the documents are called."""
    if not found:
        return f"{old} and {new} mean the same"
    parts = {
        "layers": grouped(layer_rows(found.layers)),
        "inputs and outputs": [*ends(found), *section_rows(found, ("dims",))],
        "shapes": [*shape_rows(found)],
        "init": grouped(("~", key, arrow(*values)) for key, values in found.init.items()),
        "training": [*section_rows(found, TRAINING)],
    }
    lines = [f"{old} → {new}"]
    for title, rows in parts.items():
        if rows:
            lines += ["", title, *table(rows)]
    lines += ["", *totals(found), *weight_lines(found.weights)]
    return "\n".join(lines)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Rows with their names in a column, cut into lines of 80."""
    column = min(NAMES, max(len(name) for _, name, _ in rows))
    for mark, name, told in rows:
        head = f"  {mark} {name.ljust(column)}  "
        if len(name) > column:
            yield head.rstrip()
            head = " " * (column + 6)
        yield from wrapped(head, told)


def wrapped(head: str, told: str) -> Iterator[str]:
    """A text after its head, further lines below it."""
    told = SHORT_LIST.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), told)
    lines = textwrap.wrap(told, max(WIDTH - len(head), 30), break_long_words=False, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield ((" " * len(head) if number else head) + line.replace("\N{NO-BREAK SPACE}", " ")).rstrip()


def grouped(rows: Iterable[Row]) -> list[Row]:
    """Rows that tell the same of several names as one."""
    names: dict[tuple[str, str], list[str]] = {}
    for mark, name, told in rows:
        names.setdefault((mark, told), []).append(name)
    return [
        (mark, f"{several[0]} and {len(several) - 1} more" if len(several) > 1 else several[0], told)
        for (mark, told), several in names.items()
    ]


def layer_rows(changes: Iterable[LayerChange]) -> Iterator[Row]:
    """A row a layer."""
    for change in changes:
        step = change.new or change.old
        assert step is not None
        told = [f"{path}: {arrow(*values)}" for path, values in change.arguments.items() if path != "type"]
        if "type" in change.arguments:
            told = [arrow(*change.arguments["type"]), *told]
        elif change.kind in ("added", "gone"):
            told = [what(step)]
        else:
            told = [step.type, *told]
        if change.kind in ("renamed", "moved"):
            assert change.old is not None
            before = f" from {change.old.name}" if change.old.name != step.name else ""
            told = [f"{change.kind}{before}", *told[1:]]
            if change.kind == "renamed" and change.old.local_name.isdigit() and step.local_name.isdigit():
                told[0] = "renumbered"
        yield MARKS[change.kind], step.name, ", ".join(told)


def what(step: Step) -> str:
    """A layer with the arguments that are not its defaults, the sizes that follow left out; a scope by its layers."""
    if step.layer is None:
        count = sum(1 for _ in leaves(step))
        return f"{step.type} of {count} layer{'s' if count > 1 else ''}"
    assert step.outcome is not None
    written = short(step.layer)
    if isinstance(written, str):
        return written
    kept = [
        f"{name}: {worded(value)}" for name, value in written.items() if name not in {"type", *step.outcome.arguments}
    ]
    return ", ".join([step.type, *kept])


def ends(found: Difference) -> Iterator[Row]:
    """Inputs and outputs."""
    for name, (old, new) in found.inputs.items():
        yield mark_of(old, new), name, arrow(ABSENT if old is None else str(old), ABSENT if new is None else str(new))
    for output, (before, after) in found.outputs.items():
        yield mark_of(before, after), output, f"output: {arrow(before or ABSENT, after or ABSENT)}"


def shape_rows(found: Difference) -> Iterator[Row]:
    """Where shapes begin to differ."""
    if found.shapes is not None:
        old, new, after = found.shapes
        rest = f", and {after} layer{'s' if after > 1 else ''} after it" if after else ""
        yield "~", new.name, f"{arrow(str(old.output), str(new.output))}{rest}"


def section_rows(found: Difference, sections: Collection[str]) -> Iterator[Row]:
    """What is beside the layers, of some sections."""
    for path, (old, new) in found.sections.items():
        if re.split(r"[.\[]", path)[0] not in sections:
            continue
        if isinstance(old, dict) or isinstance(new, dict) or "." not in path:
            old, new = (ABSENT if value is None else value for value in (old, new))
        mark = "+" if old == ABSENT else "-" if new == ABSENT else "~"
        yield mark, path, worded(new) if mark == "+" else worded(old) if mark == "-" else arrow(old, new)


def mark_of(old: object, new: object) -> str:
    """Whether something is new, gone or changed."""
    return "+" if old is None else "-" if new is None else "~"


def arrow(old: Any, new: Any) -> str:
    """Old and new."""
    return worded(new) if old == ABSENT else worded(old) if new == ABSENT else f"{worded(old)} → {worded(new)}"


def worded(value: Any) -> str:
    """A value as a document has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {worded(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(worded, value)) + "]"
    return json.dumps(value) if value is None or isinstance(value, (bool, float, int)) else str(value)


def totals(found: Difference) -> Iterator[str]:
    """Parameters and multiply-accumulates."""
    for label, (old, new) in {"parameters": found.parameters, "multiply-accumulates": found.macs}.items():
        told = f"{number(old)} → {number(new)}" if differ(old, new) else f"{number(old)}, as before"
        yield from wrapped(f"{label:<22}", told)


def number(value: Any) -> str:
    """A number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def weight_lines(weights: Weights) -> Iterator[str]:
    """Which entries fit, and the first ones of those that do not."""
    yield f"{'weights':<22}{len(weights.fit)} of {weights.total} fit by key and shape"
    shapes = [f"{key} {list(old.shape)} → {list(new.shape)}" for key, (old, new) in weights.reshaped.items()]
    yield from some("~ other shape:", shapes)
    yield from some("+ new:", weights.missing)
    yield from some("- gone:", weights.unexpected)
    yield from some("~ fit if renamed:", [f"{old} → {new}" for old, new in weights.renamed.items()])


def some(head: str, told: Sequence[str]) -> Iterator[str]:
    """The first ones, and how many more."""
    if told:
        rest = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        yield from wrapped(f"  {head} ", ", ".join(told[:SHOWN]) + rest)


def as_json(found: Difference) -> dict[str, Any]:
    """All of it, for `json.dumps`: old values before new ones, null where there is none."""
    weights, shapes = found.weights, found.shapes
    return {
        "same": not found,
        "layers": [change_json(change) for change in found.layers],
        "inputs": {name: both(type_json(old), type_json(new)) for name, (old, new) in found.inputs.items()},
        "outputs": {name: both(old, new) for name, (old, new) in found.outputs.items()},
        "shapes": None
        if shapes is None
        else {"layer": shapes.new.name, **both(type_json(shapes.old.output), type_json(shapes.new.output)),
              "layers_after": shapes.after},
        "parameters": both(*found.parameters),
        "macs": both(*map(exact, found.macs)),
        "init": {key: both(*values) for key, values in found.init.items()},
        "sections": {path: both(*values) for path, values in found.sections.items()},
        "weights": {
            "total": weights.total,
            "fit": list(weights.fit),
            "missing": list(weights.missing),
            "unexpected": list(weights.unexpected),
            "reshaped": {
                key: both(list(old.shape), list(new.shape)) for key, (old, new) in weights.reshaped.items()
            },
            "renamed": dict(weights.renamed),
        },
    }  # fmt: skip


def change_json(change: LayerChange) -> dict[str, Any]:
    """One layer."""
    arguments = change.arguments
    step = change.new or change.old
    if change.kind in ("added", "gone") and step is not None and step.layer is not None:
        values = fields_document(step.layer)
        arguments = {name: (value, None) if change.new is None else (None, value) for name, value in values.items()}
    return {
        "change": change.kind,
        "name": both(change.old and change.old.name, change.new and change.new.name),
        "type": both(change.old and change.old.type, change.new and change.new.type),
        "arguments": {path: both(*values) for path, values in arguments.items()},
    }


def both(old: Any, new: Any) -> dict[str, Any]:
    """Two values by name."""
    return {"old": None if old == ABSENT else old, "new": None if new == ABSENT else new}


def type_json(tensor: TensorType | None) -> dict[str, Any] | None:
    """A tensor's type."""
    return tensor and {"shape": [exact(size) for size in tensor.shape], "dtype": tensor.dtype}


def exact(size: Any) -> Any:
    """A size as a number, or an expression as its text."""
    return size if isinstance(size, int) else str(size)
