"""Data sets: torchvision's names, arguments and defaults; `Digits`, `Arrays`, `Table`, `ImageTable`,
`ImagePairs` and `Text` are specbuild's own.

`transform` and `target_transform` are written in `transforms`. A data set yields named fields; image
sets yield `input` and `target`. Relative paths are relative to the working directory.
"""

from specbuild.catalogue.datasets.dataset import Dataset
from specbuild.catalogue.table import Table

BOXES = "its targets are boxes, a different number for each image, which no loss takes"
CAPTIONS = "its targets are sentences, several for each image, which no loss takes"
FLOW = "its samples are pairs of images with the motion between them, which no loss takes"
STEREO = "its samples are pairs of images with the depth that they show, which no loss takes"
VIDEO = "its samples are videos, which torchvision no longer reads"
ARRAYS = "save it as `.npy` files and write `Arrays`"
EXCLUDED = {
    **dict.fromkeys(("Kitti", "VOCDetection", "WIDERFace"), BOXES),
    **dict.fromkeys(("CocoCaptions", "Flickr8k", "Flickr30k", "SBU"), CAPTIONS),
    **dict.fromkeys(("FlyingChairs", "FlyingThings3D", "HD1K", "KittiFlow", "Sintel"), FLOW),
    **dict.fromkeys(
        (
            "CREStereo", "CarlaStereo", "ETH3DStereo", "FallingThingsStereo", "InStereo2k", "Kitti2012Stereo",
            "Kitti2015Stereo", "Middlebury2014Stereo", "SceneFlowStereo", "SintelStereo",
        ),
        STEREO,
    ),
    **dict.fromkeys(("HMDB51", "Kinetics", "UCF101"), VIDEO),
    "DatasetFolder": "its files are read by a function of Python; ImageFolder reads images",
    "INaturalist": "its folders are those of ImageFolder: `root` is the folder of one version, 2021_train",
    "LFWPairs": "its samples are pairs of images with one label; save them as arrays and write `Arrays`",
    "LSUNClass": "it has images without labels; LSUN has them with labels",
    "MovingMNIST": f"its samples are films without targets; {ARRAYS}",
    "PCAM": f"torchvision does not verify its HDF5 files; {ARRAYS}",
    "PhotoTour": f"its samples are patches without labels, or pairs of them; {ARRAYS}",
    "StanfordCars": "it cannot be downloaded any more, nor verified; sort its photos into an ImageFolder",
}  # fmt: skip
"""What torchvision has beside, each with the reason that a user is given."""

DATASETS: Table[Dataset] = Table(
    "specbuild.catalogue.datasets",
    {
        "digits": ("Digits",),
        "mnist": ("MNIST", "FashionMNIST", "KMNIST"),
        "emnist": ("EMNIST", "QMNIST"),
        "handwriting": ("USPS", "SEMEION", "Omniglot"),
        "cifar": ("CIFAR10", "CIFAR100"),
        "small_images": ("SVHN", "STL10", "FER2013"),
        "folder": ("ImageFolder",),
        "scenes": ("ImageNet", "Imagenette", "Places365", "SUN397", "Country211", "Caltech101", "Caltech256"),
        "fine_grained": ("Food101", "Flowers102", "FGVCAircraft", "OxfordIIITPet"),
        "specialized": ("DTD", "EuroSAT", "GTSRB", "RenderedSST2", "CLEVRClassification"),
        "faces": ("CelebA", "LFWPeople"),
        "segmentation": ("VOCSegmentation", "SBDataset", "Cityscapes"),
        "coco": ("CocoDetection",),
        "lsun": ("LSUN",),
        "arrays": ("Arrays",),
        "fake": ("FakeData",),
        "table": ("Table",),
        "image_table": ("ImageTable",),
        "image_pairs": ("ImagePairs",),
        "text": ("Text",),
    },
    excluded=EXCLUDED,
)
"""Every data set, by the name that a document uses."""

__all__ = ["DATASETS", "Dataset"]
