"""Images of one small size that are held in memory."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class SVHN(TorchvisionSet):
    """House numbers cut into digits, 3 x 32 x 32, in ten classes. http://ufldl.stanford.edu/housenumbers.

    Its files are MATLAB's: reading them needs scipy.

    ```yaml
    dataset: {type: SVHN, root: data, split: train, download: true}
    ```
    """

    needs: ClassVar = "scipy"

    root: Str
    """The folder that holds `train_32x32.mat` and its like."""
    split: Literal["train", "test", "extra"] = "train"
    """The 73,257 images to train on, the 26,032 to test, or 531,131 easier ones."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 32 x 32, and one of ten labels."""
        return images(3, 32, 32, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 73_257, "test": 26_032, "extra": 531_131}[self.split]


class STL10(TorchvisionSet):
    """Photos in ten classes, 3 x 96 x 96, few of them labelled. https://cs.stanford.edu/~acoates/stl10.

    ```yaml
    dataset: {type: STL10, root: data, split: train, download: true}
    ```
    """

    root: Str
    """The folder that holds `stl10_binary`."""
    split: Literal["train", "train+unlabeled", "unlabeled", "test"] = "train"
    """The 5,000 images to train on, the 8,000 to test, or the 100,000 without a label; where there are any
    of those, no sample has a `target`."""
    folds: Annotated[int, Ge(0), Le(9)] | None = None
    """One of the ten parts of `train`, of 1,000 images each; null is all of it."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 96 x 96, and one of ten labels where all have one."""
        sample = images(3, 96, 96, 10)
        if "unlabeled" in self.split:
            del sample["target"]
        return sample

    def length(self) -> int | None:
        """Fixed by the set."""
        labelled = 5_000 if self.folds is None else 1_000
        return {"train": labelled, "train+unlabeled": labelled + 100_000, "unlabeled": 100_000, "test": 8_000}[
            self.split
        ]


class FER2013(TorchvisionSet):
    """35,887 faces, 1 x 48 x 48, in seven expressions.
    https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge.

    ```yaml
    dataset: {type: FER2013, root: data, split: train}
    ```
    """

    root: Str
    """The folder that holds `fer2013`, with `fer2013.csv`, `icml_face_data.csv` or `train.csv` in it."""
    split: Literal["train", "test"] = "train"
    """The 28,709 images to train on, or the 7,178 to test; `test.csv` alone has no labels to test with."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 48 x 48, and one of seven labels."""
        return images(1, 48, 48, 7)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 28_709, "test": 7_178}[self.split]
