"""`.pt2`: a torch.export program."""

from __future__ import annotations

from pathlib import Path

import torch

from specbuild.exporting import parity
from specbuild.exporting.locating import Probe, failed
from specbuild.exporting.parity import Parity, Probed, Tensors
from specbuild.exporting.subject import Subject
from specbuild.exporting.tracing import program_of, quiet
from specbuild.exporting.trials import trials
from specbuild.network.plan import Plan


def write(subject: Subject, path: Path) -> Parity:
    """Write the program, read it back and hold it against the network."""
    program = program_of(subject)
    with quiet():
        torch.export.save(program, path, extra_files=subject.metadata())
    run = runner(path, subject.plan)
    try:
        return parity.require(subject.model, subject.plan, run, trials(subject.spec), parity.NEAR)
    except parity.Unequal as unequal:
        raise failed(subject, unequal, "torch.export's program", parity.NEAR, probe(subject, path)) from None


def probe(subject: Subject, path: Path) -> Probe:
    """The network with what its layers give, by the same way."""

    def run(probed: Probed) -> parity.Runner:
        aside = path.with_name("probed.pt2")
        program = program_of(subject, probed)
        with quiet():
            torch.export.save(program, aside)
        return runner(aside, subject.plan)

    return run


def runner(path: Path, plan: Plan) -> parity.Runner:
    """The program of a file that was just written."""
    with quiet():
        module = torch.export.load(path).module()

    def run(inputs: Tensors) -> Tensors:
        with torch.inference_mode():
            return parity.named(module(*inputs.values()), plan)

    return run
