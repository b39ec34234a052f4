"""A network as one module of Python that needs torch and safetensors, and not specbuild."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.python.classes import class_of
from specbuild.exporting.python.copying import copies, definitions
from specbuild.exporting.python.expressions import is_name, rendered
from specbuild.exporting.python.initial import initializations, tensor
from specbuild.exporting.python.kinds import Kinds
from specbuild.exporting.python.layout import formatted
from specbuild.exporting.python.training import training_of
from specbuild.exporting.python.unifying import Unifier
from specbuild.language.document import Spec
from specbuild.network.plan import Plan

IMPORTS = {
    "ArgumentParser": "from argparse import ArgumentParser",
    "OrderedDict": "from collections import OrderedDict",
    "Sequence": "from collections.abc import Sequence",
    "fnmatchcase": "from fnmatch import fnmatchcase",
    "reduce": "from functools import reduce",
    "Path": "from pathlib import Path",
    "monotonic": "from time import monotonic",
    "Any": "from typing import Any",
    "np": "import numpy as np",
    "torch": "import torch",
    "torchmetrics": "import torchmetrics",
    "Image": "from PIL import Image",
    "load_model": "from safetensors.torch import load_model",
    "save_model": "from safetensors.torch import save_model",
    "Tensor": "from torch import Tensor",
    "nn": "from torch import nn",
    "layer_norm": "from torch.nn.functional import layer_norm",
    "AveragedModel": "from torch.optim.swa_utils import AveragedModel",
    "get_ema_multi_avg_fn": "from torch.optim.swa_utils import get_ema_multi_avg_fn",
    "DataLoader": "from torch.utils.data import DataLoader",
    "Dataset": "from torch.utils.data import Dataset",
    "Subset": "from torch.utils.data import Subset",
    "default_collate": "from torch.utils.data import default_collate",
    "datasets": "from torchvision import datasets",
    "tv_tensors": "from torchvision import tv_tensors",
    "v2": "from torchvision.transforms import v2",
}
"""What is imported where its name occurs."""

CAUSAL = '''
def subsequent_mask(x: Tensor) -> Tensor:
    """What no position may see: those after it."""
    length = x.shape[1]
    return torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
'''

LOAD = '''
def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
'''

SUBSEQUENT = "subsequent_mask"
RESERVED = {
    *IMPORTS, SUBSEQUENT, "Arrays", "EPOCHS", "SEED", "Text", "WEIGHTS", "batches", "build", "evaluate", "init_weights",
    "judge", "load", "main", "plain", "range", "super", "train",
}  # fmt: skip
"""Names that no class and no variable of a module has."""
OF_TRAINING = {"DIGITS", "Digits", "ENDINGS", "ImagePairs", "Masked", "Results"}
"""Names that no class of a program that trains has either."""
CALLED = {
    "dict", "enumerate", "float", "groups_of", "held_out", "id", "image", "image_files", "int", "isinstance", "len",
    "list", "measure", "min", "mixed", "open", "print", "round", "sorted", "str", "sum",
}  # fmt: skip
"""What such a program calls, and the network's function is not called."""


def source(spec: Spec, plan: Plan, *, training: bool = False, weights: str | None = None) -> str:
    """The module's text, laid out as ruff does.

    It has `build() -> nn.Module`, which makes the network as the document initializes it, and
    `load(path) -> nn.Module`, which takes its weights from a safetensors file with the keys of the `state_dict`.
    training: with the data, the loss, the optimizer and a loop, run by `python FILE.py`. weights: the name of the file
    of weights that stands beside it. Raises `RunError` (SB512) for what cannot be written as Python.
    """
    try:
        return written(spec, plan, training, weights)
    except RunError as error:
        raise RunError(spec.place(error.diagnostics)) from None
    except (SyntaxError, RecursionError) as error:
        if isinstance(error, SyntaxError) and "nested" not in str(error):
            raise
        message = "the network nests deeper than Python reads its own source"
        fix = "blocks with branches, which are classes, or --to safetensors, --to torch"
        raise RunError(spec.place([Diagnostic("SB512", message, ("layers",), fix=fix)])) from None


def written(spec: Spec, plan: Plan, training: bool, weights: str | None) -> str:
    """The module's text."""
    kinds = Kinds(plan, RESERVED | (OF_TRAINING if training else set()))
    unifier = Unifier(kinds, spec)
    name, top = network(plan, kinds, unifier, CALLED if training else set())
    classes = [class_of(unifier.body(kind), kinds) for kind in kinds.kinds]
    parts = [*classes, top, *filling(plan), built(plan, name, filled=bool(plan.init)), LOAD]
    learned = list(training_of(spec, plan, weights)) if training else []
    body = "\n".join([*learned[:1], *parts, *learned[1:]])
    used = names_in(body)
    body = "\n".join([*copies(name for name in definitions() if name in used), body])
    if SUBSEQUENT in used:
        body = CAUSAL + body
    return formatted(f"{docstring(plan, weights, training=training)}\n{imports(names_in(body))}\n{body}")


def names_in(text: str) -> set[str]:
    """The names that a program uses; of `nn.Linear` it is `nn`."""
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def network(plan: Plan, kinds: Kinds, unifier: Unifier, called: set[str]) -> tuple[str, str]:
    """The name of what gives the network, and its text: a function for an `nn.Sequential`, else a class.

    called: names that the function cannot have.
    """
    words = re.sub(r"[^0-9A-Za-z]+", "_", plan.name).strip("_")
    if not kinds.sequential(plan.scope):
        kinds.join(kinds.new(words or "network", kinds.top, sequential=False), kinds.top)
        return kinds.kinds[-1].name, ""
    name = words.lower()
    name = name if is_name(name) and name not in kinds.reserved | called and not name.startswith("__") else "network"
    chain = rendered(unifier.expression(kinds.top))
    return name, f"def {name}() -> nn.Sequential:\n    return {chain}\n"


def filling(plan: Plan) -> Iterator[str]:
    """The function that initializes the network, where the document says how."""
    lines = list(initializations(plan))
    if lines:
        yield "def init_weights(network: nn.Module) -> None:\n" + "\n".join(f"    {line}" for line in lines)


def built(plan: Plan, name: str, *, filled: bool) -> str:
    """The function that makes the network."""
    made = "network" if name != "network" else "model"
    lines = [f"{made} = {name}()"]
    for tied, kept in plan.tie.items():
        lines.append(f"{tensor(tied, made)} = {tensor(kept, made)}")
    if filled:
        lines.append(f"init_weights({made})")
    body = [f"return {name}()"] if len(lines) == 1 else [*lines, f"return {made}"]
    document = '"""The network, with the weights that it begins with."""'
    return "def build() -> nn.Module:\n" + "\n".join(f"    {line}" for line in [document, *body])


def docstring(plan: Plan, weights: str | None, *, training: bool) -> str:
    """What the module is."""
    name = re.sub(r"[^0-9A-Za-z_.-]+", " ", plan.name).strip() or "a network"
    several = len(plan.inputs) > 1
    taken = ", ".join(f"{plain(key)} {type}" if several else str(type) for key, type in plan.inputs.items())
    several = len(plan.outputs) > 1
    given = ", ".join(f"{plain(key)} {type}" if several else str(type) for key, type in plan.outputs.items())
    lines = [f"{name}: {taken} → {given}, without the batch axis.", ""]
    lines.append("`build()` makes the network, `load(path)` makes it with the weights of a safetensors file")
    lines.append(f"such as {plain(weights)}." if weights else "whose keys are those of its `state_dict`.")
    if training:
        lines += ["", "Run as a program it trains. The loop is a plain one: it draws other random numbers, and other"]
        lines.append("parts to hold out, than specbuild does, and is as exact in its results, not bit for bit.")
    return f'"""{chr(10).join(lines)}\n"""\n'


def plain(text: str) -> str:
    """A name as it may stand in a docstring."""
    return re.sub(r"[^0-9A-Za-z_. ()-]", "?", text)


def imports(used: set[str]) -> str:
    """The imports of what is used."""
    lines: list[str] = []
    for name, line in IMPORTS.items():
        if name not in used:
            continue
        module, _, what = line.partition(" import ")
        if what and lines and lines[-1].startswith(f"{module} import "):
            lines[-1] += f", {what}"
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
