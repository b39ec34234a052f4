"""The sizes that an input leaves open, as the samples of the data settle them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.network.samples import Fold, Misfit


def sizes_of(inputs: Mapping[str, TensorType], fields: Mapping[str, SampleType]) -> dict[str, int]:
    """What each open size is in a sample, as far as it is known."""
    found: dict[str, int] = {}
    for name, kind in inputs.items():
        shape = fields[name].shape if name in fields else None
        if shape is not None and len(shape) == len(kind.shape):
            for wanted, size in zip(kind.shape, shape, strict=True):
                if size is not None and not isinstance(wanted, int):
                    found.setdefault(str(wanted), size)
    return found


def at_samples(spec: Spec, fields: Mapping[str, SampleType], split: str = "train") -> Spec:
    """The same network at the sizes of a sample; raises `SpecError` (SB314) where they are not promised."""
    try:
        return spec.at(sizes_of(spec.inputs, fields))
    except SpecError as error:
        shapes = "; ".join(f"{split} gives {fields[name]}" for name in spec.inputs if name in fields)
        fix = "other transforms, such as Resize, or a promise in `dims` that has it"
        raise SpecError([replace(found, because=shapes, fix=fix) for found in error.diagnostics]) from None


def at_data(spec: Spec) -> tuple[Spec, tuple[Diagnostic, ...]]:
    """The network at the sizes of train's samples, as far as they are known unopened, else the smallest promised."""
    if spec.data is None:
        return spec.at({}), ()
    fold = Fold(spec, spec.data, None)
    try:
        fields = dict(fold.fields("train"))
    except Violation:  # of a plug-in: reported where the data is judged
        fields = {}
    if fold.image in fields:
        try:
            fields[fold.image] = fold.transformed("train", fields[fold.image])
        except (Misfit, Violation):  # reported where the data is judged
            fields[fold.image] = SampleType()
    try:
        return at_samples(spec, fields), ()
    except SpecError as error:
        return replace(spec.at({}), data=None), error.diagnostics
