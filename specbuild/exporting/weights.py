"""Weights alone: `.safetensors` with the document beside them, and `.pth`, a plain `state_dict`."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting import parity
from specbuild.exporting.parity import EXACT, Parity, Tensors
from specbuild.exporting.subject import Subject
from specbuild.exporting.trials import trials
from specbuild.network.compile import build


def write_safetensors(subject: Subject, path: Path) -> Parity:
    """Write the weights, a tied one once, with what is known of the network as the file's metadata; try them."""
    write_state(subject, path)
    with safe_open(path, framework="pt") as file:
        read = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  safe_open is no mapping
    return loaded(subject, {**read, **{tied: read[kept] for tied, kept in subject.plan.tie.items()}})


def write_state(subject: Subject, path: Path) -> None:
    """The file alone."""
    tensors = {key: tensor for key, tensor in state_of(subject).items() if key not in subject.plan.tie}
    path.write_bytes(save(tensors, {"format": "pt", **subject.metadata()}))


def write_pth(subject: Subject, path: Path) -> Parity:
    """Write the `state_dict` as `torch.save` does, read it back without pickle's freedom, and try it."""
    state = state_of(subject)
    for tied, kept in subject.plan.tie.items():
        state[tied] = state[kept]  # one memory, stored once
    torch.save(state, path)
    return loaded(subject, torch.load(path, weights_only=True))


def state_of(subject: Subject) -> dict[str, Tensor]:
    """Every parameter and buffer, contiguous, each with memory of its own."""
    return {
        key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, tensor in subject.model.state_dict().items()
    }


def loaded(subject: Subject, state: Tensors) -> Parity:
    """A new network of the same plan with these weights, held against the one that is exported."""
    with torch.random.fork_rng(devices=[]):
        model = build(subject.plan).eval()
    model.load_state_dict(dict(state), strict=True)

    def run(inputs: Tensors) -> Tensors:
        return parity.outputs_of(model, subject.plan, inputs)

    try:
        return parity.require(subject.model, subject.plan, run, trials(subject.spec), EXACT)
    except parity.Unequal as unequal:
        message = f"the network with the weights that were read back gives another output: {unequal}"
        raise RunError([Diagnostic("SB511", message)]) from None
