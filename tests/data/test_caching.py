from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild.api import train
from specbuild.data import Split, caching, open_data
from specbuild.data.failure import Unusable
from specbuild.data.sources import Sample
from specbuild.training.evaluation import evaluate
from specbuild.training.loop import Lines
from tests.data.documents import document, problems

torch.set_num_threads(1)
TRANSFORMS: list[Any] = [
    {"type": "Resize", "size": [12, 12]}, {"type": "RandomCrop", "size": 8}, "RandomHorizontalFlip", "ToTensor",
]  # fmt: skip
DIFFERING: list[Any] = [
    "Grayscale",
    {"type": "RandomCrop", "size": 8, "padding": 2},
    "RandomHorizontalFlip",
    "ToTensor",
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images of two classes, in three sizes."""
    folder = tmp_path_factory.mktemp("photos")
    for k in range(40):
        pixels = np.random.default_rng(k).integers(0, 256, (10 + k % 3, 11, 3), dtype=np.uint8)
        path = folder / "ab"[k % 2] / f"{k:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def opened(folder: Path, transforms: list[Any], *, workers: int = 0, **data: Any) -> dict[str, Split]:
    loader = {"batch_size": 7, "num_workers": workers}
    dataset = {"type": "ImageFolder", "root": str(folder)}
    return open_data(document({"train": {"dataset": dataset, "transforms": transforms, "loader": loader}, **data}))


def batches(split: Split, *epochs: int) -> list[Sample]:
    return [batch for epoch in epochs for batch in split.batches(epoch, "cpu")]


def equal(some: list[Sample], others: list[Sample]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one) for one, other in pairs)


@pytest.mark.parametrize("transforms", [TRANSFORMS, DIFFERING], ids=["one size", "sizes that differ"])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_both_routes_give_the_same_batches(transforms: list[Any], workers: int, photos: Path) -> None:
    held = opened(photos, transforms, cache="memory")["train"]
    read = opened(photos, transforms, cache="none", workers=workers)["train"]
    assert equal(batches(held, 1, 2), batches(read, 1, 2))
    assert held._reader is None
    assert read._reader is not None


class Counted:
    """How often a source was read."""

    def __init__(self, split: Split) -> None:
        self.counts = [0] * len(split.source)
        sample = split.source.sample

        def counting(index: int) -> Sample:
            self.counts[index] += 1
            return sample(index)

        split.source.sample = counting  # type: ignore[method-assign]


def test_each_file_is_decoded_once(photos: Path) -> None:
    splits = opened(photos, TRANSFORMS, val={"split": 0.25})
    counted = Counted(splits["train"])
    caching_looks = min(caching.LOOKED_AT, 30)
    batches(splits["train"], 1, 2, 3)
    batches(splits["val"], 1, 2)
    assert min(counted.counts) == 1
    assert sum(counted.counts) <= 40 + 2 * caching_looks  # `auto` looks at the sizes of some


def test_memory_does_not_look_before(photos: Path) -> None:
    splits = opened(photos, TRANSFORMS, cache="memory", val={"split": 0.25, "transforms": TRANSFORMS[:1]})
    counted = Counted(splits["train"])
    batches(splits["train"], 1, 2)
    batches(splits["val"], 1)
    assert counted.counts == [1] * 40
    assert splits["train"].caches is splits["val"].caches
    assert len(splits["train"].caches.made) == 1, "the same source after the same transforms is held once"


def test_what_is_held_stands_before_the_first_random_transform(photos: Path) -> None:
    split = opened(photos, TRANSFORMS, cache="memory")["train"]
    batches(split, 1)
    [(_, leading, cache)] = split.caches.made
    assert [transform.type for transform in leading] == ["Resize"]
    assert cache is not None
    held = cache.columns["input"].same
    assert (held.shape, held.dtype) == ((40, 3, 12, 12), torch.uint8)


def test_what_does_not_fit_is_read_each_time(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 40 * (3 * 12 * 12 + 8)
    for free, fits in ((2 * size, True), (2 * size - 2, False)):
        monkeypatch.setattr(caching, "free_memory", lambda free=free: free)
        split = opened(photos, TRANSFORMS)["train"]
        batches(split, 1)
        assert (split._reader is None) is fits


def test_an_epoch_that_is_left_leaves_no_thread(photos: Path) -> None:
    import threading

    split = opened(photos, TRANSFORMS, cache="memory")["train"]
    reading = split.batches(1, "cpu")
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]
    assert equal(batches(split, 2), batches(opened(photos, TRANSFORMS, cache="none")["train"], 2))


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_sizes_that_never_agree_are_named(cache: str, photos: Path) -> None:
    split = opened(photos, ["ToTensor"], cache=cache)["train"]
    [(code, path, message)] = problems(lambda: batches(split, 1))
    assert (code, path) == ("SB404", "data.train")
    assert "`input` of sample " in message


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Twelve images, of which three are none."""
    for k in range(12):
        path = tmp_path / "ab"[k % 2] / f"{k:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (k, 0, 0)).save(path)
    for name in ("a/02.png", "b/05.png", "b/07.png"):
        (tmp_path / name).write_bytes(b"none")
    return tmp_path


@pytest.mark.parametrize(("cache", "workers"), [("memory", 0), ("none", 0), ("none", 1)])
def test_files_that_cannot_be_read_are_left_out(cache: str, workers: int, damaged: Path) -> None:
    split = opened(damaged, ["ToTensor"], cache=cache, workers=workers, on_error="skip")["train"]
    for epoch in (1, 2):
        reds = torch.cat([batch["input"][:, 0, 0, 0] for batch in batches(split, epoch)]).mul(255).round().tolist()
        assert sorted(reds) == [0, 1, 3, 4, 6, 8, 9, 10, 11]
    assert split.skipped is not None
    news = split.skipped.news()
    assert news is not None
    assert news.startswith("3 samples of train left out: ")
    assert all(f"{damaged / name} is not an image that can be read" in news for name in ("a/02.png", "b/05.png"))
    assert split.skipped.news() is None


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_a_file_that_cannot_be_read_is_named(cache: str, damaged: Path) -> None:
    split = opened(damaged, ["ToTensor"], cache=cache)["train"]
    [(code, path, message)] = problems(lambda: batches(split, 1))
    assert (code, path) == ("SB405", "data.train.dataset.root")
    assert "is not an image that can be read" in message


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_where_no_file_can_be_read_nothing_is_left(cache: str, damaged: Path) -> None:
    for file in damaged.glob("*/*.png"):
        file.write_bytes(b"none")
    split = opened(damaged, ["ToTensor"], cache=cache, on_error="skip")["train"]
    [(code, _, message)] = problems(lambda: batches(split, 1))
    assert code == "SB412"
    assert message.startswith("none of the 12 samples of train can be read: ")
    with pytest.raises(Unusable, match="none of the 12 samples of train can be read: "):
        split.first()


def test_what_is_held_on_a_device_gives_the_same_batches(photos: Path) -> None:
    """The route of `cache: device`; the CPU stands for the device, which a test machine may lack."""
    split = opened(photos, TRANSFORMS, cache="memory")["train"]
    batches(split, 1)
    wanted = batches(split, 2)
    [(_, _, cache)] = split.caches.made
    assert cache is not None
    held = cache.whole(split.indices)
    assert held is not None
    split._hold(held, torch.device("cpu"))
    assert equal(batches(split, 2), wanted)
    assert split._on_device is not None


def test_a_training_tells_what_it_left_out(damaged: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    stream = StringIO()
    dataset = {"type": "ImageFolder", "root": str(damaged)}
    data = {
        "train": {"dataset": dataset, "transforms": ["Grayscale", "ToTensor"], "loader": {"batch_size": 4}},
        "test": {"split": 0.25, "seed": 1}, "on_error": "skip",
    }  # fmt: skip
    run = train(document(data, train={"epochs": 2}), run=tmp_path_factory.mktemp("runs") / "run", report=Lines(stream))
    told = [line for line in stream.getvalue().splitlines() if line.startswith("warning: ")]
    assert len(told) == 1
    assert " of train left out: " in told[0]
    assert 0 <= evaluate(run, "test")["accuracy"] <= 1
