"""Small data sets in the form that each has on the disk, made on the spot."""

from __future__ import annotations

import bz2
import csv
import json
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

Arguments = dict[str, Any]
Writer = Callable[[Path], Arguments]
random = np.random.default_rng(0)


def bytes_of(*shape: int) -> np.ndarray:
    return random.integers(0, 256, shape, dtype=np.uint8)


def image(path: Path, height: int = 5, width: int = 4, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width) if mode == "L" else (height, width, 3)
    Image.fromarray(bytes_of(*shape)).save(path)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def idx(path: Path, array: np.ndarray) -> None:
    """The format of MNIST, of unsigned bytes or of big-endian integers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = 8 if array.dtype == np.uint8 else 12
    header = struct.pack(f">{array.ndim + 1}I", kind << 8 | array.ndim, *array.shape)
    path.write_bytes(header + (array if kind == 8 else array.astype(">i4")).tobytes())


def mnist(name: str) -> Writer:
    def write(root: Path) -> Arguments:
        for part in ("train", "t10k"):
            idx(root / name / "raw" / f"{part}-images-idx3-ubyte", bytes_of(4, 28, 28))
            idx(root / name / "raw" / f"{part}-labels-idx1-ubyte", np.array([9, 0, 3, 1], np.uint8))
        return {"train": False}

    return write


def emnist(split: str, labels: list[int]) -> Writer:
    def write(root: Path) -> Arguments:
        for part in ("train", "test"):
            start = root / "EMNIST" / "raw" / f"emnist-{split}-{part}"
            idx(Path(f"{start}-images-idx3-ubyte"), bytes_of(len(labels), 28, 28))
            idx(Path(f"{start}-labels-idx1-ubyte"), np.array(labels, np.uint8))
        return {"split": split}

    return write


def qmnist(compat: bool) -> Writer:
    def write(root: Path) -> Arguments:
        raw = root / "QMNIST" / "raw"
        idx(raw / "qmnist-test-images-idx3-ubyte", bytes_of(10_003, 28, 28))
        idx(raw / "qmnist-test-labels-idx2-int", random.integers(0, 10, (10_003, 8), dtype=np.int32))
        return {"what": "test50k", "compat": compat}

    return write


def cifar(classes: int) -> Writer:
    def write(root: Path) -> Arguments:
        folder = root / ("cifar-10-batches-py" if classes == 10 else "cifar-100-python")
        folder.mkdir()
        files = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        names = [f"class {k}" for k in range(classes)]
        key = "labels" if classes == 10 else "fine_labels"
        for k, name in enumerate(files if classes == 10 else ["train", "test"]):
            batch = {"data": bytes_of(2, 3072), key: [k, classes - 1]}
            (folder / name).write_bytes(pickle.dumps(batch))
        meta = {"label_names" if classes == 10 else "fine_label_names": names}
        (folder / ("batches.meta" if classes == 10 else "meta")).write_bytes(pickle.dumps(meta))
        return {}

    return write


def usps(root: Path) -> Arguments:
    values = random.uniform(-1, 1, (3, 256))
    rows = [" ".join([str(k + 8), *(f"{j + 1}:{v:.6f}" for j, v in enumerate(row))]) for k, row in enumerate(values)]
    (root / "usps.t.bz2").write_bytes(bz2.compress("\n".join(rows).encode()))
    return {"train": False}


def semeion(root: Path) -> Arguments:
    pixels, labels = random.integers(0, 2, (3, 256)), np.eye(10, dtype=int)[[7, 0, 9]]
    np.savetxt(root / "semeion.data", np.hstack([pixels, labels]), fmt="%.4f")
    return {"download": False}


def omniglot(root: Path) -> Arguments:
    folder = root / "omniglot-py"
    for alphabet, character in (("Latin", "character02"), ("Greek", "character01"), ("Latin", "character01")):
        for k in (2, 1):
            image(folder / "images_evaluation" / alphabet / character / f"{k:04d}_01.png", 105, 105, "L")
    (folder / "images_evaluation.zip").write_bytes(b"zip")
    return {"background": False}


def svhn(root: Path) -> Arguments:
    from scipy.io import savemat

    savemat(root / "test_32x32.mat", {"X": bytes_of(32, 32, 3, 4), "y": np.array([[10], [1], [9], [5]], np.uint8)})
    return {"split": "test"}


def stl10(**arguments: Any) -> Writer:
    def write(root: Path) -> Arguments:
        folder = root / "stl10_binary"
        folder.mkdir()
        for part, count in (("train", 4), ("test", 3), ("unlabeled", 2)):
            (folder / f"{part}_X.bin").write_bytes(bytes_of(count, 3, 96, 96).tobytes())
            (folder / f"{part}_y.bin").write_bytes(np.array([1, 10, 5, 2][:count], np.uint8).tobytes())
        text(folder / "class_names.txt", *(f"class {k}" for k in range(10)))
        text(folder / "fold_indices.txt", *["0 2 3"] * 10)
        return arguments

    return write


def fer2013(root: Path) -> Arguments:
    (root / "fer2013").mkdir()
    with (root / "fer2013" / "icml_face_data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", " Usage", " pixels"])
        for label, usage in ((3, "Training"), (6, "PublicTest"), (0, "PrivateTest")):
            writer.writerow([label, usage, " ".join(map(str, bytes_of(48 * 48)))])
    return {"split": "test"}


def imagenet(root: Path) -> Arguments:
    names = {"n02": ("kite", "bird"), "n01": ("tench",)}
    torch.save((names, ["n01"]), root / "meta.bin")
    for wnid in names:
        image(root / "val" / wnid / "ILSVRC2012_val_1.JPEG")
    return {"split": "val"}


def imagenette(root: Path) -> Arguments:
    for wnid in ("n03425413", "n01440764"):
        image(root / "imagenette2-160" / "val" / wnid / "a.JPEG")
    return {"split": "val", "size": "160px"}


def places365(root: Path) -> Arguments:
    text(root / "categories_places365.txt", "/a/airfield 0", "/z/zen_garden 1", "/a/alley 2")
    text(root / "places365_val.txt", "Places365_val_00000001.jpg 2", "Places365_val_00000002.jpg 0")
    for k in (1, 2):
        image(root / "val_256" / f"Places365_val_0000000{k}.jpg", 256, 256)
    return {"split": "val", "small": True}


def sun397(root: Path) -> Arguments:
    text(root / "SUN397" / "ClassName.txt", "/a/abbey", "/a/apartment_building/outdoor", "/z/zoo")
    for name in ("a/apartment_building/outdoor/sun_b", "a/abbey/sun_c", "a/abbey/sun_a"):
        image(root / "SUN397" / f"{name}.jpg")
    return {}


def folders(*start: str, end: str = ".jpg", height: int = 5, width: int = 4, **arguments: Any) -> Writer:
    def write(root: Path) -> Arguments:
        for name in ("positive/b", "negative/a", "negative/c"):
            image(root.joinpath(*start) / f"{name}{end}", height, width)
        return arguments

    return write


def caltech101(root: Path) -> Arguments:
    folder = root / "caltech101" / "101_ObjectCategories"
    for name in ("BACKGROUND_Google/image_0001", "wrench/image_0001", "ant/image_0001", "ant/image_0002"):
        image(folder / f"{name}.jpg")
    return {}


def caltech256(root: Path) -> Arguments:
    for name in ("001.ak47/001_0001", "001.ak47/001_0002", "002.american-flag/002_0001"):
        image(root / "caltech256" / "256_ObjectCategories" / f"{name}.jpg", mode="RGB" if "ak" in name else "L")
    return {}


def food101(root: Path) -> Arguments:
    listed = {"waffles": ["waffles/3", "waffles/1"], "apple_pie": ["apple_pie/2"]}
    text(root / "food-101" / "meta" / "test.json", json.dumps(listed))
    for names in listed.values():
        for name in names:
            image(root / "food-101" / "images" / f"{name}.jpg")
    return {"split": "test"}


def flowers102(root: Path) -> Arguments:
    from scipy.io import savemat

    folder = root / "flowers-102"
    for k in range(1, 5):
        image(folder / "jpg" / f"image_{k:05d}.jpg")
    savemat(folder / "imagelabels.mat", {"labels": np.array([[77, 1, 102, 5]], np.uint8)})
    savemat(folder / "setid.mat", {"trnid": [[1]], "valid": [[3, 2]], "tstid": [[4]]})
    return {"split": "val"}


def aircraft(root: Path) -> Arguments:
    data = root / "fgvc-aircraft-2013b" / "data"
    text(data / "families.txt", "A300", "Boeing 737", "C-130")
    text(data / "images_family_test.txt", "0062765 Boeing 737", "0034309 A300")
    for name in ("0062765", "0034309"):
        image(data / "images" / f"{name}.jpg")
    return {"split": "test", "annotation_level": "family"}


def pets(target_types: str) -> Writer:
    def write(root: Path) -> Arguments:
        folder = root / "oxford-iiit-pet"
        rows = [("Abyssinian_100", 1, 1), ("american_bulldog_7", 2, 2), ("Abyssinian_3", 1, 1)]
        text(folder / "annotations" / "test.txt", *(f"{name} {breed} {kind} 1" for name, breed, kind in rows))
        for name, *_ in rows:
            image(folder / "images" / f"{name}.jpg")
            path = folder / "annotations" / "trimaps" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(1, 4, (5, 4), dtype=np.uint8)).save(path)
        return {"split": "test", "target_types": target_types}

    return write


def dtd(root: Path) -> Arguments:
    folder = root / "dtd" / "dtd"
    names = ("zigzagged/z_1.jpg", "banded/b_2.jpg")
    text(folder / "labels" / "val3.txt", *names)
    for name in names:
        image(folder / "images" / name)
    return {"split": "val", "partition": 3}


def gtsrb(split: str) -> Writer:
    def write(root: Path) -> Arguments:
        folder = root / "gtsrb"
        for name in ("00000/1.ppm", "00002/2.ppm"):
            image(folder / "GTSRB" / "Training" / name)
        for name in ("00000.ppm", "00001.ppm"):
            image(folder / "GTSRB" / "Final_Test" / "Images" / name)
        text(folder / "GT-final_test.csv", "Filename;Width;ClassId", "00000.ppm;4;42", "00001.ppm;4;7")
        return {"split": split}

    return write


def clevr(root: Path) -> Arguments:
    folder = root / "clevr" / "CLEVR_v1.0"
    scenes = [{"image_filename": f"{k}.png", "objects": [{}] * k} for k in (3, 10)]
    text(folder / "scenes" / "CLEVR_val_scenes.json", json.dumps({"scenes": scenes}))
    for scene in scenes:
        image(folder / "images" / "val" / str(scene["image_filename"]), 320, 480)
    return {"split": "val"}


def celeba(target_type: str) -> Writer:
    def write(root: Path) -> Arguments:
        folder = root / "celeba"
        names = [f"{k:06d}.jpg" for k in range(1, 4)]
        for name in names:
            image(folder / "img_align_celeba" / name, 218, 178)
        attributes = " ".join(f"attribute_{k}" for k in range(40)) + " "
        signs = [" ".join("1" if sign else "-1" for sign in random.integers(0, 2, 40)) for _ in names]
        text(folder / "list_eval_partition.txt", *(f"{n} {p}" for n, p in zip(names, (1, 0, 1), strict=True)))
        text(folder / "identity_CelebA.txt", *(f"{n} {p}" for n, p in zip(names, (10177, 1, 5), strict=True)))
        text(folder / "list_attr_celeba.txt", "3", attributes, *map(" ".join, zip(names, signs, strict=True)))
        text(folder / "list_bbox_celeba.txt", "3", "image_id x y w h", *(f"{n} 1 2 3 4" for n in names))
        text(folder / "list_landmarks_align_celeba.txt", "3", "x y", *(f"{n} 1 2" for n in names))
        return {"split": "valid", "target_type": target_type}

    return write


def lfw_people(root: Path) -> Arguments:
    folder = root / "lfw-py"
    text(folder / "lfw-names.txt", "Abdul_Kalam\t1", "Aaron_Eckhart\t1", "Zico\t2")
    text(folder / "peopleDevTest.txt", "2", "Zico\t2", "Abdul_Kalam\t1")
    (folder / "lfw-funneled.tgz").write_bytes(b"tgz")
    for name in ("Zico/Zico_0001", "Zico/Zico_0002", "Abdul_Kalam/Abdul_Kalam_0001"):
        image(folder / "lfw_funneled" / f"{name}.jpg", 250, 250)
    return {"split": "test"}


def palette(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.fromarray(pixels, mode=None).convert("P")
    mask.putpalette([*range(256)] * 3)
    mask.putdata(pixels.flatten().tolist())
    mask.save(path)


def voc(root: Path) -> Arguments:
    folder = root / "VOCdevkit" / "VOC2007"
    text(folder / "ImageSets" / "Segmentation" / "test.txt", "000032", "000007")
    for name in ("000032", "000007"):
        image(folder / "JPEGImages" / f"{name}.jpg")
        palette(folder / "SegmentationClass" / f"{name}.png", random.choice([0, 20, 255], (5, 4)).astype(np.uint8))
    return {"year": "2007", "image_set": "test"}


def sbd(root: Path) -> Arguments:
    from scipy.io import savemat

    text(root / "val.txt", "2008_2", "2008_1")
    (root / "cls").mkdir()
    for name in ("2008_2", "2008_1"):
        image(root / "img" / f"{name}.jpg")
        mask = random.integers(0, 21, (5, 4), dtype=np.uint8)
        savemat(root / "cls" / f"{name}.mat", {"GTcls": {"Segmentation": mask, "Boundaries": 0}})
    return {"image_set": "val", "mode": "segmentation"}


def cityscapes(root: Path) -> Arguments:
    for city, number in (("ulm", 1), ("bonn", 2), ("bonn", 1)):
        name = f"{city}_{number:06d}_000019"
        photo = root / "leftImg8bit" / "val" / city / f"{name}_leftImg8bit.png"
        mask = root / "gtCoarse" / "val" / city / f"{name}_gtCoarse_labelIds.png"
        for path, color in ((photo, (len(city), number, 9)), (mask, number)):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L" if path == mask else "RGB", (2048, 1024), color).save(path, compress_level=1)
    return {"split": "val", "mode": "coarse", "target_type": "semantic"}


def coco(root: Path) -> Arguments:
    images = [{"id": k, "file_name": f"{k}.jpg"} for k in (9, 2, 5)]
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 90, "name": "toothbrush"}]
    boxes = [{"image_id": i, "category_id": c, "bbox": [0, 0, 1, 1]} for i, c in ((9, 18), (2, 90), (9, 1), (9, 1))]
    text(root / "instances.json", json.dumps({"images": images, "categories": categories, "annotations": boxes}))
    for each in images:
        image(root / str(each["file_name"]))
    return {"annFile": str(root / "instances.json")}


def imagenet_archives(root: Path) -> Arguments:
    """The archives that ImageNet comes as, two photos of two classes to validate."""
    from scipy.io import savemat

    work = root / "work"
    (work / "ILSVRC2012_devkit_t12" / "data").mkdir(parents=True)
    kinds = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O")]
    rows = [(1, "n02", "kite, bird", "g", 0), (2, "n01", "tench", "g", 0), (3, "n00", "animal", "g", 2)]
    data = work / "ILSVRC2012_devkit_t12" / "data"
    savemat(data / "meta.mat", {"synsets": np.array(rows, dtype=kinds)})
    text(data / "ILSVRC2012_validation_ground_truth.txt", "2", "1")
    with tarfile.open(root / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        archive.add(work / "ILSVRC2012_devkit_t12", "ILSVRC2012_devkit_t12")
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for k in (1, 2):
            image(work / f"ILSVRC2012_val_0000000{k}.JPEG")
            archive.add(work / f"ILSVRC2012_val_0000000{k}.JPEG", f"ILSVRC2012_val_0000000{k}.JPEG")
    return {"split": "val"}
