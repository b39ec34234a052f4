"""Networks written for use without specbuild, held against torch and ONNX Runtime as any program would use them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import nn
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.exporting import onnx as onnx_form
from specbuild.exporting import program as program_form
from specbuild.exporting.parity import Parity
from tests.exporting.layers import documents, tried

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[2]
OPEN = """
specbuild: 1
name: open_net
input: [3, H, W]
dims: {H: {min: 16, multiple_of: 8}, W: {min: 16, max: 512, multiple_of: 8}}
layers:
  - {name: c1, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - {name: down, type: MaxPool2d, kernel_size: 2}
  - {name: up, type: Upsample, scale_factor: 2}
  - {type: Concat, from: [up, c1]}
  - {name: head, type: Conv2d, out_channels: 2, kernel_size: 1}
"""
TIED = """
specbuild: 1
name: tied
input: {shape: [6], dtype: int64}
layers:
  - {name: embedding, type: Embedding, num_embeddings: 9, embedding_dim: 4}
  - {name: head, type: Linear, out_features: 9, bias: false}
tie: {head.weight: embedding.weight}
train: {seed: 5}
"""
PLAIN = """
specbuild: 1
name: plain
input: [4]
layers:
  - {name: a, type: Linear, out_features: 4}
  - {name: first, type: ReLU}
  - {name: b, type: Linear, out_features: 4}
  - {name: second, type: ReLU, inplace: true}
  - {name: c, type: Linear, out_features: 2}
"""


def initial(document: Any, seed: int = 0) -> nn.Sequential:
    """The network as training would begin with it."""
    torch.manual_seed(seed)
    return specbuild.build(document).eval()


def in_runtime(path: Path, **inputs: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "run"
    spec = ROOT / "specs" / "digits_cnn.yaml"
    specbuild.train(spec, ["train.epochs=1", "layers.head.out_features=10"], run=path)
    return path


def test_a_run_in_onnx_runtime(run: Path, tmp_path: Path) -> None:
    found = specbuild.export(run, "onnx", tmp_path / "digits.onnx")
    reloaded = specbuild.reload(run)
    images = torch.randn(5, *reloaded.plan.input.shape)
    with torch.no_grad():
        wanted = reloaded.model(images).numpy()
    np.testing.assert_allclose(in_runtime(found.file, input=images)[0], wanted, rtol=1e-3, atol=1e-5)
    model = onnx.load(found.file)
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert specbuild.infer(told["specbuild.spec"]).outputs == reloaded.plan.outputs
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [value.name for value in model.graph.output] == [*reloaded.plan.outputs]
    assert (found.format, found.note, found.weights) == ("onnx", "opset 20", f"the best weights of {run}")
    assert found.bytes == found.file.stat().st_size
    assert found.largest_difference < 1e-4


def test_open_sizes_stay_open(tmp_path: Path) -> None:
    model, images = initial(OPEN), torch.randn(2, 3, 88, 152)
    with torch.no_grad():
        wanted = model(images)
    exported = specbuild.export(OPEN, "onnx", tmp_path / "open.onnx")
    np.testing.assert_allclose(in_runtime(exported.file, input=images)[0], wanted.numpy(), rtol=1e-3, atol=1e-5)
    (value,) = onnx.load(exported.file).graph.input
    assert [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim] == ["batch", 3, "H", "W"]
    exported = specbuild.export(OPEN, "torch", tmp_path / "open.pt2")
    program = loaded(exported.file)
    torch.testing.assert_close(program(images), wanted)
    with pytest.raises(AssertionError, match=r"size\(\)\[3\]|W"):
        program(torch.randn(2, 3, 88, 520))


def loaded(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.load(path).module()


def test_a_program_runs_where_specbuild_is_not(tmp_path: Path) -> None:
    exported = specbuild.export(ROOT / "specs" / "two_inputs.yaml", "torch", tmp_path / "two.pt2")
    model = initial(ROOT / "specs" / "two_inputs.yaml")
    inputs = torch.randn(7, 3, 32, 32), torch.randn(7, 10)
    torch.save([*inputs], tmp_path / "inputs.pth")
    program = (
        "import sys, torch\n"
        "sys.modules['specbuild'] = None\n"
        "network = torch.export.load(sys.argv[1]).module()\n"
        "torch.save(network(*torch.load(sys.argv[2])), sys.argv[3])\n"
    )
    files = [str(exported.file), str(tmp_path / "inputs.pth"), str(tmp_path / "output.pth")]
    subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", program, *files], check=True)
    with torch.no_grad():
        torch.testing.assert_close(torch.load(files[2]), model(*inputs))


def test_weights_with_the_document_beside_them(tmp_path: Path) -> None:
    exported = specbuild.export(TIED, "safetensors", tmp_path / "tied.safetensors")
    with safe_open(exported.file, framework="pt") as file:
        told, keys = file.metadata(), [*file.keys()]
        state = {key: file.get_tensor(key) for key in keys}
    assert keys == ["embedding.weight"]
    assert json.loads(told["specbuild.tied"]) == {"head.weight": "embedding.weight"}
    assert specbuild.check(told["specbuild.spec"]) == ()
    model = specbuild.build(told["specbuild.spec"])
    model.load_state_dict({**state, "head.weight": state["embedding.weight"]})
    tokens, wanted = torch.arange(12).view(2, 6) % 9, initial(TIED, 5)
    assert torch.equal(model.eval()(tokens), wanted(tokens))
    assert exported.parity == "outputs equal bit for bit on 2 batches"
    assert exported.weights == "initial weights, seed 5"


def test_a_state_dict_as_torch_saves_it(tmp_path: Path) -> None:
    exported = specbuild.export(TIED, "pth", tmp_path / "tied.pth")
    state = torch.load(exported.file, weights_only=True)
    wanted = initial(TIED, 5)
    model = specbuild.build(TIED)
    assert str(model.load_state_dict(state, strict=True)) == "<All keys matched successfully>"
    assert state["head.weight"].data_ptr() == state["embedding.weight"].data_ptr()
    assert torch.equal(model.head.weight, wanted.head.weight)


def with_another(operator: str, other: str, after: int) -> Callable[..., Any]:
    """An exporter of ONNX with a defect: from the operator of this number on it writes another one."""
    right = onnx_form.converted

    def wrong(*arguments: Any, **named: Any) -> Any:
        model, opset = right(*arguments, **named)
        for node in [node for node in model.graph.node if node.op_type == operator][after:]:
            node.op_type = other
        return model, opset

    return wrong


def test_what_gives_another_output_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_form, "converted", with_another("Relu", "Sigmoid", 1))
    with pytest.raises(
        specbuild.RunError, match="ONNX Runtime gives another output than the network: c differs by"
    ) as raised:
        specbuild.export(PLAIN, "onnx", tmp_path / "wrong.onnx")
    (found,) = raised.value.diagnostics
    assert found.code == "SB511"
    assert found.because is not None
    assert found.because.startswith("the first layer that differs is second, which differs by")
    assert [*tmp_path.iterdir()] == []


def test_a_program_that_gives_another_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = program_form.program_of

    def wrong(*arguments: Any) -> Any:
        program = right(*arguments)
        for node in program.graph.nodes:
            if node.target is torch.ops.aten.relu.default:
                node.target = torch.ops.aten.sigmoid.default
        program.graph_module.recompile()
        return program

    monkeypatch.setattr(program_form, "program_of", wrong)
    with pytest.raises(specbuild.RunError, match=r"torch\.export's program gives another output") as raised:
        specbuild.export(PLAIN, "torch", tmp_path / "wrong.pt2")
    assert str(raised.value.diagnostics[0].because).startswith(
        "the first layer that differs is first, which differs by"
    )
    assert [*tmp_path.iterdir()] == []


def test_a_file_is_written_over_only_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plain.onnx"
    path.write_text("mine")
    with pytest.raises(specbuild.RunError, match=r"SB506.*something is there already"):
        specbuild.export(PLAIN, "onnx", path)
    right = onnx_form.converted
    monkeypatch.setattr(onnx_form, "converted", with_another("Relu", "Sigmoid", 0))
    with pytest.raises(specbuild.RunError, match="SB511"):
        specbuild.export(PLAIN, "onnx", path, force=True)
    assert path.read_text() == "mine"
    monkeypatch.setattr(onnx_form, "converted", right)
    specbuild.export(PLAIN, "onnx", path, force=True)
    onnx.checker.check_model(str(path))


def test_outputs_are_called_as_in_the_document(tmp_path: Path) -> None:
    """Also where torch has its own use for the name, and where an output is an input, or given twice."""
    document = """
specbuild: 1
inputs: {a: [4], b: [4]}
layers:
  - {name: linear_1, type: Linear, out_features: 4, from: a}
  - {name: relu, type: ReLU}
  - {name: linear, type: Linear, out_features: 4, from: relu}
  - {name: same, type: Dropout, from: b}
  - {name: twice, type: Identity, from: linear}
outputs: [linear_1, linear, same, twice]
"""
    exported = specbuild.export(document, "onnx", tmp_path / "names.onnx")
    model, inputs = initial(document), {"a": torch.randn(3, 4), "b": torch.randn(3, 4)}
    assert [each.name for each in onnx.load(exported.file).graph.output] == ["linear_1", "linear", "same", "twice"]
    with torch.no_grad():
        for found, wanted in zip(in_runtime(exported.file, **inputs), model(**inputs).values(), strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-3, atol=1e-5)


def test_nothing_of_the_machine_is_in_a_file(tmp_path: Path) -> None:
    for to, suffix in (("onnx", ".onnx"), ("torch", ".pt2")):
        content = specbuild.export(PLAIN, to, tmp_path / f"plain{suffix}").file.read_bytes()
        assert b"site-packages" not in content
        assert str(ROOT).encode() not in content


@pytest.mark.parametrize(("opset", "written"), [(18, 18), (21, 21)])
def test_opsets(opset: int, written: int, tmp_path: Path) -> None:
    exported = specbuild.export(PLAIN, "onnx", tmp_path / "plain.onnx", opset=opset)
    assert [each.version for each in onnx.load(exported.file).opset_import if each.domain == ""] == [written]


@pytest.mark.parametrize(
    ("to", "options", "message"),
    [
        ("onnx", {"opset": 17}, "torch's exporter writes opset 18 and newer ones; got 17"),
        ("onnx", {"opset": 99}, "torch.onnx.export writes this network in opset 18, not in 99"),
        ("torch", {"opset": 20}, "--opset is of ONNX; --to torch has none"),
        ("pth", {"training": True}, "--to pth holds a network, no training"),
        ("torchscript", {}, "torch has given TorchScript up: `torch.jit.save` is deprecated. "
         "Please switch to `torch.export`."),
    ],
)  # fmt: skip
def test_what_a_format_has_not(to: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(specbuild.RunError) as raised:
        specbuild.export(PLAIN, to, **options)
    (found,) = raised.value.diagnostics
    assert (found.code, found.message) == ("SB512", message)


@pytest.mark.parametrize("to", ["torch", "onnx"])
def test_a_name_that_is_a_word_of_python(to: str, tmp_path: Path) -> None:
    """torch writes the keys of weights into source; a layer without weights may be called so."""
    spec: dict[str, Any] = {
        "specbuild": 1,
        "input": [4],
        "layers": [{"name": "class", "type": "Linear", "out_features": 2}],
    }
    path = tmp_path / f"it{'.pt2' if to == 'torch' else '.onnx'}"
    with pytest.raises(specbuild.RunError, match=r"SB512.*a layer is called `class`, a word of Python's own"):
        specbuild.export(spec, to, path)
    assert not path.exists()
    spec["layers"] = [{"name": "class", "type": "ReLU"}, {"type": "Linear", "out_features": 2}]
    assert specbuild.export(spec, to, path).largest_difference < 1e-5


@pytest.mark.parametrize(("output", "told"), [("", "the file needs a name"), (".pth", "there is a folder")])
def test_a_file_that_cannot_be(output: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(specbuild.RunError, match=f"SB506.*{told}"):
        specbuild.export(PLAIN, "pth", f"folder{output}" if output else "", force=True)


def test_torch_says_so_of_torchscript(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(nn.ReLU(), torch.ones(1))
    with pytest.warns(DeprecationWarning, match="`torch.jit.save` is deprecated. Please switch to `torch.export`"):
        torch.jit.save(traced, tmp_path / "it.pt")


def test_packages_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(specbuild.RunError, match="needs packages that are not installed: onnxruntime") as raised:
        specbuild.export(PLAIN, "onnx")
    assert raised.value.diagnostics[0].fix == "pip install 'specbuild[export]'"


def test_a_run_is_exported_as_it_was_trained(run: Path) -> None:
    with pytest.raises(specbuild.RunError, match=r"SB512.*not with --set train.seed=1"):
        specbuild.export(run, "pth", overrides=["train.seed=1"])


def test_command_line(tmp_path: Path) -> None:
    """What torch's exporter prints and warns of is not shown."""
    specbuild_ = Path(sys.executable).with_name("specbuild")
    spec = tmp_path / "plain.yaml"
    spec.write_text(PLAIN)
    done = subprocess.run(
        [specbuild_, "export", "plain.yaml", "--to", "onnx"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    assert first == f"plain.onnx: onnx, opset 20, {(tmp_path / 'plain.onnx').stat().st_size:,} bytes"
    assert second == "initial weights, seed 0"
    assert third.startswith("outputs ")


def test_command_line_in_json(tmp_path: Path) -> None:
    spec = tmp_path / "plain.yaml"
    spec.write_text(PLAIN)
    arguments = ["export", str(spec), "--to", "pth", "--output", str(tmp_path / "plain.pth"), "--format", "json"]
    result = CliRunner().invoke(app, arguments)
    told = json.loads(result.output)
    assert (told["format"], told["largest_difference"]) == ("pth", 0.0)
    assert CliRunner().invoke(app, arguments).exit_code == 1
    assert CliRunner().invoke(app, [*arguments, "--weights", "last"]).exit_code == 2


SAMPLE = ["BatchNorm2d", "Conv2d", "EmbeddingBag", "Hardswish", "LayerNorm2d", "MultiheadAttention", "Positions",
          "Select", "Upsample"]  # fmt: skip


@pytest.mark.parametrize("kind", SAMPLE)
def test_layers(kind: str) -> None:
    for document in documents(kind):
        for to in ("onnx", "torch"):
            assert isinstance(tried(document, to), Parity)


def test_a_layer_that_torchs_exporter_lacks() -> None:
    found = tried(next(documents("FractionalMaxPool2d")), "onnx")
    assert str(found).startswith("SB512: torch.onnx.export cannot express it: No ONNX function found for")
