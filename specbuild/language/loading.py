"""From a path, a text or a dict to a `Spec`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layers import LAYERS
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.errors import SpecError
from specbuild.language import names
from specbuild.language.blocks import blocks_of
from specbuild.language.budgets import MAX_BYTES, most_layers
from specbuild.language.collector import paused_collector
from specbuild.language.document import Node, Spec
from specbuild.language.ends import inputs_of, losses_of, outputs_of, references_of, tie_of
from specbuild.language.expansion import Expander, TooMuch
from specbuild.language.initializing import rules_of
from specbuild.language.meter import EXHAUSTED, EXHAUSTED_FIX, Exhausted, metered
from specbuild.language.nodes import Nodes
from specbuild.language.overrides import BASING, overridden
from specbuild.language.parsing import Failed, parse_entries, parse_entry, parse_fields, shown
from specbuild.language.problems import Enough, Problems
from specbuild.language.sections import Data
from specbuild.language.source import Source, from_dict, read_source, read_text
from specbuild.language.substitution import put_in
from specbuild.language.tables import SECTIONS
from specbuild.language.training import Training
from specbuild.language.variables import variables_of

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.promises import Promise
    from specbuild.language.transferring import Freeze, Weights

VERSION = 1
KEYS = (
    "specbuild", "name", "base", "set", "vars", "blocks", "input", "inputs", "layers", "outputs", "tie", "init",
    "weights", "freeze", "loss", *SECTIONS, "dims", "data", "train", "ignore",
)  # fmt: skip
UNEVALUATED = frozenset({"layers", "vars", "blocks"})
"""What is evaluated on its own, with more variables than the document's."""


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | Source,
    overrides: Iterable[str] = (),
) -> Spec:
    """The document at a path, in a text (one that has a line break or begins with `{`) or in a dict.

    overrides: `PATH=VALUE` texts, as `--set` takes them.
    Raises `SpecError` with everything that is wrong with the document's form; shapes are not judged here.
    """
    with paused_collector():
        return parse(overridden(built(read(source)), overrides))


def built(source: Source) -> Source:
    """The source with what it builds on, where it has a `base`; raises `SpecError`."""
    if BASING[0] not in source.tree and BASING[1] not in source.tree:
        return source
    from specbuild.language.bases import derived  # few documents have one

    return derived(source)


def alone(source: Source) -> Source:
    """The source, of what came from elsewhere and names no file of this machine; raises `SpecError` (SB114)."""
    if BASING[0] in source.tree or BASING[1] in source.tree:
        message = "a document in a run, or in an exported file, stands alone: it has no base"
        problem = Diagnostic("SB114", message, (next(key for key in BASING if key in source.tree),), "key")
        raise SpecError(source.place([problem]))
    return source


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
    problems = Problems()
    try:
        with metered(source.length or MAX_BYTES):
            spec = parsed(source, problems)
    except Exhausted:
        if not problems:
            problems += [Diagnostic("SB216", EXHAUSTED, fix=EXHAUSTED_FIX)]
    except Enough:
        pass  # said
    if problems:
        from specbuild.language.gathering import gathered  # only a mistake pays for it
        from specbuild.language.origins import traced

        raise SpecError(source.place(traced(gathered(problems, source), source)))
    return spec


def parsed(source: Source, problems: list[Diagnostic]) -> Spec:
    """The document of a source, of which nothing may be used where there are problems."""
    tree: dict[str, Any] = source.tree
    check_keys(tree, source.parts[0].tree, problems)
    variables = variables_of(tree.get("vars"), problems)
    blocks = blocks_of(tree.get("blocks"), problems)
    plain = {
        key: value if key in UNEVALUATED else put_in(value, variables, (key,), problems) for key, value in tree.items()
    }
    name = name_of(plain, source, problems)
    inputs = inputs_of(plain, problems)
    dims: Mapping[str, Promise] = {}
    if "dims" in plain or any(isinstance(size, str) for kind in inputs.values() for size in kind.shape):
        from specbuild.language.dims import opened  # few documents leave sizes open

        inputs, dims = opened(inputs, plain.get("dims"), problems)
    wanted = outputs_of(plain.get("outputs"), problems)
    expander = Expander(LAYERS, blocks, variables, problems, most_layers(source.length))
    nodes: tuple[Node, ...] = ()
    if "layers" in plain:
        try:
            written = plain.get("inputs")
            listed = isinstance(written, list) and all(isinstance(name, str) for name in written)
            names_of_inputs = tuple(written) if written and (listed or isinstance(written, dict)) else ("input",)
            items = expander.scope(plain["layers"], variables, names_of_inputs, ("layers",), wanted)
            nodes = Nodes(problems).of(items)
            if blocks or expander.left_out:
                from specbuild.language.unreached import judge_unreached

                judge_unreached(expander, plain["layers"])
        except TooMuch:
            pass  # reported
    outputs = references_of(wanted, nodes, expander.root, problems)
    tie = tie_of(plain.get("tie"), problems)
    init = rules_of(plain.get("init"), problems)
    losses = losses_of(plain.get("loss"), tuple(dict.fromkeys(wanted or outputs)), problems)
    found: dict[str, Any] = {}
    for key, child in SECTIONS.items():
        raw = plain.get(key)
        parse_section = parse_entries if child.many else parse_single
        found[key] = None if raw is None else parse_section(raw, (key,), child, problems)
    data = parse_fields(Data, plain["data"], ("data",), problems) if plain.get("data") is not None else None
    training = parse_fields(Training, plain["train"], ("train",), problems) if plain.get("train") is not None else None
    weights: tuple[Weights, ...] = ()
    freeze: Freeze | None = None
    if "weights" in plain or "freeze" in plain:
        from specbuild.language.transferring import freeze_of, weights_of  # few documents have them

        weights, freeze = weights_of(plain.get("weights"), problems), freeze_of(plain.get("freeze"), problems)
    ignored: tuple[str, ...] = ()
    if plain.get("ignore") is not None:
        from specbuild.language.ignoring import ignored_of  # few documents have it

        ignored = ignored_of(plain["ignore"], problems)
    return Spec(
        name=name, inputs=inputs, layers=nodes, outputs=outputs, tie=tie, init=init, losses=losses,
        optimizer=found["optimizer"], scheduler=found["scheduler"], metrics=found["metrics"],
        data=data, train=training or Training(), source=source, tree=plain,
        warnings=tuple(expander.warnings.values()), weights=weights, freeze=freeze, ignored=ignored, dims=dims,
    )  # fmt: skip


def parse_single(raw: Any, path: Path, child: Any, problems: list[Diagnostic]) -> Entry | None:
    """A section that names one entry."""
    return parse_entry(raw, path, child.table, child.what, problems)


def check_keys(tree: Mapping[str, Any], written: Mapping[str, Any], problems: list[Diagnostic]) -> None:
    """Unknown and missing keys of the document, and its version; written: without what comes from a base."""
    missing = [key for key in ("specbuild", "input", "layers") if key not in tree]
    if "inputs" in tree and "input" in missing:
        missing.remove("input")
    for key in tree:
        if key not in KEYS:
            free = [known for known in KEYS if known not in written]
            meant = nearest(key, missing) or nearest(key, free)
            edit = renaming((key,), key, meant, tuple(missing) if meant in missing else free, "key")
            if meant in missing:
                missing.remove(meant)
            elif meant == "base":
                missing = [other for other in missing if other == "specbuild"]  # the base has the others
            fix = f"did you mean `{meant}`?" if meant else f"a document has {', '.join(KEYS)}"
            if meant is None and key in Training.model_fields:
                fix = f"it belongs in `train`: train: {{{key}: {shown(tree[key])}}}"
            problems.append(Diagnostic("SB201", f"unknown key `{key}`", (key,), "key", fix=fix, edit=edit))
    wanted = {
        "specbuild": ("the version of the language", "specbuild: 1"),
        "input": ("the shape of one sample", "input: [3, 32, 32]"),
        "layers": ("the list of layers", "layers: [Flatten, {type: Linear, out_features: 10}]"),
    }
    for key in missing:
        what, example = wanted[key]
        problems.append(Diagnostic("SB202", f"`{key}` is missing: {what}", fix=f"add `{example}`"))
    problems += wrong_version(tree)


def wrong_version(tree: Mapping[str, Any]) -> list[Diagnostic]:
    """SB211 for a document of another version of the language."""
    version = tree.get("specbuild", VERSION)
    if version != VERSION or isinstance(version, bool):
        message = f"this specbuild reads version {VERSION} of the language; got {shown(version)}"
        return [Diagnostic("SB211", message, ("specbuild",), fix="specbuild: 1")]
    return []


def name_of(plain: Mapping[str, Any], source: Source, problems: list[Diagnostic]) -> str:
    """The document's name: written, or the file's, or `model`."""
    name = plain.get("name")
    if name is None:
        stem = FilePath(source.name).stem
        return stem if source.format != "python" and names.NAME.fullmatch(stem) else "model"
    if isinstance(name, Failed):
        return "model"
    if not isinstance(name, str) or not names.NAME.fullmatch(name) or len(name) > names.LONGEST:
        message, fix = f"a name is a string; got {shown(name)}", f'name: "{name}"' if isinstance(name, int) else None
        if isinstance(name, str):
            message, fix = f"{names.malformed(name)}; got {shown(name)}", names.repaired(name)
        edit = Edit(("name",), str(name)) if isinstance(name, int) and not isinstance(name, bool) else None
        problems.append(Diagnostic("SB205", message, ("name",), fix=fix, edit=edit))
        return "model"
    return name
