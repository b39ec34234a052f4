"""The sources of `weights`, held against the network before anything of them is loaded. Imports no torch by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.transferring import Weights
from specbuild.network.plan import Plan
from specbuild.network.transfer import Fit, fitted
from specbuild.runs.headers import Unreadable, header_of, weights_in


class Held(NamedTuple):
    """A source whose tensors fit the network."""

    weights: Weights
    fit: Fit
    file: Path | None
    """The safetensors file; None where the tensors are here already."""
    tensors: Mapping[str, Any]
    """torchvision's, which come as a `state_dict`."""

    @property
    def told(self) -> str:
        """What is taken of it, in words."""
        left = self.fit.left
        words = f"{len(self.fit.taken):,} tensors are taken from {self.weights.name}"
        if not left:
            return words
        shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
        return f"{words}; {len(left):,} of layers that the network does not have are left: {shown}"


def held(spec: Spec, plan: Plan, *, verified: bool = True) -> tuple[Held, ...]:
    """Every source of a document, fit for the network; raises `DataError` with all that are not (SB416, SB517).

    verified: whether a run's weights are held against its manifest. Of a file only the header is read; torchvision's
    weights are fetched.
    """
    problems: list[Diagnostic] = []
    found: list[Held] = []
    for weights in spec.weights:
        try:
            one = source_of(weights, verified=verified)
        except Unreadable as error:
            message = f"{weights.name}: {error.message}"
            path = weights.at(weights.kind) if kind_is_written(spec, weights) else weights.path
            problems.append(Diagnostic("SB517", message, path, fix=error.fix))
            continue
        file, header, tensors = one
        fit = fitted(plan, weights, header)
        if isinstance(fit, Diagnostic):
            problems.append(fit)
        else:
            found.append(Held(weights, fit, file, tensors))
    if problems:
        raise DataError(spec.place(problems))
    return tuple(found)


def kind_is_written(spec: Spec, weights: Weights) -> bool:
    """Whether the source stands under a key of its own, and is no bare string."""
    value: Any = spec.tree
    for part in weights.path:
        value = value[part]
    return isinstance(value, Mapping)


def source_of(weights: Weights, *, verified: bool) -> tuple[Path | None, Mapping[str, Storage], Mapping[str, Any]]:
    """The file, what is in it, and the tensors where they are here already; raises `Unreadable`."""
    if weights.kind == "torchvision":
        from specbuild.runs.published import published, storages

        tensors = published(weights.name)
        return None, storages(tensors), tensors
    path = Path(weights.name)
    if weights.kind == "run":
        path = weights_in(path, verified=verified)
    return path, header_of(path), {}
