from __future__ import annotations

import json
import resource
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.errors import RunError
from specbuild.runs import metrics

RECORDS = [
    {"epoch": 1, "train_loss": 0.1 + 0.2, "best": True},
    {"epoch": 2, "train_loss": 1e-300, "best": False},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / metrics.NAME
    for record in RECORDS:
        metrics.append(path, record)
    return path


def test_what_is_appended_is_read(file: Path) -> None:
    assert list(metrics.read(file)) == RECORDS


def test_a_line_is_json_with_the_crc_of_the_rest(file: Path) -> None:
    for line, record in zip(file.read_text().splitlines(), RECORDS, strict=True):
        crc = json.loads(line)["crc"]
        assert line == json.dumps({**record, "crc": crc})
        assert int(crc, 16) == zlib.crc32(json.dumps(record).encode())


def test_every_altered_byte_is_noticed_with_its_line(file: Path) -> None:
    whole = file.read_bytes()
    first = whole.index(b"\n")
    for place in range(len(whole)):
        if place in (first, len(whole) - 1):
            continue  # line ends belong to no line
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(RunError, match=f"line {1 if place < first else 2} of metrics.jsonl was altered"):
            metrics.read(file)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(lambda name: name != "crc")


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.integers(1, 2**40), st.dictionaries(names, numbers | st.booleans() | st.none()))
def test_any_record_comes_back(
    tmp_path_factory: pytest.TempPathFactory, epoch: int, measured: dict[str, float]
) -> None:
    record = {**measured, "epoch": epoch, "best": True}
    path = tmp_path_factory.mktemp("metrics") / metrics.NAME
    metrics.append(path, record)
    assert metrics.read(path) == (record,)


def test_no_half_line_where_the_disk_is_full(file: Path) -> None:
    whole = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            metrics.append(file, RECORDS[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ({}, "`epoch` is not a number"),
        ({"epoch": "1"}, "`epoch` is not a number"),
        ({"epoch": True}, "`epoch` is not a number"),
        ({"epoch": 2**64}, "`epoch` is not a number"),
        ({"epoch": 1, "best": 1}, "`best` is neither true nor false"),
        ({"epoch": 1, "val_loss": "0.1"}, "`val_loss` is neither a number nor null"),
        ({"epoch": 1, "val_loss": [0.1]}, "`val_loss` is neither a number nor null"),
        ({"epoch": 1, "val_loss": 10**400}, "`val_loss` is neither a number nor null"),
        ({"epoch": 1, "\x1b[2J": {}}, '`"\\u001b[2J"` is neither a number nor null'),
    ],
)
def test_a_line_that_is_true_to_itself_and_no_record(tmp_path: Path, record: dict[str, object], fault: str) -> None:
    path = tmp_path / metrics.NAME
    metrics.append(path, record)
    with pytest.raises(RunError) as caught:
        metrics.read(path)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message) == ("SB503", f"line 1 of metrics.jsonl is no record: {fault}")


def test_of_very_many_altered_lines_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / metrics.NAME
    path.write_text("{}\n" * 1000)
    with pytest.raises(RunError) as caught:
        metrics.read(path)
    assert [problem.message for problem in caught.value.diagnostics] == [
        f"line {number} of metrics.jsonl was altered" for number in range(1, metrics.MOST_TOLD + 1)
    ]
