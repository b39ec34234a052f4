"""From a path, a text or a dict to a `Spec`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import SpecError
from specbuild.language import names
from specbuild.language.document import Node, Spec
from specbuild.language.expansion import Item, expand, put_in
from specbuild.language.overrides import overridden
from specbuild.language.parsing import FAILED, Failed, parse_entries, parse_entry, parse_fields, shown
from specbuild.language.sections import Data, Training
from specbuild.language.source import Source, from_dict, read_source, read_text
from specbuild.language.tables import SECTIONS
from specbuild.language.variables import variables_of

VERSION = 1
KEYS = ("specbuild", "name", "vars", "input", "layers", *SECTIONS, "data", "train")
LARGEST = 2**31 - 1
"""The largest size that a document may write."""


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | Source,
    overrides: Iterable[str] = (),
) -> Spec:
    """The document at a path, in a text (one that has a line break or begins with `{`) or in a dict.

    overrides: `PATH=VALUE` texts, as `--set` takes them.
    Raises `SpecError` with everything that is wrong with the document's form; shapes are not judged here.
    """
    return parse(overridden(read(source), overrides))


def read(source: str | os.PathLike[str] | Mapping[str, Any] | Source) -> Source:
    """The source as plain values."""
    if isinstance(source, Source):
        return source
    if isinstance(source, Mapping):
        return from_dict(source)
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return read_text(source)
    return read_source(source)


def parse(source: Source) -> Spec:
    """The validated document of a source; raises `SpecError`."""
    problems: list[Diagnostic] = []
    tree: dict[str, Any] = source.tree
    check_keys(tree, problems)
    variables = variables_of(tree.get("vars"), problems)
    plain = {
        key: value if key in ("layers", "vars") else put_in(value, variables, (key,), problems)
        for key, value in tree.items()
    }
    name = name_of(plain, source, problems)
    input_type = input_of(plain.get("input", FAILED), problems)
    items = expand(plain["layers"], variables, ("layers",), LAYERS, problems) if "layers" in plain else ()
    nodes = tuple(node_of(item, problems) for item in items)
    found: dict[str, Any] = {}
    for key, child in SECTIONS.items():
        raw = plain.get(key)
        parse_section = parse_entries if child.many else parse_single
        found[key] = None if raw is None else parse_section(raw, (key,), child, problems)
    data = parse_fields(Data, plain["data"], ("data",), problems) if plain.get("data") is not None else None
    training = parse_fields(Training, plain.get("train") or {}, ("train",), problems)
    if problems or input_type is None or training is None:
        raise SpecError(source.place(problems))
    return Spec(
        name=name, input=input_type, layers=nodes, loss=found["loss"], optimizer=found["optimizer"],
        metrics=found["metrics"] or (), data=data, train=training, source=source, tree=plain,
    )  # fmt: skip


def parse_single(raw: Any, path: Path, child: Any, problems: list[Diagnostic]) -> Entry | None:
    """A section that names one entry."""
    return parse_entry(raw, path, child.table, child.what, problems)


def check_keys(tree: Mapping[str, Any], problems: list[Diagnostic]) -> None:
    """Unknown and missing keys of the document, and its version."""
    missing = [key for key in ("specbuild", "input", "layers") if key not in tree]
    for key in tree:
        if key not in KEYS:
            meant = nearest(key, missing) or nearest(key, [known for known in KEYS if known not in tree])
            if meant in missing:
                missing.remove(meant)
            fix = f"did you mean `{meant}`?" if meant else f"a document has {', '.join(KEYS)}"
            if meant is None and key in Training.model_fields:
                fix = f"it belongs in `train`: train: {{{key}: {shown(tree[key])}}}"
            edit = Edit((key,), meant, "key") if meant else None
            problems.append(Diagnostic("SB201", f"unknown key `{key}`", (key,), "key", fix=fix, edit=edit))
    wanted = {
        "specbuild": ("the version of the language", "specbuild: 1"),
        "input": ("the shape of one sample", "input: [3, 32, 32]"),
        "layers": ("the list of layers", "layers: [Flatten, {type: Linear, out_features: 10}]"),
    }
    for key in missing:
        what, example = wanted[key]
        problems.append(Diagnostic("SB202", f"`{key}` is missing: {what}", fix=f"add `{example}`"))
    version = tree.get("specbuild", VERSION)
    if version != VERSION or isinstance(version, bool):
        problems.append(
            Diagnostic(
                "SB211",
                f"this specbuild reads version {VERSION} of the language; got {shown(version)}",
                ("specbuild",),
                fix="specbuild: 1",
            )
        )


def name_of(plain: Mapping[str, Any], source: Source, problems: list[Diagnostic]) -> str:
    """The document's name: written, or the file's, or `model`."""
    name = plain.get("name")
    if name is None:
        stem = FilePath(source.name).stem
        return stem if source.format != "python" and names.NAME.fullmatch(stem) else "model"
    if isinstance(name, Failed):
        return "model"
    if not isinstance(name, str) or not names.NAME.fullmatch(name) or len(name) > names.LONGEST:
        problems.append(
            Diagnostic(
                "SB205",
                f"a name is made of letters, digits, `_` and `-`; got {shown(name)}",
                ("name",),
                fix=names.repaired(name) if isinstance(name, str) else None,
            )
        )
        return "model"
    return name


def input_of(raw: Any, problems: list[Diagnostic]) -> TensorType | None:
    """`[3, 32, 32]` or `{shape: [3, 32, 32], dtype: float32}`."""
    if isinstance(raw, Failed):
        return None
    path: Path = ("input",)
    shape, dtype = raw, "float32"
    if isinstance(raw, dict):
        for key in raw:
            if key not in ("shape", "dtype"):
                meant = nearest(key, ("shape", "dtype"))
                fix = f"did you mean `{meant}`?" if meant else "an input has shape and dtype"
                problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*path, key), "key", fix=fix))
        dtype = raw.get("dtype", dtype)
        if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
            problems.append(
                Diagnostic(
                    "SB203",
                    f"`dtype` must be one of {', '.join(ITEM_BYTES)}; got {shown(dtype)}",
                    (*path, "dtype"),
                )
            )
            dtype = "float32"
        if "shape" not in raw:
            problems.append(Diagnostic("SB202", "`shape` is missing: the shape of one sample", path))
            return None
        shape, path = raw["shape"], (*path, "shape")
    if not isinstance(shape, list):
        problems.append(
            Diagnostic(
                "SB203",
                f"the input is the shape of one sample, without the batch axis; got {shown(shape)}",
                path,
                fix="input: [3, 32, 32]",
            )
        )
        return None
    good = True
    for index, size in enumerate(shape):
        if isinstance(size, Failed):
            good = False
        elif not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST:
            problems.append(
                Diagnostic(
                    "SB203",
                    f"a size of the input must be a positive integer; got {shown(size)}",
                    (*path, index),
                    fix="leave the batch axis out" if index == 0 and size in (None, -1) else None,
                )
            )
            good = False
    return TensorType(tuple(shape), dtype) if good else None


def node_of(item: Item, problems: list[Diagnostic]) -> Node:
    """A named layer, or a named scope, with its arguments validated."""
    if item.type not in LAYERS:
        return Node(item.name, None, tuple(node_of(child, problems) for child in item.children), item.path)
    return Node(item.name, parse_fields(LAYERS[item.type], item.arguments, item.path, problems), (), item.path)
