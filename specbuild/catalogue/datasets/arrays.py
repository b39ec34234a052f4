"""Arrays of NumPy."""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import MinLen

from specbuild.catalogue.datasets.dataset import Dataset
from specbuild.catalogue.entry import Str
from specbuild.catalogue.samples import SampleType


class Arrays(Dataset):
    """NumPy arrays, the first axis of each counting the samples.

    An `input` of uint8 `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]`, with 1, 3 or 4 channels, holds
    images, and comes as `[C, H, W]`. All other integers come as int64, floating point as float32.

    ```yaml
    dataset: {type: Arrays, path: cifar10.npz, fields: {input: x_train, target: y_train}}
    ```
    """

    path: Str
    """A `.npz` file, or a folder of `.npy` files."""
    fields: Annotated[dict[Str, Str], MinLen(1)]
    """For each field of a sample its array: a name in the `.npz`, or a `.npy` file of the folder."""

    def sample(self) -> Mapping[str, SampleType]:
        """The fields' names; all else is known when the file is opened."""
        return {name: SampleType() for name in self.fields}

    def length(self) -> None:
        """Known when the file is opened."""
        return None
