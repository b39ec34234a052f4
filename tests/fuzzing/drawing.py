"""Inputs: mutated bytes of ready and broken specs, trees shaped like documents, specs with values replaced."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.errors import SpecbuildError
from specbuild.language.loading import KEYS
from specbuild.language.overrides import BASING
from specbuild.language.source import read_bytes
from specbuild.language.tables import SECTIONS

ROOT = Path(__file__).resolve().parents[2]

TOKENS = [
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b": ",
    b",",
    b"- ",
    b"\n",
    b"  ",
    b"\t",
    b"&a ",
    b"*a",
    b"!!x ",
    b"<<: ",
    b"|\n",
    b">\n",
    b"'",
    b'"',
    b"\\",
    b"${",
    b"}",
    b"${i}",
    b"${1/0}",
    b"${9**9**9}",
    b"${'a' * 9999}",
    b"#",
    b"%",
    b"@",
    b"`",
    b"? ",
    b"---\n",
    b"...\n",
    b"null",
    b"true",
    b"~",
    b"-1",
    b"0",
    b"1e999",
    b".nan",
    b"99999999999999999999",
    b"1.5",
    b"\0",
    b"\x1b",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"\xe2\x80\xa8",
    "é漢🙂".encode(),
    b"repeat: 3",
    b"repeat: 100000",
    b"when: false",
    b"from: input",
    b"names: a${i}",
    b"type: ",
    b"name: ",
    b"layers: ",
    b"blocks: ",
    b"vars: ",
    b"inputs: ",
    b"dims: ",
    b"input: [3, H, W]",
    b"ignore: [SB801]",
    b"# specbuild: ignore[SB801]",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    3,
    7,
    -1,
    64,
    2**31 - 1,
    2**31,
    2**63,
    -(2**63),
    10**300,
    0.0,
    0.5,
    -0.5,
    1.0,
    1e-9,
    1e308,
    "",
    "a",
    "input",
    "H",
    "W",
    "forward",
    "__class__",
    "ReLU",
    "Linear",
    "same",
    "mean",
    "1",
    "${i}",
    "${n}",
    "${n + 1}",
    "${[1, 2][i]}",
    "${1 / 0}",
    "${'a' * 99}x${n}",
    "$${",
    "${",
    "é\x1b",
    "a" * 300,
    "*.weight",
    [],
    [1],
    [1, 2],
    [1, 2, 3],
    [0],
    [-1, "a"],
    [[1]],
    [None],
    ["H", "W"],
    [3, "H", "W"],
    {},
    {"a": 1},
    {"type": "ReLU"},
    {"type": "a"},
    {"shape": [3]},
    {"layers": ["ReLU"]},
    [{"n": 1}, {"n": 2}],
    {"min": 1},
    {"multiple_of": 0},
]
OWN_KEYS = ["name", "type", "from", "when", "repeat", "names", "layers", "params", "inputs"]


@cache
def corpus() -> tuple[list[bytes], list[bytes]]:
    """Small documents, most of them broken, and the ready specs."""
    from specbuild.diagnostics.codes import CODES

    examples = [text.encode() for code in CODES.values() for text in (code.failing, code.mended) if text[0] != "$"]
    broken = [path.read_bytes() for path in sorted((ROOT / "tests/specs/broken").iterdir()) if path.suffix != ".txt"]
    ready = [path.read_bytes() for path in sorted((ROOT / "specs").glob("*.yaml"))]
    return [text for text in broken + examples if len(text) < 5000], ready


@cache
def trees() -> tuple[list[Any], list[Any]]:
    """The plain values of the corpus, as JSON that can be read again."""
    found: tuple[list[Any], list[Any]] = ([], [])
    for texts, into in zip(corpus(), found, strict=True):
        for text in texts:
            with suppress(SpecbuildError):
                into.append(json.dumps(read_bytes(text, "<text>").tree))
    return found


def picked(rng: random.Random, parts: tuple[list[Any], list[Any]]) -> Any:
    """One of the corpus; the ready specs are larger, and drawn less often."""
    small, large = parts
    return rng.choice(large if rng.random() < 0.1 else small)


def mutated_bytes(rng: random.Random) -> bytes:
    """A document with some of its bytes flipped, deleted, doubled, spliced or put in."""
    text = bytearray(picked(rng, corpus()))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((1, 2, 5, 20, 100)))
        match rng.randrange(6):
            case 0 if start < len(text):
                text[start] ^= 1 << rng.randrange(8)
            case 1:
                del text[start:end]
            case 2:
                text[start:start] = text[start:end] * rng.choice((1, 2, 50))
            case 3:
                other = picked(rng, corpus())
                begin = rng.randrange(len(other) + 1)
                text[start:end] = other[begin : begin + 200]
            case 4:
                at = text.find(b"\n", start) + 1
                text[at:at] = rng.choice(TOKENS) + b"\n"
            case _:
                text[start:start] = rng.choice(TOKENS)
    return bytes(text)


def value(rng: random.Random, depth: int = 0) -> Any:
    """A plain value."""
    chance = rng.random()
    if depth < 3 and chance < 0.08:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if depth < 3 and chance < 0.12:
        return {rng.choice(OWN_KEYS): value(rng, depth + 1) for _ in range(rng.randrange(3))}
    return deepcopy(rng.choice(VALUES))


def layer(rng: random.Random, depth: int = 0) -> Any:
    """Something like a layer."""
    chance = rng.random()
    if chance < 0.1:
        return rng.choice(sorted(LAYERS))
    if chance < 0.15:
        return value(rng)
    if chance < 0.3 and depth < 4:
        made: dict[str, Any] = {
            "type": "Sequential",
            "layers": [layer(rng, depth + 1) for _ in range(rng.randrange(3))],
        }
    elif chance < 0.45:
        made = {"type": rng.choice("abc"), rng.choice("npq"): value(rng)}
    else:
        kind = rng.choice(sorted(LAYERS))
        made = {"type": kind}
        for name, field in LAYERS[kind].model_fields.items():
            if rng.random() < (0.9 if field.is_required() else 0.15):
                made[name] = rng.choice((1, 2, 3, 8, [2, 2], True, 0.5)) if rng.random() < 0.7 else value(rng)
    for key in ("name", "from", "when", "repeat", "names"):
        if rng.random() < 0.08:
            made[key] = (
                rng.choice((2, True, "a", "b", "input", ["a", "b"], "${i < 1}")) if rng.random() < 0.7 else value(rng)
            )
    return made


def entry(rng: random.Random, key: str) -> Any:
    """Something like a value of one of the document's keys."""
    if rng.random() < 0.25:
        return value(rng)
    match key:
        case "specbuild":
            return 1
        case "name":
            return "a"
        case "input":
            return rng.choice(([3, 8, 8], [4], [3, "H", "W"], [5, 4], {"shape": [5], "dtype": "int64"}))
        case "inputs":
            return {"x": [4], "y": [4]}
        case "vars":
            return {name: value(rng) for name in rng.sample(["n", "w", "xs", "i"], 2)}
        case "blocks":
            return {
                name: {
                    "params": {"n": rng.choice((None, 1, "${w}"))},
                    "layers": [layer(rng, 2) for _ in range(rng.randrange(3))],
                    **({"inputs": ["x", "y"]} if rng.random() < 0.2 else {}),
                }
                for name in "ab"
            }  # fmt: skip
        case "layers":
            return [layer(rng) for _ in range(rng.randrange(1, 6))]
        case "outputs":
            return rng.choice((["a"], ["a", "b"], "a"))
        case "tie":
            return {"a.weight": "b.weight"}
        case "init":
            return [
                {"match": "*", "weight": rng.choice(("zeros_", "kaiming_normal_", {"type": "constant_", "val": 1}))}
            ]
        case "weights":
            source = {rng.choice(("run", "file", "torchvision")): rng.choice(("runs/a/1", "a.safetensors", "a.pth", 1))}
            more = {rng.choice(("into", "from", "except")): rng.choice(("a", "a.*", ["a", "*.bias"], "", value(rng)))}
            return rng.choice(("runs/a/1", "a.pth", source, {**source, **more}, [{**source, **more}, "a"]))
        case "freeze":
            return rng.choice(("a", ["a.*", "*.bias"], {"parameters": "*", "except": ["a"]}, value(rng)))
        case "base":
            return str(ROOT / f"specs/{rng.choice(('lenet5', 'resnet18', 'unet', 'none'))}.yaml")
        case "set":
            paths = ("layers[0].bias", "layers.fc", "layers.conv1.type", "vars.a", "train.epochs", "blocks", "a..b")
            return {rng.choice(paths): value(rng) for _ in range(rng.randrange(3))}
        case "loss":
            return rng.choice(sorted(LOSSES))
        case "dims":
            return {name: {"min": rng.choice((1, 32)), "multiple_of": rng.choice((1, 8))} for name in "HW"}
        case "ignore":
            return ["SB801"]
        case "data":
            split = {"dataset": "Digits", "transforms": ["ToTensor", value(rng)], "loader": {"batch_size": 2}}
            return {"train": split, "val": {"split": 0.1}}
        case "train":
            return {"epochs": rng.choice((1, 10, 0))}
    child = SECTIONS[key]
    chosen = {"type": rng.choice(sorted(child.table)), **{rng.choice(("lr", "step_size", "gamma", "T_max")): 1}}
    return [chosen] if child.many else chosen


def tree(rng: random.Random) -> bytes:
    """A document from keys that there are, and values that may fit."""
    keys = ["specbuild", "input", "layers"] + [key for key in KEYS[1:] if key not in BASING and rng.random() < 0.2]
    if rng.random() < 0.05:
        keys += BASING
    made = {key: entry(rng, key) for key in keys if rng.random() < 0.98}
    return json.dumps(made, indent=rng.choice((None, 1))).encode()


def places(root: Any) -> Iterator[tuple[Any, Any]]:
    """Every collection and every key or index in it."""
    waiting = [root]
    while waiting:
        here = waiting.pop()
        for key in [*here] if isinstance(here, dict) else range(len(here)):
            yield here, key
            if isinstance(here[key], (dict, list)):
                waiting.append(here[key])


def mutated_tree(rng: random.Random) -> bytes:
    """A spec with some values replaced, taken away, doubled, exchanged or called otherwise."""
    root = json.loads(picked(rng, trees()))
    for _ in range(rng.choice((1, 1, 2, 4))):
        found = [*places(root)]
        if not found:
            break
        here, key = rng.choice(found)
        match rng.randrange(8):
            case 0:
                del here[key]
            case 1 if isinstance(here, list):
                here.insert(key, json.loads(json.dumps(here[key])))
            case 2:
                other, there = rng.choice(found)
                with suppress(KeyError, IndexError):
                    here[key], other[there] = other[there], here[key]
                if circular(root):
                    return b"{}"
            case 3 if isinstance(here, dict):
                name = rng.choice((f"{key}s", str(key)[:-1], str(key).upper(), *OWN_KEYS))
                here[name] = here.pop(key)
            case 4:
                here[key] = layer(rng)
            case 5 if isinstance(here, dict):
                here[rng.choice(OWN_KEYS)] = value(rng)
            case 6 if isinstance(here[key], int):
                here[key] += rng.choice((-1, 1, 1000, -(10**6)))
            case _:
                here[key] = value(rng)
    return json.dumps(root).encode()


def circular(root: Any) -> bool:
    """Whether an exchange put a collection into itself, or lost it."""
    try:
        json.dumps(root)
    except (ValueError, RecursionError):
        return True
    return False


KINDS: tuple[Callable[[random.Random], bytes], ...] = (mutated_bytes, tree, mutated_tree)


def drawn(seed: int, number: int) -> bytes:
    """The input of a number."""
    rng = random.Random(f"{seed} {number}")
    return KINDS[number % len(KINDS)](rng)
