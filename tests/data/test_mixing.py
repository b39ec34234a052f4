from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Sizes, Transform
from specbuild.data import Split, open_data, probe
from specbuild.data.caching import Caches
from specbuild.data.mixing import averaged, probabilities
from specbuild.data.operations import Operation, Pipeline, pipeline
from specbuild.data.reading import Reader
from specbuild.data.sources import Sample, SampleSource
from specbuild.data.vision import torchvision
from specbuild.network.checking import judge
from specbuild.network.inference import infer
from tests.data.documents import document

torch.set_num_threads(1)


def train(*transforms: Any, **loader: Any) -> Split:
    spec = document({"train": {"dataset": "Digits", "transforms": transforms, "loader": {"batch_size": 50, **loader}}})
    split = open_data(spec)["train"]
    probe(split, infer(spec))
    return split


def test_mixup_blends_images_and_labels_alike() -> None:
    plain, mixed = next(train("ToTensor").batches(1, "cpu")), next(train("ToTensor", "MixUp").batches(1, "cpu"))
    labels = one_hot(plain["target"], 10).float()
    assert mixed["target"].shape == (50, 10)
    torch.testing.assert_close(mixed["target"].sum(1), torch.ones(50))
    differ = plain["target"] != plain["target"].roll(1)
    shares = mixed["target"][torch.arange(50), plain["target"]][differ].view(-1, 1, 1, 1)
    assert 0 < float(shares.min()) < float(shares.max()) < 1
    blended = plain["input"][differ] * shares + plain["input"].roll(1, 0)[differ] * (1 - shares)
    torch.testing.assert_close(mixed["input"][differ], blended)
    own = shares.view(-1, 1)
    torch.testing.assert_close(mixed["target"][differ], labels[differ] * own + labels.roll(1, 0)[differ] * (1 - own))


def test_mixing_is_the_same_through_a_data_loader() -> None:
    transforms = ({"type": "RandomCrop", "size": 8, "padding": 1}, "ToTensor", "CutMix")
    whole, read = train(*transforms), train(*transforms)
    reader = Reader(read.source, read.pipeline, read.image, read.loader, read.seed)
    for found, one in zip(whole.batches(2, "cpu"), reader.read(read._chunks(2), 2), strict=True):
        other = read._finished(one.batch, one.numbers, 2, torch.device("cpu"))
        assert torch.equal(found["input"], other["input"])
        assert torch.equal(found["target"], other["target"])


def test_an_autoencoder_learns_the_mixed_image() -> None:
    layers = [{"type": "Conv2d", "out_channels": 1, "kernel_size": 1}]
    data = {"train": {"dataset": "Digits", "transforms": ["ToTensor", "MixUp"], "loader": {"batch_size": 50}}}
    spec = document(data, layers=layers, loss={"type": "MSELoss", "target": "input"})
    assert [problem for problem in judge(spec) if problem.severity == "error"] == []
    split = open_data(spec)["train"]
    probe(split, infer(spec))
    batch, classified = next(split.batches(1, "cpu")), next(train("ToTensor", "MixUp").batches(1, "cpu"))
    assert torch.equal(batch["input"], classified["input"])
    assert batch["target"].dtype == torch.int64


def test_val_is_not_mixed() -> None:
    spec = document({"train": {"dataset": "Digits", "transforms": ["ToTensor", "MixUp"]}, "val": {"split": 0.1}})
    batch = next(open_data(spec)["val"].batches(1, "cpu"))
    assert batch["target"].dtype == torch.int64


def test_a_label_that_is_left_out_has_no_class() -> None:
    assert probabilities(torch.tensor([1, -100]), 3).tolist() == [[0, 1, 0], [0, 0, 0]]


MIXED = ["ToTensor", "MixUp"]
VAL = {"split": 0.1}


@pytest.mark.parametrize(
    ("changes", "code", "path", "message"),
    [
        ({"train": ["MixUp", "ToTensor"]}, "SB408", "data.train.transforms.0",
         "MixUp mixes whole batches and comes last, but ToTensor stands after it"),
        ({"val": MIXED}, "SB408", "data.val.transforms.1",
         "MixUp mixes samples with each other, but val is judged on them as they are"),
        ({"train": MIXED, "loss": "NLLLoss"}, "SB408", "data.train.transforms.1",
         "MixUp makes probabilities of the labels, [10] float32, which NLLLoss does not take"),
        ({"train": ["ToTensor", {"type": "CutMix", "num_classes": 9}]}, "SB408",
         "data.train.transforms.1.num_classes", "num_classes is 9, but the network gives 10 classes"),
        ({"val_loader": {"sampler": "WeightedRandomSampler"}}, "SB410", "data.val.loader.sampler",
         "a sampler chooses what is learned from, but val is judged on each of its samples once"),
        ({"loader": {"sampler": {"type": "WeightedRandomSampler", "weights": [1, 2]}}}, "SB410",
         "data.train.loader.sampler.weights", "weights has 2 numbers, but train has 10 classes"),
    ],
)  # fmt: skip
def test_what_stands_in_the_wrong_place(changes: dict[str, Any], code: str, path: str, message: str) -> None:
    val = {**VAL, **{key: value for key, value in (("transforms", changes.get("val")),
                                                   ("loader", changes.get("val_loader"))) if value}}  # fmt: skip
    transforms = changes.get("train", ["ToTensor"])
    data = {"train": {"dataset": "Digits", "transforms": transforms, "loader": changes.get("loader", {})}, "val": val}
    found = judge(document(data, loss=changes.get("loss", "CrossEntropyLoss")))
    errors = [(d.code, ".".join(map(str, d.path)), d.message) for d in found if d.severity == "error"]
    assert (code, path, message) in errors


class TwoViews(Transform):
    """An image and its mirror image."""

    views = 2

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """As it comes."""
        return sample


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> Split:
    """Val with two views of each image."""
    operation = Operation(lambda images, draws: torch.stack([images, images.flip(-1)], 1).flatten(0, 1))
    monkeypatch.setitem(pipeline.BUILDERS, TwoViews, lambda transform: operation)
    spec = document({"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.1}})
    val = open_data(spec)["val"]
    crop = spec.data.train.transforms[0]  # type: ignore[union-attr]
    return Split(
        spec, "val", val.source, val.indices, transforms=(TwoViews(), crop), loader=val.loader, place=val.place
    )


def test_views_are_averaged(views: Split) -> None:
    whole = next(views.batches(1, "cpu"))
    assert (whole["input"].shape, whole["target"].shape) == ((128, 1, 8, 8), (64,))
    assert torch.equal(whole["input"][1], whole["input"][0].flip(-1))
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.ReLU())
    images = whole["input"][::2]
    wanted = (model(images) + model(images.flip(-1))) / 2
    torch.testing.assert_close(averaged(model, views.views)(whole["input"]), wanted)
    reader = Reader(views.source, views.pipeline, views.image, views.loader, views.seed)
    one = next(reader.read(views._chunks(1), 1))
    assert torch.equal(views._finished(one.batch, one.numbers, 1, torch.device("cpu"))["input"], whole["input"])


class Pairs(SampleSource):
    """Images, each with itself as a target and as a mask."""

    images, fields, paired = True, ("input", "target", "mask"), MappingProxyType({"target": "image", "mask": "mask"})

    def __len__(self) -> int:
        return 20

    def sample(self, index: int) -> Sample:
        """Numbers that say where they were."""
        image = (torch.arange(100, dtype=torch.uint8) + index).view(1, 10, 10)
        return {"input": image, "target": image.clone(), "mask": image[0].long()}


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_what_lies_over_an_image_moves_with_it(cache: Literal["memory", "none"]) -> None:
    crop = {"type": "RandomCrop", "size": 8}
    train = {"dataset": "Digits", "transforms": [crop, "RandomHorizontalFlip"], "loader": {"batch_size": 20}}
    spec = document({"train": train})
    assert spec.data is not None
    split = Split(
        spec, "train", Pairs(), torch.arange(20), transforms=spec.data.train.transforms,
        loader=spec.data.train.loader, place=(), caches=Caches(cache),
    )  # fmt: skip
    [batch] = split.batches(1, "cpu")
    assert batch["input"].shape == (20, 1, 8, 8)
    assert torch.equal(batch["input"], batch["target"])
    if split.pipeline.operations[0].masks is not None:  # otherwise masks stay as they are
        assert torch.equal(batch["input"][:, 0].long(), batch["mask"])
    assert len((batch["input"] - batch["input"][:, :, :1, :1]).unique(dim=0)) == 2  # as they are, and mirrored


@pytest.mark.parametrize(("height", "samples"), [(8, 4000)])
def test_crops_and_flips_are_spread_as_torchvisions_are(height: int, samples: int) -> None:
    """Mean and variance of every pixel over many draws, beside v2's own classes drawn by torch's generator."""
    v2 = torchvision().transforms.v2
    image = torch.randint(256, (1, height, height), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    transforms = ({"type": "RandomCrop", "size": height, "padding": 2}, "RandomHorizontalFlip", "ToTensor")
    split = train(*transforms)
    ours = Pipeline(split.transforms, 0, samples)(image.repeat(samples, 1, 1, 1), torch.arange(samples), 1)
    composed = v2.Compose([
        v2.RandomCrop(height, padding=2), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)
    ])  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.stack([composed(image) for _ in range(samples)])
    deviation = theirs.std(0)
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 5 * deviation * (2 / samples) ** 0.5 + 1e-6).all()
    torch.testing.assert_close(ours.std(0), deviation, rtol=0.12, atol=0.01)
