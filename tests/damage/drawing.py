"""Damages and forgeries, each a function of its seed."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from specbuild.runs import sealing
from specbuild.runs.files import json_bytes
from tests.runs import forging

KINDS = (
    *("truncate",) * 6, *("flip",) * 8, *("append",) * 2, *("swap",) * 4, "folders", "foreign file", "foreign folder",
    *("delete",) * 2, "link", "folder", "pipe", "add", "lines",
)  # fmt: skip


class Damage(NamedTuple):
    """What was done to a run."""

    told: str
    changed: tuple[str, ...]
    """The files that are not what was written, by their paths in the run."""


def files_of(run: Path) -> list[str]:
    """Every file of a run."""
    return sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())


def anew(path: Path, content: bytes) -> None:
    """Write a file that may be a hard link to another."""
    path.unlink()
    path.write_bytes(content)


def damaged(run: Path, other: Path, seed: int) -> Damage:
    """Damage a run; other: another run of the same document."""
    draw = random.Random(seed)
    before = {name: (run / name).read_bytes() for name in files_of(run)}
    while True:
        kind = draw.choice(KINDS)
        told = done(run, other, kind, draw, sorted(before))
        names = {*files_of(run), *before} if told else set()
        changed = [name for name in sorted(names) if content_of(run / name) != before.get(name)]
        if changed and not allowed(run, before, changed):
            for name in changed:
                restore(run / name, before.get(name))
            changed = []
        if changed:
            return Damage(f"{kind}: {told}", tuple(changed))


def allowed(run: Path, before: dict[str, bytes], changed: list[str]) -> bool:
    """Whether anything vouches for what was changed: nothing does for lines after a killed run's checkpoint."""
    if "manifest.json" in before or changed != ["metrics.jsonl"]:
        return True
    now, lines = content_of(run / "metrics.jsonl"), before["metrics.jsonl"].splitlines(keepends=True)
    return not any(now == b"".join(lines[:count]) for count in range(2, len(lines)))


def content_of(path: Path) -> bytes | None:
    """What is in a plain file."""
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def restore(path: Path, content: bytes | None) -> None:
    """Put a file back as it was."""
    if os.path.lexists(path):
        path.unlink()
    if content is not None:
        path.write_bytes(content)


def done(run: Path, other: Path, kind: str, draw: random.Random, names: list[str]) -> str:
    """Do one thing to a run; what it was, or nothing where it cannot be done."""
    name = draw.choice(names)
    path = run / name
    raw = path.read_bytes()
    whole = (run / "manifest.json").exists()
    checkpoints = sorted((run / "checkpoints").iterdir())
    if kind == "truncate":
        length = draw.randrange(len(raw)) if raw else 0
        anew(path, raw[:length])
        return f"{name} to {length}"
    if kind == "flip":
        bits = bytearray(raw)
        for _ in range(draw.choice([1, 1, 1, 2, 8])):
            if bits:
                at = draw.randrange(8 * len(bits))
                bits[at // 8] ^= 1 << at % 8
        anew(path, bytes(bits))
    elif kind == "append":
        anew(path, raw + draw.choice([b"\0", b" ", b"\n", b"{}", raw, draw.randbytes(draw.randrange(1, 99))]))
    elif kind == "swap":
        second = draw.choice(names)
        theirs = (run / second).read_bytes()
        anew(run / second, raw)
        anew(path, theirs)
        return f"{name} and {second}"
    elif kind == "folders":
        first, second = draw.sample(checkpoints, 2) if len(checkpoints) > 1 else (path, path)
        if first == second:
            return ""
        aside = run / "checkpoints" / "aside"
        first.rename(aside), second.rename(first), aside.rename(second)
        return f"{first.name} and {second.name}"
    elif kind == "foreign file":
        if not (other / name).exists():
            return ""
        anew(path, (other / name).read_bytes())
    elif kind == "foreign folder":
        theirs_folder = draw.choice(sorted((other / "checkpoints").iterdir()))
        place = run / "checkpoints" / theirs_folder.name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(theirs_folder, place)
        return theirs_folder.name
    elif kind == "delete":
        if draw.random() < 0.2 and whole:
            folder = draw.choice(checkpoints)
            shutil.rmtree(folder)
            return folder.name
        path.unlink()
    elif kind == "link":
        path.unlink()
        path.symlink_to(draw.choice(["/etc/hostname", "/dev/zero", "nowhere", str(other / name)]))
    elif kind == "folder":
        path.unlink()
        path.mkdir()
        if draw.random() < 0.5:
            (path / "inner").write_bytes(raw)
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif kind == "add":
        folder = draw.choice([*checkpoints, *([run, run / "checkpoints"] if whole else [run / "checkpoints"])])
        made = folder / draw.choice(["more.json", "zzz.safetensors", "-odd name", "a.txt"])
        made.write_bytes(raw)
        return made.relative_to(run).as_posix()
    elif kind == "lines":
        name = "metrics.jsonl"
        lines = (run / name).read_bytes().splitlines(keepends=True)
        kept = draw.sample(lines, draw.randrange(len(lines) + 1))
        anew(run / name, b"".join(kept))
    return name


VALUES: tuple[Any, ...] = (
    *forging.VALUES, {"$tensor": "model.0.weight"}, {"$tensor": "x"}, {"$tensor": []}, {"$tensor": "generator.cpu"},
    {"$map": [[1, 2]]}, {"$map": [[[], 1]]}, {"$map": 3}, {"$float": "inf"}, {"$float": "-inf"}, {"$float": "nan"},
    {"$float": "1; import evil"}, {"$tuple": []}, {"$tuple": [1, 2]}, {"$x": 1}, {"__class__": "os.system"},
    {"__reduce__": ["evil.module", "f"]}, "evil_module.f", "__import__('evil_module')", "cos\nsystem\n(S'x'\ntR.",
    [10**30], [1, 1], [2**62, 1], -1, 1.5, float("inf"), float("nan"), "finished", [{}], [[1, 2], [3]], 10**5000 // 7,
    "/tmp/evil", "../../evil", {"../../evil": [[1]]}, {"$tensor": "model.0.weight", "stride": [1, 10**6]},
    {"$tensor": "model.0.weight", "stride": "ab"}, {"$tensor": "model.0.weight", "stride": [1, 6]},
)  # fmt: skip


def forged(run: Path, other: Path, seed: int) -> str:
    """Change what a checkpoint holds, or another file of the run, and make every checksum agree with it."""
    draw = random.Random(seed)
    checkpoint = max((run / "checkpoints").iterdir())
    what = draw.choice(["state"] * 8 + ["tensors"] * 4 + ["manifest", "foreign", "source", "run", "files", "files"])
    whole = (run / "manifest.json").exists()
    if what == "files" and whole:
        for path in run.iterdir():
            if path.is_file():
                anew(path, path.read_bytes())
        return forging.forged(run, seed)
    if what in ("state", "files"):
        told = forged_state(checkpoint / "state.json", draw)
    elif what == "tensors":
        told = forged_tensors(draw.choice(sorted(checkpoint.glob("*.safetensors"))), draw)
    elif what == "foreign":
        theirs = max((other / "checkpoints").iterdir())
        name = draw.choice(sorted(path.name for path in theirs.iterdir()))
        (checkpoint / name).unlink(missing_ok=True)
        shutil.copyfile(theirs / name, checkpoint / name)
        told = f"{name} of {other.name}"
    elif what == "source":
        file = next(run.glob("source.*"))
        raw = file.read_bytes()
        anew(file, draw.choice([
            b"specbuild: 1\nname: evil\ninput: [4]\nlayers: [{type: evil_module.Layer}]\n",
            b"!!python/object/apply:os.system [x]", b"[" * 10_000, raw + b"plugins: [evil_module]\n",
            raw.replace(b"AdamW", b"evil_module.AdamW"), raw.replace(b'"p": 0.2', b'"p": 0.3'),
            raw.replace(b"beans.csv", b"/dev/zero"),
        ]))  # fmt: skip
        told = "source"
    elif what == "run":
        anew(
            run / "run.json", draw.choice([b"[]", b'{"id": 1}', b'{"id": "' + b"0" * 32 + b'"}', b'{"id": "../../x"}'])
        )
        told = "run.json"
    else:
        told = "manifest"
    head = {key: value for key, value in sealing.read(checkpoint).items() if key != "files"}
    if what == "manifest":
        told += forging.mutated(head, draw)
    anew(checkpoint / "manifest.json", b"")
    seal(checkpoint, head, draw if what == "manifest" else None)
    if whole:
        content = {key: value for key, value in sealing.read(run).items() if key != "files"}
        (run / "manifest.json").unlink()
        sealing.write(run, content)
    return f"{what}: {told}"


def seal(folder: Path, head: dict[str, Any], draw: random.Random | None) -> None:
    """Write a manifest that agrees with the files; draw: and then is another."""
    sealing.write(folder, head)
    if draw is not None and draw.random() < 0.5:
        content = sealing.read(folder)
        forging.mutated(content, draw)
        try:
            raw = json_bytes({**content, "sha256": sealing.own_digest(content)})
        except ValueError:
            return
        (folder / "manifest.json").write_bytes(raw)


def forged_state(file: Path, draw: random.Random) -> str:
    """Change one to three values of `state.json`."""
    state = json.loads(file.read_bytes())
    told = []
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        root = state[draw.choice(list(state))] if draw.random() < 0.7 else state
        places = list(forging.places_in(root)) or list(forging.places_in(state))
        holder, key, path = draw.choice(places)
        how = draw.choice(["value", "value", "value", "near", "near", "delete", "rename", "deepen", "twice"])
        value = deepcopy(draw.choice(VALUES))
        if how == "near":
            value = near(holder[key], draw)
        if how in ("value", "near"):
            holder[key] = value
        elif how == "delete":
            del holder[key]
        elif how == "rename" and isinstance(holder, dict):
            holder[draw.choice(["x", "__class__", "$tensor", "evil_module", "\x1b[2J", "state"])] = holder.pop(key)
        elif how == "twice" and isinstance(holder, list):
            holder.append(holder[key])
        else:
            for _ in range(draw.choice([1, 40, 900])):
                holder[key] = [holder[key]]
        told.append(f"{how} {path} {str(value)[:60] if not isinstance(value, int) else 'a number'!r}")
    try:
        text = json.dumps(state)
    except (ValueError, RecursionError):
        text = "[" * 100_000
    anew(file, text.encode())
    return "; ".join(told)


def near(value: Any, draw: random.Random) -> Any:
    """A value of the same type, and another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.choice([-1, 1, 2, -100, 10**6, 10**12])
    if isinstance(value, float):
        return draw.choice([0.0, -value, value * 2, 1e30, -1e30, 1e-40])
    if isinstance(value, str):
        return draw.choice([value[::-1], value + "x", value.upper(), value[:-1]])
    if isinstance(value, list):
        return value[:-1] if draw.random() < 0.5 else value + value
    return {} if isinstance(value, dict) else 0


def forged_tensors(file: Path, draw: random.Random) -> str:
    """Change what the header of a file says, or its numbers."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, body = json.loads(raw[8 : 8 + length]), bytearray(raw[8 + length :])
    how = draw.choice(["header", "numbers", "numbers", "dtype", "shape", "numbers"])
    name = draw.choice(sorted(key for key in header if key != "__metadata__"))
    told = f"{file.name} {how} {name}"
    if how == "header":
        told += forging.mutated(header, draw)
    elif how == "dtype":
        same = {"F32": "I32", "I64": "F64", "F64": "I64", "U8": "I8"}
        header[name]["dtype"] = same.get(header[name]["dtype"], "BF16")
    elif how == "shape":
        header[name]["shape"] = draw.choice([[1, *header[name]["shape"]], header[name]["shape"][::-1], [-1], [2**62]])
    else:
        start, end = header[name]["data_offsets"]
        value = draw.choice([0, 0xFF, 0x7F, 0x80, None])
        for index in range(start, end):
            body[index] = draw.randrange(256) if value is None else value
    text = json.dumps(header).encode()
    anew(file, struct.pack("<Q", len(text)) + text + bytes(body))
    return told
