"""Where samples come from: tensors held in memory (or mapped into it), or one sample at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import torch

from specbuild.catalogue.samples import SampleType
from specbuild.data.failure import Unusable
from specbuild.data.numpy_files import Layout
from specbuild.network.samples import INPUT

Sample = dict[str, torch.Tensor]
Statistics: TypeAlias = dict[str, Any]
"""What a source learns from the samples that train keeps, as JSON: it is kept in the run."""
VALUES_AT_ONCE = 1 << 22
"""How many values are looked at at once: mapped ones may be more than fit into memory."""


class Source(ABC):
    """Samples by number, each a set of named fields."""

    fields: tuple[str, ...]
    image: str = INPUT
    """The field that may be an image."""
    images: bool = False
    """Whether it is an image of bytes."""
    classes: int | None = None
    """The number of classes of `target`, where it is known."""
    class_names: tuple[str, ...] | None = None
    """What the classes are called, in the order of their numbers, where that is known."""
    paired: Mapping[str, str] = MappingProxyType({})
    """Fields that lie over the image pixel by pixel, and so move with it: "image" or "mask"."""
    overlap: int | None = None
    """Of samples that follow one another: with how many before it each shares its content. A part is held out of them
    in one piece, the last, and as many before that piece are left out."""
    feature_names: tuple[str, ...] | None = None
    """What the numbers of a flat input are called, where that is known."""
    learns: bool = False
    """Whether it has to be prepared by what is learned from the samples that train keeps."""
    statistics: Statistics | None = None
    """What it was prepared by, where it was."""
    cached: bool = True
    """Whether its images, read one at a time, may be held once they are decoded."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def sample(self, index: int) -> Sample:
        """One sample as it is before the transforms; raises `Unusable` and says which."""

    def learned(self, indices: torch.Tensor) -> Statistics | None:
        """What has to be known of the samples `indices`, those that train keeps, to prepare any; None for nothing."""
        return None

    def prepared(self, statistics: Statistics | None) -> Source:
        """The source by what was learned from train's samples; raises `Unusable` where that does not fit."""
        return self

    def labels(self, field: str) -> torch.Tensor | None:
        """A field of all samples, `[N, ...]`, None where they have none of that name; here each sample is read."""
        if field not in self.fields:
            return None
        return torch.stack([self.sample(index)[field] for index in range(len(self))])

    def described(self) -> dict[str, Any]:
        """What is known of the samples without reading one, as JSON: it is kept in the run, to predict by."""
        return {"classes": None if self.class_names is None else list(self.class_names)}

    def types(self, index: int) -> dict[str, SampleType]:
        """What the fields of one sample are."""
        return {
            name: SampleType(
                tuple(tensor.shape),
                str(tensor.dtype).removeprefix("torch."),
                self.classes if name == "target" else None,
                (name == self.image and self.images) or self.paired.get(name) == "image",
            )
            for name, tensor in self.sample(index).items()
        }


class TensorSource(Source):
    """Fields held as one tensor, or one memory-mapped array, each; read in whole batches."""

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor | np.ndarray[Any, Any]],
        *,
        image: str = INPUT,
        layout: Layout | None = None,
        classes: int | None = None,
    ) -> None:
        """layout: the axes of the field `image` where it holds images of bytes."""
        self.tensors, self.image = dict(tensors), image
        self.fields = tuple(self.tensors)
        self.images, self.classes = layout is not None, classes
        self.length = len(next(iter(self.tensors.values())))
        held = self.tensors.get(image)
        if layout is not None and isinstance(held, torch.Tensor):  # once, not at every batch
            self.tensors[image] = channels_first(held, layout)
            layout = "NCHW"
        self.layout = layout

    def __len__(self) -> int:
        return self.length

    def sample(self, index: int) -> Sample:
        """One sample."""
        return {name: tensor[0] for name, tensor in self.batch(torch.tensor([index])).items()}

    def described(self) -> dict[str, Any]:
        """The names of the classes, and of each field what it is before the transforms."""
        fields = {
            name: {"shape": list(kind.shape or ()), "dtype": kind.dtype, "image": kind.image}
            for name, kind in (self.types(0) if len(self) else {}).items()
        }
        return {**super().described(), "fields": fields}

    def labels(self, field: str) -> torch.Tensor | None:
        """A field of all samples, as it is held."""
        return self.rows(field, torch.arange(len(self))) if field in self.tensors else None

    def batch(self, indices: torch.Tensor) -> Sample:
        """The samples `indices`, each field a tensor of its own."""
        return {name: self.rows(name, indices) for name in self.fields}

    def rows(self, name: str, indices: torch.Tensor) -> torch.Tensor:
        """The samples `indices` of one field."""
        held = self.tensors[name]
        if isinstance(held, torch.Tensor):
            rows = held.index_select(0, indices)
        else:
            rows = torch.from_numpy(held[indices.numpy()])  # indexing by an array copies
        if name == self.image and self.layout is not None:
            return channels_first(rows, self.layout)
        return plain(rows)

    def extent(self, name: str, indices: torch.Tensor, ignored: int | None = None) -> tuple[int, int] | None:
        """The least and the greatest of the integers of a field in the samples `indices`, without `ignored`."""
        ends: list[torch.Tensor] = []
        at_once = max(1, VALUES_AT_ONCE // max(1, int(np.prod(self.tensors[name].shape[1:]))))
        for some in torch.split(indices, at_once):
            values = self.rows(name, some)
            values = values if ignored is None else values[values != ignored]
            if values.numel():
                ends += [values.min(), values.max()]
        return (int(min(ends)), int(max(ends))) if ends else None


class SampleSource(Source):
    """Samples read one at a time; workers do it where the loader asks for them."""


def channels_first(images: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Images as `[N, C, H, W]`."""
    if layout == "NHW":
        return images.unsqueeze(1)
    return images.permute(0, 3, 1, 2).contiguous() if layout == "NHWC" else images


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Floating point as float32, integers as int64."""
    if tensor.is_floating_point():
        return tensor.to(torch.float32)
    return tensor if tensor.dtype == torch.bool else tensor.to(torch.int64)


class OwnSource(SampleSource):
    """A torch `Dataset` of the user's own, of (input, target) or of dicts of fields."""

    cached = False

    def __init__(self, dataset: Any, inputs: Sequence[str]) -> None:
        """inputs: the fields that feed the network."""
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise Unusable(
                "SB405",
                f"a data set has `__getitem__` and `__len__`, but {type(dataset).__name__} lacks one",
            )
        self.dataset, self.inputs = dataset, tuple(inputs)
        self.fields = tuple(self.sample(0)) if len(dataset) else ()

    def __len__(self) -> int:
        return len(self.dataset)

    def sample(self, index: int) -> Sample:
        """One sample; what the data set raises is raised as it is."""
        item = self.dataset[index]
        if isinstance(item, Mapping):
            return {str(name): self.tensor(value, str(name), index) for name, value in item.items()}
        pairs = len(self.inputs) == 1 and isinstance(item, Sequence) and not isinstance(item, (str, bytes))
        if pairs and len(item) == 2:
            return {
                name: self.tensor(value, name, index)
                for name, value in zip((self.inputs[0], "target"), item, strict=True)
            }
        pair = "(input, target) or a dict" if len(self.inputs) == 1 else "a dict"
        raise Unusable("SB405", f"sample {index} is a {type(item).__name__}: a data set yields {pair}")

    def tensor(self, value: Any, name: str, index: int) -> torch.Tensor:
        """A field as a tensor: floating point as float32, integers as int64 (an input of bytes stays)."""
        if isinstance(value, np.ndarray) and value.dtype != object:
            value = torch.from_numpy(np.array(value))
        elif isinstance(value, (bool, int, float, np.number, np.bool_)):
            value = torch.tensor(value.item() if isinstance(value, np.generic) else value)
        if not isinstance(value, torch.Tensor):
            raise Unusable(
                "SB405",
                f"sample {index}: `{name}` is a {type(value).__name__}, not a tensor, an array or a number",
            )
        value = value.detach().as_subclass(torch.Tensor)
        return value if name in self.inputs and value.dtype == torch.uint8 else plain(value)


def own_source(dataset: Any, inputs: Sequence[str] = (INPUT,)) -> Source:
    """The source of a torch `Dataset` of the user's own; one of (input, target) tensors is read in whole batches."""
    tensors = getattr(dataset, "tensors", None)
    if isinstance(dataset, torch.utils.data.TensorDataset) and tensors is not None and len(tensors) == 2:
        given, targets = tensors
        if given.dtype != torch.uint8 and len(given) and len(inputs) == 1:
            return TensorSource({inputs[0]: given.detach(), "target": targets.detach()}, image=inputs[0])
    return OwnSource(dataset, inputs)
