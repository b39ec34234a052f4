"""What every data set is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.samples import SampleType

IN_TRANSFORMS = "written in `transforms`, beside `dataset`"
LABEL = SampleType((), "int64")


class Dataset(Entry, ABC):
    """A data set: where it is, and what one sample of it is, as far as that is known without opening it."""

    refused: ClassVar = {
        "transform": IN_TRANSFORMS,
        "target_transform": "labels are taken as they are",
    }

    in_one_piece: ClassVar[bool] = False
    """Whether `split` holds out the end of it, for samples that lie beside each other overlap."""

    @property
    def paired(self) -> Mapping[str, str]:
        """The fields that lie over the image pixel by pixel, and so move with it: "image" or "mask"."""
        return {}

    def check_beside(self, train: "Dataset") -> None:
        """Raise a `Violation` where val's or test's samples cannot be prepared by what train's say."""

    @abstractmethod
    def sample(self) -> Mapping[str, SampleType] | None:
        """The fields of a sample before its transforms; None if even their names are not known."""

    def open(self, root: Any) -> Any:
        """Of a plug-in: a torch `Dataset` of dicts with the fields of `sample`; relative paths are under `root`.

        The catalogue's own data sets are opened in `specbuild.data.opening`.
        """
        raise NotImplementedError

    @abstractmethod
    def length(self) -> int | None:
        """The number of samples; None if that takes opening it."""


def images(channels: int | None, height: int | None, width: int | None, classes: int | None) -> dict[str, SampleType]:
    """The fields of a sample that is an image with a label; None for what is not known."""
    return {
        "input": SampleType((channels, height, width), "uint8", image=True),
        "target": LABEL._replace(classes=classes),
    }


def masked(classes: int) -> dict[str, SampleType]:
    """The fields of a sample that is an image in colour with the class of each of its pixels.

    The size of the mask is left open: it changes with that of the image.
    """
    return {
        "input": SampleType((3, None, None), "uint8", image=True),
        "target": SampleType((None, None), "int64", classes),
    }
