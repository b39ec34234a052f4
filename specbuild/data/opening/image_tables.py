"""`ImageTable`: images that a CSV names, and what it says of them."""

from __future__ import annotations

from glob import escape
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import torch

from specbuild.catalogue.datasets.image_table import ImageTable
from specbuild.data.failure import Unusable
from specbuild.data.opening.image_files import image_of
from specbuild.data.opening.image_pairing import read_pair
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.rows import Rows, number, read_rows
from specbuild.data.sources import Sample, SampleSource, Source, Statistics
from specbuild.network.samples import INPUT


class ImageTableSource(SampleSource):
    """The images of a CSV; the numbers of classes that have names are learned from train."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, entry: ImageTable, rows: Rows, root: Path, targets: Path) -> None:
        rows.require((entry.image,), "image")
        rows.require(entry.columns, "target")
        for name in (entry.image, *entry.columns):
            missing = rows.columns[name].missing()
            if missing.any():
                place = rows.place(int(np.flatnonzero(missing)[0]))
                raise Unusable("SB405", f"{place}: `{name}` is missing", field="path")
        self.entry, self.rows, self.paired = entry, rows, entry.paired
        self.learns = entry.kind == "label"
        self.files = named_files(rows, entry.image, root, entry.suffix, "root")
        self.over = named_files(rows, entry.columns[0], targets, entry.target_suffix, "targets") if self.paired else []
        self.values = torch.empty(0)
        if entry.kind == "number":
            columns = [rows.numbers(name, "target") for name in entry.columns]
            self.values = torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))

    def __len__(self) -> int:
        return len(self.files)

    def labels(self, field: str) -> torch.Tensor | None:
        """The targets of all samples, where they are in the table."""
        if field != "target" or self.over:
            return None
        if self.statistics is None and self.learns:
            return torch.tensor(self.numbered(self.learned(torch.arange(0))["classes"]))
        return self.values

    def learned(self, indices: torch.Tensor) -> Statistics:
        """The names of the classes, from all rows of train's table; none where labels are numbers."""
        texts = set(self.rows.columns[self.entry.columns[0]].categories())
        numbers = all(number(text) is not None for text in texts)
        return {"type": "ImageTable", "classes": None if numbers else sorted(texts)}

    def prepared(self, statistics: Statistics | None) -> Source:
        """The same with a number for each label; SB405 for one that train does not have."""
        if not self.learns:
            return self
        if statistics is None or statistics.get("type") != "ImageTable":
            raise Unusable("SB405", "labels have the numbers that train gives them, and train is no ImageTable")
        names = statistics.get("classes", ())
        if names is not None and not (names and isinstance(names, list) and all(isinstance(n, str) for n in names)):
            raise Unusable("SB503", "the run's preprocessing.json is not that of an ImageTable")
        source = ImageTableSource.__new__(ImageTableSource)
        source.__dict__.update(self.__dict__)
        source.statistics = statistics
        source.values = torch.tensor(self.numbered(names))
        if names is not None:
            source.classes, source.class_names = len(names), tuple(names)
        return source

    def numbered(self, names: list[str] | None) -> list[int]:
        """The label of each row: by its name, or as it is."""
        column = self.entry.columns[0]
        texts = self.rows.columns[column].categories()
        if names is not None:
            codes = {name: code for code, name in enumerate(names)}
            for index, text in enumerate(texts):
                if text not in codes:
                    raise Unusable(
                        "SB405", f"{self.rows.place(index)}: `{column}` is {text}, a class that train does not have",
                        field="target",
                    )  # fmt: skip
            return [codes[text] for text in texts]
        labels = []
        for index, text in enumerate(texts):
            value = number(text)
            if value is None or value != value // 1 or abs(value) > 2**31:
                raise Unusable(
                    "SB405", f"{self.rows.place(index)}: `{column}` is {text}, not a label: a whole number",
                    field="target", fix="kind: number, for numbers" if value is not None else None,
                )  # fmt: skip
            labels.append(int(value))
        return labels

    def sample(self, index: int) -> Sample:
        """One image and its target; SB405 names a file that cannot be read."""
        if self.over:
            return read_pair(self.files[index], self.over[index], self.entry.kind, self.entry.mode, "root")
        return {INPUT: image_of(str(self.files[index]), self.entry.mode), "target": self.values[index].clone()}


def named_files(rows: Rows, column: str, folder: Path, suffix: str, field: str) -> list[Path]:
    """The files that a column names; SB403 for one that is not there, SB405 for one that is not in the folder."""
    if not folder.is_dir():
        raise Unusable("SB403", f"there is no folder {folder.absolute()}", field=field, fix="a folder of images")
    found = []
    for index, name in enumerate(rows.columns[column].categories()):
        parts = PureWindowsPath(name).parts
        if ".." in parts or PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor:
            raise Unusable("SB405", f"{rows.place(index)}: {name} leads out of {folder}", field=field)
        file = folder / f"{name}{suffix}"
        if not file.is_file():
            near = next(file.parent.glob(f"{escape(file.name)}.*"), None)
            raise Unusable(
                "SB403", f"{rows.place(index)} names {name}, and there is no file {file.absolute()}", field=field,
                fix=f"{'suffix' if field == 'root' else 'target_suffix'}: {near.suffix}" if near else None,
            )  # fmt: skip
        found.append(file)
    return found


def image_table(entry: ImageTable, root: Path, image: str | None) -> Source:
    """The images of a CSV."""
    rows = read_rows(placed(root, entry.path))
    return ImageTableSource(entry, rows, placed(root, entry.root), placed(root, entry.targets or entry.root))


OPENERS: Openers = {ImageTable: image_table}
