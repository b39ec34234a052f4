"""The shapes of samples, as they come: files and drawn sizes change them from batch to batch."""

from __future__ import annotations

from dataclasses import replace

import torch

from specbuild.catalogue.samples import SampleType
from specbuild.data.failure import failure
from specbuild.data.sources import Sample
from specbuild.diagnostics.diagnostic import Path
from specbuild.language.document import Spec
from specbuild.language.sections import SplitName
from specbuild.network.samples import fit
from specbuild.network.settling import at_samples


class Shapes:
    """Holds the inputs of each batch against the network's, once for each shape."""

    def __init__(self, spec: Spec, name: SplitName, place: Path) -> None:
        self.spec, self.name, self.place = spec, name, place
        self.inputs = (spec.origin or spec).inputs
        self.known: set[tuple[torch.Size, ...]] = set()

    def hold(self, batch: Sample) -> None:
        """Raises `DataError` (SB404), or `SpecError` (SB314) for a size that `dims` does not promise."""
        given = {name: batch[name] for name in self.inputs if name in batch}
        shapes = tuple(tensor.shape[1:] for tensor in given.values())
        if shapes in self.known:
            return
        types = {
            name: SampleType(tuple(tensor.shape[1:]), str(tensor.dtype).removeprefix("torch."))
            for name, tensor in given.items()
        }
        misfits = list(fit(self.inputs, types, self.name, self.place))
        if misfits:  # the shape of one batch is no `input`: others have another
            fixes = [misfit.fix and misfit.fix.partition(", or ")[0] for misfit in misfits]
            raise failure(self.spec, *(replace(misfit, fix=fix) for misfit, fix in zip(misfits, fixes, strict=True)))
        at_samples(self.spec.origin or self.spec, types, self.name)
        self.known.add(shapes)
