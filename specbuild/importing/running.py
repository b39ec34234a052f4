"""What is known while a model runs: its modules, and what each of its tensors is in the graph."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.importing.frames import Place, place
from specbuild.importing.graph import Input, Node, Scope, Source
from specbuild.importing.reading import Inexpressible
from specbuild.language import names

BATCH = 2
VALUE = "_specbuild_value"
"""The attribute of a tensor that says what it is in the graph."""
VARIABLE = "_specbuild_variable"
"""The attribute of a tensor that says which variable it was assigned to."""


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
        self.given: list[Tensor] = []
        """The tensors that it is called with."""
        self.positions: dict[int, tuple[Tensor, Source]] = {}

    @property
    def prefix(self) -> str:
        """What stands before the names of what is inside."""
        return f"{self.path}." if self.path else ""


class Value:
    """What a tensor is: a result in a frame."""

    __slots__ = ("frame", "source")

    def __init__(self, frame: Frame, source: Source) -> None:
        self.frame, self.source = frame, source


class Running(TorchFunctionMode):
    """The state of a run, and what is asked of it."""

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
        self.problems: dict[tuple[Any, ...], tuple[Diagnostic, list[str]]] = {}

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
                name = self.buffers[id(tensor)].rpartition(".")[2]
                raise Inexpressible(f"`{name}` is a buffer that `forward` reads", fix)
            return self.positions(tensor)
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

    def positions(self, tensor: Tensor) -> Source:
        """Numbers that count along an axis of the scope's input, for each sample or once for all."""
        frame = self.frame
        if id(tensor) not in frame.positions:
            length = tensor.shape[-1] if tensor.dim() else 0
            counted = tensor.dtype == torch.int64 and torch.equal(
                tensor, torch.arange(length).expand(tensor.shape)
            )  # fmt: skip
            like = next((one for one in frame.given if one.dim() > 1 and one.shape[1] == length), None)
            if not counted or like is None or tensor.shape[:-1] not in {(), (1,), (BATCH,)}:
                raise Inexpressible("a tensor in it comes from no input and is no parameter")
            name = getattr(tensor, VARIABLE, None)
            source = self.add("Positions", {"dim": 1}, [self.source(like)])
            if name is not None and name not in frame.variables and names.fault(name) is None:
                frame.variables.add(name)
                cast("Node", source.value).name = name
            frame.positions[id(tensor)] = (tensor, source)
        return frame.positions[id(tensor)][1]

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

    def named_arguments(
        self, module: nn.Module, args: Any, kwargs: Any
    ) -> dict[tuple[int, str | None], tuple[int, str]]:
        """The place and the name in `forward` of each tensor that a module is given, by what it is in the scope."""
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
