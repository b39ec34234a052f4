"""Operators of ONNX that are one layer together, as exporters write them: found by their form, put in as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from specbuild.importing.onnx_files import Array, Op

X = "x"
"""What a pattern takes; at every place the same value."""
Constants = Mapping[str, Array]
Shapes = Mapping[str, tuple[int, ...]]
Pattern = Any
"""A variable's name; a number; or an operator's kind and the patterns of what it takes."""
COMMUTATIVE = frozenset({"Add", "Mul"})


class Found(NamedTuple):
    """What a pattern's variables are, and the operators that it is made of."""

    bound: dict[str, str]
    within: list[Op]


def number(value: float) -> Pattern:
    """A constant with one entry."""
    return ("=", value)


HALF, ONE = number(0.5), number(1.0)
ERF = ("Add", ("Erf", ("Div", X, number(np.sqrt(2.0)))), ONE)
ERF_BY_PRODUCT = ("Add", ("Erf", ("Mul", X, number(np.sqrt(0.5)))), ONE)
CENTERED = ("Sub", X, ("ReduceMean:1", X))
VARIANCE = ("ReduceMean:2", ("Pow", CENTERED, number(2.0)))
NORMED = ("Div", CENTERED, ("Sqrt", ("Add", VARIANCE, "eps")))
SQUARE = ("ReduceMean", ("Pow", X, number(2.0)))
PATTERNS: Sequence[tuple[str, Pattern]] = (
    *(("Gelu", form) for erf in (ERF, ERF_BY_PRODUCT) for form in (
        ("Mul", ("Mul", X, erf), HALF), ("Mul", ("Mul", X, HALF), erf), ("Mul", X, ("Mul", erf, HALF)))),
    ("LayerNorm", ("Add", ("Mul", NORMED, "weight"), "bias")),
    ("RMSNorm", ("Mul", ("Mul", X, ("Reciprocal", ("Sqrt", ("Add", SQUARE, "eps")))), "weight")),
    ("RMSNorm", ("Mul", ("Div", X, ("Sqrt", ("Add", SQUARE, "eps"))), "weight")),
    ("GroupNorm", ("Add", ("Mul", ("Reshape", ("InstanceNormalization", ("Reshape", X, "groups"), "one", "zero"),
                                   "?shape"), "weight"), "bias")),
    ("GLU", ("Mul", ("Split:0", X), ("Sigmoid", ("Split:1", X)))),
    ("SiLU", ("Mul", X, ("Sigmoid", X))),
    ("Mish", ("Mul", X, ("Tanh", ("Softplus", X)))),
    ("Softplus", ("Where", ("Greater", X, number(20.0)), X, ("Softplus", X))),
    ("LogSigmoid", ("Log", ("Sigmoid", X))),
    ("Softsign", ("Div", X, ("Add", ("Abs", X), ONE))),
    ("HardSwish", ("Mul", X, ("HardSigmoid", X))),
    ("HardSwish", ("Div", ("Mul", X, ("Clip:0-6", ("Add", X, number(3.0)))), number(6.0))),
)  # fmt: skip
"""What is looked for, the larger ones first."""


class Fuser:
    """One walk over operators in their order."""

    def __init__(self, ops: list[Op], constants: Constants, outputs: Sequence[str], shapes: Shapes) -> None:
        self.ops, self.constants, self.shapes = ops, constants, shapes
        self.made = {name: op for op in ops for name in op.outputs if name}
        self.readers: dict[str, int] = dict.fromkeys(outputs, 1)
        for op in ops:
            for name in op.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1

    def fused(self) -> list[Op]:
        """The operators, those of a pattern as one; what only they took is still there, and nothing reads it."""
        found = []
        for op in self.ops:
            found.append(self.linear(op) or self.one(op) or op)
            for name in found[-1].outputs:
                self.made[name] = found[-1]
        return found

    def one(self, op: Op) -> Op | None:
        """The first pattern that ends in an operator."""
        for kind, pattern in PATTERNS:
            if pattern[0] != op.kind:
                continue
            match = Found({}, [])
            if self.matches(pattern, op.outputs[0], match) and (attributes := self.settled(kind, match)) is not None:
                inputs = [match.bound[name] for name in (X, "weight", "bias") if name in match.bound]
                return Op(kind, op.name, inputs, [op.outputs[0]], attributes, op.place)
        return None

    def matches(self, pattern: Pattern, value: str, found: Found) -> bool:
        """Whether a value is of a form; notes what its variables are."""
        if isinstance(pattern, str):
            if pattern.startswith("?"):
                return True
            if pattern != X and value not in self.constants:
                return False
            return found.bound.setdefault(pattern, value) == value
        kind, *parts = pattern
        if kind == "=":
            constant = self.constants.get(value)
            return constant is not None and constant.size == 1 and bool(np.isclose(float(constant.item()), parts[0]))
        op = self.made.get(value)
        kind, _, detail = kind.partition(":")
        if op is None or op.kind != kind or not self.detailed(op, detail, value):
            return False
        orders = [parts, parts[::-1]] if kind in COMMUTATIVE else [parts]
        for order in orders:
            given = op.inputs if len(order) > 1 else op.inputs[:1]
            before = dict(found.bound)
            if len(given) >= len(order) and all(self.matches(p, v, found) for p, v in zip(order, given, strict=False)):
                found.within.append(op)
                return True
            found.bound.clear()
            found.bound.update(before)
        return False

    def detailed(self, op: Op, detail: str, value: str) -> bool:
        """Whether an operator is of the kind within its kind."""
        if op.kind == "Split":
            return op.outputs.index(value) == int(detail) and len(op.outputs) == 2
        if op.kind == "Clip":
            bounds = [self.setting(op, name, index + 1) for index, name in enumerate(("min", "max"))]
            return all(each is not None and each.size == 1 for each in bounds) and [
                float(each.item()) for each in bounds if each is not None] == [0.0, 6.0]  # fmt: skip
        return True

    def setting(self, op: Op, name: str, index: int) -> Array | None:
        """An argument that is an attribute in older operators, and an input in newer ones."""
        if name in op.attributes:
            return np.asarray(op.attributes[name])
        return self.constants.get(op.inputs[index]) if index < len(op.inputs) else None

    def settled(self, kind: str, match: Found) -> dict[str, Any] | None:
        """The attributes of what a pattern is; None where it is something else after all."""
        if kind == "HardSwish":
            hard = [op for op in match.within if op.kind == "HardSigmoid"]
            return {} if all(np.isclose(op.attributes.get("alpha", 0.2), 1 / 6) for op in hard) else None
        if kind in ("LayerNorm", "RMSNorm"):
            weight, last = self.constants[match.bound["weight"]], len(self.shapes[match.bound[X]]) - 1
            for op in match.within:
                if op.kind == "ReduceMean":
                    axes = self.setting(op, "axes", 1)
                    if axes is None or axes.ravel().tolist() not in ([-1], [last]) or weight.ndim != 1:
                        return None
            return {"epsilon": float(self.constants[match.bound["eps"]].item())}
        if kind == "GroupNorm":
            groups, one, zero = (self.constants[match.bound[name]] for name in ("groups", "one", "zero"))
            if groups.size != 3 or int(groups[0]) != 0 or (one != 1).any() or (zero != 0).any():
                return None
            norm = next(op for op in match.within if op.kind == "InstanceNormalization")
            return {"num_groups": int(groups[1]), "epsilon": norm.attributes.get("epsilon", 1e-5)}
        if kind == "GLU":
            split = next(op for op in match.within if op.kind == "Split")
            sizes = self.setting(split, "split", 1)
            even = sizes is None or len(set(sizes.tolist())) == 1
            return {"axis": split.attributes.get("axis", 0)} if even else None
        return {}

    def linear(self, op: Op) -> Op | None:
        """A product with a matrix, and the vector that is added to it alone."""
        if op.kind == "Add":
            for product, vector in (op.inputs, op.inputs[::-1]):
                before, bias = self.made.get(product), self.constants.get(vector)
                if (
                    before is not None and before.kind == "Linear" and len(before.inputs) == 2 and bias is not None
                    and self.readers.get(product) == 1
                    and bias.shape == (self.constants[before.inputs[1]].shape[1],)
                ):  # fmt: skip
                    return Op("Linear", op.name, [*before.inputs, vector], op.outputs, {}, op.place)
        if op.kind == "MatMul":
            matrix = self.constants.get(op.inputs[1])
            if matrix is not None and matrix.ndim == 2 and op.inputs[0] not in self.constants:
                return Op("Linear", op.name, op.inputs, op.outputs, {}, op.place)
        return None


def fused(ops: list[Op], constants: Constants, outputs: Sequence[str], shapes: Shapes) -> list[Op]:
    """Operators with those that are one layer together as one."""
    return Fuser(ops, constants, outputs, shapes).fused()
