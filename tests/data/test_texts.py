from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.api import evaluate, load, train
from specbuild.catalogue.datasets.text import Text
from specbuild.data import open_data, probe
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.sources import Source
from specbuild.errors import DataError, SpecError
from specbuild.language.document import Spec
from specbuild.network.inference import infer
from tests.data.documents import problems


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def text(content: str | bytes, **fields: Any) -> Source:
    """A text prepared by itself."""
    Path("t.txt").write_bytes(content.encode() if isinstance(content, str) else content)
    source = open_dataset(Text(path="t.txt", **fields), None)
    return source.prepared(source.learned(torch.arange(len(source))))


@settings(max_examples=30)
@given(st.text(min_size=2, max_size=60), st.integers(1, 8), st.none() | st.integers(1, 9))
def test_windows_are_of_the_text_and_of_what_follows(content: str, window: int, stride: int | None) -> None:
    content = content.removeprefix("\ufeff")
    if len(content) < window + 1:
        with pytest.raises(Unusable, match="fewer than a window of"):
            text(content, window=window, stride=stride)
        return
    source = text(content, window=window, stride=stride)
    vocabulary = sorted(set(content))
    assert source.class_names == tuple(vocabulary)
    assert source.classes == len(vocabulary)
    step = stride or window
    assert len(source) == (len(content) - 1 - window) // step + 1
    for k in range(len(source)):
        sample = source.sample(k)
        assert {tensor.dtype for tensor in sample.values()} == {torch.int64}
        given, target = ("".join(vocabulary[i] for i in sample[name].tolist()) for name in ("input", "target"))
        assert given == content[k * step : k * step + window]
        assert target == content[k * step + 1 : k * step + window + 1]


def test_bytes_are_themselves() -> None:
    source = text(bytes([0, 255, 10, 200, 13]), unit="bytes", window=2, stride=1)
    assert [source.sample(k)["input"].tolist() for k in range(len(source))] == [[0, 255], [255, 10], [10, 200]]
    assert source.classes == 256
    assert not source.learns


def test_a_vocabulary_may_be_written() -> None:
    assert text("abca", window=3, vocabulary="cbax").sample(0)["input"].tolist() == [2, 1, 0]
    with pytest.raises(Unusable, match=r"^line 2 of t.txt has 'd', which is not in the vocabulary$"):
        text("abc\nd", window=3, vocabulary="abc\n")


def test_what_is_wrong_with_a_file_is_said() -> None:
    with pytest.raises(Unusable, match=r"^there is no file .*none.txt$") as raised:
        open_dataset(Text(path="none.txt"), None)
    assert raised.value.code == "SB403"
    with pytest.raises(Unusable, match=r"^line 2 of t.txt is not UTF-8: invalid start byte$") as raised:
        text(b"abc\n\xff", window=2)
    assert (raised.value.code, raised.value.fix) == ("SB405", "unit: bytes")
    with pytest.raises(
        Unusable, match=r"^t.txt has 3 characters, fewer than a window of 3 and the next one$"
    ) as raised:
        text("abc", window=3)
    assert (raised.value.code, raised.value.fix) == ("SB412", "window: 2, or less")


def spec(vocabulary: int, window: int, data: dict[str, Any], **changes: Any) -> Spec:
    return load(
        {
            "specbuild": 1,
            "input": {"shape": [window], "dtype": "int64"},
            "layers": [
                {"type": "Embedding", "num_embeddings": vocabulary, "embedding_dim": 4},
                {"type": "Linear", "out_features": vocabulary},
            ],
            "loss": {"type": "CrossEntropyLoss", "class_dim": -1},
            "optimizer": "SGD",
            "data": data,
            **changes,
        }
    )


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5, 7])
def test_what_is_held_out_shares_no_target_with_train(stride: int) -> None:
    Path("t.txt").write_text("abcdefgh" * 20)
    data = {"train": {"dataset": {"type": "Text", "path": "t.txt", "window": 4, "stride": stride}}}
    opened = open_data(
        spec(8, 4, {**data, "val": {"split": 0.2}, "test": {"split": 0.1}}), splits=["train", "val", "test"]
    )
    places = {
        name: {int(k) * stride + 1 + i for k in split.indices for i in range(4)} for name, split in opened.items()
    }
    assert max(places["train"]) < min(places["val"])
    assert max(places["val"]) < min(places["test"])
    assert min(places["val"]) - max(places["train"]) <= max(stride, 4)
    total = len(opened["train"].source)
    assert int(opened["test"].indices[-1]) == total - 1


def test_a_text_too_short_to_divide() -> None:
    Path("t.txt").write_text("ab" * 5)
    data = {"train": {"dataset": {"type": "Text", "path": "t.txt", "window": 8, "stride": 1}}, "val": {"split": 0.5}}
    assert problems(lambda: open_data(spec(2, 8, data))) == [
        ("SB412", "data.val.split", "split holds out 1 of 2 samples, and those before them overlap with them")
    ]


def test_a_network_with_fewer_vectors_or_classes_is_told() -> None:
    Path("t.txt").write_text("abcdefgh" * 4)
    document = spec(5, 4, {"train": {"dataset": {"type": "Text", "path": "t.txt", "window": 4}}})
    with pytest.raises(DataError) as raised:
        probe(open_data(document)["train"], infer(document))
    assert [(d.code, d.message) for d in raised.value.diagnostics] == [
        (
            "SB404",
            "embedding_1 has vectors for the integers from 0 to 4, but `input` of train goes from 0 to 7",
        ),
        ("SB402", "the network gives 5 classes, but the data has 8"),
    ]


def test_what_is_known_unopened() -> None:
    sample = Text(path="t.txt", unit="bytes", window=32).sample()
    assert [(kind.shape, kind.dtype, kind.classes) for kind in sample.values()] == [
        ((32,), "int64", None),
        ((32,), "int64", 256),
    ]
    assert Text(path="t.txt").sample()["target"].classes is None
    assert Text(path="t.txt", vocabulary="abc").sample()["target"].classes == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocabulary": "aba"}, "'a' is in vocabulary twice"),
        (
            {"vocabulary": "ab", "unit": "bytes"},
            "there are 256 bytes, numbered as they are: they need no vocabulary",
        ),
    ],
)
def test_fields_that_clash(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        spec(4, 128, {"train": {"dataset": {"type": "Text", "path": "t.txt", **fields}}})
    [diagnostic] = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.path[-1], diagnostic.message) == ("SB410", "vocabulary", message)


def test_a_run_evaluates_without_the_text_it_was_trained_on() -> None:
    Path("train.txt").write_text("abcd" * 40)
    Path("test.txt").write_text("dcba" * 10)
    entry = {"type": "Text", "window": 4}
    data = {name: {"dataset": {**entry, "path": f"{name}.txt"}} for name in ("train", "test")}
    document = spec(4, 4, data, train={"epochs": 1})
    run = train(document.source.tree, run="run")
    assert json.loads(Path("run/preprocessing.json").read_text()) == {"type": "Text", "vocabulary": "abcd"}
    Path("train.txt").unlink()
    numbers = torch.tensor(["abcd".index(c) for c in "dcba" * 10])
    inputs, targets = numbers[:36].view(9, 4), numbers[1:37].view(9, 4)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(run.model(inputs).transpose(1, 2), targets)
    assert evaluate("run")["loss"] == pytest.approx(float(loss), rel=1e-5)
    Path("test.txt").write_text("abcdx" * 10)
    assert problems(lambda: evaluate("run")) == [
        ("SB405", "data.test.dataset.path", "line 1 of test.txt has 'x', which is not in the vocabulary")
    ]
