"""The handwritten digits that come with specbuild."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.dataset import Dataset, images
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.samples import SampleType


class Digits(Dataset):
    """1,797 real images of handwritten digits, 1 x 8 x 8, in ten classes; shipped with specbuild.

    From the UCI set "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (CC BY
    4.0). Sorted by class, every fifth image is for the test: 1,437 to train on and 360 to test.

    ```yaml
    dataset: {type: Digits, train: true}
    ```
    """

    train: Bool = True
    """The 1,437 images to train on, or the 360 to test."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 8 x 8, and one of ten labels."""
        return images(1, 8, 8, 10)

    def length(self) -> int:
        """Fixed by the split."""
        return 1437 if self.train else 360
