from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild.api import check
from specbuild.catalogue.datasets.image_pairs import ImagePairs
from specbuild.data import open_data, probe
from specbuild.data.failure import Unusable
from specbuild.data.opening import open_dataset
from specbuild.data.sources import Source
from specbuild.network.inference import infer
from tests.data.documents import document


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Bytes = np.ndarray[Any, Any]


def save(path: str, pixels: Bytes, mode: str | None = None) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)


def drawn(*shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pairs(**fields: Any) -> Source:
    return open_dataset(ImagePairs(**{"inputs": "a", "targets": "b", **fields}), None)


def fault(index: int | None = None, **fields: Any) -> tuple[str, str, str | None]:
    with pytest.raises(Unusable) as raised:
        pairs(**fields).sample(index or 0)
    return raised.value.code, raised.value.message, raised.value.field


def test_images_are_matched_by_name() -> None:
    first, second = drawn(4, 6, 3), drawn(4, 6, 3, seed=1)
    save("a/deep/2.png", second)
    save("a/1.png", first)
    save("b/1.bmp", second)
    save("b/deep/2.png", first)
    Path("a/notes.txt").write_text("no image")
    source = pairs()
    assert len(source) == 2
    assert source.paired == {"target": "image"}
    sample = source.sample(0)
    assert torch.equal(sample["input"], torch.from_numpy(first).permute(2, 0, 1))
    assert torch.equal(sample["target"], torch.from_numpy(second).permute(2, 0, 1))
    kinds = source.types(0)
    assert [(kind.shape, kind.dtype, kind.image) for kind in kinds.values()] == [((3, 4, 6), "uint8", True)] * 2
    assert pairs(mode="L").sample(0)["input"].shape == (1, 4, 6)
    assert pairs(mode="RGBA").sample(0)["target"].shape == (4, 4, 6)


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16", "I"])
def test_masks_are_numbers_of_classes(mode: str) -> None:
    save("a/1.jpg", drawn(5, 5, 3))
    numbers = np.arange(25).reshape(5, 5) % (2 if mode == "1" else 7)
    Path("b").mkdir()
    if mode == "P":
        image = Image.fromarray(numbers.astype(np.uint8), "L")
        image.putpalette([30 * k % 256 for k in range(768)])
        image.save("b/1.png")
    elif mode == "1":
        Image.fromarray((numbers * 255).astype(np.uint8)).convert("1").save("b/1.png")
    else:
        kind = {"L": np.uint8, "I;16": np.uint16, "I": np.int32}[mode]
        Image.fromarray(numbers.astype(kind)).save("b/1.png" if mode != "I" else "b/1.tif")
    sample = pairs(target="mask").sample(0)
    assert (sample["target"].dtype, sample["target"].tolist()) == (torch.int64, numbers.tolist())


def test_names_may_end_apart() -> None:
    for k in range(2):
        save(f"all/{k}_x.png", drawn(2, 2, seed=k))
        save(f"all/{k}_y.png", drawn(2, 2, seed=9 + k))
    source = pairs(inputs="all", targets="all", input_suffix="_x", target_suffix="_y", mode="L")
    assert [source.sample(k)["target"][0].tolist() for k in range(2)] == [
        drawn(2, 2, seed=9 + k).tolist() for k in range(2)
    ]


def test_a_target_may_be_larger() -> None:
    save("a/1.png", drawn(4, 6))
    save("b/1.png", drawn(8, 12))
    assert pairs(scale=2).sample(0)["target"].shape == (3, 8, 12)
    assert fault(scale=3) == (
        "SB405", f"{Path('a/1.png')} is 4 x 6, and 3 times that is 12 x 18, but {Path('b/1.png')} is 8 x 12", "targets",
    )  # fmt: skip


def test_what_is_wrong_is_said() -> None:
    here = Path.cwd()
    assert fault() == ("SB403", f"there is no folder {here / 'a'}", "inputs")
    Path("a").mkdir()
    assert fault() == ("SB403", f"there is no image in {here / 'a'}", "inputs")
    for k in range(5):
        save(f"a/{k}.png", drawn(2, 2))
    save("b/0.png", drawn(2, 3))
    assert fault() == ("SB405", "b has no partner of a/1.png, a/2.png, a/3.png and 1 more", "targets")
    for k in range(1, 6):
        save(f"b/{k}.png", drawn(2, 2))
    assert fault() == ("SB405", "a has no partner of b/5.png", "inputs")
    save("a/5.png", drawn(2, 2))
    assert fault() == ("SB405", "a/0.png is 2 x 2, but b/0.png is 2 x 3", "targets")
    save("a/0.jpg", drawn(2, 2))
    assert fault() == ("SB405", "a/0.jpg and a/0.png have one name: which is meant?", "inputs")
    Path("a/0.jpg").unlink()
    assert fault(input_suffix="_x") == (
        "SB403", f"there is no image whose name ends with _x in {here / 'a'}", "inputs",
    )  # fmt: skip
    Path("b/1.png").write_bytes(b"not an image")
    code, message, field = fault(1)
    assert (code, field) == ("SB405", "targets")
    assert message.startswith("b/1.png is not an image that can be read: ")
    save("b/2.png", drawn(2, 2, 3))
    assert fault(2, target="mask") == (
        "SB405", "b/2.png is in colour (RGB), but a mask has one number for each pixel", "targets",
    )  # fmt: skip


CROPS: list[Any] = [{"type": "RandomCrop", "size": 4}, "RandomHorizontalFlip", "ToTensor"]


def segmentation(**changes: Any) -> dict[str, Any]:
    return {
        "specbuild": 1,
        "input": [3, 4, 4],
        "layers": [{"type": "Conv2d", "out_channels": 256, "kernel_size": 1}],
        "loss": "CrossEntropyLoss",
        "optimizer": "SGD",
        "data": {
            "train": {
                "dataset": {"type": "ImagePairs", "inputs": "a", "targets": "b", "target": "mask"},
                "transforms": CROPS,
            }
        },
        **changes,
    }


def test_both_are_moved_by_the_same_draws() -> None:
    for k in range(6):
        numbers = drawn(8, 8, seed=k)
        save(f"a/{k}.png", np.repeat(numbers[..., None], 3, axis=2))
        save(f"b/{k}.png", numbers)
    spec = document(**{key: value for key, value in segmentation().items() if key != "specbuild"})
    split = open_data(spec)["train"]
    probe(split, infer(spec))
    for epoch in (1, 2):
        (batch,) = split.batches(epoch, "cpu")
        assert batch["target"].shape == (6, 4, 4)
        assert torch.equal((batch["input"][:, 0] * 255).round().long(), batch["target"])


def test_the_shapes_of_both_are_checked_unopened() -> None:
    assert [d.message for d in check(segmentation())] == []
    found = check(segmentation(layers=[{"type": "Conv2d", "out_channels": 9, "kernel_size": 2}]))
    assert [(d.code, d.path) for d in found] == [("SB402", ("loss",))]
    assert "[4, 4]" in found[0].message
    clash = segmentation()
    clash["data"]["train"]["dataset"]["scale"] = 2
    assert [(d.code, d.message) for d in check(clash)] == [
        ("SB410", "a mask has the size of its image, but scale is 2")
    ]
