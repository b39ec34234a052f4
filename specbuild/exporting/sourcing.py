"""`.py` and the weights beside it: Python source, tried in an interpreter that has no specbuild."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen

import torch
from safetensors.torch import load_file, save_file

from specbuild.data.vision import SCHEMAS
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting import parity
from specbuild.exporting.locating import Probe, failed
from specbuild.exporting.parity import EXACT, Parity, Probed, Tensors
from specbuild.exporting.python import beside, source
from specbuild.exporting.subject import Subject
from specbuild.exporting.trials import trials
from specbuild.exporting.weights import write_state

WEIGHTS = ".safetensors"
PROGRAM = """
import importlib.util, json, sys, warnings
sys.dont_write_bytecode = True
sys.modules["specbuild"] = None  # importing it is an error
warnings.simplefilter("ignore")
import torch
from safetensors.torch import load_file, save_file

module_path, weights, told = sys.argv[1:]
told = json.loads(told)
torch.set_num_threads(told["threads"])
if told["operators"]:  # what a torchvision that was built for another torch lacks
    try:
        import torchvision
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in told["operators"]:
            library.define(operator)
spec = importlib.util.spec_from_file_location("exported", module_path)
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
network = module.load(weights).eval()
found = {}
for name in told["probes"]:
    try:
        layer = network.get_submodule(name)
    except AttributeError:  # an expression in a forward
        continue
    def keep(module, arguments, output, name=name):
        found[name] = (output[0] if isinstance(output, tuple) else output).clone()
    layer.register_forward_hook(keep)
for line in sys.stdin:
    inputs, outputs = json.loads(line)
    tensors = load_file(inputs)
    torch.manual_seed(0)
    with torch.inference_mode():
        output = network(*(tensors[name].clone() for name in told["inputs"]))
    if not told["probes"]:
        found = output if isinstance(output, dict) else {told["outputs"][0]: output}
    save_file({name: tensor.contiguous().clone() for name, tensor in found.items()}, outputs)
    print("DONE", flush=True)
"""
"""What runs the module: `load` of it on the weights, then the network on the inputs."""


def write(subject: Subject, path: Path, *, training: bool = False) -> Parity:
    """Write the module and its weights; run it where specbuild cannot be imported, and hold it against the network."""
    weights = path.with_suffix(WEIGHTS)
    write_state(subject, weights)
    text = source(subject.spec, subject.plan, training=training, weights=weights.name)
    path.write_text(text, encoding="utf-8")
    for name, content in (beside(subject.spec, weights.name) if training else {}).items():
        path.with_name(name).write_bytes(content)
    try:
        with runner(path, subject) as run:
            return parity.require(subject.model, subject.plan, run, trials(subject.spec), EXACT)
    except parity.Unequal as unequal:
        raise failed(subject, unequal, "the module", EXACT, probe(path, subject)) from None


@contextmanager
def runner(path: Path, subject: Subject, probes: Sequence[str] = ()) -> Iterator[parity.Runner]:
    """The module in an interpreter of its own; probes: the layers whose outputs are given, instead of the network's."""
    told = {"inputs": [*subject.plan.inputs], "outputs": [*subject.plan.outputs], "probes": [*probes],
            "threads": torch.get_num_threads(), "operators": operators(path)}  # fmt: skip
    given, found = (path.with_name(name) for name in ("inputs.safetensors", "outputs.safetensors"))
    said = path.with_name("said.txt")
    command = [sys.executable, "-I", "-c", PROGRAM, str(path), str(path.with_suffix(WEIGHTS)), json.dumps(told)]
    with said.open("w") as errors, Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None, "it is a pipe"
        assert stdout is not None, "it is a pipe"

        def run(inputs: Tensors) -> Tensors:
            save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, given)
            with suppress(BrokenPipeError):
                print(json.dumps([str(given), str(found)]), file=stdin, flush=True)
            if not any(line == "DONE\n" for line in stdout):
                process.wait()
                words = (said.read_text().strip().splitlines() or [f"it ended with {process.returncode}"])[-1]
                raise RunError([Diagnostic("SB511", f"the module does not run where specbuild is not: {words}")])
            return load_file(found)

        try:
            yield run
        finally:
            with suppress(BrokenPipeError):
                stdin.close()


def operators(path: Path) -> tuple[str, ...]:
    """The operators that torchvision may lack, where the module imports it."""
    return SCHEMAS if "from torchvision" in path.read_text(encoding="utf-8") else ()


def probe(path: Path, subject: Subject) -> Probe:
    """The same module, with what its layers give."""

    def run(probed: Probed) -> parity.Runner:
        def once(inputs: Tensors) -> Tensors:
            with runner(path, subject, probed.names) as found:
                return found(inputs)

        return once

    return run
