"""Random erasing."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import MinLen

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.colors import Probability, Range, check_pixels, check_range
from specbuild.catalogue.transforms.transform import Sizes, Transform, channels_text


@final
class RandomErasing(Transform):
    """A rectangle at a random place overwritten, for a random part of the images (arXiv:1708.04896).

    ```yaml
    transforms: [ToTensor, RandomErasing]
    ```
    """

    random: ClassVar = True

    p: Probability = 0.5
    """The probability."""
    scale: Range = (0.02, 0.33)
    """[least, most] share of the image that is overwritten."""
    ratio: Range = (0.3, 3.3)
    """[least, most] of height through width."""
    value: Literal["random"] | Float | Annotated[tuple[Float, ...], MinLen(1)] = 0.0
    """What is written: one number, or one for each channel, or `random`, normal noise for each value."""
    inplace: Bool = False
    """As in torchvision; changes nothing here, where every batch is a tensor of its own."""

    def check(self) -> None:
        """Ranges within their bounds."""
        check_range("scale", self.scale, 0.0, 1.0)
        check_range("ratio", self.ratio, 0.0, None)
        if not self.ratio[0]:
            raise Violation("SB410", "ratio must be more than 0: it is height through width", field="ratio")

    def values(self) -> tuple[float, ...] | None:
        """What is written, one number or one for each channel; None: noise."""
        if isinstance(self.value, str):
            return None
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the value is one of its type, for each of its channels."""
        check_pixels(self, sample, channels, color=False)
        values = self.values()
        if values is None:
            if sample.dtype == "uint8":
                raise Violation(
                    "SB408", "value: random writes normal noise, from about -3 to 3, but what comes in is an image of "
                    "bytes", field="value", fix="put it after ToTensor",
                )  # fmt: skip
            return sample
        if channels is not None and len(values) not in (1, channels):
            raise Violation(
                "SB408", f"value has {len(values)} numbers, but what comes in has {channels_text(channels)}",
                field="value",
            )  # fmt: skip
        if sample.dtype == "uint8" and not all(0 <= value <= 255 for value in values):
            raise Violation(
                "SB408", "value must be from 0 to 255 before ToTensor", field="value",
                fix="a value from 0 to 255, or ToTensor first",
            )  # fmt: skip
        return sample
