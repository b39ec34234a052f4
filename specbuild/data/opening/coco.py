"""COCO: the annotations are read as the JSON that they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets.coco import CocoDetection
from specbuild.data.failure import Unusable
from specbuild.data.opening.image_files import FileSource
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.sources import Source


def coco(entry: CocoDetection, data_root: Path, image: str | None) -> Source:
    """Each photo, in the order of their ids, and which categories, in the order of theirs, it has."""
    root, path = placed(data_root, entry.root), placed(data_root, entry.annFile)
    if not root.is_dir():
        raise Unusable("SB403", f"there is no folder {root.absolute()}", field="root", fix="the folder of the photos")
    if not path.is_file():
        raise Unusable(
            "SB403", f"there is no file {path.absolute()}", field="annFile", fix="a JSON file of instances"
        )  # fmt: skip
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        files = {each["id"]: str(root / each["file_name"]) for each in found["images"]}
        categories = {each["id"]: str(each["name"]) for each in found["categories"]}
        rows = {number: row for row, number in enumerate(sorted(files))}
        columns = {number: column for column, number in enumerate(sorted(categories))}
        occurring = [(rows[each["image_id"]], columns[each["category_id"]]) for each in found["annotations"]]
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(path, f"is not the JSON of annotations: {str(error).splitlines()[0]}") from None
    except KeyError as error:
        raise damaged(path, f"lacks {error.args[0]!r}, or names it and does not have it") from None
    if not categories:
        raise damaged(path, "has no categories")
    targets = torch.zeros(len(files), len(categories))
    if occurring:
        targets[tuple(torch.tensor(occurring).T)] = 1
    return FileSource([files[k] for k in rows], targets, names=[categories[k] for k in columns])


def damaged(path: Path, what: Any) -> Unusable:
    """SB405 for annotations that are none."""
    return Unusable("SB405", f"{path} {what}", field="annFile", fix="a JSON file of instances, as COCO has them")


OPENERS: Openers = {CocoDetection: coco}
