"""The transforms of a split as those of torchvision's v2, which have the same names and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.transforms import Transform
from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.expressions import Call, Formula, rendered
from specbuild.exporting.python.refusing import inexpressible
from specbuild.language.document import Spec
from specbuild.language.sections import Data, SplitName

TO_TENSOR = ("v2.ToImage()", "v2.ToDtype(torch.float32, scale=True)")
OF_TENSORS = frozenset({"GaussianNoise", "RandomChannelPermutation", "RandomErasing"})
"""Transforms that torchvision has of tensors alone, and not of Pillow's images."""


def composed(spec: Spec, data: Data, split: SplitName) -> str:
    """All transforms of a split as one; empty where it has none."""
    where = data.transforms_written_at(split)
    alone = [each for each in data.transforms_of(split) if not each.mixes]
    parts = list(texts(spec, alone, ("data", where, "transforms")))
    tensors = any(part in (TO_TENSOR[0], "v2.PILToTensor()") for part in parts)
    if parts and parts[0] != TO_TENSOR[0] and (not tensors or any(needs_tensor(each) for each in alone)):
        parts.insert(0, TO_TENSOR[0])
    return f"v2.Compose([{', '.join(parts)}])" if parts else ""


def needs_tensor(entry: Transform) -> bool:
    """Whether a transform, or one that it is made of, takes no image of Pillow's."""
    return entry.type in OF_TENSORS or any(needs_tensor(each) for each in getattr(entry, "transforms", ()))


def texts(spec: Spec, entries: Sequence[Transform], path: Path, first: int = 0) -> Iterator[str]:
    """Each transform; ToTensor is two. first: the number of the first in its list."""
    for index, entry in enumerate(entries, start=first):
        if entry.plugged or entry.views > 1:
            what = f"the transform {entry.type}"
            raise inexpressible(spec, what, (*path, index), "leave out --with-training, or the transform")
        if entry.type == "ToTensor":
            yield from TO_TENSOR
        elif hasattr(entry, "transforms"):
            yield combined(spec, entry, (*path, index, "transforms"))
        else:
            arguments = {name: value_of(name, value) for name, value in entry.given().items()}
            yield rendered(Call(f"v2.{entry.type}", arguments, defaults(entry), frozenset({"size"})))


def combined(spec: Spec, entry: Any, path: Path) -> str:
    """A transform that is made of others."""
    inner: list[str] = []
    for index in range(len(entry.transforms)):
        parts = list(texts(spec, entry.transforms[index : index + 1], path, index))
        alone = len(parts) == 1 or entry.type in ("Compose", "RandomApply")
        inner += parts if alone else [f"v2.Compose([{', '.join(parts)}])"]
    more = {name: value for name, value in entry.given().items() if name != "transforms"}
    told = [f"{name}={listed(value)}" for name, value in more.items() if value != defaults(entry)[name]]
    return f"v2.{entry.type}({', '.join(['[' + ', '.join(inner) + ']', *told])})"


def listed(value: Any) -> str:
    """A value, several as a list."""
    return f"[{', '.join(map(rendered, value))}]" if isinstance(value, (tuple, list)) else rendered(value)


def mixing(data: Data) -> Transform | None:
    """The transform that mixes the samples of train's batches, where there is one."""
    return next((each for each in data.transforms_of("train") if each.mixes), None)


def value_of(name: str, value: Any) -> Any:
    """An argument of a transform as torchvision has it."""
    if name == "interpolation" and isinstance(value, str):
        return Formula(f"v2.InterpolationMode.{value.replace('-', '_').upper()}")
    if name == "policy" and isinstance(value, str):
        return Formula(f"v2.AutoAugmentPolicy.{value.upper()}")
    if name == "dtype" and isinstance(value, str):
        return Formula(f"torch.{value}")
    return value


def defaults(entry: Entry) -> dict[str, Any]:
    """The defaults of an entry's arguments, as they are written."""
    fields = entry.__class__.model_fields
    return {name: value_of(name, field.default) for name, field in fields.items() if not field.is_required()}
