"""The data of a document as torchvision's data sets and transforms, in batches of a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from specbuild.catalogue.entry import Entry
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import RunError
from specbuild.exporting.python.expressions import Call, Formula, is_name, rendered
from specbuild.language.document import Spec
from specbuild.language.sections import Data, Loader, SplitName

TORCHVISION = frozenset({
    "CIFAR10", "CIFAR100", "Country211", "DTD", "EuroSAT", "FashionMNIST", "FGVCAircraft", "Flowers102", "Food101",
    "GTSRB", "Imagenette", "ImageFolder", "KMNIST", "MNIST", "OxfordIIITPet", "STL10", "SVHN", "USPS",
})  # fmt: skip
"""Data sets that are an image and a label in torchvision, under the same name."""

TRANSFORMS = frozenset({
    "AutoAugment", "CenterCrop", "ColorJitter", "GaussianBlur", "Grayscale", "Normalize", "Pad", "RGB", "RandAugment",
    "RandomAutocontrast", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip",
    "RandomInvert", "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip", "Resize", "ToImage",
    "TrivialAugmentWide",
})  # fmt: skip
"""Transforms that torchvision's v2 has under the same name and with the same arguments."""

ARRAYS = '''
class Arrays(Dataset):
    """Samples of a .npz file; an array of bytes holds images."""

    def __init__(self, path: str, inputs: str, targets: str, transform: v2.Compose | None = None) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self.inputs, self.targets = arrays[inputs], arrays[targets]
        if self.inputs.dtype == np.uint8 and self.inputs.ndim == 4 and self.inputs.shape[3] not in (1, 3, 4):
            self.inputs = np.moveaxis(self.inputs, 1, 3)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = self.inputs[index]
        x = plain(x) if self.transform is None else self.transform(x)
        return x, plain(self.targets[index])


def plain(values: np.ndarray) -> Tensor:
    """Integers as int64, all other numbers as float32."""
    values = torch.as_tensor(values)
    return values.float() if values.is_floating_point() else values.long()
'''

TEXT = '''
class Text(Dataset):
    """Windows of a text, and the same one place further."""

    def __init__(self, path: str, window: int, stride: int) -> None:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        numbers = {character: number for number, character in enumerate(sorted(set(text)))}
        self.text = torch.tensor([numbers[character] for character in text])
        self.window, self.stride = window, stride

    def __len__(self) -> int:
        return max(0, (len(self.text) - self.window - 1) // self.stride + 1)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        start = index * self.stride
        window = self.text[start : start + self.window + 1]
        return window[:-1], window[1:]
'''


def inexpressible(spec: Spec, what: str, path: Path, fix: str) -> RunError:
    """What the Python source of a training cannot say, with its place (SB512)."""
    return RunError(spec.place([Diagnostic("SB512", f"Python source cannot express {what}", path, fix=fix)]))


def data_of(spec: Spec) -> Iterator[str]:
    """The classes and functions that give the batches of each split."""
    data = spec.data
    if data is None:
        raise inexpressible(spec, "a training without `data`", (), "leave out --with-training, or write `data`")
    names = data.names()
    kinds = {cast("Entry", data.dataset_of(name)).type for name in names}
    if "Arrays" in kinds:
        yield ARRAYS
    if "Text" in kinds:
        yield TEXT
    lines: list[str] = []
    whole = any(data.held_out(name) is not None for name in names)
    for name in names:
        lines.append(f"{name} = {dataset(spec, data, name)}")
    if whole:
        lines += held_out(data)
    loaders = [f'"{name}": {loader(spec, data.loader_of(name), name)}' for name in names]
    lines.append(f"return {{{', '.join(loaders)}}}")
    document = '"""The batches of each split."""'
    yield "def batches() -> dict[str, DataLoader]:\n" + "\n".join(f"    {line}" for line in [document, *lines])


def held_out(data: Data) -> Iterator[str]:
    """The statements that give each split its part of train's samples."""
    one_piece = data.train.dataset.in_one_piece
    written = [(name, data.held_out(name)) for name in ("test", "val")]
    parts = [(name, split) for name, split in written if split is not None]
    seed = next(split.seed or 0 for _, split in parts)
    if one_piece:
        yield "order = list(range(len(train)))[::-1]"
    else:
        yield f"shuffled = torch.Generator().manual_seed({seed})"
        yield "order = torch.randperm(len(train), generator=shuffled).tolist()"
    yield "count = len(order)"
    for name, split in parts:
        yield f"part = round({rendered(split.split)} * count)"
        yield f"{name}, order = Subset({name}, order[:part]), order[part:]"
    yield "train = Subset(train, order)"


def dataset(spec: Spec, data: Data, split: SplitName) -> str:
    """What makes a split's data set."""
    entry: Any = data.dataset_of(split)
    own = data.held_out(split) is None
    path: Path = ("data", split if own else "train", "dataset")
    transform = transforms(spec, data, split)
    if entry.type == "Text" and entry.unit == "characters" and entry.vocabulary is None and not transform:
        if not own or split == "train":
            return f"Text({rendered(entry.path)}, {entry.window}, {entry.stride or entry.window})"
        raise inexpressible(spec, "a Text of its own for each split", path, "split: 0.1")
    more = f", transform={transform}" if transform else ""
    if entry.type == "Arrays" and entry.path.endswith(".npz"):
        loss = next(iter(spec.losses.values()), None)
        target = entry.fields.get(loss.target if loss is not None else "target", entry.fields.get("input"))
        if "input" not in entry.fields or target is None:
            raise inexpressible(spec, "arrays without `input`", path, "leave out --with-training")
        return f"Arrays({rendered(entry.path)}, {rendered(entry.fields['input'])}, {rendered(target)}{more})"
    if entry.type in TORCHVISION:
        call = Call(f"datasets.{entry.type}", entry.given(), defaults(entry), frozenset({"root"}))
        return f"{rendered(call)[:-1]}{more})"
    raise inexpressible(spec, f"the data set {entry.type}", path, "leave out --with-training, and write its Dataset")


def transforms(spec: Spec, data: Data, split: SplitName) -> str:
    """The transforms of a split; empty where it has none."""
    parts: list[str] = []
    where = data.transforms_written_at(split)
    for index, entry in enumerate(data.transforms_of(split)):
        if entry.type == "ToTensor":
            parts += ["v2.ToImage()", "v2.ToDtype(torch.float32, scale=True)"]
        elif entry.type in TRANSFORMS:
            arguments = {name: value_of(name, value) for name, value in entry.given().items()}
            parts.append(rendered(Call(f"v2.{entry.type}", arguments, defaults(entry), frozenset({"size"}))))
        else:
            path = ("data", where, "transforms", index)
            fix = "leave out --with-training, or the transform"
            raise inexpressible(spec, f"the transform {entry.type}", path, fix)
    return f"v2.Compose([{', '.join(parts)}])" if parts else ""


def value_of(name: str, value: Any) -> Any:
    """An argument of a transform as torchvision has it."""
    if name == "interpolation" and isinstance(value, str) and is_name(value.replace("-", "_")):
        return Formula(f"v2.InterpolationMode.{value.replace('-', '_').upper()}")
    return value


def defaults(entry: Entry) -> dict[str, Any]:
    """The defaults of an entry's arguments, as they are written."""
    fields = entry.__class__.model_fields
    return {name: value_of(name, field.default) for name, field in fields.items() if not field.is_required()}


def loader(spec: Spec, section: Loader, split: SplitName) -> str:
    """What makes a split's batches."""
    if section.sampler is not None:
        path: Path = ("data", split, "loader", "sampler")
        raise inexpressible(spec, f"the sampler {section.sampler.type}", path, "shuffle: true instead")
    told = {name: value for name, value in section.arguments().items() if name != "sampler"}
    told["shuffle"] = bool(section.shuffle)
    plain = {"shuffle": False, "num_workers": 0, "pin_memory": False, "drop_last": False, "timeout": 0.0,
             "prefetch_factor": None, "persistent_workers": False}  # fmt: skip
    return rendered(Call("DataLoader", {"dataset": Formula(split), **told}, plain, frozenset({"dataset"})))
