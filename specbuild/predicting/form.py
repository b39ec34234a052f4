"""What a network takes and what its answers are called, by its document and what its run kept. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.datasets.table import Table
from specbuild.catalogue.datasets.text import BYTES, Text
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.network.plan import Plan
from specbuild.network.samples import image_field, misfits

Kind = Literal["images", "table", "text", "arrays"]
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's modes by their channels."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is predicted from, and how it comes to what the network takes."""

    spec: Spec
    plan: Plan
    file: str
    """The run, or the file, for messages."""
    kind: Kind
    image: str
    """The field that the transforms are applied to."""
    raw: SampleType
    """What that field is before them, as far as it is known."""
    transforms: tuple[Transform, ...] = ()
    """Those of the validation."""
    preprocessing: Mapping[str, Any] | None = None
    """What was learned from train's samples."""
    names: tuple[str, ...] | None = None
    """What the classes of `target` are called, in the order of their numbers."""

    @property
    def mode(self) -> str:
        """Pillow's mode of the images."""
        return MODES[(self.raw.shape or (3,))[0] or 3]

    @property
    def converts(self) -> bool:
        """Whether the images of the training came from files of any size, which Pillow brings into the mode."""
        return self.raw.shape is not None and self.raw.shape[1] is None

    def of_another_type(self, dtype: str, held: str) -> str | None:
        """What is wrong with numbers that were not trained on. held: what they were called before they were read."""
        if self.raw.dtype is None or self.raw.dtype == dtype:
            return None
        what = "images of bytes (uint8)" if self.raw.image else f"arrays of {self.raw.dtype}"
        return f"`{self.image}` holds {held}, but the network was trained on {what}"

    @property
    def dataset(self) -> Dataset | None:
        """The data set that was learned from."""
        return None if self.spec.data is None else self.spec.data.train.dataset


def form_of(
    spec: Spec,
    plan: Plan,
    file: str,
    preprocessing: Mapping[str, Any] | None = None,
    samples: Mapping[str, Any] | None = None,
) -> Form:
    """The form of a network's inputs. samples: what its run says of train's, where it does.

    Raises `RunError` (SB514) for a validation that draws.
    """
    image = image_field(spec.inputs) or ""
    names = names_of(spec, preprocessing, samples)
    if spec.data is None:
        return Form(spec, plan, file, "arrays", image, SampleType(), (), preprocessing, names)
    transforms = spec.data.transforms_of("val")
    drawing = next((each.type for each in transforms if each.random or each.mixes), None)
    if drawing is not None:
        message = f"its validation pipeline draws ({drawing}), and what it would draw for an input is not defined"
        fix = "a run whose val.transforms are without it"
        raise RunError([Diagnostic("SB514", message, file=file, fix=fix)])
    dataset = spec.data.train.dataset
    if isinstance(dataset, (Table, Text)):
        kind: Kind = "table" if isinstance(dataset, Table) else "text"
        return Form(spec, plan, file, kind, image, SampleType(), transforms, preprocessing, names)
    raw = recorded(samples, image) or known(dataset, image) or SampleType()
    if raw.shape is None:
        raw = guessed(spec, image, transforms) or raw
    pictures = raw.image and raw.shape is not None and len(raw.shape) == 3 and raw.shape[0] in MODES
    return Form(spec, plan, file, "images" if pictures else "arrays", image, raw, transforms, preprocessing, names)


def names_of(
    spec: Spec, preprocessing: Mapping[str, Any] | None, samples: Mapping[str, Any] | None
) -> tuple[str, ...] | None:
    """The names of the classes: as the run has them, else as what was learned from train does."""
    learned = preprocessing or {}
    found: Any = (samples or {}).get("classes")
    if found is None:
        targets = learned.get("targets")
        table = targets[0] if isinstance(targets, list) and targets and isinstance(targets[0], dict) else {}
        found = learned.get("vocabulary") or learned.get("classes") or table.get("classes")
    if found is None and spec.data is not None:
        dataset = spec.data.train.dataset
        if isinstance(dataset, Text) and dataset.unit == "bytes":
            found = [repr(bytes([k]))[2:-1] for k in range(BYTES)]
    usable = isinstance(found, (list, str)) and all(isinstance(name, str) for name in found)
    return tuple(found) if usable and found is not None else None


def recorded(samples: Mapping[str, Any] | None, image: str) -> SampleType | None:
    """What a run says of the field before the transforms."""
    fields = (samples or {}).get("fields")
    found = fields.get(image) if isinstance(fields, dict) else None
    if not isinstance(found, dict):
        return None
    shape, dtype = found.get("shape"), found.get("dtype")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape) or not isinstance(dtype, str):
        return None
    return SampleType(tuple(shape), dtype, image=found.get("image") is True)


def known(dataset: Dataset, image: str) -> SampleType | None:
    """What the catalogue says of it."""
    try:
        found = (dataset.sample() or {}).get(image)
    except Violation:  # of a plug-in
        return None
    return found if found is not None and found.shape is not None else None


def guessed(spec: Spec, image: str, transforms: tuple[Transform, ...]) -> SampleType | None:
    """Arrays of which a run of an older specbuild says nothing: images, where the transforms make an input of one."""
    wanted = spec.inputs.get(image)
    for channels in (3, 1, 4) if wanted is not None and transforms else ():
        assert wanted is not None
        sample = raw = SampleType((channels, None, None), "uint8", image=True)
        try:
            for transform in transforms:
                sample = transform.infer(sample)
        except Violation:
            continue
        if not any(misfits(image, wanted, sample, "", "", ())):
            height, width = wanted.shape[1:] if sample.shape == (channels, None, None) else (None, None)
            return raw._replace(
                shape=(channels, *(size if isinstance(size, int) else None for size in (height, width)))
            )
    return None
