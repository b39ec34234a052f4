from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild.api import evaluate, train
from specbuild.catalogue.datasets.image_table import ImageTable
from specbuild.data import open_data
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.sources import Source
from specbuild.errors import SpecError
from tests.data.documents import document, problems


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images/sub").mkdir(parents=True)
    for k, name in enumerate(["a.png", "sub/b.png", "c.png"]):
        Image.fromarray(np.full((2, 3), 10 * k, np.uint8)).save(f"images/{name}")


def table(text: str, **fields: Any) -> Source:
    """A table prepared by itself."""
    Path("t.csv").write_text(text)
    source = open_dataset(ImageTable(**{"path": "t.csv", "root": "images", **fields}), None)
    return source.prepared(source.learned(torch.arange(len(source)))) if source.learns else source


def targets(source: Source) -> list[Any]:
    return [source.sample(k)["target"].tolist() for k in range(len(source))]


def fault(text: str, **fields: Any) -> tuple[str, str, str | None]:
    with pytest.raises(Unusable) as raised:
        table(text, **fields)
    return raised.value.code, raised.value.message, raised.value.field


def test_names_are_numbered_and_numbers_kept() -> None:
    named = table("filename,label\na.png,dog\nsub/b.png,cat\nc.png,dog\n")
    assert targets(named) == [1, 0, 1]
    assert (named.classes, named.class_names) == (2, ("cat", "dog"))
    assert [int(named.sample(k)["input"][0, 0, 0]) for k in range(3)] == [0, 10, 20]
    assert named.sample(0)["input"].shape == (3, 2, 3)
    numbered = table("id,y\na,2\nc,0\n", image="id", target="y", suffix=".png", mode="L")
    assert targets(numbered) == [2, 0]
    assert numbered.sample(0)["input"].shape == (1, 2, 3)
    assert numbered.classes is None
    assert numbered.sample(0)["target"].dtype == torch.int64


def test_targets_may_be_numbers_or_files() -> None:
    text = "filename,x,y\na.png,0.5,-1\nc.png,2,3\n"
    assert targets(table(text, target=["x", "y"], kind="number")) == [[0.5, -1], [2, 3]]
    Path("masks").mkdir()
    for name in ("a", "c"):
        Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(f"masks/{name}.png")
    fields = {"target": "mask", "kind": "mask", "targets": "masks", "target_suffix": ".png"}
    masked = table("filename,mask\na.png,a\nc.png,c\n", **fields)
    assert targets(masked) == [[[0, 1, 2], [3, 4, 5]]] * 2
    assert masked.paired == {"target": "mask"}


FAULTS = [
    ("filename,label\na.png,\n", {}, "line 2 of t.csv: `label` is missing", "SB405", "path"),
    ("filename,label\n../t.csv,1\n", {}, "line 2 of t.csv: ../t.csv leads out of images", "SB405", "root"),
    ("filename,label\n/etc/passwd,1\n", {}, "line 2 of t.csv: /etc/passwd leads out of images", "SB405", "root"),
    ("filename,label\nC:\\x.png,1\n", {}, "line 2 of t.csv: C:\\x.png leads out of images", "SB405", "root"),
    ("filename,label\na.png,1.5\n", {}, "line 2 of t.csv: `label` is 1.5, not a label: a whole number", "SB405",
     "target"),
    ("file,label\na.png,1\n", {}, "t.csv has no column `filename`; it has file, label", "SB405", "image"),
    ("filename,label\na.png,x\n", {"kind": "number"}, "line 2 of t.csv: `label` is x, not a finite number", "SB405",
     "target"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields", "message", "code", "field"), FAULTS)
def test_what_is_wrong_is_said(text: str, fields: dict[str, Any], message: str, code: str, field: str) -> None:
    assert fault(text, **fields) == (code, message, field)


def test_a_file_that_is_not_there_is_named_with_its_ending() -> None:
    with pytest.raises(Unusable) as raised:
        table("filename,label\na,1\n")
    assert raised.value.message == f"line 2 of t.csv names a, and there is no file {Path.cwd() / 'images' / 'a'}"
    assert (raised.value.code, raised.value.fix) == ("SB403", "suffix: .png")


def test_a_class_has_the_number_that_train_gives_it() -> None:
    Path("train.csv").write_text("filename,label\na.png,cow\nc.png,ant\n")
    Path("val.csv").write_text("filename,label\nsub/b.png,cow\n")
    data = {
        name: {"dataset": {"type": "ImageTable", "path": f"{name}.csv", "root": "images"}, "transforms": ["ToTensor"]}
        for name in ("train", "val")
    }
    spec = document(data, input=[3, 2, 3])
    assert targets(open_data(spec)["val"].source) == [1]
    Path("val.csv").write_text("filename,label\nsub/b.png,bee\n")
    assert problems(lambda: open_data(spec)) == [
        ("SB405", "data.val.dataset.target", "line 2 of val.csv: `label` is bee, a class that train does not have")
    ]


def test_a_run_knows_its_classes() -> None:
    Path("train.csv").write_text("filename,label\na.png,cow\nc.png,ant\nsub/b.png,bee\n")
    Path("test.csv").write_text("filename,label\nsub/b.png,cow\n")
    data = {
        name: {"dataset": {"type": "ImageTable", "path": f"{name}.csv", "root": "images"}, "transforms": ["ToTensor"]}
        for name in ("train", "test")
    }
    layers = ["Flatten", {"type": "Linear", "out_features": 3}]
    run = train(document(data, input=[3, 2, 3], layers=layers, train={"epochs": 1}).source.tree, run="run")
    assert run.preprocessing == {"type": "ImageTable", "classes": ["ant", "bee", "cow"]}
    Path("train.csv").unlink()
    with torch.no_grad():
        output = run.model(torch.full((1, 3, 2, 3), 10 / 255))
    wanted = torch.nn.functional.cross_entropy(output, torch.tensor([2]))
    assert evaluate("run")["loss"] == pytest.approx(float(wanted), rel=1e-5)


CLASHES = [
    ({"kind": "number", "target": ["a", "a"]}, "target", "`a` is named twice"),
    ({"target": ["a", "b"]}, "target", "a label is in one column, but target names 2"),
    ({"kind": "image"}, "kind", "the target is the file of an image, and has no folder"),
    ({"targets": "masks"}, "targets", "targets is about files, but the target is a label"),
]


@pytest.mark.parametrize(("fields", "field", "message"), CLASHES)
def test_fields_that_clash(fields: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        document({"train": {"dataset": {"type": "ImageTable", "path": "t.csv", "root": "images", **fields}}})
    [diagnostic] = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.path[-1], diagnostic.message) == ("SB410", field, message)


@pytest.mark.parametrize("share", [0.5])
def test_parts_have_their_share_of_each_class(share: float) -> None:
    rows = "".join(f"a.png,{'xyyy'[k % 4]}\n" for k in range(16))
    Path("t.csv").write_text("filename,label\n" + rows)
    data = {
        "train": {"dataset": {"type": "ImageTable", "path": "t.csv", "root": "images"}, "transforms": ["ToTensor"]},
        "val": {"split": share, "stratify": True},
    }
    val = open_data(document(data, input=[3, 2, 3]))["val"]
    assert sorted(int(val.source.sample(k)["target"]) for k in val.indices.tolist()) == [0, 0, 1, 1, 1, 1, 1, 1]
