"""Images that a table names."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import LABEL, Dataset
from specbuild.catalogue.datasets.image_files import CHANNELS, READ_BY_PILLOW, Mode
from specbuild.catalogue.datasets.table import Columns, require_once
from specbuild.catalogue.entry import Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType


class ImageTable(Dataset):
    """A CSV of file names and what is to be predicted, the images in a folder.

    Labels that are whole numbers are taken as they are, from 0 on; names are numbered in their sorted order, which
    is kept in the run. Numbers are float32 `[columns]`. Images and masks of the target lie in a folder of their
    own, of the same size as the input's, and the transforms move both alike.

    ```yaml
    dataset: {type: ImageTable, path: labels.csv, root: images, image: file, target: species}
    ```
    """

    refused: ClassVar = {**Dataset.refused, **READ_BY_PILLOW}

    path: Str
    """The CSV: UTF-8, a line a sample, the first naming the columns."""
    root: Str
    """The folder of the images."""
    image: Str = "filename"
    """The column of the images' files, relative to `root`."""
    target: Str | Columns = "label"
    """The column of what is to be predicted; of numbers it may be several."""
    kind: Literal["label", "number", "image", "mask"] = "label"
    """What the target is: a class, numbers, or the file of an image or of a mask, the number of a class for each
    pixel."""
    targets: Str | None = None
    """The folder of the target's files."""
    suffix: Str = ""
    """What the file names of the column `image` lack: `.jpg`, where it holds `0001`."""
    target_suffix: Str = ""
    """The same of the target's file names."""
    mode: Mode = "RGB"
    """How Pillow reads the images: in colour, in gray (L), or in colour with transparency."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of what is to be predicted."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def paired(self) -> Mapping[str, str]:
        """The fields that lie over the image."""
        return {"target": self.kind} if self.kind in ("image", "mask") else {}

    def check(self) -> None:
        """Columns that are named once; a folder for targets that are files, and for no others."""
        require_once(self.columns, "target")
        if self.kind != "number" and len(self.columns) > 1:
            raise Violation(
                "SB410", f"a {self.kind} is in one column, but target names {len(self.columns)}", field="target",
                fix="kind: number, or one column",
            )  # fmt: skip
        if self.paired and self.targets is None:
            raise Violation(
                "SB410", f"the target is the file of {'an' if self.kind == 'image' else 'a'} {self.kind}, and has no "
                "folder", field="kind", fix="targets: the folder of the target's files",
            )  # fmt: skip
        for field in () if self.paired else ("targets", "target_suffix"):
            if getattr(self, field):
                raise Violation(
                    "SB410", f"{field} is about files, but the target is a {self.kind}", field=field,
                    fix="kind: mask, or kind: image",
                )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """An image of any size; the target as far as it is written."""
        image = SampleType((CHANNELS[self.mode], None, None), "uint8", image=True)
        target = {
            "label": LABEL,
            "number": SampleType((len(self.columns),), "float32"),
            "image": image,
            "mask": SampleType((None, None), "int64"),
        }[self.kind]
        return {"input": image, "target": target}

    def length(self) -> None:
        """Known when the file is opened."""
        return None
