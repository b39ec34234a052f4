"""Whole documents, drawn: most of them networks, some of them wrong in one place."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ["a", "b", "c", "0", "x-1", "main"]
PLANE = {
    # as it was
    "Conv2d": {"kernel_size": 3, "padding": 1},
    "BatchNorm2d": {},
    "MaxPool2d": {"kernel_size": 3, "stride": 1, "padding": 1},
    # smaller
    "AdaptiveAvgPool2d": {"output_size": 1},
    "AvgPool2d": {"kernel_size": 2},
}
ANY: dict[str, dict[str, Any]] = {
    "ReLU": {}, "Tanh": {}, "Identity": {}, "Dropout": {}, "ReLU6": {}, "Softmax": {"dim": 1}, "Linear": {},
    "Flatten": {}, "Positions": {},
}  # fmt: skip


class Drawer:
    """One document on its way."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.plane = self.chance(2)
        self.blocks: dict[str, Any] = {}

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == one_in - 1)

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def size(self, seen: list[str]) -> Any:
        """4, mostly; or an expression that is, or another number."""
        if self.chance(3):
            name = self.pick(seen)
            return self.pick([f"${{{name}}}", f"${{max({name}, 4)}}", f"${{4 if {name} > 1 else 2}}"])
        return self.pick([4, 4, 4, 2])

    def layer(self, seen: list[str]) -> dict[str, Any]:
        """A layer of one input."""
        kinds = [*ANY, *PLANE, "Conv2d", "BatchNorm2d", "MaxPool2d", "MaxPool2d"] if self.plane else [*ANY, "Linear"]
        kind = self.pick(kinds)
        written = {"type": kind, **(PLANE.get(kind) or ANY.get(kind) or {})}
        if kind == "Conv2d":
            written["out_channels"] = self.size(seen)
            if self.chance(5):
                written["in_channels"] = self.size(seen)
        if kind == "Linear":
            written["out_features"] = self.size(seen)
        if kind == "MaxPool2d" and self.chance(3):
            written = {"type": kind, "kernel_size": 2}
        return written

    def parameter(self) -> dict[str, Any]:
        """A parameter that has a chance to be merged with what flows."""
        rest = self.pick([[4, 4, 4], [4, 1, 1], [4]] if self.plane else [[4], [4], [1]])
        if self.chance(2):
            return {"type": "Parameter", "shape": rest, "batch": False, "init": "normal_"}
        return {"type": "Parameter", "shape": [1, *rest], "init": {"type": "uniform_", "b": "${1 + 1}"}}

    def source(self, known: list[str]) -> Any:
        """A name that is there, mostly the latest ones; now and then one that is not."""
        if self.chance(40):
            return self.pick(["nowhere", "input", "a", "b.indices"])
        name = self.pick(known[-3:] if self.chance(2) else known)
        return int(name) if name == "0" and self.chance(2) else name

    def sources(self, known: list[str], least: int) -> Any:
        return [self.source(known) for _ in range(least + self.chance(4))]

    def condition(self, seen: list[str]) -> Any:
        name = self.pick(seen)
        return self.pick([True, False, "${flag}", "${not flag}", f"${{{name} > 1}}", f"${{{name} == 0}}"])

    def scope(self, inputs: list[str], seen: list[str], depth: int) -> list[Any]:
        """The layers of a scope."""
        layers: list[Any] = []
        known = list(inputs)
        counts: dict[str, int] = {}
        for position in range(self.draw(st.integers(1, 5 if depth else 4))):
            written = self.element(known, seen, depth)
            kind = written["type"]
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind.lower()}_{counts[kind]}"
            if "name" not in written and self.chance(4):
                written["name"] = self.pick(NAMES)
            elif self.chance(60):
                written["name"] = "${seven}"
            name = str(written.get("name", name))
            several = len(inputs) > 1 and position == 0
            if "from" not in written and kind != "Parameter" and self.chance(1 if several else 5):
                written["from"] = self.source(known)
                if kind not in self.blocks and kind != "Sequential" and self.chance(4):
                    written["from"] = {"input": written["from"]}
            if self.chance(9):
                written["when"] = self.condition(seen)
            layers.append(kind if list(written) == ["type"] else written)
            known.append(name)
            if kind == "MaxPool2d" and self.chance(2):
                known.append(f"{name}.indices")
        return layers

    def element(self, known: list[str], seen: list[str], depth: int) -> dict[str, Any]:
        """A layer, a merge, a scope or a use of a block, perhaps repeated."""
        form = self.draw(st.integers(0, 11))
        if form <= 4:
            written = self.layer(seen)
        elif form <= 7:
            kind = self.pick(["Add", "Add", "Multiply", "Concat"])
            return {"type": kind, "from": self.sources(known, 2)}
        elif form == 8:
            return self.parameter()
        else:
            wrapped: dict[str, Any] = {}
            variables = seen
            if self.chance(3):
                wrapped, variables = self.repeat(seen)
            if form == 9 and self.blocks:
                return {**self.use(known, variables), **wrapped}
            if depth == 0:
                return {**self.layer(variables), **wrapped}
            return {"type": "Sequential", **wrapped, "layers": self.scope(["input"], variables, depth - 1)}
        if self.chance(8):
            wrapped, variables = self.repeat(seen)
            return {**self.layer(variables), **wrapped}
        return written

    def repeat(self, seen: list[str]) -> tuple[dict[str, Any], list[str]]:
        """`repeat` and `names`, and the variables that the children see."""
        if self.chance(2):
            repeat: Any = self.pick([0, 1, 2, 3, "${n}"])
            variables = [*seen, "i"]
        else:
            repeat = [{"w": self.size(seen), "i": 7} if self.chance(6) else {"w": self.size(seen)}
                      for _ in range(self.draw(st.integers(0, 3)))]  # fmt: skip
            variables = [*seen, "i", "w"]
        wrapped: dict[str, Any] = {"repeat": repeat}
        if self.chance(3):
            wrapped["names"] = f"{self.pick(['s', 'child', ''])}${{{self.pick(variables)}}}"
        return wrapped, variables

    def use(self, known: list[str], seen: list[str]) -> dict[str, Any]:
        """A block under its name."""
        kind = self.pick(self.blocks)
        block = self.blocks[kind]
        written: dict[str, Any] = {"type": kind}
        for name, default in block["params"].items():
            if (default is None and not self.chance(30)) or self.chance(3):
                written[name] = self.size(seen)
        if self.chance(40):
            written["surprise"] = 1
        inputs = block.get("inputs", ["input"])
        if len(inputs) > 1:
            names = [self.source(known) for _ in inputs]
            written["from"] = dict(zip(reversed(inputs), names, strict=True)) if self.chance(2) else names
        return written

    def document(self) -> dict[str, Any]:
        """All of it."""
        document: dict[str, Any] = {"specbuild": 1}
        document["vars"] = {
            "base": 4, "flag": self.pick([True, False]), "n": self.pick([1, 2, 0]), "seven": "${base + 3}",
        }  # fmt: skip
        for kind in ["small", "block", "unit"][: self.draw(st.integers(0, 2))]:
            params = {"c": self.pick([None, 4, "${base}"]), "k": self.pick([4, "${c}"])}
            block: dict[str, Any] = {"params": {k: params[k] for k in list(params)[: self.draw(st.integers(0, 2))]}}
            if self.chance(2):
                block["inputs"] = self.pick([["x", "y"], ["input", "y"], ["x"]])
            inputs = block.get("inputs", ["input"])
            block["layers"] = self.scope(inputs, ["base", "n", *block["params"]], 1)
            self.blocks[kind] = block
        if self.blocks:
            document["blocks"] = self.blocks
        shape: Any = [4, 4, 4] if self.plane else self.pick([[4], [4], [3, 4]])
        if self.chance(15):
            shape = {"shape": shape, "dtype": self.pick(["int64", "float64", "uint8"])}
        inputs = ["input"]
        if self.chance(4):
            inputs = self.pick([["x", "y"], ["left", "right", "input"], ["only"]])
            document["inputs"] = dict.fromkeys(inputs, shape)
        else:
            document["input"] = shape
        layers = document["layers"] = self.scope(inputs, ["base", "n"], 2)
        if self.chance(4):
            document["outputs"] = self.outputs(layers)
        return document

    def outputs(self, layers: list[Any]) -> list[str]:
        """Some of the layers, not always the last."""
        counts: dict[str, int] = {}
        names: list[str] = []
        for element in layers:
            written = element if isinstance(element, dict) else {"type": element}
            kind = written["type"]
            counts[kind] = counts.get(kind, 0) + 1
            names.append(str(written.get("name", f"{kind.lower()}_{counts[kind]}")))
            if kind == "MaxPool2d":
                names.append(f"{names[-1]}.indices")
        some = [self.pick(names) for _ in range(self.draw(st.integers(1, 2)))]
        return some if self.chance(10) else list(dict.fromkeys([*some, names[-1]]))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents."""
    return Drawer(draw).document()
