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


@given(st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans()))
def test_any_record_comes_back(tmp_path_factory: pytest.TempPathFactory, record: dict[str, float]) -> None:
    path = tmp_path_factory.mktemp("metrics") / metrics.NAME
    metrics.append(path, record)
    assert metrics.read(path) == (record,)


def test_no_half_line_where_the_disk_is_full(file: Path) -> None:
    whole = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left on device"):
            metrics.append(file, RECORDS[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == whole
