"""The shapes of samples, as they come: files and drawn sizes change them from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.data.failure import failure
from specbuild.data.sources import Sample
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.sections import SplitName
from specbuild.network.plan import Plan
from specbuild.network.samples import fit, loss_path
from specbuild.network.settling import at_samples


class Shapes:
    """Holds each batch against the network's inputs and the losses, once for each shape."""

    def __init__(self, spec: Spec, plan: Plan, name: SplitName, place: Path) -> None:
        self.spec, self.plan, self.name, self.place = spec, plan, name, place
        self.inputs = (spec.origin or spec).inputs
        self.fields = [*self.inputs, *(loss.target for loss in spec.losses.values())]
        self.known: set[tuple[torch.Size, ...]] = set()

    def hold(self, batch: Sample) -> None:
        """Raises `DataError` (SB402, SB404), or `SpecError` (SB314) for a size that `dims` does not promise."""
        shapes = tuple(batch[name].shape[1:] for name in self.fields if name in batch)
        if shapes in self.known:
            return
        types = {
            name: SampleType(tuple(tensor.shape[1:]), str(tensor.dtype).removeprefix("torch."))
            for name, tensor in batch.items()
        }
        problems = list(self.misfits(types)) or list(self.targets(types))
        if problems:
            raise failure(self.spec, *problems)
        at_samples(self.spec.origin or self.spec, types, self.name)
        self.known.add(shapes)

    def misfits(self, types: dict[str, SampleType]) -> Iterator[Diagnostic]:
        """What the network does not take; the shape of one batch is no `input` to propose: others have another."""
        for misfit in fit(self.inputs, types, self.name, self.place):
            yield replace(misfit, fix=misfit.fix and misfit.fix.partition(", or ")[0])

    def targets(self, types: dict[str, SampleType]) -> Iterator[Diagnostic]:
        """What a loss does not take, where the outputs are of one size; torch would broadcast some of it."""
        fixed = self.spec.origin is None and not self.spec.dims
        for output, loss in self.spec.losses.items() if fixed else ():
            try:
                loss.compare(self.plan.outputs[output], types.get(loss.target))
            except Violation as violation:
                yield of_violation(violation, loss_path(self.spec, output))
