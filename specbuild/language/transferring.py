"""`weights` and `freeze`: what a network begins with that another has learned, and what of it stays so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.parsing import has_failed, shown

Kind = Literal["file", "run", "torchvision"]
KINDS: tuple[Kind, ...] = ("file", "run", "torchvision")
KEYS = (*KINDS, "into", "from", "except")
FREEZE_KEYS = ("parameters", "except")
SUFFIX = ".safetensors"
PICKLED = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".tar"})
"""How the files end that torch pickles weights into."""
EXAMPLE: Mapping[str, str] = {
    "run": "runs/mnist/1",
    "file": "resnet18.safetensors",
    "torchvision": "ResNet18_Weights.IMAGENET1K_V1",
}


class Pattern(NamedTuple):
    """A name of parameters or layers, `*` and `?` for any characters."""

    text: str
    path: Path


class Weights(NamedTuple):
    """Where the first weights of a network, or of a part of it, come from."""

    kind: Kind
    name: str
    """The file, the run's folder, or torchvision's name."""
    into: str | None
    """The layer or the scope that takes them; None is the network."""
    prefix: str | None
    """What the keys in the source begin with; `` is nothing, None is left to the source."""
    begin: tuple[Pattern, ...]
    """What of the network begins as torch does."""
    path: Path
    """Where it is written."""

    def at(self, key: str) -> Path:
        """Where a key is written."""
        return (*self.path, key)


class Freeze(NamedTuple):
    """Which parameters stay as they begin."""

    parameters: tuple[Pattern, ...]
    learn: tuple[Pattern, ...]
    """Those of them that learn nevertheless."""


def weights_of(raw: Any, problems: list[Diagnostic]) -> tuple[Weights, ...]:
    """What is written under `weights`: one source, or a list of them."""
    if raw is None:
        return ()
    path: Path = ("weights",)
    entries = [(path, raw)] if not isinstance(raw, list) else [((*path, k), one) for k, one in enumerate(raw)]
    found = [weights_at(entry, place, problems) for place, entry in entries if not has_failed(entry)]
    return tuple(one for one in found if one is not None)


def weights_at(raw: Any, path: Path, problems: list[Diagnostic]) -> Weights | None:
    """One source; None where something was reported."""
    if isinstance(raw, str) and raw:
        suffix = PurePath(raw).suffix.lower()
        kind: Kind = "file" if suffix == SUFFIX or suffix in PICKLED else "run"
        return Weights(kind, raw, None, None, (), path) if kind == "run" or is_data(raw, path, problems) else None
    if not isinstance(raw, dict):
        message = f"weights come from a run, from a file or from torchvision; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, path, fix="weights: {run: runs/mnist/1}"))
        return None
    before = len(problems)
    unknown_keys(raw, KEYS, path, problems)
    kinds = [kind for kind in KINDS if raw.get(kind) is not None]
    if len(kinds) > 1:
        message = f"weights come from one source, but here are {' and '.join(f'`{kind}`' for kind in kinds)}"
        problems.append(
            Diagnostic("SB203", message, (*path, kinds[1]), "key", fix="a list of two: weights: [..., ...]")
        )
    elif not kinds and len(problems) == before:
        message = "weights come from one of `file`, `run` and `torchvision`, and here is none"
        problems.append(Diagnostic("SB202", message, path, fix=f"run: {EXAMPLE['run']}"))
    for key in (*kinds, "into", "from"):
        value = raw.get(key)
        if value is not None and (not isinstance(value, str) or not (value or key == "from")):
            fix = f"{key}: {EXAMPLE.get(key, 'body')}"
            problems.append(Diagnostic("SB203", f"`{key}` must be a name; got {shown(value)}", (*path, key), fix=fix))
    begin = patterns_of(raw.get("except"), (*path, "except"), problems)
    if len(problems) > before:
        return None
    (kind,) = kinds
    if kind == "file" and not is_data(raw[kind], (*path, kind), problems):
        return None
    prefix = raw.get("from")
    return Weights(kind, raw[kind], raw.get("into"), None if prefix is None else prefix.rstrip("."), begin, path)


def is_data(name: str, path: Path, problems: list[Diagnostic]) -> bool:
    """Whether a file may be named in a document: SB517 for one of torch's pickles, which are no data."""
    if PurePath(name).suffix.lower() not in PICKLED:
        return True
    meant = str(PurePath(name).with_suffix(SUFFIX))
    message = f"{shown(name)} is pickled, and a document names files of data alone"
    fix = f"`specbuild import {name} --output {meant}` makes one of it; then write {meant}"
    problems.append(Diagnostic("SB517", message, path, fix=fix))
    return False


def freeze_of(raw: Any, problems: list[Diagnostic]) -> Freeze | None:
    """What is written under `freeze`: patterns, or `{parameters: [...], except: [...]}`."""
    if raw is None or has_failed(raw):
        return None
    path: Path = ("freeze",)
    if not isinstance(raw, dict):
        found = patterns_of(raw, path, problems)
        return Freeze(found, ()) if found else None
    before = len(problems)
    unknown_keys(raw, FREEZE_KEYS, path, problems)
    if raw.get("parameters") is None and len(problems) == before:
        message = "`parameters` is missing: the names of what is frozen, or patterns of them"
        problems.append(Diagnostic("SB202", message, path, fix='parameters: "*"'))
    frozen = patterns_of(raw.get("parameters"), (*path, "parameters"), problems)
    learn = patterns_of(raw.get("except"), (*path, "except"), problems)
    return Freeze(frozen, learn) if len(problems) == before else None


def patterns_of(raw: Any, path: Path, problems: list[Diagnostic]) -> tuple[Pattern, ...]:
    """One pattern or a list of them, each with its place."""
    if raw is None:
        return ()
    written = [(path, raw)] if not isinstance(raw, list) else [((*path, k), one) for k, one in enumerate(raw)]
    for place, one in written:
        if not isinstance(one, str) or not one:
            message = f"a pattern is a name of parameters or layers, such as head.*; got {shown(one)}"
            edit = Edit(place, str(one)) if type(one) is int else None
            fix = f'"{one}"' if edit else f'{path[-1]}: ["head.*"]'
            problems.append(Diagnostic("SB203", message, place, fix=fix, edit=edit))
    return tuple(Pattern(one, place) for place, one in written if isinstance(one, str) and one)


def unknown_keys(raw: dict[str, Any], known: tuple[str, ...], path: Path, problems: list[Diagnostic]) -> None:
    """SB201 for each key that is none of those that are known."""
    for key in raw:
        if key not in known:
            free = [one for one in known if one not in raw]
            meant = nearest(key, free)
            fix = f"did you mean `{meant}`?" if meant else f"{path[0]} has {', '.join(known)}"
            edit = renaming((*path, key), key, meant, free, "key")
            problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*path, key), "key", fix=fix, edit=edit))


def weights_document(weights: tuple[Weights, ...]) -> list[dict[str, Any]]:
    """`weights` with nothing left to default."""
    return [
        {
            one.kind: one.name,
            "into": one.into,
            "from": one.prefix,
            "except": [pattern.text for pattern in one.begin],
        }
        for one in weights
    ]


def freeze_document(freeze: Freeze) -> dict[str, Any]:
    """`freeze` in its long form."""
    return {
        "parameters": [pattern.text for pattern in freeze.parameters],
        "except": [pattern.text for pattern in freeze.learn],
    }
