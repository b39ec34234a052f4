"""Each input against the network, before it is given to it: by the rules of the transforms alone. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.errors import SpecError
from specbuild.network.indexing import tables
from specbuild.network.inference import infer
from specbuild.network.plan import Plan
from specbuild.network.settling import at_samples
from specbuild.predicting.form import Form
from specbuild.predicting.given import Given, Place, Refused

Shapes = tuple[tuple[int, ...], ...]
"""Of the fields of an input, in the order of the network's inputs."""
Types = tuple[tuple[tuple[int, ...], str], ...]


class Wrong(NamedTuple):
    """What is wrong with inputs of a type, and the mend."""

    message: str
    fix: str | None = None


class Misfit(Refused):
    """An input of a type that the network does not take. All samples of an array are of one: the first tells it."""

    def __init__(self, place: Place, wrong: Wrong) -> None:
        of_array = place.unit == "sample"
        super().__init__((Place(place.file) if of_array else place).refused(*wrong))
        self.told = of_array and place.number > 0


class Judge:
    """Holds inputs against the network; what it finds of a shape is remembered."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.tables = tuple(tables(form.plan))
        self.known: dict[Types, Shapes | Wrong] = {}

    def __call__(self, given: Given) -> Shapes:
        """What the fields of an input are for the network; raises `Refused` for one that it does not take."""
        fields = given.fields
        types = tuple((fields[name].shape, fields[name].dtype.name) for name in self.form.plan.inputs)
        if types not in self.known:
            self.known[types] = self.judged(dict(zip(self.form.plan.inputs, types, strict=True)))
        found = self.known[types]
        if isinstance(found, Wrong):
            raise Misfit(given.place, found)
        for name, values in fields.items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                what = "NaN" if np.isnan(values).any() else "an infinity, or what is too large for float32"
                raise Refused(given.place.refused(f"`{name}` holds {what}"))
        for table in self.tables:
            values = fields[table.field]
            low, high = int(values.min()), int(values.max())
            if low < 0 or high >= table.vectors:
                message = f"`{table.field}` goes from {low} to {high}, but {table.layer} has vectors for the integers "
                raise Refused(given.place.refused(f"{message}from 0 to {table.vectors - 1}"))
        return found

    def judged(self, types: Mapping[str, tuple[tuple[int, ...], str]]) -> Shapes | Wrong:
        """What the fields of inputs of a type are for the network, or what is wrong with them."""
        form = self.form
        samples = {name: SampleType(shape, dtype) for name, (shape, dtype) in types.items()}
        if form.image in samples:
            sample = samples[form.image]
            dtype = sample.dtype or ""
            if (message := form.of_another_type(dtype, dtype)) is not None:
                return Wrong(message)
            sample = sample._replace(image=sample.dtype == "uint8")
            for transform in form.transforms:
                try:
                    sample = transform.infer(sample)
                except Violation as violation:
                    return Wrong(f"{transform.type} does not take it: {violation.message}", violation.fix)
            samples[form.image] = sample
        for name, sample in samples.items():
            if (wrong := self.misfit(name, types[name], sample)) is not None:
                return wrong
        if form.spec.dims:
            try:
                at_samples(form.spec, samples)
            except SpecError as error:
                first = error.diagnostics[0]
                return Wrong(first.message, f"an input of another size: {first.because}" if first.because else None)
        return tuple(tuple(size or 0 for size in samples[name].shape or ()) for name in form.plan.inputs)

    def misfit(self, name: str, given: tuple[tuple[int, ...], str], sample: SampleType) -> Wrong | None:
        """What is wrong with one field as it is after the transforms."""
        wanted, shape = self.form.plan.inputs[name], sample.shape or ()
        what = f"`{name}`" if len(self.form.plan.inputs) > 1 or not self.form.raw.image else "it"
        if sample.dtype != wanted.dtype:
            return Wrong(f"{what} is {sample.dtype}, but the network takes {wanted.dtype}")
        fits = len(shape) == len(wanted.shape) and all(
            not isinstance(size, int) or size == own for own, size in zip(shape, wanted.shape, strict=True)
        )
        if fits or (self.form.kind == "text" and shorter(self.form, name, shape)):
            return None
        came = f"{list(given[0])}" + (f", and {list(shape)} after the transforms" if given[0] != shape else "")
        fix = None
        if len(wanted.shape) == 3 and self.form.raw.image and all(isinstance(size, int) for size in wanted.shape):
            fix = f"scale it to {wanted.shape[1]} x {wanted.shape[2]} (height x width)"
        return Wrong(f"{what} is {came}, but the network takes {wanted}", fix)


def shorter(form: Form, name: str, shape: tuple[Any, ...]) -> bool:
    """Whether the network takes a text of another length than its window with the same layers and weights."""
    if len(shape) != 1:
        return False
    spec = replace(form.spec, inputs={name: form.plan.inputs[name].with_shape(shape)})
    try:
        return same_layers(form.plan, infer(spec))
    except SpecError:
        return False


def same_layers(plan: Plan, other: Plan) -> bool:
    """Whether two plans build the same modules."""
    return all(a.layer == b.layer for a, b in zip(plan.layers(), other.layers(), strict=True))
