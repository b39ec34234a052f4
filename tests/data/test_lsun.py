"""LSUN's databases, which specbuild reads itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from specbuild.catalogue.datasets import DATASETS
from specbuild.data.failure import Unusable
from specbuild.data.opening import lsun, open_dataset
from specbuild.data.sources import Source
from tests.data import written_sets as written


@pytest.fixture
def databases() -> Iterator[None]:
    yield
    lsun.forget()


def write_lsun(root: Path, counts: dict[str, int]) -> dict[str, np.ndarray]:
    """Databases of lossless images, by their keys."""
    import lmdb

    made = {}
    for name, count in counts.items():
        with lmdb.open(str(root / f"{name}_lmdb"), map_size=1 << 20) as database, database.begin(write=True) as writing:
            for k in reversed(range(count)):
                pixels, encoded = written.bytes_of(4, 3, 3), io.BytesIO()
                Image.fromarray(pixels).save(encoded, "PNG")
                writing.put(f"{name}{k}".encode(), encoded.getvalue())
                made[f"{name}{k}"] = pixels
    return made


@pytest.mark.usefixtures("databases")
def test_lsun_is_read_in_every_process(tmp_path: Path) -> None:
    made = write_lsun(tmp_path, {"kitchen_val": 2, "bridge_val": 3})
    entry = DATASETS["LSUN"](root="lsun", classes=["kitchen_val", "bridge_val"])
    (tmp_path / "lsun").symlink_to(tmp_path)
    source = open_dataset(entry, tmp_path)
    assert (len(source), source.classes, source.class_names) == (5, 2, ("kitchen_val", "bridge_val"))
    assert source.labels("target").tolist() == [0, 0, 1, 1, 1]  # type: ignore[attr-defined]
    expected = [made[key].transpose(2, 0, 1) for key in sorted(made, key=lambda key: (key[0] != "k", key))]
    again = open_dataset(DATASETS["LSUN"](root="lsun", classes=["bridge_val"]), tmp_path)
    assert len(again) == 3
    for workers in (0, 1):  # a worker is forked from a process that has the database open
        loader: Any = DataLoader(Samples(source), batch_size=None, num_workers=workers, timeout=30 * workers)
        for sample, pixels in zip(loader, expected, strict=True):
            np.testing.assert_array_equal(sample["input"].numpy(), pixels)


class Samples(Dataset[Any]):
    """A source as torch's loader wants it."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Any:
        return self.source.sample(index)


@pytest.mark.usefixtures("databases")
def test_a_database_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "bridge_train_lmdb"
    path.mkdir()
    (path / "data.mdb").write_bytes(b"x" * 8192)
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["LSUN"](root=str(tmp_path), classes=["bridge_train"]), None)
    assert raised.value.code == "SB405"
    assert raised.value.message.startswith(f"{path} is not a database that can be read: ")
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS["LSUN"](root=str(tmp_path)), None)
    missing = tmp_path / "bedroom_train_lmdb"
    assert raised.value.message == f"LSUN is not in {tmp_path}, or not whole: there is no {missing}"
