"""`.onnx`: the operators of ONNX, by torch's own exporter, tried in ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.export import ExportedProgram

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting import parity
from specbuild.exporting.locating import Probe, failed
from specbuild.exporting.parity import Parity, Probed, Tensors
from specbuild.exporting.subject import Subject
from specbuild.exporting.tracing import BATCH, program_of, quiet, refused, words_of
from specbuild.exporting.trials import trials

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
"""What torch's exporter writes in unless it is told."""
LARGEST = 2**31 - 2**20
"""Bytes of weights that a file of ONNX, a message of protocol buffers, has room for."""
FIX = "--to torch, or --to python"
KEPT = "pkg.torch.onnx.name_scopes"
"""Of what torch notes at a node: the modules that it is in. The rest names files of the machine."""


def write(subject: Subject, path: Path, opset: int | None = None) -> Parity:
    """Write the model, have the ONNX checker judge it, and hold ONNX Runtime against the network."""
    require_extra()
    require_size(subject)
    model, written = converted(subject, subject.model, opset or OPSET)
    if opset is not None and written != opset:
        message = f"torch.onnx.export writes this network in opset {written}, not in {opset}"
        raise RunError([Diagnostic("SB512", message, fix=f"--opset {written}")])
    for key, value in subject.metadata().items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString(deterministic=True))
    judge(path, subject)
    try:
        found = parity.require(subject.model, subject.plan, runner(path), trials(subject.spec), parity.NEAR)
        return found._replace(note=f"opset {written}")
    except parity.Unequal as unequal:
        raise failed(subject, unequal, "ONNX Runtime", parity.NEAR, probe(subject, path, opset or OPSET), FIX) from None


def probe(subject: Subject, path: Path, opset: int) -> Probe:
    """The network with what its layers give, by the same way."""

    def run(probed: Probed) -> parity.Runner:
        keys = {f"probe.{index}": name for index, name in enumerate(probed.names)}
        aside = path.with_name("probed.onnx")
        aside.write_bytes(converted(subject, probed, opset, [*keys])[0].SerializeToString())
        session = runner(aside)
        return lambda inputs: {keys[key]: tensor for key, tensor in session(inputs).items()}

    return run


def require_extra() -> None:
    """SB512 where the packages of the extra are not installed."""
    from importlib.util import find_spec

    if missing := [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]:
        message = f"export to ONNX needs packages that are not installed: {', '.join(missing)}"
        raise RunError([Diagnostic("SB512", message, fix="pip install 'specbuild[export]'")])


def require_size(subject: Subject) -> None:
    """SB512 for weights that no file of ONNX has room for."""
    size = subject.plan.parameter_bytes()
    if size > LARGEST:
        message = f"the weights take {size:,} bytes; a file of ONNX has room for {LARGEST:,}"
        raise RunError([Diagnostic("SB512", message, fix="--to torch has no such bound")])


def converted(subject: Subject, model: nn.Module, opset: int, names: list[str] | None = None) -> tuple[ModelProto, int]:
    """The model in ONNX, and its opset, which may be an older one where torch has no newer operators.

    names: of its outputs, by default the document's. Raises `RunError` (SB512).
    """
    program = program_of(subject, model)
    outputs = [*subject.plan.outputs] if names is None else names
    with quiet():
        try:
            exported = torch.onnx.export(program, dynamo=True, opset_version=opset, verbose=False, optimize=True)
        except Exception as error:  # torch raises of every kind
            raise refused("torch.onnx.export", error, layer_of(error, program), subject.spec) from None
    assert exported is not None, "without a file name torch gives the model"
    name_values(exported.model, [*subject.plan.inputs], outputs)
    proto: ModelProto = exported.model_proto
    settle(proto, subject)
    return proto, next(each.version for each in proto.opset_import if each.domain == "")


def name_values(model: Any, inputs: list[str], outputs: list[str]) -> None:
    """The document's names for inputs and outputs; what else is called so gets another name.

    An output that is an input, a constant or another output is handed on by an Identity.
    """
    import onnx_ir

    graph = model.graph
    given = [*graph.inputs, *graph.initializers.values()]
    taken = {*inputs, *outputs, *(value.name for value in given)}
    made = [value for node in graph for value in node.outputs]
    taken.update(value.name for value in made)
    for value in (*made, *graph.initializers.values()):
        if value.name in inputs or value.name in outputs:
            number = next(n for n in range(len(taken) + 1) if f"{value.name}__{n}" not in taken)
            value.name = f"{value.name}__{number}"
            taken.add(value.name)
    own: list[Any] = []
    for index, value in enumerate(graph.outputs):
        if value in own or value in given:
            node = onnx_ir.node("Identity", [value])
            node.outputs[0].shape, node.outputs[0].type = value.shape, value.type
            graph.append(node)
            graph.outputs[index] = node.outputs[0]
        own.append(graph.outputs[index])
    for values, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for value, name in zip(values, names, strict=True):
            value.name = name


def settle(proto: ModelProto, subject: Subject) -> None:
    """The document's names for open sizes; nothing of the machine at the nodes."""
    sizes: dict[str, str] = {}
    for value, (name, kind) in zip(proto.graph.input, subject.plan.inputs.items(), strict=True):
        assert value.name == name
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_param:
                sizes[dim.dim_param] = BATCH if axis == 0 else str(kind.shape[axis - 1])
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = renamed(dim.dim_param, sizes)
    for holder in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer, *proto.graph.input,
                   *proto.graph.output, proto.graph):  # fmt: skip
        kept = [entry for entry in holder.metadata_props if entry.key == KEPT]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
    proto.graph.name = subject.spec.name


def renamed(size: str, names: Mapping[str, str]) -> str:
    """A size with the document's names for torch's symbols."""
    if size in names:
        return names[size]
    return re.sub(r"[A-Za-z_]\w*", lambda found: names.get(found.group(), found.group()), size)


def layer_of(error: BaseException, program: ExportedProgram) -> str | None:
    """The layer whose operator torch could not translate, as far as it says."""
    told = str(error)
    while error.__cause__ is not None:
        error = error.__cause__
        told += str(error)
    stacks = {node.name: node.meta.get("nn_module_stack") for node in program.graph.nodes}
    for name in re.findall(r"%(\w+) :", told):
        if stacks.get(name):
            return str([*stacks[name].values()][-1][0]) or None
    return None


def judge(path: Path, subject: Subject) -> None:
    """SB512 for a file that the ONNX checker refuses: then torch's exporter has made a wrong one."""
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # of several libraries
        raise refused("the ONNX checker", error, None, subject.spec) from None


def runner(path: Path) -> parity.Runner:
    """A file in ONNX Runtime, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of its own kinds
        raise not_run(error) from None
    outputs = [each.name for each in session.get_outputs()]
    taken = {each.name for each in session.get_inputs()}

    def run(inputs: Tensors) -> Tensors:
        given = {name: tensor.numpy() for name, tensor in inputs.items() if name in taken}
        try:
            found = session.run(outputs, given)
        except Exception as error:
            raise not_run(error) from None
        return {name: torch.from_numpy(array) for name, array in zip(outputs, found, strict=True)}

    return run


def not_run(error: Exception) -> RunError:
    """SB512 with ONNX Runtime's words, without its own files and lines."""
    words = re.sub(r"/onnxruntime_src/\S+ |Load model from \S+ failed:", "", words_of(error)).strip()
    return RunError([Diagnostic("SB512", f"ONNX Runtime cannot run it: {words}", fix=FIX)])
