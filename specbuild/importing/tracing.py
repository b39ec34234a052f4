"""A module and its inputs to a graph: it is run once, and what it calls is written down.

The model runs in eval mode, on two samples. Each module that the catalogue has becomes a layer, each other module a
scope, and each function of torch that its `forward` calls on a tensor a layer of the kind that the function is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.importing import functions, leaves
from specbuild.importing.calling import Call
from specbuild.importing.frames import place
from specbuild.importing.graph import SCOPE, Graph, Input, Node, Source
from specbuild.importing.reading import Inexpressible, read
from specbuild.importing.running import VALUE, VARIABLE, Frame, Running, Value, order_inputs
from specbuild.language import names

DECISIONS = frozenset({"item", "__bool__", "__int__", "__float__", "__index__", "tolist", "nonzero"})
"""Functions by which a program goes by the values of a tensor."""


class Trace(NamedTuple):
    """A model that was run."""

    graph: Graph
    """All that was called, what nothing reads too."""
    problems: tuple[Diagnostic, ...]
    """What cannot be expressed."""
    outputs: dict[str, Tensor]
    """What the model returned, by the names of the graph's outputs."""
    called: set[int]
    """The `id` of each module that ran."""


class Tracer(Running):
    """One run of a model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.calls: dict[str, list[Node]] = {}
        """The nodes of each module that was called, by its qualified name."""
        self.called: set[int] = set()
        self.paused = False

    def run(self, inputs: Mapping[str, Tensor], *, named: bool) -> tuple[Frame, Any]:
        """The outermost frame, and what the model returned."""
        root = Frame(self.model, "", type(self.model).__name__)
        for name, tensor in inputs.items():
            entry = Input(name)
            root.scope.inputs.append(entry)
            setattr(tensor, VALUE, Value(root, Source(entry)))
            root.given.append(tensor)
        original = nn.Module.__call__
        tracer = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if tracer.paused or not tracer.frames:
                return original(module, *args, **kwargs)
            return tracer.call_module(original, module, args, kwargs)

        self.frames = [root]
        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            with self, torch.no_grad():
                given: tuple[Any, ...] = () if named else tuple(inputs.values())
                result = self.model.forward(*given, **(dict(inputs) if named else {}))
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]
        return root, result

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """A function of torch is called."""
        kwargs = kwargs or {}
        if self.paused or not self.frames:
            return func(*args, **kwargs)
        tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        known = [tensor for tensor in tensors if self.knows(tensor)]
        if not known:
            return self.apart(func, args, kwargs)
        name = func.__name__
        self.paused = True
        try:
            if any(self.is_unknown(tensor) for tensor in known):  # said already
                return self.mark_all(func(*args, **kwargs), [self.unknown(name)], (args, kwargs))
            if name == "__get__":  # a property: .shape, .T, .data
                return self.attribute(func, args, known)
            if name in DECISIONS:
                self.report(Inexpressible(f"`{name}` goes by the values of a tensor"), name)
                return func(*args, **kwargs)
            handler = functions.HANDLERS.get(name)
            if handler is not None:
                return self.called_function(handler, func, args, kwargs)
            result = func(*args, **kwargs)
            mutates = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
            if mutates or any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(result)):
                self.report(Inexpressible(f"`{name}` is not in the catalogue"), name)
                self.mark_all(result, [self.unknown(name)])
            return result
        finally:
            self.paused = False

    def apart(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A function of nothing that the model computes: numbers that are the same for any input."""
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and not result.is_floating_point():
            where = place()
            setattr(result, VARIABLE, where.variable if where is not None else None)
        return result

    def attribute(self, func: Any, args: Any, known: list[Tensor]) -> Any:
        """A property of a tensor is read."""
        result = func(*args)
        if isinstance(result, Tensor) and not self.knows(result):
            name = getattr(func.__self__, "__name__", "?")
            if name == "data" and hasattr(known[0], VALUE):
                setattr(result, VALUE, getattr(known[0], VALUE))
                return result
            self.report(Inexpressible(f"`.{name}` of a tensor is not in the catalogue"), name)
            self.mark_all(result, [self.unknown(name)])
        return result

    def called_function(self, handler: Any, func: Any, args: Any, kwargs: Any) -> Any:
        """A function that layers stand for."""
        name = func.__name__
        before = len(self.frame.scope.nodes)
        call = Call(self, name, args, kwargs)
        call.tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        call.shapes = [tuple(tensor.shape) for tensor in call.tensors]
        result = func(*args, **kwargs)
        try:
            for tensor in call.tensors:
                if id(tensor) in self.buffers:
                    self.source(tensor)
            found = handler(call, result)
        except Inexpressible as fact:
            del self.frame.scope.nodes[before:]
            self.report(fact, name)
            found = [self.unknown(name)]
        if found is None:
            return result
        if not isinstance(found, list):
            found = [found]
        self.name_after_variable(before)
        return self.mark_all(result, found, args if not call.inplace else ())

    def name_after_variable(self, before: int) -> None:
        """Call the last node that a function made after the variable that takes its result."""
        made = self.frame.scope.nodes[before:]
        where = place()
        if not made or where is None or where.variable is None or made[-1].name is not None:
            return
        name = where.variable
        if name in self.frame.variables or names.fault(name) is not None:
            return
        self.frame.variables.add(name)
        made[-1].name = name

    def call_module(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """A module is called within another."""
        name, path = self.name_of(module)
        try:
            layer = read(module)
        except Inexpressible as fact:
            self.report(fact, type(module).__name__, path)
            self.called.update(id(part) for part in module.modules())
            self.paused = True
            try:
                return self.mark_all(original(module, *args, **kwargs), [self.unknown(path)])
            finally:
                self.paused = False
        if layer is not None and any(
            isinstance(leaf, Tensor) and self.is_unknown(leaf) for leaf in pytree.tree_leaves((args, kwargs))
        ):
            self.called.update(id(part) for part in module.modules())
            self.paused = True
            try:
                return self.mark_all(original(module, *args, **kwargs), [self.unknown(path)], (args, kwargs))
            finally:
                self.paused = False
        if layer is None:
            return self.call_scope(original, module, name, path, args, kwargs)
        self.called.update(id(part) for part in module.modules())
        node = Node(layer.type, name, layer.arguments, origin=path, kind=type(module).__name__)
        self.paused = True
        try:
            result = original(module, *args, **kwargs)
            try:
                found = leaves.connected(self, module, node, args, kwargs, result)
            except Inexpressible as fact:
                self.report(fact, type(module).__name__, path)
                found = [self.unknown(path)]
            else:
                self.remember(path, module, node)
                self.frame.scope.nodes.append(node)
            return self.mark_all(result, found, () if getattr(module, "inplace", False) else (args, kwargs))
        finally:
            self.paused = False

    def call_scope(self, original: Any, module: nn.Module, name: str | None, path: str, args: Any, kwargs: Any) -> Any:
        """A module that is made of others is called."""
        self.called.add(id(module))
        frame = Frame(module, path, type(module).__name__)
        frame.given = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        self.frames.append(frame)
        try:
            result = original(module, *args, **kwargs)
        finally:
            self.frames.pop()
        node = Node(SCOPE, name, {}, [], frame.scope, frame.kind, path)
        outputs: dict[tuple[int, str | None], Source] = {}
        inner = []
        for leaf in pytree.tree_leaves(result):
            value = getattr(leaf, VALUE, None) if isinstance(leaf, Tensor) else None
            if isinstance(value, Value) and value.frame is frame and not self.is_unknown(leaf):
                outputs.setdefault((id(value.source.value), value.source.result), value.source)
                inner.append((leaf, (id(value.source.value), value.source.result)))
        if not outputs:
            return result
        order_inputs(frame, self.named_arguments(module, args, kwargs))
        node.sources = frame.outer
        keys = list(outputs)
        several = len(keys) > 1
        frame.scope.outputs = {str(index): outputs[key] for index, key in enumerate(keys)}
        for leaf, key in inner:
            setattr(leaf, VALUE, Value(self.frame, Source(node, str(keys.index(key)) if several else None)))
        self.remember(path, module, node)
        self.frame.scope.nodes.append(node)
        return result

    def name_of(self, module: nn.Module) -> tuple[str | None, str]:
        """The name within the running scope, and the qualified name."""
        paths = self.paths.get(id(module), [])
        inside = [path for path in paths if path.startswith(self.frame.prefix)]
        fresh = [path for path in inside if path not in self.calls]
        if fresh or inside:
            path = (fresh or inside)[0]
            return path[len(self.frame.prefix) :], path
        stated = any(True for _ in module.parameters()) or any(True for _ in module.buffers())
        if stated:
            where = f"is called in `{self.frame.path or 'the model'}`"
            whose = f"is the module `{paths[0]}`" if paths else "is no module of the model"
            self.report(Inexpressible(f"what {where} {whose}"), type(module).__name__, paths[0] if paths else "")
        return None, paths[0] if paths else f"{self.frame.prefix}{type(module).__name__}"

    def remember(self, path: str, module: nn.Module, node: Node) -> None:
        """A module's call; one without weights may have several, and then has no name."""
        earlier = self.calls.setdefault(path, [])
        earlier.append(node)
        if len(earlier) == 1:
            return
        if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
            fact = Inexpressible("is called more than once, and each layer of a spec has weights of its own")
            self.report(fact, type(module).__name__, path)
        for one in earlier:
            one.name = None


def traced(model: nn.Module, types: Mapping[str, TensorType], inputs: Mapping[str, Tensor]) -> Trace:
    """What a run of a model on `inputs` shows."""
    tracer = Tracer(model)
    root, result = tracer.run(inputs, named=len(inputs) > 1)
    graph = Graph(type(model).__name__, dict(types), root.scope)
    tracer.frames = [root]
    try:
        outputs = tracer.outputs(result)
    except Inexpressible as fact:
        tracer.report(fact, "forward")
        outputs = {}
    return Trace(graph, tuple(tracer.diagnostics()), outputs, tracer.called)
