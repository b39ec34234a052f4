"""The data sets of a document as one would write them: torchvision's by name, others as a class of the module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.expressions import Call, rendered
from specbuild.exporting.python.refusing import inexpressible
from specbuild.exporting.python.transforming import defaults
from specbuild.language.document import Spec
from specbuild.network.samples import image_field

TORCHVISION = frozenset({
    "Caltech101", "Caltech256", "CelebA", "CIFAR10", "CIFAR100", "CLEVRClassification", "Country211", "DTD", "EMNIST",
    "EuroSAT", "FakeData", "FashionMNIST", "FER2013", "FGVCAircraft", "Flowers102", "Food101", "GTSRB", "ImageFolder",
    "ImageNet", "Imagenette", "KMNIST", "LFWPeople", "LSUN", "MNIST", "Omniglot", "OxfordIIITPet", "Places365",
    "QMNIST", "RenderedSST2", "SEMEION", "STL10", "SUN397", "SVHN", "USPS",
})  # fmt: skip
"""Data sets that are an image and a label in torchvision, under the same name."""
MASKED = frozenset({"Cityscapes", "SBDataset", "VOCSegmentation"})
"""Data sets that are a photo and a mask in torchvision, under the same name."""
GRAY_TOO = frozenset({"Caltech101", "Caltech256"})
"""Data sets of torchvision that give some images in gray, which are read in colour here."""

MASKS = '''
class Masked(Dataset):
    """Photos with the class of each pixel, which the transforms move alike."""

    def __init__(self, pairs: Dataset, transform: Any = None, first: int = 0) -> None:
        self.pairs, self.transform, self.first = pairs, transform, first

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.pairs[index]
        image, mask = tv_tensors.Image(image), tv_tensors.Mask(np.array(mask))
        if self.transform is not None:
            image, mask = self.transform(image, mask)
        return image, mask.long() - self.first
'''

PAIRS = '''
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


class ImagePairs(Dataset):
    """Images of two folders, matched by their names."""

    def __init__(self, inputs: str, targets: str, transform: Any = None) -> None:
        self.inputs, self.targets = image_files(inputs, INPUT_SUFFIX), image_files(targets, TARGET_SUFFIX)
        self.names = sorted(self.inputs)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        name = self.names[index]
        x = tv_tensors.Image(Image.open(self.inputs[name]).convert(MODE))
        target = READ_TARGET
        if self.transform is not None:
            x, target = self.transform(x, target)
        return x, GIVEN


def image_files(folder: str, suffix: str) -> dict[str, Path]:
    """The images below a folder by their names, without the ending and the suffix."""
    found = {}
    for path in Path(folder).rglob("*"):
        if path.suffix.lower() in ENDINGS and path.stem.endswith(suffix):
            name = str(path.relative_to(folder).with_suffix(""))
            found[name.removesuffix(suffix)] = path
    return found
'''

DIGITS = '''
class Digits(Dataset):
    """Handwritten digits of 8 x 8 pixels: sorted by class, every fifth is for the test."""

    def __init__(self, path: Path, train: bool = True, transform: Any = None) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"].astype(np.int64)
        tested = np.zeros(len(labels), dtype=bool)
        tested[np.argsort(labels, kind="stable")[::5]] = True
        chosen = ~tested if train else tested
        self.images = np.rint(images[chosen] * (255 / 16)).astype(np.uint8)
        self.labels = torch.from_numpy(labels[chosen])
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = v2.functional.to_image(self.images[index])
        return x if self.transform is None else self.transform(x), self.labels[index]
'''

TEXT = '''
class Text(Dataset):
    """Windows of a text, and the same one place further."""

    def __init__(self, path: str, window: int, stride: int) -> None:
        READ_TEXT
        self.window, self.stride = window, stride

    def __len__(self) -> int:
        return max(0, (len(self.text) - self.window - 1) // self.stride + 1)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        start = index * self.stride
        window = self.text[start : start + self.window + 1]
        return window[:-1], window[1:]
'''

CHARACTERS = """with open(path, encoding="utf-8") as file:
            text = file.read()
        numbers = {character: number for number, character in enumerate(VOCABULARY)}
        self.text = torch.tensor([numbers[character] for character in text])"""
BYTES = """with open(path, "rb") as file:
            self.text = torch.tensor(list(file.read()))"""

ARRAYS = '''
class Arrays(Dataset):
    """Samples of arrays, the first axis of each counting them."""

    def __init__(self, path: str, PARAMETERS, transform: Any = None) -> None:
        READ_ARRAYS
        self.transform = transform

    def __len__(self) -> int:
        return LENGTH

    def __getitem__(self, index: int) -> SAMPLE_TYPE:
        GIVE


def plain(values: np.ndarray) -> Tensor:
    """Integers as int64, all other numbers as float32."""
    values = torch.as_tensor(values)
    return values.float() if values.is_floating_point() else values.long()
'''

AS_IMAGE = '''
def image(values: np.ndarray) -> Tensor:
    """Bytes as an image, channels first; all other numbers as they are."""
    if values.dtype != np.uint8:
        return plain(values)
    if values.ndim == 3 and values.shape[2] not in (1, 3, 4):
        return torch.as_tensor(values)
    return v2.functional.to_image(values)
'''


def classes(spec: Spec, entries: Mapping[str, Any], *, fields: bool, transformed: bool) -> Iterator[str]:
    """The classes of the module's own that a document's data sets are of. entries: by split; fields: as dicts."""
    kinds = {entry.type: entry for entry in reversed(list(entries.values()))}
    for split, entry in entries.items():
        own, first = (alike(each) for each in (entry, kinds[entry.type]))
        if own != first:
            what = f"two kinds of {entry.type}: {split}'s is read otherwise than train's"
            raise inexpressible(spec, what, ("data", split, "dataset"))
    if "Arrays" in kinds:
        yield arrays(kinds["Arrays"], image_field(spec.inputs), fields=fields, transformed=transformed)
        if transformed:
            yield AS_IMAGE
    if "Text" in kinds:
        written = rendered(kinds["Text"].vocabulary) if kinds["Text"].vocabulary else "sorted(set(text))"
        read = BYTES if kinds["Text"].unit == "bytes" else CHARACTERS.replace("VOCABULARY", written)
        yield TEXT.replace("READ_TEXT", read)
    if "Digits" in kinds:
        yield DIGITS
    if "ImagePairs" in kinds:
        yield pairs(kinds["ImagePairs"])
    if any(is_masked(entry) for entry in kinds.values()):
        yield MASKS


def alike(entry: Any) -> tuple[Any, ...]:
    """What two data sets that share a class of the module have in common."""
    if entry.type == "Arrays":
        return (is_folder(entry),)
    if entry.type == "Text":
        return (entry.unit,)
    if entry.type == "ImagePairs":
        return (entry.input_suffix, entry.target_suffix, entry.mode, entry.target)
    return ()


def pairs(entry: Any) -> str:
    """The class of images with images, or masks, of the same name."""
    mask = entry.target == "mask"
    told = {
        "INPUT_SUFFIX": rendered(entry.input_suffix),
        "TARGET_SUFFIX": rendered(entry.target_suffix),
        "MODE": rendered(entry.mode),
        "READ_TARGET": "tv_tensors.Mask(np.array(Image.open(self.targets[name])))"
        if mask
        else f"tv_tensors.Image(Image.open(self.targets[name]).convert({rendered(entry.mode)}))",
        "GIVEN": "target.long()" if mask else "target",
    }
    return substituted(PAIRS, told)


def substituted(text: str, told: Mapping[str, str]) -> str:
    """A template with its places filled, all at once: what is put in is looked through for none."""
    return re.sub("|".join(told), lambda found: told[found[0]], text)


def arrays(entry: Any, image: str | None, *, fields: bool, transformed: bool) -> str:
    """The class of arrays: pairs of an input and a target, or fields by name."""
    folder = is_folder(entry)
    text = ARRAYS
    if fields:
        read = (
            'self.fields = {name: np.load(Path(path) / file, mmap_mode="c") for name, file in fields.items()}'
            if folder
            else "with np.load(path, allow_pickle=False) as arrays:\n"
            "            self.fields = {name: arrays[array] for name, array in fields.items()}"
        )
        give = ["sample = {name: plain(values[index]) for name, values in self.fields.items()}"]
        if transformed:
            name = rendered(image)
            give += ["if self.transform is not None:",
                     f"    sample[{name}] = self.transform(image(self.fields[{name}][index]))"]  # fmt: skip
        give.append("return sample")
        told = {"PARAMETERS": "fields: dict[str, str]", "LENGTH": "len(next(iter(self.fields.values())))",
                "SAMPLE_TYPE": "dict[str, Tensor]"}  # fmt: skip
    else:
        read = (
            'self.inputs = np.load(Path(path) / inputs, mmap_mode="c")\n'
            '        self.targets = np.load(Path(path) / targets, mmap_mode="c")'
            if folder
            else "with np.load(path, allow_pickle=False) as arrays:\n"
            "            self.inputs, self.targets = arrays[inputs], arrays[targets]"
        )
        x = "plain(x) if self.transform is None else self.transform(image(x))" if transformed else "plain(x)"
        give = ["x = self.inputs[index]", f"return {x}, plain(self.targets[index])"]
        told = {"PARAMETERS": "inputs: str, targets: str", "LENGTH": "len(self.inputs)",
                "SAMPLE_TYPE": "tuple[Tensor, Tensor]"}  # fmt: skip
    told |= {"READ_ARRAYS": read, "GIVE": "\n        ".join(give)}
    text = substituted(text, told)
    if not transformed:
        text = text.replace(", transform: Any = None", "").replace("        self.transform = transform\n", "")
    return text


def is_folder(entry: Any) -> bool:
    """Whether arrays are files of a folder."""
    return all(name.endswith(".npy") for name in entry.fields.values())


def is_masked(entry: Any) -> bool:
    """Whether torchvision's set gives a photo and a mask."""
    return entry.type in MASKED or getattr(entry, "target_types", None) == "segmentation"


def dataset(spec: Spec, entry: Any, path: Path, transform: str, *, fields: bool, targets: list[str]) -> str:
    """What makes a data set. targets: the fields that losses are held against and that are no inputs."""
    more = f", transform={transform}" if transform else ""
    known = not entry.plugged
    if known and entry.type == "Text" and not fields and not transform:
        return f"Text({rendered(entry.path)}, {entry.window}, {entry.stride or entry.window})"
    if known and entry.type == "Digits" and not fields:
        return f"Digits(DIGITS{'' if entry.train else ', train=False'}{more})"
    if known and entry.type == "ImagePairs" and not fields:
        return f"ImagePairs({rendered(entry.inputs)}, {rendered(entry.targets)}{more})"
    if known and entry.type == "Arrays":
        wanted = [*spec.inputs, *targets]
        lacking = next((name for name in wanted if name not in entry.fields), None)
        if lacking is not None:
            raise inexpressible(spec, f"arrays without `{lacking}`", path)
        if fields:
            pairs = ", ".join(f"{rendered(name)}: {rendered(entry.fields[name])}" for name in wanted)
            return f"Arrays({rendered(entry.path)}, {{{pairs}}}{more})"
        names = [entry.fields[name] for name in (wanted * 2)[:2]]
        return f"Arrays({rendered(entry.path)}, {rendered(names[0])}, {rendered(names[1])}{more})"
    if known and not fields and (entry.type in TORCHVISION or is_masked(entry)):
        return of_torchvision(spec, entry, path, more)
    raise inexpressible(spec, f"the data set {entry.type}", path, "leave out --with-training, and write its Dataset")


def of_torchvision(spec: Spec, entry: Any, path: Path, more: str) -> str:
    """A set of torchvision's."""
    if entry.type == "EMNIST" and entry.split == "letters":
        raise inexpressible(spec, "labels that count from 1, as those of `letters` do", (*path, "split"))
    if entry.type == "QMNIST" and not entry.compat:
        raise inexpressible(spec, "labels that are eight numbers", (*path, "compat"))
    if entry.type == "STL10" and "unlabeled" in entry.split:
        raise inexpressible(spec, "images without labels", (*path, "split"))
    if entry.type in GRAY_TOO:
        more = more.replace("v2.Compose([", "v2.Compose([v2.RGB(), ", 1)
    call = rendered(Call(f"datasets.{entry.type}", entry.given(), defaults(entry), frozenset({"root"})))
    if is_masked(entry):
        first = ", first=1" if entry.type == "OxfordIIITPet" else ""
        return f"Masked({call}{more}{first})"
    return f"{call[:-1]}{more.removeprefix(', ') if call.endswith('()') else more})"
