"""Sets in the form of MNIST that have more than ten classes, or say more of each image."""

from collections.abc import Mapping
from typing import Literal

from specbuild.catalogue.datasets.dataset import LABEL, images
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType

CLASSES = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}
LENGTHS = {
    "byclass": (697_932, 116_323),
    "bymerge": (697_932, 116_323),
    "balanced": (112_800, 18_800),
    "letters": (124_800, 20_800),
    "digits": (240_000, 40_000),
    "mnist": (60_000, 10_000),
}
"""Images to train on and to test."""


class EMNIST(TorchvisionSet):
    """Handwritten letters and digits, 1 x 28 x 28, in 10 to 62 classes. https://www.nist.gov/itl/products-and-services/emnist-dataset.

    The images lie on their side, as in the files and in torchvision. The labels of `letters` count from 0
    here, and from 1 in torchvision.

    ```yaml
    dataset: {type: EMNIST, root: data, split: balanced, download: true}
    ```
    """

    root: Str
    """The folder that holds `EMNIST/raw`."""
    split: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"]
    """Which of the six sets: `byclass` has digits, capitals and small letters, `bymerge` and `balanced` take
    together the letters whose two forms look alike, `letters` all of them."""
    train: Bool = True
    """The images to train on, or those to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 28 x 28, and a label."""
        return images(1, 28, 28, CLASSES[self.split])

    def length(self) -> int:
        """Fixed by the set."""
        return LENGTHS[self.split][0 if self.train else 1]


class QMNIST(TorchvisionSet):
    """MNIST's digits once more, 1 x 28 x 28, with where each comes from and 50,000 more to test. https://github.com/facebookresearch/qmnist.

    ```yaml
    dataset: {type: QMNIST, root: data, what: test50k, download: true}
    ```
    """

    root: Str
    """The folder that holds `QMNIST/raw`."""
    what: Literal["train", "test", "test10k", "test50k", "nist"] | None = None
    """Which part: the images of MNIST's own test, the 50,000 that it left out, both, all of NIST; null goes
    by `train`."""
    compat: Bool = True
    """Whether the target is the label; else it is all eight numbers that are known of the image, the label
    first."""
    train: Bool = True
    """The 60,000 images to train on, or the 60,000 to test; `what` overrides it."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 28 x 28, and one of ten labels or eight numbers."""
        target = LABEL._replace(classes=10) if self.compat else SampleType((8,), "int64")
        return {**images(1, 28, 28, 10), "target": target}

    def length(self) -> int:
        """Fixed by the set."""
        part = self.what or ("train" if self.train else "test")
        return {"train": 60_000, "test": 60_000, "test10k": 10_000, "test50k": 50_000, "nist": 402_953}[part]
