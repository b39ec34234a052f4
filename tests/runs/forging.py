"""Runs that were forged: a value in one of a run's files is another, and every checksum agrees with it."""

from __future__ import annotations

import json
import random
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

from specbuild.runs import metrics, sealing
from specbuild.runs.files import json_bytes

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 7, 1e308, -0.5, 10**18, 10**400, 2**63, "", "x", "1", "\x1b[2J", "é\u2028",
    "../../etc/passwd", "a" * 100_000, [], {}, [[]], [1], [None], {"type": "x"}, {"a": {"b": {}}}, "Linear", "input",
    "float64", "int64", "auto", "cuda", "${x}", [1, 2, 3, 4], [2**40], [4, 4],
)  # fmt: skip
FILES = (
    "spec.json", "environment.json", "preprocessing.json", "metrics.jsonl", "manifest.json", "model.safetensors",
    "golden.safetensors",
)  # fmt: skip


def forged(run: Path, seed: int) -> str:
    """Forge the run in `run`; returns what was done."""
    draw = random.Random(seed)
    name = draw.choice([name for name in FILES if (run / name).exists()])
    file = run / name
    if name == "manifest.json":
        content = sealing.read(run)
        told = mutated(content, draw)
        file.write_bytes(json_bytes({**content, "sha256": sealing.own_digest(content)}))
        return f"{name}: {told}"
    if name.endswith(".safetensors"):
        raw = file.read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        told = mutated(header, draw)
        text = json.dumps(header).encode()
        claimed = len(text) if draw.random() < 0.8 else draw.choice([0, 1, len(text) - 1, 2**31, 2**62, 2**64 - 1])
        file.write_bytes(struct.pack("<Q", claimed) + text + raw[8 + length :])
        told += f", header of {claimed}"
    elif name == "metrics.jsonl":
        records = [json.loads(line) for line in file.read_text().splitlines()]
        told = mutated(records, draw)
        for record in records:
            if isinstance(record, dict):
                record.pop("crc", None)
        lines = [metrics.rendered(one) if isinstance(one, dict) else json.dumps(one) for one in records]
        file.write_text("".join(f"{line}\n" for line in lines))
    else:
        content = json.loads(file.read_bytes())
        told = mutated(content, draw)
        file.write_text(json.dumps(content))
    head = {key: value for key, value in sealing.read(run).items() if key != "files"}
    sealing.write(run, head)
    return f"{name}: {told}"


def mutated(root: Any, draw: random.Random) -> str:
    """Change one to three things somewhere in a JSON value."""
    told = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        places = list(places_in(root))
        if not places:
            break
        holder, key, path = draw.choice(places)
        what = draw.choice(["replace", "replace", "replace", "delete", "rename", "deepen"])
        value = deepcopy(draw.choice(VALUES))
        if what == "replace":
            holder[key] = value
        elif what == "delete":
            del holder[key]
        elif what == "rename" and isinstance(holder, dict):
            holder[draw.choice(["x", "type", "__metadata__", "\x1b[0m", "epoch"])] = holder.pop(key)
        else:
            for _ in range(draw.choice([1, 50, 300])):
                holder[key] = [holder[key]]
        told.append(f"{what} {path} {str(value)[:40]!r}")
    return "; ".join(told)


def places_in(value: Any, path: str = "") -> Any:
    """Every place in a JSON value: what holds it, its key, and where that is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key, f"{path}/{key}"
        if len(path) < 300:
            yield from places_in(inner, f"{path}/{key}")
