"""What torchvision downloads: held to its checksums, before anything in it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from specbuild.catalogue.datasets import DATASETS
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.vision import torchvision
from tests.data import written_sets as written
from tests.data.test_vision_sets import opened


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_a_file_of_another_checksum_is_never_unpickled(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    monkeypatch.chdir(tmp_path)
    written.cifar(int(name.removeprefix("CIFAR")))(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(Unusable) as raised:
        open_dataset(DATASETS[name](root=str(tmp_path)), None)
    assert raised.value.code == "SB403"
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(("name", "write"), [("SVHN", written.svhn), ("Flowers102", written.flowers102)])
def test_a_matlab_file_of_another_checksum_is_refused(name: str, write: written.Writer, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as raised:
        opened(name, tmp_path, write)
    assert raised.value.message == f"{name} is not in {tmp_path}, or not whole"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a server on this machine gives its files out."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_download_is_held_to_its_checksum(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, url = served
    written.svhn(folder)
    name = "test_32x32.mat"
    checksum = hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()
    entry = DATASETS["SVHN"](root="fetched", split="test", download=True)
    monkeypatch.setitem(torchvision().datasets.SVHN.split_list, "test", [f"{url}/{name}", name, "0" * 32])
    with pytest.raises(Unusable) as raised:
        open_dataset(entry, tmp_path)
    assert (raised.value.code, raised.value.field) == ("SB403", "download")
    assert raised.value.message == (
        f"SVHN could not be fetched to {tmp_path / 'fetched'}: File not found or corrupted."
    )
    monkeypatch.setitem(torchvision().datasets.SVHN.split_list, "test", [f"{url}/{name}", name, checksum])
    assert len(open_dataset(entry, tmp_path)) == 4
    assert (tmp_path / "fetched" / name).read_bytes() == (folder / name).read_bytes()
    assert capfd.readouterr().out == "", "results alone go to standard output"
