"""Transforms made of others."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Float, OneOf
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.catalogue.transforms.transform import Sizes, Transform

Transforms = tuple[Transform, ...]
LIST = {"transforms": OneOf(TRANSFORMS, "transform", many=True)}


@final
class Compose(Transform):
    """One transform after another: several in the place of one.

    ```yaml
    transforms:
    - type: RandomChoice
      transforms:
      - type: Compose
        transforms: [{type: Pad, padding: 4}, {type: RandomCrop, size: 8}]
      - Identity
    - ToTensor
    ```
    """

    children: ClassVar = LIST

    transforms: Transforms
    """The transforms, in order."""

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether one of them draws."""
        return any(transform.random for transform in self.transforms)

    def check(self) -> None:
        """At least one."""
        check_parts(self, self.transforms)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """What comes out of the last."""
        return folded(self.transforms, sample)


@final
class RandomApply(Transform):
    """A list of transforms, all of them or none.

    ```yaml
    transforms: [{type: RandomApply, transforms: [{type: RandomRotation, degrees: 10}], p: 0.3}, ToTensor]
    ```
    """

    children: ClassVar = LIST
    random: ClassVar = True

    transforms: Transforms
    """The transforms, in order."""
    p: Annotated[Float, Ge(0), Le(1)] = 0.5
    """The probability."""

    def check(self) -> None:
        """At least one."""
        check_parts(self, self.transforms)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """What both ways have in common."""
        if self.p == 0:
            return sample
        found = folded(self.transforms, sample)
        return found if self.p == 1 else either(self, [sample, found])


@final
class RandomChoice(Transform):
    """One transform, picked from a list.

    ```yaml
    transforms:
    - {type: RandomChoice, transforms: [{type: RandomRotation, degrees: 10}, RandomVerticalFlip], p: [0.7, 0.3]}
    - ToTensor
    ```
    """

    children: ClassVar = LIST
    random: ClassVar = True

    transforms: Transforms
    """The transforms to pick from."""
    p: tuple[Annotated[Float, Ge(0)], ...] | None = None
    """How likely each is, in proportion to the others; null is all alike."""

    def check(self) -> None:
        """At least one; a number for each, of which one is not 0."""
        check_parts(self, self.transforms)
        if self.p is None:
            return
        if len(self.p) != len(self.transforms):
            raise Violation(
                "SB410", f"p has a number for each transform: {len(self.p)} for {len(self.transforms)}", field="p"
            )
        if not any(self.p):
            raise Violation("SB410", "p is 0 for each transform, so that none can be picked", field="p")

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """What all that may be picked have in common."""
        picked = (index for index in range(len(self.transforms)) if self.p is None or self.p[index])
        return either(self, [folded(self.transforms, sample, only=index) for index in picked])


@final
class RandomOrder(Transform):
    """A list of transforms in a random order.

    ```yaml
    transforms: [{type: RandomOrder, transforms: [{type: RandomRotation, degrees: 10}, RandomVerticalFlip]}, ToTensor]
    ```
    """

    children: ClassVar = LIST
    random: ClassVar = True

    transforms: Transforms
    """The transforms, each of which leaves the type and the size of a sample as they are."""

    def check(self) -> None:
        """At least one."""
        check_parts(self, self.transforms)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        for index, transform in enumerate(self.transforms):
            found = folded(self.transforms, sample, only=index)
            if clash(sample.dtype, found.dtype) or any(
                clash(size, new) for size, new in zip(sample.shape or (), found.shape or (), strict=False)
            ):
                raise Violation(
                    "SB408", f"the order is drawn, so each must leave the sample as it is, "
                    f"but {transform.type} makes {found} of {sample}",
                    field=("transforms", index), fix=f"put {transform.type} before or after RandomOrder",
                )  # fmt: skip
        return sample


def check_parts(whole: Transform, parts: Transforms) -> None:
    """At least one, and none that gives other than one image for one."""
    if not parts:
        raise Violation("SB410", f"{whole.type} has no transform in its list", field="transforms")
    for index, part in enumerate(parts):
        if part.views > 1 or part.mixes:
            raise Violation(
                "SB410", f"{part.type} cannot stand in {whole.type}: it gives other than one image for each",
                field=("transforms", index), fix=f"put {part.type} beside it",
            )  # fmt: skip


def folded(transforms: Transforms, sample: SampleType, *, only: int | None = None) -> SampleType:
    """The sample after all of them, or after one; a `Violation` says which it is about."""
    chosen = enumerate(transforms) if only is None else [(only, transforms[only])]
    for index, transform in chosen:
        try:
            sample = transform.infer(sample)
        except Violation as violation:
            rest = violation.field if isinstance(violation.field, tuple) else (violation.field,)
            inside = tuple(part for part in rest if part is not None)
            raise Violation(
                violation.code, str(violation), field=("transforms", index, *inside),
                fix=violation.fix, value=violation.value,
            ) from None  # fmt: skip
    return sample


def either(whole: Transform, found: list[SampleType]) -> SampleType:
    """What is known of a sample that is one of these; they differ in size at most."""
    first = found[0]
    for other in found[1:]:
        channels = None if first.shape is None else first.shape[0], None if other.shape is None else other.shape[0]
        if clash(first.dtype, other.dtype) or clash(*channels):
            raise Violation(
                "SB408", f"{whole.type} gives {first} or {other}, but a batch is of one type and number of channels",
                field="transforms",
            )  # fmt: skip
    shapes = {sample.shape for sample in found}
    shape = None
    if None not in shapes:
        shape = tuple(agreed(sizes) for sizes in zip(*(sample.shape or () for sample in found), strict=True))
    return first._replace(
        shape=shape, dtype=agreed(sample.dtype for sample in found), image=all(sample.image for sample in found)
    )


def agreed(values: Iterable[Any]) -> Any:
    """The value, where all are equal; None where they are not."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def clash(first: object, second: object) -> bool:
    """Whether two are known and differ."""
    return first is not None and second is not None and first != second
