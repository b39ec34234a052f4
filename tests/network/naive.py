"""The language read naively, straight into torch: an oracle for what specbuild expands, infers and compiles.

Nothing of specbuild's expansion is used, only its `${...}`; the verdict on each layer is real torch's. It knows
no lines and no messages: a document is a network, or it is `Refused`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from specbuild.language.expressions import ExpressionError, substitute
from tests.catalogue.oracle import make, make_parameter, verdict
from tests.catalogue.test_soundness import filled

OWN = {"name", "type", "from", "when", "repeat", "names", "layers"}
STRETCHING = {"Add", "Multiply"}
MERGES = {*STRETCHING, "Concat"}


class Refused(Exception):  # noqa: N818  a verdict
    """The document is no network."""


def demand(condition: bool) -> None:
    """Refuse the document unless `condition` holds."""
    if not condition:
        raise Refused


class Value(NamedTuple):
    """What flows in a scope: where it is kept, and its type."""

    key: tuple[str, str | None]
    type: TensorType


class Call(NamedTuple):
    """One layer or scope as it runs."""

    name: str
    module: nn.Module | None
    """None for a parameter of the scope."""
    sources: tuple[tuple[str | None, tuple[str, str | None]], ...]
    batch: bool


class Graph(nn.Module):
    """A scope: its calls one after the other, every value kept to the end."""

    def __init__(self, inputs: Sequence[str], batched: Sequence[bool]) -> None:
        super().__init__()
        self.input_names, self.batched = tuple(inputs), tuple(batched)
        self.calls: list[Call] = []
        self.ends: dict[str, tuple[str, str | None]] = {}
        self.straight = len(inputs) == 1

    def pools(self, name: str) -> bool:
        """Whether a child has indices for a second result."""
        return isinstance(self._modules.get(name), nn.MaxPool2d)

    def forward(self, *inputs: Tensor) -> Any:
        values: dict[tuple[str, str | None], Tensor] = {}
        for name, given in zip(self.input_names, inputs, strict=True):
            values[f"input {name}", None] = given
        for call in self.calls:
            if call.module is None:
                parameter: Tensor = self.get_parameter(call.name)
                if call.batch:
                    batch = next(x.shape[0] for x, good in zip(inputs, self.batched, strict=True) if good)
                    parameter = parameter.expand(batch, *parameter.shape[1:])
                values[call.name, None] = parameter
                continue
            plain = [values[key] for keyword, key in call.sources if keyword is None]
            named = {keyword: values[key] for keyword, key in call.sources if keyword is not None}
            result = call.module(*plain, **named)
            if isinstance(call.module, nn.MaxPool2d):
                values[call.name, None], values[call.name, "indices"] = result
            else:
                values[call.name, None] = result
        found = {name: values[key] for name, key in self.ends.items()}
        return found if len(found) > 1 else next(iter(found.values()))


class Scope:
    """A scope that is being read."""

    def __init__(self, inputs: Sequence[str], types: Sequence[TensorType], prefix: str) -> None:
        self.graph = Graph(inputs, [type.batched for type in types])
        self.prefix = prefix
        self.inputs = tuple(inputs)
        self.types = tuple(types)
        self.places = {name: Value((f"input {name}", None), type) for name, type in zip(inputs, types, strict=True)}
        self.current = self.places[inputs[0]] if len(inputs) == 1 else None
        self.made: dict[str, Value] = {}
        self.read: set[str] = set()
        self.missed: set[str] = set()
        """What would be read by something that is left out."""
        self.last: Value | None = None

    def add(self, call: Call, thing: nn.Module | nn.Parameter, type: TensorType) -> Value:
        usual = self.last.key if self.last is not None else (f"input {self.inputs[0]}", None)
        if isinstance(thing, nn.Parameter):
            self.graph.register_parameter(call.name, thing)
        else:
            self.graph.add_module(call.name, thing)
        self.graph.straight &= call.sources == ((None, usual),)
        self.graph.calls.append(call)
        self.read.update(name for _, (name, _) in call.sources)
        self.graph.straight &= all(result is None for _, (_, result) in call.sources)
        self.last = self.made[call.name] = Value((call.name, None), type)
        return self.last


class Naive:
    """A document as torch modules; raises `Refused`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.blocks: Mapping[str, Any] = document.get("blocks", {})
        demand("surprise" not in repr(document))  # a key that nothing has is wrong in what is left out too
        self.trace: list[tuple[str, TensorType]] = []
        """Every layer that runs, by its qualified name, with its output."""
        self.stack: list[str] = []
        self.vars: dict[str, Any] = {}
        for name, value in document.get("vars", {}).items():
            self.vars[name] = self.put_in(value, self.vars)
        inputs = document.get("inputs") or {"input": document["input"]}
        types = [self.type_of(self.put_in(written, self.vars)) for written in inputs.values()]
        outputs = self.put_in(document["outputs"], self.vars) if "outputs" in document else None
        scope = self.scope(document["layers"], self.vars, list(inputs), types, "", outputs)
        self.inputs = dict(zip(inputs, types, strict=True))
        self.network = scope.graph
        self.outputs = {name: self.end(scope, key) for name, key in scope.graph.ends.items()}
        self.tie(document.get("tie", {}))

    def end(self, scope: Scope, key: tuple[str, str | None]) -> TensorType:
        type = scope.made[key[0]].type
        return type if key[1] is None else TensorType(type.shape, "int64")

    @staticmethod
    def type_of(written: Any) -> TensorType:
        if isinstance(written, dict):
            return TensorType(tuple(written["shape"]), written.get("dtype", "float32"))
        return TensorType(tuple(written))

    def put_in(self, value: Any, variables: Mapping[str, Any]) -> Any:
        if isinstance(value, dict):
            return {key: self.put_in(item, variables) for key, item in value.items()}
        if isinstance(value, list):
            return [self.put_in(item, variables) for item in value]
        try:
            return substitute(value, variables)
        except ExpressionError:
            raise Refused from None

    def tie(self, ties: Mapping[str, str]) -> None:
        known = dict(self.network.named_parameters(remove_duplicate=False))
        for tied, kept in ties.items():
            demand(tied in known and kept in known and kept not in ties)
            demand(known[tied].shape == known[kept].shape)
        for tied, kept in ties.items():
            owner, _, name = tied.rpartition(".")
            self.network.get_submodule(owner).register_parameter(name, known[kept])

    def scope(
        self,
        layers: Sequence[Any],
        variables: Mapping[str, Any],
        inputs: Sequence[str],
        types: Sequence[TensorType],
        prefix: str,
        outputs: Sequence[str] | None = None,
    ) -> Scope:
        scope = Scope(inputs, types, prefix)
        counts: Counter[str] = Counter()
        for element in layers:
            written = element if isinstance(element, dict) else {"type": element}
            counts[written["type"]] += 1
            automatic = f"{written['type'].lower()}_{counts[written['type']]}"
            self.element(scope, written, str(self.put_in(written.get("name", automatic), variables)), variables)
        graph = scope.graph
        if not scope.made:  # it is left out, which a network cannot be, nor what might stand for any of its inputs
            demand(prefix != "" and len(inputs) == 1)
            return scope
        if outputs is None:
            assert scope.last is not None
            assert scope.current is not None
            demand(scope.current.key == scope.last.key)
            graph.ends = {scope.last.key[0]: scope.last.key}
        else:
            outputs = [str(output) for output in outputs]
            demand(len(set(outputs)) == len(outputs))
            for output in outputs:
                name, dot, result = output.partition(".")
                demand(name in scope.made)
                demand(not dot or (result == "indices" and graph.pools(name)))
                graph.ends[output] = (name, result if dot else None)
            assert scope.last is not None
            graph.straight &= list(graph.ends.values()) == [scope.last.key]
        read = scope.read | {name for name, _ in graph.ends.values()}
        demand(read >= scope.missed & set(scope.made))
        return scope

    def element(self, scope: Scope, written: Mapping[str, Any], name: str, variables: Mapping[str, Any]) -> None:
        demand(name not in scope.inputs)
        if "from" in written:
            sources = self.sources(scope, self.put_in(written["from"], variables))
        elif written["type"] == "Parameter":
            sources = []
        else:
            demand(scope.current is not None)
            assert scope.current is not None
            sources = [(None, scope.current)]
        rows: list[Mapping[str, Any]] | None = None
        if "when" in written:
            holds = self.put_in(written["when"], variables)
            demand(isinstance(holds, bool))
            rows = None if holds else []
        if "repeat" in written and rows is None:
            repeat = self.put_in(written["repeat"], variables)
            rows = [{} for _ in range(repeat)] if isinstance(repeat, int) else repeat
        made: nn.Module | nn.Parameter | None = None
        if rows != []:
            demand(name not in scope.made)
            if rows is None:
                made, type = self.one(scope.prefix + name, written, variables, sources, scope.types)
            else:
                made, type = self.repeated(scope.prefix + name, written, variables, sources, rows)
        if made is None:
            scope.missed.update(value.key[0] for _, value in sources)
            if sources:
                scope.current = self.first_of(written["type"], sources)
                if name not in scope.made:
                    scope.places[name] = scope.current
            return
        batch = written["type"] == "Parameter" and self.put_in(written.get("batch", True), variables)
        calls = tuple((keyword if written["type"] in LAYERS else None, value.key) for keyword, value in sources)
        if isinstance(made, Graph):
            calls = tuple((None, value.key) for _, value in self.in_order(made.input_names, sources))
        module = made if isinstance(made, nn.Module) else None
        scope.current = scope.places[name] = scope.add(Call(name, module, calls, batch), made, type)

    def first_of(self, type: str, sources: list[tuple[str | None, Value]]) -> Value:
        """What stands for a layer that is left out: what its first input would be given."""
        block = self.blocks.get(type, {})
        order = block.get("inputs") or (type in LAYERS and LAYERS[type].takes) or ()
        given = dict(sources)
        return next((given[name] for name in order if name in given), sources[0][1])

    def sources(self, scope: Scope, written: Any) -> list[tuple[str | None, Value]]:
        if isinstance(written, dict):
            return [(keyword, self.resolved(scope, name)) for keyword, name in written.items()]
        names = written if isinstance(written, list) else [written]
        return [(None, self.resolved(scope, name)) for name in names]

    def resolved(self, scope: Scope, name: Any) -> Value:
        name, dot, result = str(name).partition(".")
        demand(name in scope.places)
        found = scope.places[name]
        if not dot:
            return found
        demand(found.key[1] is None and result == "indices" and found.key[0] in scope.made)
        demand(scope.graph.pools(found.key[0]))
        return Value((found.key[0], "indices"), TensorType(found.type.shape, "int64"))

    def in_order(
        self, inputs: Sequence[str], sources: Iterable[tuple[str | None, Value]]
    ) -> list[tuple[str | None, Value]]:
        """The sources of a scope, by its inputs."""
        sources = list(sources)
        demand(len(sources) == len(inputs))
        if sources[0][0] is None:
            return sources
        named = dict(sources)
        demand(set(named) == set(inputs))
        return [(name, named[name]) for name in inputs]

    def one(
        self,
        name: str,
        written: Mapping[str, Any],
        variables: Mapping[str, Any],
        sources: Sequence[tuple[str | None, Value]],
        around: Sequence[TensorType],
    ) -> tuple[nn.Module | nn.Parameter | None, TensorType]:
        """What an element builds, and its output; None for a scope of which all is left out."""
        kind = written["type"]
        if kind in LAYERS:
            arguments = {key: self.put_in(value, variables) for key, value in written.items() if key not in OWN}
            return self.layer(name, kind, arguments, sources, around)
        if kind == "Sequential":
            (given,) = self.in_order(["input"], sources)
            inner = self.scope(written["layers"], variables, ["input"], [given[1].type], name + ".")
        else:
            demand(kind in self.blocks and kind not in self.stack)
            block = self.blocks[kind]
            params = block.get("params", {})
            given_params = {key: self.put_in(value, variables) for key, value in written.items() if key not in OWN}
            demand(set(given_params) <= set(params))
            inside = dict(self.vars)
            for param, default in params.items():
                demand(param in given_params or default is not None)
                inside[param] = given_params[param] if param in given_params else self.put_in(default, inside)
            inputs = block.get("inputs", ["input"])
            types = [value.type for _, value in self.in_order(inputs, sources)]
            self.stack.append(kind)
            inner = self.scope(block["layers"], inside, inputs, types, name + ".")
            self.stack.pop()
        if inner.last is None:
            return None, TensorType(())
        return inner.graph, inner.last.type

    def repeated(
        self,
        name: str,
        written: Mapping[str, Any],
        variables: Mapping[str, Any],
        sources: Sequence[tuple[str | None, Value]],
        rows: Sequence[Mapping[str, Any]],
    ) -> tuple[nn.Module | None, TensorType]:
        """One child after the other; further inputs of a block are the same for all."""
        inputs = self.blocks.get(written["type"], {}).get("inputs", ["input"])
        given = self.in_order(inputs, sources)
        outer = Scope(inputs, [value.type for _, value in given], name + ".")
        first = outer.places[inputs[0]]
        taken: set[str] = set()
        for i, row in enumerate(rows):
            seen = {**variables, "i": i, **row}
            child = str(self.put_in(written.get("names", str(i)), seen))
            demand(child not in taken)
            taken.add(child)
            passed = [(None, first), *((None, outer.places[other]) for other in inputs[1:])]
            made, type = self.one(f"{name}.{child}", written, seen, passed, outer.types)
            if made is None:
                continue
            demand(isinstance(made, nn.Module))
            assert isinstance(made, nn.Module)
            first = outer.add(Call(child, made, tuple((None, value.key) for _, value in passed), False), made, type)
        if outer.last is None:
            return None, TensorType(())
        outer.graph.ends = {first.key[0]: first.key}
        return outer.graph, first.type

    def layer(
        self,
        name: str,
        kind: str,
        arguments: dict[str, Any],
        sources: Sequence[tuple[str | None, Value]],
        around: Sequence[TensorType],
    ) -> tuple[nn.Module | nn.Parameter, TensorType]:
        types = [value.type for _, value in sources]
        keywords = [keyword for keyword, _ in sources if keyword is not None]
        if kind in MERGES:
            demand(len(sources) >= 2 and not keywords)
        elif kind == "Parameter":
            demand(not sources and (not arguments.get("batch", True) or any(type.batched for type in around)))
        else:
            demand(len(sources) == 1 and set(keywords) <= {"input"})
        demand(kind in STRETCHING or all(type.batched for type in types))
        complete = filled(kind, arguments, *types)
        found = verdict(kind, complete, *types)
        demand(found is not None)
        assert found is not None
        output = TensorType(found.shape, found.dtype, found.batched)
        self.trace.append((name, output))
        if kind == "Parameter":
            return make_parameter(**arguments), output
        return make(kind, {**complete, "return_indices": True} if kind == "MaxPool2d" else complete), output


def same(a: Any, b: Any) -> bool:
    """Whether two outputs are equal bit for bit, dicts in their order; NaN is NaN."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    return a.dtype == b.dtype and a.shape == b.shape and bool(torch.all((a == b) | ((a != a) & (b != b))))
