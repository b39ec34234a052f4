"""Generated modules against what specbuild builds, in an interpreter that cannot import specbuild."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file, save_model
from torch import Tensor, nn

import specbuild
from specbuild.catalogue.types import TensorType
from specbuild.exporting.python import source
from specbuild.network.compile import build
from specbuild.network.plan import Plan

RUNNER = """
import importlib.util, json, sys, warnings
from pathlib import Path

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "specbuild":
            raise ImportError("specbuild is not here")

sys.meta_path.insert(0, Refusing())
try:
    import specbuild
except ImportError:
    pass
else:
    raise SystemExit("specbuild can be imported")
import torch
from safetensors.torch import load_file
torch.set_num_threads(1)
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "The PyTorch API of nested tensors|Implicit dimension choice|Using padding='same'")

def run(folder):
    spec = importlib.util.spec_from_file_location("exported", folder / "module.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load(str(folder / "weights.safetensors"))
    told = json.loads((folder / "case.json").read_text())
    keys = list(network.state_dict())
    if keys != told["keys"]:
        return f"keys {keys} are not {told['keys']}"
    inputs = load_file(folder / "inputs.safetensors")
    outputs = load_file(folder / "outputs.safetensors")
    modes = ["eval"] + ["train"] * told["train"]
    for mode in modes:
        network.train(mode == "train")
        torch.manual_seed(0)
        found = network(*[inputs[str(k)].clone() for k in range(told["inputs"])])
        found = found if isinstance(found, dict) else {"": found}
        if list(found) != told["outputs"]:
            return f"outputs {list(found)} are not {told['outputs']}"
        for name, tensor in found.items():
            wanted = outputs[f"{mode}.{name}"]
            if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
                return f"{mode}: {name} is {tensor.shape} {tensor.dtype}, not {wanted.shape} {wanted.dtype}"
            same = (tensor == wanted) | ((tensor != tensor) & (wanted != wanted))
            if not same.all():
                return f"{mode}: {name} differs by {(tensor.double() - wanted.double()).abs().max()}"
    for name, tensor in network.state_dict().items():
        wanted = outputs["state." + name]
        if told["train"] and not ((tensor == wanted) | ((tensor != tensor) & (wanted != wanted))).all():
            return f"state {name} differs"
    return None

verdicts = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    if folder.is_dir():
        try:
            verdicts[folder.name] = run(folder)
        except Exception as error:
            verdicts[folder.name] = f"{type(error).__name__}: {error}"
print(json.dumps(verdicts))
"""


class Trial(NamedTuple):
    """A network that is exported."""

    label: str
    spec: specbuild.Spec
    plan: Plan
    train: bool = True
    batch: int = 2
    value: float = 0
    """What integers of the inputs are filled with."""


def filled(type: TensorType, batch: int, value: float) -> Tensor:
    """A tensor of a type: numbers that are drawn, integers that are all one, masks that hide the last place."""
    shape = (batch, *type.shape) if type.batched else type.shape
    dtype = getattr(torch, type.dtype)
    if dtype == torch.bool:
        made = torch.zeros(shape, dtype=dtype)
        if made.dim() and made.shape[-1] > 1:
            made[..., -1] = True
        return made
    return torch.randn(shape, dtype=dtype) if dtype.is_floating_point else torch.full(shape, int(value), dtype=dtype)


def prepare(trial: Trial, folder: Path) -> str:
    """Write a module, its weights, its inputs and the outputs that are wanted; gives the module's text."""
    folder.mkdir()
    text = source(trial.spec, trial.plan)
    (folder / "module.py").write_text(text, encoding="utf-8")
    torch.manual_seed(1)
    network = build(trial.plan)
    save_model(network, str(folder / "weights.safetensors"))
    torch.manual_seed(2)
    inputs = [filled(type, trial.batch, trial.value) for type in trial.plan.inputs.values()]
    save_file({str(k): tensor for k, tensor in enumerate(inputs)}, folder / "inputs.safetensors")
    outputs: dict[str, Tensor] = {}
    names: list[str] = []
    for mode in ["eval", "train"] if trial.train else ["eval"]:
        found = output_of(network, inputs, mode)
        names = list(found)
        outputs |= {f"{mode}.{name}": tensor.detach().contiguous().clone() for name, tensor in found.items()}
    state = network.state_dict()
    outputs |= {f"state.{name}": tensor.detach().contiguous().clone() for name, tensor in state.items()}
    save_file(outputs, folder / "outputs.safetensors")
    told = {"keys": list(state), "inputs": len(inputs), "outputs": names, "train": trial.train}
    (folder / "case.json").write_text(json.dumps(told))
    return text


def output_of(network: nn.Module, inputs: list[Tensor], mode: str) -> dict[str, Tensor]:
    """What the network gives, by the names of its outputs."""
    network.train(mode == "train")
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what specbuild lets through
        found: Any = network(*[tensor.clone() for tensor in inputs])
    return found if isinstance(found, dict) else {"": found}


def run_apart(folder: Path) -> dict[str, str | None]:
    """What is wrong with each module in a folder, by the names of their folders."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    verdicts: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return verdicts


def verdicts_of(trials: Iterable[Trial], folder: Path) -> tuple[dict[str, str | None], dict[str, str]]:
    """What is wrong with each network's module, by label, and the modules' texts."""
    texts: dict[str, str] = {}
    labels: dict[str, str] = {}
    for number, trial in enumerate(trials):
        name = f"{number:05}"
        labels[name] = trial.label
        texts[trial.label] = prepare(trial, folder / name)
    found = run_apart(folder)
    return {labels[name]: verdict for name, verdict in found.items()}, texts


def laid_out(folder: Path) -> str:
    """What ruff says of the modules in a folder; empty if nothing."""
    said = ""
    for command in (["format", "--check", "--diff"], ["check", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", str(folder)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        said += done.stdout if done.returncode else ""
    return said
