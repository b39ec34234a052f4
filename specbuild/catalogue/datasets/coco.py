"""COCO, as far as a network learns from it without boxes and sentences."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Str
from specbuild.catalogue.samples import SampleType


class CocoDetection(TorchvisionSet):
    """Photos, and which of the categories of things occur in each. https://cocodataset.org.

    The target has a number for each category of the annotations, in the order of their ids: 1 if the photo
    has any such thing, else 0. It is for `BCEWithLogitsLoss`. (torchvision gives the boxes.)

    ```yaml
    dataset: {type: CocoDetection, root: coco/train2017, annFile: coco/annotations/instances_train2017.json}
    ```
    """

    root: Str
    """The folder of the photos."""
    annFile: Str  # noqa: N815  torchvision's name
    """The annotations, a JSON file of "instances"."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a number for each category."""
        return {
            "input": SampleType((3, None, None), "uint8", image=True),
            "target": SampleType((None,), "float32"),
        }

    def length(self) -> None:
        """Known when the annotations are read."""
        return None
