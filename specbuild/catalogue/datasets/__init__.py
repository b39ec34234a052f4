"""Data sets: torchvision's names, arguments and defaults; `Digits`, `Arrays`, `Table`, `ImageTable`,
`ImagePairs` and `Text` are specbuild's own.

`transform` and `target_transform` are written in `transforms`. A data set yields named fields; image
sets yield `input` and `target`. Relative paths are relative to the working directory.
"""

from specbuild.catalogue.datasets.dataset import Dataset
from specbuild.catalogue.table import Table

DATASETS: Table[Dataset] = Table(
    "specbuild.catalogue.datasets",
    {
        "digits": ("Digits",),
        "mnist": ("MNIST", "FashionMNIST"),
        "cifar": ("CIFAR10", "CIFAR100"),
        "folder": ("ImageFolder",),
        "arrays": ("Arrays",),
        "fake": ("FakeData",),
        "table": ("Table",),
        "image_table": ("ImageTable",),
        "image_pairs": ("ImagePairs",),
        "text": ("Text",),
    },
)
"""Every data set, by the name that a document uses."""

__all__ = ["DATASETS", "Dataset"]
