"""ONNX files as specs; ONNX Runtime and torch's exporter are the oracle."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import specbuild
from specbuild import api
from specbuild.importing.onnx import from_onnx
from tests.importing.test_round_trip import SMALLER, SPECS

torch.set_num_threads(1)
RANDOM = np.random.default_rng(0)


def exported(module: nn.Module, path: Path, *inputs: Tensor, dynamo: bool = True) -> Path:
    """What torch's own exporter writes, with an open batch."""
    names = [f"x{index}" for index in range(len(inputs))]
    shapes = tuple({0: torch.export.Dim("batch")} for _ in inputs)
    axes: dict[str, Any] = (
        {"dynamic_shapes": shapes} if dynamo else {"dynamic_axes": {name: {0: "n"} for name in names}}
    )
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), inputs, path, dynamo=dynamo, input_names=names, external_data=False, **axes)
    return path


def by_hand(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any],
    shape: tuple[Any, ...],
    opset: int = 20,
    rank: int = 2,
) -> Path:
    """A file of nodes that take `x` and give `y`."""
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(
        nodes, "by_hand", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)], held,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def normal(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(np.float32)


def agrees(found: api.Imported, path: Path, *inputs: Tensor) -> bool:
    """Whether the network gives what ONNX Runtime, with all its optimizations, gives on other inputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {entry.name: tensor.numpy() for entry, tensor in zip(session.get_inputs(), inputs, strict=True)}
    wanted = session.run(None, given)
    with torch.no_grad():
        result = found.network(*inputs)
    results = [*result.values()] if isinstance(result, dict) else [result]
    return all(np.allclose(a, b.numpy(), rtol=1e-3, atol=1e-5) for a, b in zip(wanted, results, strict=True))


SMALL = {**SMALLER, "unet": ["vars.base=4", "input=[3, 32, 32]"], "char_lstm": ["vars.window=6"]}
FOLDED = {"cifar_resnet9", "unet"}
"""Their BatchNorms are in the weights of the convolutions, as torch's exporter has them."""


@pytest.mark.parametrize("name", ["cifar_resnet9", "unet", "two_inputs", "vit_b_16", "char_lstm"])
def test_what_was_exported_comes_back(name: str, tmp_path: Path) -> None:
    spec = specbuild.load(SPECS / f"{name}.yaml", SMALL.get(name, []))
    plan = specbuild.infer(spec)
    path = specbuild.export(spec, "onnx", tmp_path / f"{name}.onnx").file
    found = api.import_model(str(path))
    state, original = found.network.state_dict(), specbuild.build(spec).state_dict()
    norms = {key.rpartition(".")[0] for key in original if key.endswith(".running_mean")}
    wanted = {key for key in original if key.rpartition(".")[0] not in norms}
    assert wanted - set(state) == set()
    assert {key: state[key].shape for key in wanted} == {key: original[key].shape for key in wanted}
    if name not in FOLDED:
        assert set(state) == set(original)
        assert found.plan.parameters() == plan.parameters()
    generator = torch.Generator().manual_seed(7)
    inputs = [
        torch.randn(3, *kind.shape, generator=generator)
        if kind.dtype == "float32"
        else torch.ones(3, *kind.shape).long()
        for kind in plan.inputs.values()
    ]
    assert agrees(found, path, *inputs)
    assert "on batches of 2 and 1" in found.proof


def test_repeats_and_blocks_are_found_again(tmp_path: Path) -> None:
    spec = specbuild.load(SPECS / "gpt2_small.yaml", SMALLER["gpt2_small"])
    path = specbuild.export(spec, "onnx", tmp_path / "gpt2.onnx").file
    found = from_onnx(path)
    assert "repeat: 2" in found.text
    assert "causal: true" in found.text
    assert found.plan.tie == {"lm_head.weight": "wte.weight"}


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(2, channels)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(self.norm(self.conv(x))) + x


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))
        self.body = nn.Sequential(*(Residual(4) for _ in range(3)))
        self.inner = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(self.stem(x) * self.scale) * 2 + 0.5
        x = self.norm(nn.functional.gelu(self.inner(x.flatten(2).transpose(1, 2))))
        first, rest = x[:, 0], x[:, 1:].mean(1)
        return self.head(first), torch.softmax(torch.cat([first, rest], 1), 1)


@pytest.mark.parametrize("dynamo", [True, False])
def test_a_module_by_torchs_exporters(dynamo: bool, tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = Network()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    path = exported(module, tmp_path / "own_net.onnx", torch.randn(2, 3, 9, 9), dynamo=dynamo)
    found = from_onnx(path)
    state = found.network.state_dict()
    assert {key: tensor.shape for key, tensor in state.items()} == {
        key: tensor.shape for key, tensor in module.state_dict().items()
    }
    assert all(torch.equal(state[key], tensor) for key, tensor in module.state_dict().items())
    images = torch.randn(3, 3, 9, 9)
    for wanted, given in zip(module(images), found.network(images).values(), strict=True):
        assert torch.allclose(wanted, given, rtol=1e-3, atol=1e-5)
    assert "repeat: 3" in found.text
    assert ("  residual:\n" in found.text) == dynamo  # the other exporter tells no classes
    assert found.text.startswith("# own_net.onnx, an ONNX file: ")


def test_nodes_without_names(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "k"], ["a"], pads=[0, 0, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["a", "g", "b", "m", "v"], ["n"], epsilon=1e-3),
        node("Clip", ["n", "low", "high"], ["c"]),
        node("Sub", ["one", "c"], ["s"]),
        node("MaxPool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("PRelu", ["p", "slope"], ["r"]),
        node("Pad", ["r", "pads"], ["e"], mode="reflect"),
        node("Resize", ["e", "", "scales"], ["u"], mode="linear", coordinate_transformation_mode="half_pixel"),
        node("GlobalAveragePool", ["u"], ["g1"]),
        node("Shape", ["x"], ["size"]),
        node("Gather", ["size", "zero"], ["batch"]),
        node("Unsqueeze", ["batch", "first"], ["batch1"]),
        node("Concat", ["batch1", "minus"], ["wanted"], axis=0),
        node("Reshape", ["g1", "wanted"], ["f"]),
        node("Split", ["f"], ["f1", "f2"], axis=1, num_outputs=2),
        node("Mul", ["f1", "f2"], ["f3"]),
        node("MatMul", ["f3", "w"], ["l"]),
        node("Add", ["l", "shift"], ["l1"]),
        node("LogSoftmax", ["l1"], ["o"], axis=-1),
        node("Sub", ["o", "shift"], ["o1"]),
        node("Div", ["o1", "shift"], ["o2"]),
        node("Sub", ["o2", "l1"], ["o3"]),
        node("Clip", ["o3", "", "high"], ["y"]),
    ]
    constants = {
        "k": normal(4, 3, 3, 3), "g": normal(4), "b": normal(4), "m": normal(4), "v": abs(normal(4)),
        "low": np.float32(-0.5), "high": np.float32(2), "one": np.float32(1), "slope": normal(4, 1, 1),
        "pads": np.array([0, 0, 1, 0, 0, 0, 0, 2]), "scales": np.array([1, 1, 2, 2], np.float32),
        "zero": np.array(0), "first": np.array([0]), "minus": np.array([-1]), "w": normal(2, 3), "shift": normal(3),
    }  # fmt: skip
    path = by_hand(tmp_path / "hand.onnx", nodes, constants, ("n", 3, 12, 12))
    found = from_onnx(path)
    assert [step.type for step in found.plan.layers()] == [
        "ZeroPad2d", "Conv2d", "BatchNorm2d", "Hardtanh", "Affine", "MaxPool2d", "PReLU", "ReflectionPad2d", "Upsample",
        "AdaptiveAvgPool2d", "Flatten", "Narrow", "Narrow", "Multiply", "Linear", "LogSoftmax",
        "Parameter", "Add", "Parameter", "Multiply", "Affine", "Add", "Affine", "Threshold", "Affine",
    ]  # fmt: skip
    assert agrees(found, path, torch.randn(5, 3, 12, 12))


def test_older_operators(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Gemm", ["x", "w", "b"], ["a"], alpha=0.5, beta=2.0),
        node("Unsqueeze", ["a"], ["u"], axes=[1]),
        node("Clip", ["u"], ["c"], min=0.0, max=6.0),
        node("Slice", ["c"], ["s"], starts=[1], ends=[9], axes=[2]),
        node("ReduceMean", ["s"], ["m"], axes=[1], keepdims=0),
        node("Dropout", ["m"], ["d"], ratio=0.5),
        node("Softmax", ["d"], ["y"]),
    ]
    path = by_hand(tmp_path / "old.onnx", nodes, {"w": normal(3, 4), "b": normal(1, 4)}, (2, 3), opset=9)
    found = from_onnx(path)
    assert found.proof.endswith(("on a batch of 2", "on a batch of 2, within rtol 0.001, atol 1e-05"))
    assert agrees(found, path, torch.randn(2, 3))


def test_parts_that_run_between_others_are_written_flat(tmp_path: Path) -> None:
    node = helper.make_node
    names = ["a.0.weight", "b.0.weight", "a.1.weight", "b.1.weight"]
    values = ["x", "h0", "h1", "h2", "y"]
    nodes = [node("Gemm", [values[i], name], [values[i + 1]], transB=1) for i, name in enumerate(names)]
    path = by_hand(tmp_path / "mixed.onnx", nodes, {name: normal(3, 3) for name in names}, ("n", 3))
    found = from_onnx(path)
    assert sorted(found.network.state_dict()) == ["a_0.weight", "a_1.weight", "b_0.weight", "b_1.weight"]


TWICE = {"w": normal(3, 3), "axes": np.array([0, 1])}


@pytest.mark.parametrize(
    ("nodes", "shape", "message"),
    [
        ([("MatMul", ["x", "x"], {})], ("n", 3, 3), "%y: MatMul has no layer in the catalogue"),
        ([("Transpose", ["x"], {"perm": [1, 0, 2]})], ("n", 3, 3),
         "%y: Transpose moves the batch, which in a spec is always axis 0"),
        ([("Conv", ["x", "x"], {})], (3, 3, 3, 3),
         "%y: Conv has a computed weight, where a layer has a parameter or a number"),
        ([("ReduceMean", ["x", "axes"], {"keepdims": 1})], ("n", 3),
         "%y: ReduceMean moves or reads the batch, which in a spec is always axis 0"),
        ([("Cast", ["x"], {"to": TensorProto.DOUBLE}), ("Cast", ["h"], {"to": TensorProto.FLOAT})], ("n", 3),
         "%h: Cast makes float64 of float32, which a spec does not"),
        ([("MatMul", ["x", "w"], {})], ("n", "length", 3), "the input x leaves sizes open beside the batch"),
    ],
)  # fmt: skip
def test_what_a_spec_cannot_say(nodes: list[Any], shape: tuple[Any, ...], message: str, tmp_path: Path) -> None:
    ends = [*["h"] * (len(nodes) - 1), "y"]
    made = [helper.make_node(kind, taken, [end], **more) for (kind, taken, more), end in zip(nodes, ends, strict=True)]
    path = by_hand(tmp_path / "none.onnx", made, TWICE, shape, rank=len(shape))
    with pytest.raises(specbuild.RunError) as raised:
        from_onnx(path)
    assert [(found.code, found.message) for found in raised.value.diagnostics] == [("SB516", message)]


def test_open_sizes_are_said(tmp_path: Path) -> None:
    path = by_hand(
        tmp_path / "open.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], TWICE, ("n", "length", 3), rank=3
    )
    found = api.import_model(str(path), [7, 3])
    assert found.spec.inputs["input"].shape == (7, 3)
    with pytest.raises(
        specbuild.RunError, match=r"SB515.*the file's input x is \[\?, 3\] for one sample, not \[7, 4\]"
    ):
        api.import_model(str(path), [7, 4])


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("nothing at all")
    with pytest.raises(specbuild.RunError, match=r"SB515.*it is no ONNX file that can be read"):
        from_onnx(path)
    with pytest.raises(specbuild.RunError, match=r"SB515.*there is no such file"):
        from_onnx(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("../w.bin", "outside of its folder"),
        ("/etc/hostname", "outside of its folder"),
        ("link.bin", "outside of its folder"),
        ("w.bin", "which is not there"),
    ],
)
def test_weights_beside_the_file(where: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(normal(3, 3).tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    path = by_hand(folder / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], TWICE, ("n", 3))
    model = onnx.load(path)
    (held,) = [tensor for tensor in model.graph.initializer if tensor.name == "w"]
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value=where)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(specbuild.RunError, match=f"SB515.*the weights of `w` are said to be in {where}, {message}"):
        from_onnx(path)
    if where == "w.bin":
        (folder / where).write_bytes((tmp_path / "w.bin").read_bytes())
        assert from_onnx(path).plan.parameters() == 9


def test_a_wrong_translation_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specbuild.importing import onnx_operators
    from specbuild.importing.onnx_calls import Made

    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    path = by_hand(tmp_path / "small.onnx", nodes, {"w": normal(3, 3) * 1e-7}, ("n", 3))
    assert from_onnx(path).plan.parameters() == 9
    monkeypatch.setitem(onnx_operators.OPERATORS, "Relu", lambda call: Made("Tanh"))  # type: ignore[arg-type]
    with pytest.raises(
        specbuild.RunError, match=r"SB516.*tanh_1: the spec's output differs .* the first layer that differs"
    ):
        from_onnx(path)
