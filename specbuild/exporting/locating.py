"""Where an export that gives something else begins to differ: the first layer, each one's output looked at."""

from __future__ import annotations

from collections.abc import Callable

import torch

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.parity import EXACT, Probed, Runner, Tensors, Tolerance, Unequal, first_difference, seeded
from specbuild.exporting.subject import Subject

Probe = Callable[[Probed], Runner]
"""From a network that gives what its layers give to its export, run."""


def failed(
    subject: Subject, unequal: Unequal, what: str, allowed: Tolerance, probe: Probe, fix: str | None = None
) -> RunError:
    """SB511 with the output that differs, by how much, and the first layer that does.

    what: the export in words.
    """
    message = f"{what} gives another output than the network: {unequal}"
    return RunError([Diagnostic("SB511", message, because=where(subject, unequal, allowed, probe), fix=fix)])


def where(subject: Subject, unequal: Unequal, allowed: Tolerance, probe: Probe) -> str:
    """The first layer that differs, in words."""
    probed = Probed(subject.model, subject.plan).eval()

    def network(inputs: Tensors) -> Tensors:
        with torch.inference_mode():
            return probed(*inputs.values())  # type: ignore[no-any-return]

    try:
        found = seeded(probe(probed), unequal.trial)
        wanted = seeded(network, unequal.trial)
    except RunError as error:
        return f"which layer it is cannot be told: {error.diagnostics[0].message}"
    first = first_difference(wanted, found, allowed)
    if first is None:
        bound = "the bits" if allowed == EXACT else "what is allowed"
        return f"no layer differs by more than {bound} where each one's output is looked at"
    layer, words = first
    return f"the first layer that differs is {layer}, which {words}"
