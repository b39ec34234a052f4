"""Small sets of handwriting."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet, TorchvisionSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class USPS(TorchvisionSet):
    """9,298 digits from envelopes, 1 x 16 x 16, in ten classes. https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps.

    ```yaml
    dataset: {type: USPS, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `usps.bz2` and `usps.t.bz2`."""
    train: Bool = True
    """The 7,291 images to train on, or the 2,007 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 16 x 16, and one of ten labels."""
        return images(1, 16, 16, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 7_291 if self.train else 2_007


class SEMEION(TorchvisionSet):
    """1,593 digits, black on white, 1 x 16 x 16, in ten classes. https://archive.ics.uci.edu/dataset/178.

    ```yaml
    dataset: {type: SEMEION, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `semeion.data`."""
    download: Bool = True
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 16 x 16, and one of ten labels."""
        return images(1, 16, 16, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 1_593


class Omniglot(ImageFileSet):
    """Characters of 50 alphabets, 1 x 105 x 105, twenty images each. https://github.com/brendenlake/omniglot.

    The classes are in the order of the folders' names; in torchvision it is that of the file system.

    ```yaml
    dataset: {type: Omniglot, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `omniglot-py`."""
    background: Bool = True
    """The 964 characters to train on, or the 659 to evaluate."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 105 x 105, and a label."""
        return images(1, 105, 105, 964 if self.background else 659)

    def length(self) -> int:
        """Fixed by the set."""
        return 19_280 if self.background else 13_180
