"""The ends of a network: its inputs and outputs, the loss of each output, and tied parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specbuild.catalogue.losses import LOSSES, Loss
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language import names
from specbuild.language.document import Node
from specbuild.language.items import UNKNOWN, Reference
from specbuild.language.parsing import Failed, has_failed, parse_entry, shown
from specbuild.language.wiring import Wiring

LARGEST = 2**31 - 1
"""The largest size that a document may write."""
LONGEST_SYMBOL = 32
"""How many characters the name of an open size may have."""
DTYPE_ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int64", "long": "int64"}


def inputs_of(plain: Mapping[str, Any], problems: list[Diagnostic]) -> dict[str, TensorType]:
    """The inputs by name; empty if one of them was reported."""
    if "input" in plain and "inputs" in plain:
        message = "a document has `input`, or `inputs` where there are several"
        problems.append(Diagnostic("SB203", message, ("inputs",), "key", fix="leave one of them out"))
        return {}
    if "inputs" not in plain:
        found = input_of(plain["input"], ("input",), problems) if "input" in plain else None
        return {} if found is None else {"input": found}
    raw = plain["inputs"]
    if isinstance(raw, Failed):
        return {}
    if not isinstance(raw, dict) or not raw:
        message = f"`inputs` must be a mapping of names to shapes; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, ("inputs",), fix="inputs: {image: [3, 32, 32], meta: [10]}"))
        return {}
    inputs: dict[str, TensorType] = {}
    for name, written in raw.items():
        fault = names.input_fault(name)
        if fault is not None:
            message = f"an input cannot be called {shown(name)}: {fault}"
            problems.append(Diagnostic("SB205", message, ("inputs", name), "key"))
        found = input_of(written, ("inputs", name), problems)
        if found is not None:
            inputs[name] = found
    return inputs if len(inputs) == len(raw) else {}


def input_of(raw: Any, path: Path, problems: list[Diagnostic]) -> TensorType | None:
    """`[3, 32, 32]` or `{shape: [3, 32, 32], dtype: float32}`."""
    if isinstance(raw, Failed):
        return None
    shape, dtype = raw, "float32"
    if isinstance(raw, dict):
        for key in raw:
            if key not in ("shape", "dtype"):
                meant = nearest(key, ("shape", "dtype"))
                fix = f"did you mean `{meant}`?" if meant else "an input has shape and dtype"
                edit = renaming((*path, key), key, meant, {"shape", "dtype"} - raw.keys(), "key")
                problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*path, key), "key", fix=fix, edit=edit))
        dtype = raw.get("dtype", dtype)
        if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
            problems.append(unknown_dtype(dtype, (*path, "dtype")))
            dtype = "float32"
        if "shape" not in raw:
            problems.append(Diagnostic("SB202", "`shape` is missing: the shape of one sample", path))
            return None
        shape, path = raw["shape"], (*path, "shape")
    if not isinstance(shape, list):
        problems.append(
            Diagnostic(
                "SB203",
                f"the input is the shape of one sample, without the batch axis; got {shown(shape)}",
                path,
                fix=f"{path[-1]}: {[shape] if isinstance(shape, int) and shape > 1 else [3, 32, 32]}",
                edit=Edit(path, [shape]) if isinstance(shape, int) and 1 < shape <= LARGEST else None,
            )
        )
        return None
    good = True
    for index, size in enumerate(shape):
        if isinstance(size, Failed):
            good = False
        elif isinstance(size, str) and is_symbol(size):
            continue  # specbuild.language.dims
        elif not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST:
            vast = isinstance(size, int) and size > LARGEST
            wanted = f"is at most {LARGEST}" if vast else "must be a positive integer"
            problems.append(
                Diagnostic(
                    "SB203",
                    f"a size of the input {wanted}; got {shown(size)}",
                    (*path, index),
                    fix="leave the batch axis out" if index == 0 and size in (None, -1) else None,
                )
            )
            good = False
    return TensorType(tuple(shape), dtype) if good else None


def is_symbol(text: str) -> bool:
    """Whether a text may name a size that is left open."""
    return text.isidentifier() and text.isascii() and len(text) <= LONGEST_SYMBOL


def unknown_dtype(written: Any, path: Path) -> Diagnostic:
    """SB203 for a dtype, with the one that was probably meant; torch's other names for one are certain."""
    message = f"`dtype` must be one of {', '.join(ITEM_BYTES)}; got {shown(written)}"
    if not isinstance(written, str):
        return Diagnostic("SB203", message, path)
    name = written.removeprefix("torch.").lower()
    name = DTYPE_ALIASES.get(name, name)
    meant = name if name in ITEM_BYTES else nearest(name, ITEM_BYTES)
    fix = f"did you mean {meant}?" if meant else None
    return Diagnostic("SB203", message, path, fix=fix, edit=renaming(path, name, meant, ITEM_BYTES))


def outputs_of(raw: Any, problems: list[Diagnostic]) -> tuple[str, ...]:
    """The names under `outputs` as written, one that is reported as named twice too; none where it is left out."""
    if raw is None or has_failed(raw):
        return ()
    if isinstance(raw, list):
        raw = [str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in raw]
    if not isinstance(raw, list) or not raw or not all(isinstance(name, str) for name in raw):
        message = f"`outputs` must be a list of names of layers; got {shown(raw)}"
        fix = f"outputs: [{raw}]" if isinstance(raw, str) else "outputs: [head, aux]"
        edit = Edit(("outputs",), [raw]) if isinstance(raw, str) else None
        problems.append(Diagnostic("SB203", message, ("outputs",), fix=fix, edit=edit))
        return ()
    seen: set[str] = set()
    for index, name in enumerate(raw):
        if name in seen:
            message = f"the output `{name}` is named twice"
            problems.append(Diagnostic("SB206", message, ("outputs", index), fix="leave one of them out"))
        seen.add(name)
    return tuple(raw)


def references_of(
    wanted: Sequence[str], nodes: Sequence[Node], wiring: Wiring | None, problems: list[Diagnostic]
) -> dict[str, Reference]:
    """Where each output comes from; the last layer unless `outputs` is written.

    wiring: the names of the outermost scope, those of layers that are left out or were reported too.
    """
    known = {node.name: position for position, node in enumerate(nodes)}
    if not nodes or wiring is None:
        return {}
    if not wanted:
        return {nodes[-1].name: Reference(len(nodes) - 1)}
    found: dict[str, Reference] = {}
    for index, name in enumerate(wanted):
        outer, dot, result = name.partition(".")
        layer = nodes[known[outer]].layer if outer in known else None
        if name in known:
            found[name] = Reference(known[name])
        elif layer is not None and result in layer.results:
            found[name] = Reference(known[outer], result)
        if name in found or name in wanted[:index] or wiring.places.get(name) == UNKNOWN:
            continue
        meant = outer if dot and outer in known else nearest(name, known)
        edit = None
        if name in wiring.left_out:
            message = f"the output `{name}` is left out by `{wiring.reason((name,))}`"
            fix = "leave it out here as well"
        elif name in wiring.places:
            message = f"the output `{name}` is an input; an output is the name of a layer"
            fix = f"{{name: same, type: Identity, from: {name}}} as a layer gives it out again"
        else:
            where = "inside a scope; an output is a layer of the outermost one" if meant == outer else "not there"
            message = f"the output `{name}` is {where}"
            fix = f"did you mean `{meant}`?" if meant else "an output is the name of a layer"
            edit = renaming(("outputs", index), name, meant, known)
        problems.append(Diagnostic("SB212", message, ("outputs", index), fix=fix, edit=edit))
    return found


def tie_of(raw: Any, problems: list[Diagnostic]) -> dict[str, str]:
    """Parameters that are another one, by their keys in the `state_dict`."""
    if raw is None or has_failed(raw):
        return {}
    if not isinstance(raw, dict):
        message = f"`tie` must be a mapping of a parameter to the one that it is; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, ("tie",), fix="tie: {head.weight: embedding.weight}"))
        return {}
    for tied, kept in raw.items():
        if not isinstance(kept, str):
            message = f"`{tied}` must be tied to the name of a parameter; got {shown(kept)}"
            fix = f"tie: {{{tied}: embedding.weight}}"
            problems.append(Diagnostic("SB203", message, ("tie", tied), fix=fix))
    return {tied: kept for tied, kept in raw.items() if isinstance(kept, str)}


def losses_of(raw: Any, outputs: Sequence[str], problems: list[Diagnostic]) -> dict[str, Loss]:
    """The loss of each output that has one: `loss: X`, or `loss: {head: X, aux: Y}` for several outputs."""
    if raw is None or isinstance(raw, Failed):
        return {}
    path: Path = ("loss",)
    by_output = isinstance(raw, dict) and raw and "type" not in raw
    if not by_output or (len(outputs) < 2 and not raw.keys() & set(outputs)):
        several = len(outputs) > 1
        loss = parse_entry(raw, path, LOSSES, "loss", problems) if isinstance(raw, (str, dict)) or not several else None
        if several:
            message = f"a network of several outputs names the output of each loss: {', '.join(outputs)}"
            example = ", ".join(f"{name}: {written_type(raw)}" for name in outputs)
            problems.append(Diagnostic("SB203", message, path, fix=f"loss: {{{example}}}"))
        name = outputs[0] if outputs else ""
        return {name: loss} if isinstance(loss, Loss) else {}
    losses: dict[str, Loss] = {}
    for name, written in raw.items():
        if name not in outputs:
            free = [output for output in outputs if output not in raw]
            meant = nearest(name, free)
            fix = f"did you mean `{meant}`?" if meant else f"the outputs are {', '.join(outputs)}"
            edit = renaming((*path, name), name, meant, free, "key")
            message = f"there is no output `{name}`"
            problems.append(Diagnostic("SB201", message, (*path, name), "key", fix=fix, edit=edit))
        loss = parse_entry(written, (*path, name), LOSSES, "loss", problems)
        if isinstance(loss, Loss):
            losses[name] = loss
    return losses


def written_type(raw: Any) -> str:
    """The type of a loss as written, for an example."""
    kind = raw.get("type") if isinstance(raw, dict) else raw
    return kind if isinstance(kind, str) and kind in LOSSES else "CrossEntropyLoss"
