"""Python source of trainings: they train, and say what they cannot express."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import specbuild
from specbuild.exporting.python import beside, source
from tests.exporting.python.apart import laid_out
from tests.exporting.python.programs import run_programs, written

DOCUMENT = """
specbuild: 1
name: blobs
input: [1, 8, 8]
layers:
  - {type: Conv2d, out_channels: 4, kernel_size: 3}
  - ReLU
  - Flatten
  - {name: head, type: Linear, out_features: 2}
loss: {type: CrossEntropyLoss, label_smoothing: 0.05}
optimizer: {type: SGD, lr: 0.05, momentum: 0.9}
scheduler: {type: OneCycleLR, max_lr: 0.1}
data:
  train:
    dataset: {type: Arrays, path: blobs.npz, fields: {input: images, target: labels}}
    transforms: [RandomHorizontalFlip, ToTensor, {type: Normalize, mean: [0.5], std: [0.5]}]
    loader: {batch_size: 16}
  val: {split: 0.25}
train: {epochs: 6, clip_grad_norm: 5.0}
"""


def blobs(path: Path) -> None:
    """Images that are bright above or below."""
    numbers = np.random.default_rng(0)
    labels = numbers.integers(0, 2, 128)
    images = numbers.integers(0, 80, (128, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 120
    np.savez(path, images=images, labels=labels)


def test_a_training_trains_where_specbuild_is_not(tmp_path: Path) -> None:
    blobs(tmp_path / "blobs.npz")
    spec = specbuild.load(DOCUMENT)
    text = source(spec, specbuild.infer(spec), training=True, weights="blobs.safetensors")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "program.py").write_text(text, encoding="utf-8")
    (tmp_path / "blobs.npz").rename(tmp_path / "blobs" / "blobs.npz")
    done = run_programs(tmp_path)["blobs"]
    assert done.failed is None
    reached = [epoch["accuracy"] for epoch in done.epochs]
    assert len(reached) == 6
    assert max(reached) > 0.95
    namespace: dict[str, object] = {"__name__": "blobs"}
    exec(compile(text.split("def batches")[0].replace("from torchvision", "# "), "blobs", "exec"), namespace)  # noqa: S102
    network = namespace["load"](str(tmp_path / "blobs" / "blobs.trained.safetensors"))  # type: ignore[operator]
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 2)


SETS: dict[str, list[str]] = {
    "folder": ["data.train.dataset={type: ImageFolder, root: photos}", "data.val={split: 0.25, stratify: true}",
               "data.test={split: 0.25}", "input=[3, 8, 8]", "data.train.transforms=[{type: Resize, size: [8, 8]}, "
               "{type: RandomApply, transforms: [{type: ColorJitter, brightness: 0.2}], p: 0.3}, {type: RandomChoice, "
               "transforms: [Identity, RandomVerticalFlip, {type: Compose, transforms: [{type: Pad, padding: 1}, "
               "{type: RandomCrop, size: 8}]}], p: [1, 1, 2]}, {type: RandomOrder, transforms: [RandomHorizontalFlip, "
               "{type: RandomRotation, degrees: 5, interpolation: bilinear}]}, {type: AutoAugment, policy: cifar10}, "
               "ToTensor]"],
    "fake": ["data.train.dataset={type: FakeData, size: 40, image_size: [3, 8, 8], num_classes: 2}", "input=[3, 8, 8]",
             "data.train.transforms=[RandomChannelPermutation, {type: ToDtype, dtype: float32, scale: true}, "
             "GaussianNoise, RandomErasing]"],
    "fakes": ["data.train.dataset=FakeData", "input=[3, 8, 8]", "data.train.transforms=[{type: Resize, size: 8}, "
              "ToTensor]", "layers[3].out_features=10", "train.max_steps=2", "data.val=null"],
    "mixup": ["data.train.transforms=[ToTensor, {type: MixUp, alpha: 0.4}]", "data.val=null",
              "data.train.loader.drop_last=true"],
    "cutmix": ["data.train.transforms=[ToTensor, CutMix]"],
    "masks": ["data.train.dataset={type: ImagePairs, inputs: pairs/x, targets: pairs/y, target: mask, target_suffix: "
              "_mask}", "input=[3, 8, 8]", "layers=[{type: Conv2d, out_channels: 3, kernel_size: 3, padding: 1}]",
              "data.train.transforms=[RandomHorizontalFlip, {type: RandomRotation, degrees: 20}, ToTensor, "
              "{type: Normalize, mean: [0.5], std: [0.5]}]",
              "loss={type: CrossEntropyLoss, ignore_index: 255}", "metrics=[accuracy, mean_iou]"],
    "restoring": ["data.train.dataset={type: ImagePairs, inputs: pairs/x, targets: pairs/x}", "input=[3, 8, 8]",
                  "layers=[{type: Conv2d, out_channels: 3, kernel_size: 3, padding: 1}]", "loss=L1Loss",
                  "data.train.transforms=[RandomHorizontalFlip, ToTensor]", "metrics=[psnr]", "optimizer.lr=0.001"],
    "voc": ["data.train.dataset={type: VOCSegmentation, root: voc}", "input=[3, 8, 8]", "data.val=null",
            "layers=[{type: Conv2d, out_channels: 21, kernel_size: 3, padding: 1}]",
            "loss={type: CrossEntropyLoss, ignore_index: 255}", "data.train.transforms=[{type: Resize, size: [8, 8]}, "
            "ToTensor]"],
    "bytes": ["data.train.dataset={type: Text, path: text.txt, window: 4, unit: bytes}", "data.train.transforms=[]",
              "input={shape: [4], dtype: int64}", "layers=[{type: Embedding, num_embeddings: 256, embedding_dim: 4}, "
              "{type: Linear, out_features: 256}]", "loss={type: CrossEntropyLoss, class_dim: -1}"],
    "files": ["data.train.dataset={type: Arrays, path: arrays, fields: {input: x.npy, target: y.npy}}",
              "data.train.transforms=[]", "input=[1, 8, 8]"],
    "float16": ["train.precision=float16", "train.device=cpu", "train.clip_grad_norm=1.0"],
    "settings": ["train.memory_format=channels_last", "train.deterministic=true", "train.epochs=1"],
}  # fmt: skip


def pictures(folder: Path) -> None:
    """Little files of all kinds."""
    draw = np.random.default_rng(0)
    names = ["photos/a", "photos/b", "pairs/x", "pairs/y", "arrays"]
    voc = Path("voc/VOCdevkit/VOC2012")
    for name in (*names, voc / "JPEGImages", voc / "SegmentationClass", voc / "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    for index in range(12):
        for name in ("photos/a", "photos/b", "pairs/x"):
            Image.fromarray(draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / name / f"{index}.png")
        mask = Image.fromarray(draw.choice([0, 1, 2, 255], (8, 8)).astype(np.uint8))
        mask.save(folder / "pairs/y" / f"{index}_mask.png")
        mask.save(folder / voc / "SegmentationClass" / f"{index}.png")
        Image.open(folder / "pairs/x" / f"{index}.png").save(folder / voc / "JPEGImages" / f"{index}.jpg")
    (folder / voc / "ImageSets/Segmentation/train.txt").write_text("\n".join(map(str, range(12))))
    (folder / "text.txt").write_text("to be or not to be, that is the question; " * 4)
    np.save(folder / "arrays/x.npy", draw.normal(size=(40, 1, 8, 8)).astype(np.float32))
    np.save(folder / "arrays/y.npy", draw.integers(0, 2, 40))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str | None]]:
    """What each program failed with."""
    folder = tmp_path_factory.mktemp("sets")
    for name, overrides in SETS.items():
        written(DOCUMENT, folder / name, ["train.epochs=2", *overrides])
        blobs(folder / name / "blobs.npz")
        pictures(folder / name)
    return folder, {name: done.failed for name, done in run_programs(folder).items()}


@pytest.mark.parametrize("name", list(SETS))
def test_data_of_all_kinds_are_trained_on(name: str, trained: tuple[Path, dict[str, str | None]]) -> None:
    assert trained[1][name] is None
    assert (trained[0] / name / "program.trained.safetensors").is_file()


def test_they_are_laid_out_as_ruff_does(trained: tuple[Path, dict[str, str | None]]) -> None:
    assert laid_out(trained[0]) == ""


def test_digits_stand_beside() -> None:
    overrides = ["data.train.dataset={type: Digits}", "data.train.transforms=[ToTensor]", "input=[1, 8, 8]"]
    spec = specbuild.load(DOCUMENT, overrides)
    assert list(beside(spec, "blobs.safetensors")) == ["blobs.digits.npz"]
    assert 'with_name("blobs.digits.npz")' in source(
        spec, specbuild.infer(spec), training=True, weights="blobs.safetensors"
    )
    assert beside(specbuild.load(DOCUMENT)) == {}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.train.dataset={type: Table, path: t.csv, target: y}", "cannot express the data set Table"),
        ("loss.weight=balanced", "cannot express `weight: balanced`"),
        ("data.train.transforms=[ToTensor, {type: FiveCrop, size: 8}]", "cannot express the transform FiveCrop"),
        ("data.train.loader={batch_size: 16, sampler: WeightedRandomSampler}", "the sampler WeightedRandomSampler"),
    ],
)
def test_what_cannot_be_expressed_is_named_with_its_place(override: str, words: str) -> None:
    spec = specbuild.load(DOCUMENT, [override])
    with pytest.raises(specbuild.RunError, match=words) as caught:
        source(spec, specbuild.infer(spec), training=True)
    (found,) = caught.value.diagnostics
    assert found.code == "SB512"
    assert found.path
