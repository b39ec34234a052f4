"""Reading an ONNX file, and running it with all that its operators give. Nothing in the file can run code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

Array = NDArray[Any]
LARGEST = 2**31 - 2**20
"""Bytes that a message of protocol buffers has room for, in which ONNX Runtime takes a model."""
SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
"""Under what torch's exporter notes the modules that a node was in, and their classes."""


@dataclass(eq=False, slots=True)
class Op:
    """An operator of a file, or what several are together."""

    kind: str
    name: str
    inputs: list[str]
    """Names of values; empty for one that is left out."""
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    """The qualified name of the module that it was in, as far as the file tells."""


def loaded(path: Path) -> ModelProto:
    """The model of a file, with all of its weights. Raises `RunError` (SB515)."""
    try:
        import onnx
        import onnxruntime  # noqa: F401  it is needed soon after
        from onnx import inliner
    except ImportError as error:
        message = f"import of ONNX needs the package {error.name}, which is not installed"
        raise RunError([Diagnostic("SB515", message, fix="pip install 'specbuild[export]'")]) from None
    if not path.is_file():
        refuse(path, "there is no such file")
    try:
        model = onnx.load_model(path, format="protobuf", load_external_data=False)
        require_beside(path, model)
        onnx.load_external_data_for_model(model, str(path.parent))
    except RunError:
        raise
    except Exception as error:  # of several libraries
        refuse(path, f"it is no ONNX file that can be read: {first_line(error)}")
    if model.ByteSize() > LARGEST:
        refuse(path, f"with its weights it takes {model.ByteSize():,} bytes; ONNX Runtime takes {LARGEST:,} at once")
    try:
        onnx.checker.check_model(model)
        return inliner.inline_local_functions(model) if model.functions else model
    except Exception as error:
        refuse(path, f"the ONNX checker: {first_line(error)}")


def require_beside(path: Path, model: ModelProto) -> None:
    """SB515 for weights that are not in the file's own folder."""
    folder = path.parent.resolve()
    tensors = [*model.graph.initializer]
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                message = f"{called(node)}: {node.op_type} runs by the values of a tensor, which a spec does not"
                raise RunError([Diagnostic("SB516", message)])
            tensors += [attribute.t, *attribute.tensors]
    for tensor in tensors:
        where = next((entry.value for entry in tensor.external_data if entry.key == "location"), None)
        if where is None:
            continue
        inside = not PurePosixPath(where).is_absolute() and (folder / where).resolve().is_relative_to(folder)
        if not inside:
            refuse(path, f"the weights of `{tensor.name}` are said to be in {where}, outside of its folder")
        if not (folder / where).is_file():
            refuse(path, f"the weights of `{tensor.name}` are said to be in {where}, which is not there")


def refuse(path: Path, message: str, fix: str | None = None) -> NoReturn:
    """SB515."""
    raise RunError([Diagnostic("SB515", message, file=str(path), fix=fix)])


def first_line(error: BaseException) -> str:
    """What an exception says, without ONNX Runtime's own files."""
    text = re.sub(r"/\S*onnxruntime\S*/\S+ ", "", str(error)).strip()
    return (text.splitlines() or [type(error).__name__])[0]


def called(node: NodeProto | Op) -> str:
    """What a node is called in messages: its name, else what it gives."""
    outputs = node.outputs if isinstance(node, Op) else node.output
    return node.name or next((f"%{name}" for name in outputs if name), "a node")


def opset(model: ModelProto) -> int:
    """The version of ONNX's own operators."""
    return next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1)


def operators(graph: GraphProto) -> list[Op]:
    """The nodes of a graph, in an order in which they run."""
    from onnx import helper

    found = []
    for node in graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        found.append(Op(kind, node.name, [*node.input], [*node.output], attributes, place(node)))
    return found


def noted(node: NodeProto, key: str) -> list[str]:
    """A list of strings that torch's exporter notes at a node, as Python writes it; empty where there is none."""
    import ast

    text = next((entry.value for entry in node.metadata_props if entry.key == key), "[]")
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else []


def classes(graph: GraphProto) -> dict[str, str]:
    """The name of each module's class by the module's, as far as torch's exporter tells it."""
    found = {}
    for node in graph.node:
        for name, kind in zip(noted(node, SCOPES)[:-1], noted(node, CLASSES)[:-1], strict=False):
            found[name] = kind.rpartition(".")[2]
    return found


def place(node: NodeProto) -> str:
    """The module that a node was in: torch's exporters tell it in metadata, or in the node's name."""
    if scopes := noted(node, SCOPES):
        return scopes[-2] if len(scopes) > 1 else ""
    if not node.name.startswith("/"):
        return ""
    found: list[str] = []
    for part in node.name.split("/")[1:-1]:
        last = found[-1].rpartition(".")[2] if found else None
        if last and part.startswith(f"{last}."):  # children of a Sequential carry its name
            part = part[len(last) + 1 :]
        found.append(part)
    return ".".join(found)


class Session:
    """A model in ONNX Runtime, that gives each value of it."""

    def __init__(self, path: Path, model: ModelProto, wanted: Iterable[str]) -> None:
        import onnx
        import onnxruntime

        watched = onnx.ModelProto()
        watched.CopyFrom(model)
        outputs = [value.name for value in model.graph.output]
        self.names = [*outputs, *(name for name in wanted if name not in outputs)]
        for name in self.names[len(outputs) :]:
            watched.graph.output.append(onnx.ValueInfoProto(name=name))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self.session: Any = onnxruntime.InferenceSession(
                watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of its own kinds
            refuse(path, f"ONNX Runtime cannot load it: {first_line(error)}")
        self.path = path
        self.taken = {each.name for each in self.session.get_inputs()}

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """All values, by name."""
        given = {name: array for name, array in inputs.items() if name in self.taken}
        try:
            found = self.session.run(self.names, given)
        except Exception as error:  # of its own kinds
            refuse(self.path, f"ONNX Runtime cannot run it: {first_line(error)}")
        return {  # what is no tensor is of no layer
            name: np.zeros(0) if isinstance(value, list) or value is None else np.asarray(value)
            for name, value in zip(self.names, found, strict=True)
        }
