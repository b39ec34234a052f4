"""The data of a document as torchvision's data sets and transforms, in batches of a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.expressions import Call, Formula, rendered
from specbuild.exporting.python.refusing import inexpressible
from specbuild.exporting.python.sets import classes, dataset
from specbuild.exporting.python.transforming import composed, defaults, mixing
from specbuild.language.document import Spec
from specbuild.language.sections import Data, Loader, SplitName
from specbuild.network.plan import Plan

STRATIFIED = '''
def held_out(order: list[int], dataset: Dataset, share: float) -> tuple[list[int], list[int]]:
    """So much of each class, and the rest."""
    by_class: dict[int, list[int]] = {}
    for index in order:
        by_class.setdefault(int(dataset[index][1]), []).append(index)
    parts = [members[: round(share * len(members))] for members in by_class.values()]
    taken = {index for part in parts for index in part}
    return sorted(taken), [index for index in order if index not in taken]
'''


def target_fields(spec: Spec) -> list[str]:
    """The fields that losses are held against and that are no inputs."""
    return list(dict.fromkeys(loss.target for loss in spec.losses.values() if loss.target not in spec.inputs))


def by_fields(spec: Spec) -> bool:
    """Whether a sample is a dict: of several inputs, or several targets."""
    return len(spec.inputs) > 1 or len(target_fields(spec)) > 1


def digits_beside(weights: str | None) -> str:
    """The name of the file that `Digits` are read from, beside the module."""
    return (weights.removesuffix(".safetensors") + "." if weights else "") + "digits.npz"


def beside(spec: Spec, weights: str | None = None) -> dict[str, bytes]:
    """Files that the program of a training reads from its own folder, by their names: the digits that come with
    specbuild. weights: the name of the file of weights, as `source` is told it."""
    data = spec.data
    if data is None or all(getattr(data.dataset_of(name), "type", "") != "Digits" for name in data.names()):
        return {}
    file = resources.files("specbuild.data") / "digits" / "digits.npz"
    return {digits_beside(weights): file.read_bytes()}


def data_of(spec: Spec, plan: Plan, weights: str | None) -> Iterator[str]:
    """The classes and functions that give the batches of each split."""
    data = spec.data
    if data is None:
        raise inexpressible(spec, "a training without `data`", (), "leave out --with-training, or write `data`")
    names, fields = data.names(), by_fields(spec)
    entries: dict[str, Any] = {name: data.dataset_of(name) for name in names}
    made = {name: composed(spec, data, name) for name in names}
    if any(entry.type == "Digits" for entry in entries.values()):
        yield f"DIGITS = Path(__file__).with_name({rendered(digits_beside(weights))})\n"
    yield from classes(spec, entries, fields=fields, transformed=any(made.values()))
    mixer = mixing(data)
    if mixer is not None:
        arguments = {**mixer.given(), "num_classes": class_count(spec, plan, mixer)}
        call = rendered(Call(f"v2.{mixer.type}", arguments, defaults(mixer), frozenset()))
        mixed = '"""A batch, each sample and its label mixed with another\'s."""'
        yield f"def mixed(samples: list[Any]) -> Any:\n    {mixed}\n    return {call}(*default_collate(samples))\n"
    held = {name: data.held_out(name) for name in names}
    if any(part is not None and part.stratify for part in held.values()):
        if fields:
            raise inexpressible(spec, "`stratify` of samples with several fields", ("data", "val", "stratify"))
        yield STRATIFIED
    lines: list[str] = []
    for name in names:
        own = held[name] is None
        path: Path = ("data", name if own else "train", "dataset")
        text = own and name != "train" and entries[name].type == "Text"
        if text and entries[name].unit == "characters" and entries["train"].vocabulary is None:
            fix = "split: 0.1, or a `vocabulary`"
            raise inexpressible(spec, "a Text of its own, whose characters are numbered as train's", path, fix)
        made_by = dataset(spec, entries[name], path, made[name], fields=fields, targets=target_fields(spec))
        lines.append(f"{name} = {made_by}")
    if any(held.values()):
        lines += parted(spec, data)
    loaders = [f'"{name}": {loader(spec, data.loader_of(name), name, mixed=mixer is not None)}' for name in names]
    lines.append(f"return {{{', '.join(loaders)}}}")
    document = '"""The batches of each split."""'
    yield "def batches() -> dict[str, DataLoader]:\n" + "\n".join(f"    {line}" for line in [document, *lines])


def class_count(spec: Spec, plan: Plan, mixer: Any) -> int:
    """The number of classes that labels are made shares of."""
    if mixer.num_classes is not None:
        return int(mixer.num_classes)
    output, loss = next((o, loss) for o, loss in spec.losses.items() if loss.target not in spec.inputs)
    shape = plan.outputs[output].shape
    return int(shape[-1 if getattr(loss, "class_dim", 1) == -1 else 0])


def parted(spec: Spec, data: Data) -> Iterator[str]:
    """The statements that give each split its part of train's samples."""
    written = [(name, data.held_out(name)) for name in ("test", "val")]
    parts = [(name, split) for name, split in written if split is not None]
    if data.train.dataset.in_one_piece:
        yield "order = list(range(len(train)))[::-1]"
    else:
        yield f"shuffled = torch.Generator().manual_seed({parts[0][1].seed or 0})"
        yield "order = torch.randperm(len(train), generator=shuffled).tolist()"
    yield from ["count = len(order)"] if not all(split.stratify for _, split in parts) else []
    for name, split in parts:
        share = rendered(split.split)
        if split.stratify:
            yield f"part, order = held_out(order, train, {share})"
            yield f"{name} = Subset({name}, part)"
        else:
            yield f"part = round({share} * count)"
            yield f"{name}, order = Subset({name}, order[:part]), order[part:]"
    yield "train = Subset(train, order)"


def loader(spec: Spec, section: Loader, split: SplitName, *, mixed: bool) -> str:
    """What makes a split's batches."""
    told = {name: value for name, value in section.arguments().items() if name != "sampler"}
    told["shuffle"] = bool(section.shuffle)
    if section.sampler is not None:
        raise inexpressible(
            spec, f"the sampler {section.sampler.type}", ("data", split, "loader", "sampler"), "shuffle: true instead"
        )
    if mixed and split == "train":
        told["collate_fn"] = Formula("mixed")
    plain = {"shuffle": False, "num_workers": 0, "pin_memory": False, "drop_last": False, "timeout": 0.0,
             "prefetch_factor": None, "persistent_workers": False}  # fmt: skip
    return rendered(Call("DataLoader", {"dataset": Formula(split), **told}, plain, frozenset({"dataset"})))
