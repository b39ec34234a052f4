"""A module and its inputs to a graph: it is run once, and what it calls is written down.

The model runs in eval mode, on two samples. Each module that the catalogue has becomes a layer, each other module a
scope, and each function of torch that its `forward` calls on a tensor a layer of the kind that the function is.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.importing import functions, leaves
from specbuild.importing.frames import Place, place
from specbuild.importing.graph import SCOPE, Graph, Input, Node, Scope, Source
from specbuild.importing.reading import Inexpressible, read
from specbuild.language import names

BATCH = 2
VALUE = "_specbuild_value"
"""The attribute of a tensor that says what it is in the graph."""
DECISIONS = frozenset({"item", "__bool__", "__int__", "__float__", "__index__", "tolist", "nonzero"})
"""Functions by which a program goes by the values of a tensor."""


class Frame:
    """A module that is running: the scope that it becomes."""

    def __init__(self, module: nn.Module | None, path: str, kind: str) -> None:
        self.module, self.path, self.kind = module, path, kind
        self.scope = Scope()
        self.outer: list[Source] = []
        """What is taken from outside, for each of the scope's inputs."""
        self.captured: dict[tuple[int, str | None], Input] = {}
        self.parameters: dict[tuple[str, bool], Node] = {}
        self.variables: set[str] = set()

    @property
    def prefix(self) -> str:
        """What stands before the names of what is inside."""
        return f"{self.path}." if self.path else ""


class Value:
    """What a tensor is: a result in a frame."""

    __slots__ = ("frame", "source")

    def __init__(self, frame: Frame, source: Source) -> None:
        self.frame, self.source = frame, source


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


class Tracer(TorchFunctionMode):
    """One run of a model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.paths: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            self.paths.setdefault(id(module), []).append(path)
        self.parameters: dict[int, list[str]] = {}
        for path, parameter in model.named_parameters(remove_duplicate=False):
            self.parameters.setdefault(id(parameter), []).append(path)
        self.buffers = {id(buffer): path for path, buffer in model.named_buffers()}
        self.frames: list[Frame] = []
        self.calls: dict[str, list[Node]] = {}
        """The nodes of each module that was called, by its qualified name."""
        self.problems: dict[tuple[Any, ...], tuple[Diagnostic, list[str]]] = {}
        self.paused = False
        self.called: set[int] = set()

    # the run

    def run(self, inputs: Mapping[str, Tensor], *, named: bool) -> tuple[Frame, Any]:
        """The outermost frame, and what the model returned."""
        root = Frame(self.model, "", type(self.model).__name__)
        for name, tensor in inputs.items():
            entry = Input(name)
            root.scope.inputs.append(entry)
            setattr(tensor, VALUE, Value(root, Source(entry)))
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
            return func(*args, **kwargs)
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
        call = functions.Call(self, name, args, kwargs)
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

    # values

    @property
    def frame(self) -> Frame:
        """The innermost module that is running."""
        return self.frames[-1]

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor is computed from the inputs, or is the model's."""
        return hasattr(tensor, VALUE) or id(tensor) in self.parameters or id(tensor) in self.buffers

    def source(self, tensor: Tensor, *, batch: bool = False) -> Source:
        """What a tensor is in the running scope; batch: a parameter is expanded over the batch."""
        value: Value | None = getattr(tensor, VALUE, None)
        if value is None:
            if id(tensor) in self.parameters:
                return self.parameter(tensor, batch=batch)
            if id(tensor) in self.buffers:
                fix = "only layers of torch.nn have buffers in a spec"
                raise Inexpressible(f"`{self.buffers[id(tensor)]}` is a buffer that `forward` reads", fix)
            raise Inexpressible("a tensor in it comes from no input and is no parameter")
        if value.frame not in self.frames:
            raise Inexpressible("it takes what another module computed inside, which is not handed on by `forward`")
        source = value.source
        for frame in self.frames[self.frames.index(value.frame) + 1 :]:
            key = (id(source.value), source.result)
            if key not in frame.captured:
                frame.captured[key] = Input(f"input{len(frame.outer) + 1}")
                frame.scope.inputs.append(frame.captured[key])
                frame.outer.append(source)
            source = Source(frame.captured[key])
        return source

    def parameter(self, tensor: Tensor, *, batch: bool) -> Source:
        """A parameter that `forward` uses, as a layer of the scope that has it."""
        frame = self.frame
        paths = [path for path in self.parameters[id(tensor)] if path.startswith(frame.prefix)]
        if not paths:
            raise Inexpressible(f"it uses the parameter `{self.parameters[id(tensor)][0]}` of another module")
        if not any((path, batch) in frame.parameters for path in paths):
            if any((path, not batch) in frame.parameters for path in paths):
                raise Inexpressible(f"the parameter `{paths[0]}` is used both expanded over the batch and as it is")
            node = Node("Parameter", paths[0][len(frame.prefix) :], {"shape": list(tensor.shape), "batch": batch})
            node.origin = paths[0]
            frame.scope.nodes.append(node)
            for path in paths:
                frame.parameters[path, batch] = node
        return Source(frame.parameters[paths[0], batch])

    def add(self, kind: str, arguments: Mapping[str, Any], sources: list[Source]) -> Source:
        """One more layer in the running scope."""
        node = Node(kind, None, dict(arguments), sources, origin=self.frame.path)
        self.frame.scope.nodes.append(node)
        return Source(node)

    def is_unknown(self, tensor: Tensor) -> bool:
        """Whether a tensor was computed by what was reported."""
        value: Value | None = getattr(tensor, VALUE, None)
        return value is not None and isinstance(value.source.value, Node) and value.source.value.type == "?"

    def unknown(self, name: str) -> Source:
        """Stands for what was reported."""
        return Source(Node("?", None, origin=name))

    def mark_all(self, result: Any, sources: list[Source], inputs: Any = ()) -> Any:
        """Say of the tensors in a result what they are; one that is an input itself gets an object of its own."""
        given = {id(leaf) for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, Tensor)}
        leaves_, spec = pytree.tree_flatten(result)
        count = 0
        for index, leaf in enumerate(leaves_):
            if not isinstance(leaf, Tensor):
                continue
            if id(leaf) in given or id(leaf) in self.parameters:
                leaf = leaves_[index] = torch.ops.aten.alias(leaf)
            setattr(leaf, VALUE, Value(self.frame, sources[min(count, len(sources) - 1)]))
            count += 1
        return pytree.tree_unflatten(leaves_, spec)

    def outputs(self, result: Any) -> dict[str, Tensor]:
        """The outputs of the model, each made the output of the graph; a dict's keys are the layers' names."""
        scope = self.frame.scope
        if isinstance(result, Tensor):
            found = {"output": result}
        elif isinstance(result, Mapping):
            found = {str(name): value for name, value in result.items() if value is not None}
        elif isinstance(result, (tuple, list)):
            found = {f"output_{k}": value for k, value in enumerate(result) if value is not None}
        else:
            raise Inexpressible(f"its forward returns {type(result).__name__}, which is no tensor")
        for name, tensor in found.items():
            if not isinstance(tensor, Tensor):
                raise Inexpressible(f"its forward returns {type(tensor).__name__} among its outputs")
            if self.is_unknown(tensor):
                continue
            source = self.source(tensor)
            if source.result is not None or isinstance(source.value, Input):
                source = self.add("Identity", {}, [source])
            scope.outputs[name] = source
        if len(found) > 1:
            self.name_outputs(named=isinstance(result, Mapping))
            found = dict(zip(scope.outputs, found.values(), strict=True))
        return found

    def name_outputs(self, *, named: bool) -> None:
        """Give each of several outputs the name of its layer; a layer is made where a dict's key is another name."""
        scope = self.frame.scope
        outputs: dict[str, Source] = {}
        for name, source in scope.outputs.items():
            node = source.value
            assert isinstance(node, Node)
            if node.name is None and name not in {other.name for other in scope.nodes}:
                node.name = name
            if node.name is None or node.name in outputs or (named and node.name != name):
                source = self.add("Identity", {}, [source])
                node = source.value
                assert isinstance(node, Node)
                node.name = name
            outputs[node.name or name] = source
        scope.outputs = outputs

    # modules

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

    def named_arguments(self, module: nn.Module, args: Any, kwargs: Any) -> dict[tuple[int, str | None], tuple[int, str]]:
        """The place and the name in `forward` of each tensor that a module is given, by what it is where it is called."""
        try:
            bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        except (TypeError, ValueError):
            bound = {str(index): value for index, value in enumerate(args)}
        order: dict[tuple[int, str | None], tuple[int, str]] = {}
        for index, (name, value) in enumerate(bound.items()):
            tensors = [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, Tensor)]
            for count, tensor in enumerate(tensors):
                key = self.here(tensor)
                if key is not None:
                    order.setdefault(key, (index * 1000 + count, name if len(tensors) == 1 else f"{name}{count + 1}"))
        return order

    def here(self, tensor: Tensor) -> tuple[int, str | None] | None:
        """What a tensor is in the running scope, as `captured` has it; None if the scope has not taken it."""
        value: Value | None = getattr(tensor, VALUE, None)
        if value is None or value.frame not in self.frames:
            return None
        key = (id(value.source.value), value.source.result)
        for frame in self.frames[self.frames.index(value.frame) + 1 :]:
            if key not in frame.captured:
                return None
            key = (id(frame.captured[key]), None)
        return key

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

    # what is wrong

    def report(self, fact: Inexpressible, operation: str, path: str | None = None) -> None:
        """What cannot be expressed, once for each place in the source."""
        where = place()
        module = self.frame.path if path is None else path
        key = (fact.message, operation, where[:2] if where is not None else None)
        if key not in self.problems:
            self.problems[key] = (diagnostic(fact, where), [])
        if module not in self.problems[key][1]:
            self.problems[key][1].append(module)

    def diagnostics(self) -> Iterator[Diagnostic]:
        """All that was reported, each with the modules that it is about."""
        for found, modules in self.problems.values():
            several = f" (and {len(modules) - 1} more like it)" if len(modules) > 1 else ""
            whose = f"{modules[0] or 'the model'}{several}"
            yield Diagnostic(
                "SB516", f"{whose}: {found.message}", fix=found.fix, file=found.file, span=found.span,
                snippet=found.snippet,
            )  # fmt: skip


def diagnostic(fact: Inexpressible, where: Place | None) -> Diagnostic:
    """SB516 at a place in the source."""
    found = Diagnostic("SB516", fact.message, fix=fact.fix)
    return found if where is None else found.placed(where.file, where.span, where.snippet)


def order_inputs(frame: Frame, order: Mapping[tuple[int, str | None], tuple[int, str]]) -> None:
    """Put the inputs of a scope in the order of its `forward`, under the names there."""
    keyed = list(zip(frame.captured, frame.scope.inputs, frame.outer, strict=True))
    keyed.sort(key=lambda entry: order.get(entry[0], (1 << 30, ""))[0])
    frame.scope.inputs = [entry for _, entry, _ in keyed]
    frame.outer = [source for _, _, source in keyed]
    for key, entry, _ in keyed:
        if key in order:
            entry.name = order[key][1]
    if len(keyed) == 1:
        frame.scope.inputs[0].name = "input"


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
