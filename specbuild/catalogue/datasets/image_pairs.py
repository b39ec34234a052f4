"""Images with images or masks of the same name."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import Dataset
from specbuild.catalogue.datasets.image_files import CHANNELS, READ_BY_PILLOW, Mode
from specbuild.catalogue.entry import Size, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType


class ImagePairs(Dataset):
    """Two folders of images, the input's and the target's, matched by their names without the endings.

    For restoration and super-resolution the target is an image; for segmentation it is a mask, an image with the
    number of a class for each pixel, and comes as int64 `[H, W]`. Both have one size, and the transforms move both
    alike.

    ```yaml
    dataset: {type: ImagePairs, inputs: noisy, targets: clean}
    ```
    """

    refused: ClassVar = {**Dataset.refused, **READ_BY_PILLOW}

    inputs: Str
    """The folder of the inputs; folders in it are looked through too."""
    targets: Str
    """The folder of the targets."""
    target: Literal["image", "mask"] = "image"
    """What a target is."""
    scale: Size = 1
    """How many times as high and wide an image of the target is, for super-resolution."""
    input_suffix: Str = ""
    """What the names of the inputs end with and those of their targets do not: `_noisy` in `0001_noisy.png`."""
    target_suffix: Str = ""
    """The same of the targets: `_mask` in `0001_mask.png`."""
    mode: Mode = "RGB"
    """How Pillow reads the images: in colour, in gray (L), or in colour with transparency."""

    @property
    def paired(self) -> Mapping[str, str]:
        """The target lies over the image."""
        return {"target": self.target}

    def check(self) -> None:
        """A scale is of images."""
        if self.target == "mask" and self.scale != 1:
            raise Violation(
                "SB410", f"a mask has the size of its image, but scale is {self.scale}", field="scale",
                fix="leave it out, or target: image",
            )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """An image of any size, and what lies over it."""
        image = SampleType((CHANNELS[self.mode], None, None), "uint8", image=True)
        return {"input": image, "target": image if self.target == "image" else SampleType((None, None), "int64")}

    def length(self) -> None:
        """Known when the folders are opened."""
        return None
