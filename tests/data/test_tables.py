from __future__ import annotations

import csv
import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specbuild.api import evaluate, train
from specbuild.catalogue.datasets.table import Table
from specbuild.data import open_data, probe
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.opening.tables import TableSource
from specbuild.data.sources import Source
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.inference import infer
from tests.data.documents import document, problems

HOUSES = """\
area,rooms,colour,price
50,2,red,100.5
70,3,blue,140
60.5,2,"red",120
90,4,green,200
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(text: str, name: str = "t.csv", **fields: Any) -> Source:
    """A table prepared by all its own rows."""
    if text:
        Path(name).write_text(text)
    source = open_dataset(Table(**{"path": name, "target": "price", **fields}), None)
    return source.prepared(source.learned(torch.arange(len(source))))


def fault(text: str, **fields: Any) -> tuple[str, str, str | None]:
    with pytest.raises(Unusable) as raised:
        table(text, **fields)
    return raised.value.code, raised.value.message, raised.value.field


def standardized(values: list[float]) -> list[float]:
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    return [(value - mean) / deviation for value in values]


def test_numbers_are_standardized_and_categories_become_columns() -> None:
    source = table(HOUSES)
    assert source.feature_names == ("area", "rooms", "colour=blue", "colour=green", "colour=red")
    samples = [source.sample(k) for k in range(4)]
    assert {sample["input"].dtype for sample in samples} == {torch.float32}
    areas, rooms = standardized([50, 70, 60.5, 90]), standardized([2, 3, 2, 4])
    colours = [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for k, sample in enumerate(samples):
        assert sample["input"].tolist() == pytest.approx([areas[k], rooms[k], *colours[k]], abs=1e-6)
    assert [sample["target"].tolist() for sample in samples] == [[100.5], [140], [120], [200]]
    assert table(HOUSES, standardize=False).sample(3)["input"].tolist() == [90, 4, 0, 1, 0]


def test_a_constant_column_is_divided_by_one() -> None:
    """The deviation of ten times 0.1 is rounded to 1.4e-17."""
    learned = table("x,price\n" + "0.1,1\n" * 10).statistics
    assert learned is not None
    assert learned["features"] == [{"column": "x", "mean": 0.1, "std": 1.0}]


def test_what_is_missing_is_said_before_what_train_keeps() -> None:
    Path("t.csv").write_text("x,price\n,1\n2,2\n")
    source = open_dataset(Table(path="t.csv", target="price"), None)
    with pytest.raises(Unusable, match=r"line 2 of t\.csv: `x` is missing"):
        source.learned(torch.tensor([0]))


def test_columns_are_chosen_and_labels_numbered() -> None:
    source = table(HOUSES, target="colour", features=["price", "area"], standardize=False)
    assert source.sample(0)["input"].tolist() == [100.5, 50]
    assert source.class_names == ("blue", "green", "red")
    assert source.classes == 3
    assert [int(source.sample(k)["target"]) for k in range(4)] == [2, 0, 2, 1]
    unprepared = open_dataset(Table(path="t.csv", target="colour"), None)
    assert isinstance(unprepared, TableSource)
    labels = unprepared.labels("target")
    assert labels is not None
    assert labels.tolist() == [2, 0, 2, 1]
    rooms = table(HOUSES, target="rooms", features=["area"], categorical=["rooms"])
    assert (rooms.class_names, rooms.sample(3)["target"].dtype) == (("2", "3", "4"), torch.int64)
    both = table(HOUSES, target=["price", "rooms"], features=["area"])
    assert both.sample(1)["target"].tolist() == [140, 3]


@pytest.mark.parametrize("fields", [{"delimiter": ";"}, {"delimiter": "\t"}, {"header": False}])
def test_forms_of_csv(fields: dict[str, Any]) -> None:
    rows = [["area", "price"], ["1.5", "2"], ["2.5", "3"]]
    if fields.get("header") is False:
        rows, fields = rows[1:], {**fields, "target": "1"}
    text = "\n\n".join(fields.get("delimiter", ",").join(f'"{value}"' for value in row) for row in rows)
    source = table("\ufeff" + text, standardize=False, **fields)
    assert [source.sample(k)["input"].item() for k in range(2)] == [1.5, 2.5]
    assert [source.sample(k)["target"].item() for k in range(2)] == [2, 3]


def test_parquet_is_as_csv() -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    with_csv = table(HOUSES)
    rows = list(csv.DictReader(HOUSES.splitlines()))
    columns = {
        "area": pyarrow.array([float(row["area"]) for row in rows], pyarrow.float32()),
        "rooms": pyarrow.array([int(row["rooms"]) for row in rows], pyarrow.int8()),
        "colour": pyarrow.array([row["colour"] for row in rows]).dictionary_encode(),
        "price": pyarrow.array([float(row["price"]) for row in rows]),
    }
    parquet.write_table(pyarrow.table(columns), "t.parquet")
    source = table("", "t.parquet")
    for k in range(4):
        for name, tensor in with_csv.sample(k).items():
            torch.testing.assert_close(source.sample(k)[name], tensor)
    columns["area"] = pyarrow.array([1.0, None, 3.0, 4.0])
    parquet.write_table(pyarrow.table(columns), "t.parquet")
    with pytest.raises(Unusable, match=r"^row 2 of t.parquet: `area` is missing$"):
        table("", "t.parquet")
    columns["area"] = pyarrow.array([1.0, math.inf, 3.0, 4.0])
    parquet.write_table(pyarrow.table(columns), "t.parquet")
    with pytest.raises(Unusable, match=r"^row 2 of t.parquet: `area` is inf, not a finite number$"):
        table("", "t.parquet")
    Path("t.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(Unusable, match=r"^t.parquet cannot be read: ") as raised:
        table("", "t.parquet")
    assert raised.value.code == "SB405"


GAPS = "area,colour,price\n1,red,1\n,red,2\n3,,3\n5,blue,4\n"


def test_what_is_missing_is_filled_or_left_out() -> None:
    filled = table(GAPS, missing="mean", standardize=False)
    assert [filled.sample(k)["input"].tolist() for k in range(4)] == [[1, 0, 1], [3, 0, 1], [3, 0, 0], [5, 1, 0]]
    left = table(GAPS, missing="drop", standardize=False)
    assert [left.sample(k)["target"].item() for k in range(len(left))] == [1, 4]


FAULTS = {
    GAPS: ("SB405", "line 3 of t.csv: `area` is missing", "features"),
    "area,price\n1,2\n,3\n,4\n": ("SB405", "line 3 of t.csv: `area` is missing; 2 rows have none", "features"),
    "area,price\n1,2\n2,\n": ("SB405", "line 3 of t.csv: `price` is missing", "target"),
    "area,price\n1,2\nnan,3\n": ("SB405", "line 3 of t.csv: `area` is nan, not a finite number", "features"),
    "area,price\n1,2\n3,-inf\n": ("SB405", "line 3 of t.csv: `price` is -inf, not a finite number", "target"),
    "area,price\n1,2\nNA,3\n": (
        "SB405", "`area` holds numbers and other text: 1 on line 2, NA on line 3 of t.csv", "features",
    ),
    "area,price\n1,2\n1,2,3\n": (
        "SB405", "line 3 of t.csv has 3 values, but there are 2 columns: area, price", "path",
    ),
    "area,area,price\n": ("SB405", "t.csv has more than one column `area`", "path"),
    "area,price\n": ("SB412", "t.csv has no rows", "path"),
    "": ("SB403", "there is no file ", "path"),
    "area,cost\n1,2\n": ("SB405", "t.csv has no column `price`; it has area, cost", "target"),
    "price\n1\n": ("SB405", "t.csv has no column but the target", "path"),
    "area,price\n1,2\n1e300,3\n": ("SB405", "line 3 of t.csv: `area` is 1e+300, too large for float32", "features"),
    'area,price\n1,2\n"3,4\n': ("SB405", "line 3 of t.csv is no CSV: unexpected end of data", "path"),
    "area,price\n,2\n,3\n": ("SB405", "`area` of t.csv has no value at all", "features"),
}  # fmt: skip


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_is_said_with_its_line(text: str) -> None:
    code, message, field = fault(text, standardize="1e300" not in text)
    wanted = FAULTS[text]
    assert (code, message[: len(wanted[1])] if not text else message, field) == wanted


def test_text_that_is_not_utf8_is_said_with_its_line() -> None:
    Path("t.csv").write_bytes(b"area,price\n1,2\n" + b"\xff,3\n")
    assert fault("")[1] == "line 3 of t.csv is not UTF-8: invalid start byte"


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    Path("any.csv").write_bytes(b"area,price\n" + data)
    code = None
    try:
        assert torch.isfinite(table("", "any.csv").sample(0)["input"]).all()
    except Unusable as unusable:
        code = unusable.code
    assert code in (None, "SB405", "SB412")


def spec(data: dict[str, Any], features: int = 1, **changes: Any) -> Spec:
    given = {"input": [features], "layers": [{"name": "head", "type": "Linear", "out_features": 1}], "loss": "MSELoss"}
    return document(data, **{**given, **changes})


def entry(path: str, **fields: Any) -> dict[str, Any]:
    return {"type": "Table", "path": path, "target": "price", **fields}


def test_statistics_are_of_what_train_keeps() -> None:
    Path("t.csv").write_text("area,price\n" + "".join(f"{k * k},{k}\n" for k in range(20)))
    data = {"train": {"dataset": entry("t.csv")}, "val": {"split": 0.25, "seed": 3}}
    opened = open_data(spec(data))
    kept = [float(k * k) for k in opened["train"].indices.tolist()]
    mean, deviation = statistics.fmean(kept), statistics.pstdev(kept)
    assert len(kept) == 15
    for split in opened.values():
        for k in split.indices.tolist():
            assert split.source.sample(k)["input"].item() == pytest.approx((k * k - mean) / deviation, rel=1e-5)
    assert opened["val"].source is opened["train"].source


def test_val_and_test_are_prepared_as_train_is() -> None:
    Path("train.csv").write_text("area,colour,price\n1,red,1\n3,blue,2\n")
    Path("val.csv").write_text("id,colour,area,price\n7,red,5,1\n8,pink,1,2\n")
    data = {"train": {"dataset": entry("train.csv")}, "val": {"dataset": entry("val.csv")}}
    val = open_data(spec(data, 3))["val"].source
    assert [val.sample(k)["input"].tolist() for k in range(2)] == [[3, 0, 1], [-1, 0, 0]]
    alone = open_data(spec(data, 3), splits=["val"])["val"].source
    assert alone.sample(0)["input"].tolist() == [3, 0, 1]
    Path("val.csv").write_text("colour,price\nred,5\n")
    [(code, path, message)] = problems(lambda: open_data(spec(data, 3)))
    assert (code, path) == ("SB405", "data.val.dataset.features")
    assert message == "val.csv has no column `area`; it has colour, price"
    data["val"]["dataset"] = entry("train.csv", features=["colour"])
    [(code, path, message)] = problems(lambda: open_data(spec(data, 3)))
    assert (code, path, message) == (
        "SB410", "data.val.dataset.features", "features is colour, but train's is area, colour",
    )  # fmt: skip


def test_what_train_cannot_teach_is_said_at_train() -> None:
    Path("train.csv").write_text("area,price\n1,1\nNA,3\n")
    Path("val.csv").write_text("area,price\n1,1\n")
    spec_of_both = spec({name: {"dataset": entry(f"{name}.csv")} for name in ("train", "val")})
    message = "`area` holds numbers and other text: 1 on line 2, NA on line 3 of train.csv"
    for splits in (("train", "val"), ("val",)):
        assert problems(lambda splits=splits: open_data(spec_of_both, splits=splits)) == [
            ("SB405", "data.train.dataset.features", message)
        ]
    images = {"type": "Arrays", "path": "a.npz", "fields": {"input": "x", "target": "y"}}
    np.savez("a.npz", x=np.zeros((3, 1), np.float32), y=np.zeros((3, 1), np.float32))
    other = spec({"train": {"dataset": images}, "val": {"dataset": entry("val.csv")}})
    assert problems(lambda: open_data(other)) == [
        ("SB405", "data.val.dataset", "a table is prepared by what is learned from train, and train is no Table")
    ]


def test_a_class_that_train_lacks_is_named() -> None:
    Path("train.csv").write_text("area,kind\n1,cat\n3,dog\n")
    Path("val.csv").write_text("area,kind\n1,cat\n3,lynx\n")
    data = {name: {"dataset": entry(f"{name}.csv", target="kind")} for name in ("train", "val")}
    changes = {"layers": [{"type": "Linear", "out_features": 2}], "loss": "CrossEntropyLoss"}
    [(code, path, message)] = problems(lambda: open_data(spec(data, **changes)))
    assert (code, path, message) == (
        "SB405", "data.val.dataset.target", "line 3 of val.csv: `kind` is lynx, a class that train does not have",
    )  # fmt: skip


def test_a_network_of_another_width_is_told_the_features() -> None:
    Path("t.csv").write_text(HOUSES)
    document = spec({"train": {"dataset": entry("t.csv")}}, 7)
    with pytest.raises(DataError) as raised:
        probe(open_data(document)["train"], infer(document))
    [diagnostic] = raised.value.diagnostics
    assert diagnostic.code == "SB404"
    assert diagnostic.message == "the network takes [7], but train gives [5]"
    assert diagnostic.because == "5 features: area, rooms, colour=blue, colour=green, colour=red"
    assert diagnostic.fix == "input: [5]"


STATIC = [
    ({"features": ["a", "b"], "categorical": []}, (2,), "float32"),
    ({"features": ["a", "b"], "categorical": ["b"]}, (None,), "float32"),
    ({}, (None,), None),
    ({"categorical": ["y"]}, (None,), "int64"),
    ({"target": ["y", "z"]}, (None,), "float32"),
]


@pytest.mark.parametrize(("fields", "features", "target"), STATIC)
def test_what_is_known_unopened(fields: dict[str, Any], features: tuple[Any, ...], target: str | None) -> None:
    sample = Table(**{"path": "t.csv", "target": "y", **fields}).sample()
    assert (sample["input"].shape, sample["target"].dtype) == (features, target)


CLASHES = [
    ({"features": ["price"]}, "features", "`price` is the target and a feature: the network would be told what it is "
     "to predict"),
    ({"features": ["a", "a"]}, "features", "`a` is named twice"),
    ({"features": ["a"], "categorical": ["b"]}, "categorical", "`b` is categorical, but neither a feature nor the "
     "target"),
    ({"target": ["price", "b"], "categorical": ["b"]}, "categorical", "several targets are numbers, but `b` is to be "
     "categorical"),
    ({"delimiter": '"'}, "delimiter", "'\"' has a meaning of its own in CSV"),
    ({"path": "t.parquet", "delimiter": ";"}, "delimiter", "delimiter is about CSV, but t.parquet is Parquet"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field", "message"), CLASHES)
def test_fields_that_clash(fields: dict[str, Any], field: str, message: str) -> None:
    from specbuild.errors import SpecError

    with pytest.raises(SpecError) as raised:
        spec({"train": {"dataset": {**entry("t.csv"), **fields}}})
    [diagnostic] = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.path[-1], diagnostic.message) == ("SB410", field, message)


def test_a_run_evaluates_without_the_table_it_was_trained_on() -> None:
    Path("train.csv").write_text("area,colour,price\n" + "".join(f"{k},{'rg'[k % 2]},{k}\n" for k in range(40)))
    Path("test.csv").write_text("area,colour,price\n100,r,3\n-7,x,5\n")
    data = {"train": {"dataset": entry("train.csv")}, "val": {"split": 0.2}, "test": {"dataset": entry("test.csv")}}
    run = train(spec(data, 3, optimizer={"type": "SGD", "lr": 0.01}, train={"epochs": 1}), run="run")
    kept = json.loads(Path("run/preprocessing.json").read_text())
    assert kept == run.preprocessing
    Path("train.csv").unlink()
    area = kept["features"][0]
    inputs = torch.tensor([[(x - area["mean"]) / area["std"], *c] for x, c in ((100, (0, 1)), (-7, (0, 0)))])
    with torch.no_grad():
        loss = (run.model(inputs) - torch.tensor([[3.0], [5.0]])).square().mean()
    assert evaluate("run")["loss"] == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"type": "Table"},
        {"type": "Table", "standardize": True, "features": [{"column": 1}], "targets": [{}]},
        {
            "type": "Table",
            "standardize": True,
            "features": [{"column": "a", "mean": 0.0, "std": 1.0}],
            "targets": [{"column": "b", "classes": -1}],
        },
    ],
)
def test_what_a_run_kept_may_be_altered(kept: dict[str, Any]) -> None:
    Path("t.csv").write_text(HOUSES)
    data = {"train": {"dataset": entry("t.csv")}}
    found = problems(lambda: open_data(spec(data), splits=["train"], preprocessing=kept))
    assert [code for code, _, _ in found] == ["SB503" if kept else "SB405"]


def test_rare_names_do_not_become_a_column_each() -> None:
    text = "name,price\n" + "".join(f"n{k},{k}\n" for k in range(1001))
    assert fault(text) == ("SB405", "`name` has 1,001 categories, more than 1,000", "features")
