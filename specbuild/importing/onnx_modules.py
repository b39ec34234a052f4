"""Attention, recurrent layers and counted positions, which torch's exporter writes as many operators of one module.

What is found is a guess from few of them; the forward pass of both proves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specbuild.importing.onnx_calls import Call, Made
from specbuild.importing.onnx_files import Array, Op

GATES: Mapping[str, tuple[int, ...]] = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}
"""Where torch's gates stand in ONNX's order: i, o, f, c is read as i, f, g, o; and z, r, h as r, z, n."""


@dataclass(slots=True)
class Values:
    """What is known of the values of a file."""

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]
    constants: dict[str, Array]
    """Grows by the parameters of what is found."""
    batched: Mapping[str, bool]
    inputs: Sequence[str]
    outputs: Sequence[str]

    def flows(self, name: str) -> bool:
        """Whether a value is a tensor of samples."""
        return self.batched.get(name, False) or (
            name not in self.constants and "float" in self.dtypes.get(name, "") and self.shapes[name][:1] != ()
        )


def gathered(ops: Sequence[Op], values: Values) -> list[Op]:
    """The operators, those of a module that is one layer as one."""
    found = [positions(op, values) or op for op in ops]
    for place in dict.fromkeys(op.place for op in found if op.kind in ("Softmax", *GATES) and op.place):
        group = [op for op in found if op.place == place]
        ends = ends_of(group, found, values)
        if ends is None:
            continue
        entry, end = ends
        made = recurrent(group, entry, end, values) or attention(group, entry, end, values)
        if made is not None:
            at = next(index for index, op in enumerate(found) if end in op.outputs)
            found[at] = made
            found = [op for op in found if op is made or op.place != place]
    return found


def positions(op: Op, values: Values) -> Op | None:
    """0, 1, 2, ... for each sample, as Positions of an input with that many entries."""
    counted = values.constants.get(op.inputs[0]) if op.kind in ("Tile", "Expand") else None
    if counted is None or counted.dtype != np.int64 or counted.ravel().tolist() != list(range(counted.size)):
        return None
    if not values.batched.get(op.outputs[0]) or values.shapes[op.outputs[0]][1:] != (counted.size,):
        return None
    for name in values.inputs:
        dim = next((axis for axis, size in enumerate(values.shapes[name]) if axis and size == counted.size), None)
        if dim is not None:
            return Op("Positions", op.name, [name], op.outputs, {"dim": dim}, op.place)
    return None


def ends_of(group: Sequence[Op], ops: Sequence[Op], values: Values) -> tuple[str, str] | None:
    """What a module takes and gives, where that is one tensor each."""
    own, made = set(map(id, group)), {name for op in group for name in op.outputs}
    entries = {name for op in group for name in op.inputs if name and name not in made and values.batched.get(name)}
    read = {*values.outputs, *(name for op in ops if id(op) not in own for name in op.inputs)}
    ends = {name for name in made & read if values.flows(name)}
    if len(entries) != 1 or len(ends) != 1:
        return None
    return next(iter(entries)), next(iter(ends))


def matrix(op: Op, constants: Mapping[str, Array]) -> Array | None:
    """The matrix of a product as a Linear keeps it: a row for each output."""
    found = constants.get(op.inputs[1]) if op.kind in ("MatMul", "Gemm") else None
    if found is None or found.ndim != 2:
        return None
    return found if op.attributes.get("transB") else found.T


def attention(group: Sequence[Op], entry: str, end: str, values: Values) -> Op | None:
    """Attention of a sequence to itself."""
    constants, size = values.constants, values.shapes[entry][-1]
    matrices = [each for op in group if (each := matrix(op, constants)) is not None]
    weights = [op.outputs[0] for op in group if op.kind == "Softmax"]
    wanted = [(3 * size, size), (size, size)]
    if len(weights) != 1 or [each.shape for each in matrices] != wanted or len(values.shapes[weights[0]]) != 4:
        return None
    vectors = [constants[name] for op in group if op.kind in ("Add", "Gemm")
               for name in op.inputs if name in constants and constants[name].ndim == 1]  # fmt: skip
    biases = {len(vector): vector for vector in vectors}
    names = [f"{end}@{index}" for index in range(4)]
    found: list[Array] = [matrices[0], matrices[1]]
    if biases:
        found += [biases.get(3 * size, np.zeros(3 * size, np.float32)), biases.get(size, np.zeros(size, np.float32))]
    constants.update(zip(names, found, strict=False))
    causal = any(op.kind == "Trilu" for op in group) or any(
        op.kind == "Add" and np.isneginf(constants[name]).any()
        for op in group
        for name in op.inputs
        if name in constants
    )
    attributes = {"num_heads": values.shapes[weights[0]][1], "causal": causal}
    return Op("MultiheadAttention", group[-1].name, [entry, *names[: len(found)]], [end], attributes, group[0].place)


def recurrent(group: Sequence[Op], entry: str, end: str, values: Values) -> Op | None:
    """An LSTM or a GRU of one layer or several."""
    layers = [op for op in group if op.kind in GATES]
    if not layers or len({op.kind for op in layers}) > 1:
        return None
    kind = layers[0].kind
    if any(name not in values.constants for op in layers for name in op.inputs[1:4] if name):
        return None
    arrays: dict[str, Array] = {}
    for number, op in enumerate(layers):
        given = [values.constants[name] for name in op.inputs[1:4] if name]
        for direction in range(len(given[0])):
            tail = f"_l{number}{'_reverse' if direction else ''}"
            parts = [given[0][direction], given[1][direction]]
            parts += np.split(given[2][direction], 2) if len(given) > 2 else []
            for name, part in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), parts, strict=False):
                gates = np.split(part, len(GATES[kind]))
                arrays[f"{name}{tail}"] = np.concatenate([gates[index] for index in GATES[kind]])
    names = [f"{end}@{name}" for name in arrays]
    values.constants.update(zip(names, arrays.values(), strict=True))
    attributes = {
        "hidden_size": layers[0].attributes["hidden_size"], "num_layers": len(layers),
        "bidirectional": layers[0].attributes.get("direction") == b"bidirectional",
        "bias": any(name.startswith("bias") for name in arrays), "names": list(arrays),
        "returns": "sequence" if len(values.shapes[end]) == 3 else "last",
    }  # fmt: skip
    return Op(f"Module.{kind}", group[-1].name, [entry, *names], [end], attributes, group[0].place)


def attention_layer(call: Call) -> Made:
    """A MultiheadAttention."""
    parameters = call.parameters("in_proj_weight", "out_proj.weight", "in_proj_bias", "out_proj.bias")
    arguments = {"num_heads": call.get("num_heads", 1), "bias": "in_proj_bias" in parameters,
                 "causal": call.get("causal", False)}  # fmt: skip
    return Made("MultiheadAttention", arguments, parameters)


def recurrent_layer(call: Call) -> Made:
    """An LSTM or a GRU."""
    arguments = {name: value for name, value in call.op.attributes.items() if name != "names"}
    return Made(call.op.kind.removeprefix("Module."), arguments, call.parameters(*call.get("names", [])))


def positions_layer(call: Call) -> Made:
    """Positions."""
    return Made("Positions", {"dim": call.get("dim", 1)})


LAYERS = {"MultiheadAttention": attention_layer, "Module.LSTM": recurrent_layer, "Module.GRU": recurrent_layer,
          "Positions": positions_layer}  # fmt: skip
"""What operators that were put together are."""
