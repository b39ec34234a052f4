"""What every transform is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType

Sizes = tuple[int | None, int | None]
"""Height and width."""


class Transform(Entry, ABC):
    """One step between a data set's sample and the network's input."""

    random: ClassVar[bool] = False
    """Whether it draws; the draws are a function of (seed, epoch, sample, operation)."""
    mixes: ClassVar[bool] = False
    """Whether it mixes the samples of a batch, and their targets: the last of train's transforms."""
    views: ClassVar[int] = 1
    """How many images it makes of one: what the network says of them is averaged, on val and test."""
    blends: ClassVar[bool] = False
    """Whether it blends images that it moves differently, so that no mask lies over what comes out."""

    def check(self) -> None:
        """Raise a `Violation` where the arguments clash among themselves."""

    def infer(self, sample: SampleType) -> SampleType:
        """What comes out, or a `Violation` where v2 raises. What is not known stays unknown."""
        if sample.shape is None:
            return self.apply(sample, None, (None, None))
        if len(sample.shape) != 3:
            raise Violation(
                "SB408",
                f"{self.type} is for samples of (channels, height, width), but what comes in is {sample}",
            )
        channels, height, width = sample.shape
        return self.apply(sample, channels, (height, width))

    draws: ClassVar[int] = 0
    """Of a plug-in: how many numbers from 0 to 1, 1 excluded, it draws for each sample."""

    def run(self, images: Any, draws: Any) -> Any:
        """Of a plug-in: a batch of images `(N, C, H, W)`, float or uint8, transformed.

        draws: `draws` tensors of (N,), float32. The catalogue's own transforms run in `specbuild.data.operations`.
        """
        raise NotImplementedError

    @abstractmethod
    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """`infer`, for a sample of three axes or of a shape not known."""


def resized(sample: SampleType, sizes: Sizes, channels: int | None = None) -> SampleType:
    """The sample in another height and width; `channels` where they change too."""
    if sample.shape is not None:
        channels = channels or sample.shape[0]
    elif sizes == (None, None):
        return sample
    return sample._replace(shape=(channels, *sizes))


def pair(lengths: int | tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a size."""
    if isinstance(lengths, int):
        return lengths, lengths
    return lengths[0], lengths[-1]


def channels_text(count: int) -> str:
    """`1 channel`, `3 channels`."""
    return "1 channel" if count == 1 else f"{count} channels"
