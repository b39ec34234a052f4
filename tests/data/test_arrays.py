from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specbuild.catalogue.datasets.arrays import Arrays
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.sources import Source, TensorSource

FIELDS = {"input": "x", "target": "y"}


def opened(folder: Path, path: str = "a.npz", fields: dict[str, str] = FIELDS) -> Source:
    return open_dataset(Arrays(path=path, fields=fields), folder)


def fault(folder: Path, path: str = "a.npz", fields: dict[str, str] = FIELDS) -> tuple[str, str, str | None]:
    with pytest.raises(Unusable) as raised:
        opened(folder, path, fields)
    return raised.value.code, raised.value.message, raised.value.field


def write(folder: Path, **arrays: Any) -> None:
    np.savez(folder / "a.npz", **arrays)


LAYOUTS = [
    ((4, 5, 6), (1, 5, 6)),
    ((4, 5, 6, 3), (3, 5, 6)),
    ((4, 5, 6, 1), (1, 5, 6)),
    ((4, 3, 5, 6), (3, 5, 6)),
]


@pytest.mark.parametrize(("shape", "sample"), LAYOUTS)
@pytest.mark.parametrize("mapped", [False, True])
def test_bytes_are_images(shape: tuple[int, ...], sample: tuple[int, ...], mapped: bool, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    y = np.array([1, 0, 2, 1], dtype=np.uint8)
    if mapped:
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", y)
        source = opened(tmp_path, ".", {"input": "x.npy", "target": "y.npy"})
    else:
        write(tmp_path, x=x, y=y)
        source = opened(tmp_path)
    assert isinstance(source, TensorSource)
    assert source.images
    batch = source.batch(torch.tensor([3, 1]))
    assert (batch["input"].dtype, batch["target"].dtype) == (torch.uint8, torch.int64)
    assert tuple(batch["input"].shape) == (2, *sample)
    wanted = x[[3, 1]].transpose(0, 3, 1, 2) if shape[-1] in (1, 3) else x[[3, 1]].reshape(2, *sample)
    assert np.array_equal(batch["input"].numpy(), wanted)
    assert batch["target"].tolist() == [1, 0]


@given(st.sampled_from(["u1", "i1", "u2", ">i2", "u4", "<i8", "u8", "f2", ">f4", "f8", "b1"]), st.booleans())
def test_numbers_come_as_float32_and_int64(dtype: str, mapped: bool) -> None:
    from tempfile import TemporaryDirectory

    x = np.array([[1, 0], [1, 1], [0, 1]], dtype=dtype)
    with TemporaryDirectory() as name:
        folder = Path(name)
        if mapped:
            np.save(folder / "x.npy", x)
            source = opened(folder, "", {"input": "x.npy"})
        else:
            write(folder, x=x)
            source = opened(folder, fields={"input": "x"})
        sample = source.sample(1)["input"]
        wanted = {"f": torch.float32, "b": torch.bool}.get(x.dtype.kind, torch.int64)
        assert (sample.dtype, sample.tolist()) == (wanted, [1, 1])
        del source, sample


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    x, y = np.zeros((3, 2), np.float32), np.zeros(3, np.int64)
    path = tmp_path / "a.npz"
    assert fault(tmp_path) == ("SB403", f"there is no file {path}", "path")
    path.write_bytes(b"PK\x03\x04 not really")
    assert fault(tmp_path) == ("SB405", f"{path} cannot be read: it is damaged, or not a `.npz` file", "path")
    path.write_bytes(b"x,y\n1,2\n")
    reason = "it is no file of NumPy's (and nothing is unpickled)"
    assert fault(tmp_path) == ("SB405", f"{path} cannot be read: {reason}", "path")
    path.write_bytes(b"")
    assert fault(tmp_path) == ("SB405", f"{path} cannot be read: {reason}", "path")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "1, 2")
        archive.writestr("y", "1, 2")
    assert fault(tmp_path) == ("SB405", f"`x` of {path} is not an array of NumPy's", "fields")
    write(tmp_path, x_train=x, y=y)
    assert fault(tmp_path) == ("SB405", f"{path} has no array `x`; it has x_train, y", "fields")
    write(tmp_path, x=x, y=y[:2])
    assert fault(tmp_path) == ("SB405", "the arrays differ in their number of samples: x 3, y 2", "fields")
    write(tmp_path, x=np.float32(1), y=y)
    assert fault(tmp_path) == ("SB405", "`x` is one number, without an axis of samples", "fields")
    write(tmp_path, x=np.array(["a", "b", "c"]), y=y)
    assert fault(tmp_path) == ("SB405", "`x` holds <U1, not numbers", "fields")
    write(tmp_path, x=np.array([[1, 2], [np.nan, 1], [np.inf, 1]]), y=y)
    assert fault(tmp_path) == ("SB405", "`x` holds NaN or an infinity, first in sample 1", "fields")
    np.save(tmp_path / "x.npy", x)
    assert fault(tmp_path, "x.npy") == ("SB405", f"{tmp_path / 'x.npy'} holds one array and no names", "path")
    assert fault(tmp_path, ".", {"input": "z.npy"}) == (
        "SB403", f"there is no file {tmp_path / 'z.npy'}", "fields",
    )  # fmt: skip


def test_a_misspelt_array_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, x_train=np.zeros((3, 2)))
    with pytest.raises(Unusable) as raised:
        opened(tmp_path, fields={"input": "x_trian"})
    assert raised.value.fix == "did you mean `x_train`?"


class Trap:
    """Unpickled, it would leave a mark."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("unpickled"),))


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_nothing_is_unpickled(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    array = np.array([Trap(), Trap()], dtype=object)
    if name == "a.npz":
        write(tmp_path, x=array)
        found = fault(tmp_path, fields={"input": "x"})
    else:
        np.save(tmp_path / name, array, allow_pickle=True)
        found = fault(tmp_path, "", {"input": name})
    reason = f"{tmp_path / name} cannot be read: it holds Python objects, which are never unpickled"
    assert found == ("SB405", reason, "path" if name == "a.npz" else "fields")
    assert not Path("unpickled").exists()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        for file, fields in (("a.npz", {"input": "x"}), ("", {"input": "a.npz"})):
            (Path(name) / "a.npz").write_bytes(data)
            assert fault(Path(name), file, fields)[0] == "SB405"
