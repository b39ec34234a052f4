"""What `verify`, `reload` and `--resume` make of a damaged run, held against what they should."""

from __future__ import annotations

import shutil
from pathlib import Path

from specbuild.api import reload, train, verify
from specbuild.errors import RunError, SpecbuildError
from specbuild.training import resuming
from tests.damage.drawing import Damage, damaged
from tests.damage.making import Watching, linked

MANIFEST = "manifest.json"


def fault_of(template: Path, other: Path, place: Path, seed: int, *, resumed: bool, bits: Path) -> tuple[str, str]:
    """What was done to a copy of a run, and what is not as it should be then.

    resumed: go on with it, too, and hold the weights against those of a training that was not stopped, in `bits`.
    """
    run = linked(template, place)
    damage = damaged(run, other, seed)
    try:
        faults = [*of_verify(run, damage), *of_reload(run, damage), *of_resume(run, damage, bits, resumed=resumed)]
    except Exception as error:  # each is a finding
        faults = [f"{type(error).__name__}: {str(error)[:300]}"]
    shutil.rmtree(run)
    return f"{template.name} {seed}: {damage.told}: {', '.join(damage.changed)}", "; ".join(faults)


def wanted(damage: Damage) -> list[str]:
    """The files that must be named: of a folder whose manifest is worth nothing that one alone."""
    folders = {name.rpartition("/")[0] for name in damage.changed if name.rpartition("/")[2] == MANIFEST}
    if "" in folders:
        return [MANIFEST]
    return [
        name for name in damage.changed if name.rpartition("/")[0] not in folders or name.rpartition("/")[2] == MANIFEST
    ]


def of_verify(run: Path, damage: Damage) -> list[str]:
    """What `verify` does not name."""
    names = [file.name for file in verify(run).faults]
    if damage.changed == (MANIFEST,) and not (run / MANIFEST).is_symlink() and not (run / MANIFEST).exists():
        return []  # a training that was killed before it was written is no other
    return [
        f"verify does not name {name}, but {names}"
        for name in wanted(damage)
        if not any(f"{each}/".startswith(f"{name}/") or f"{name}/".startswith(f"{each}/") for each in names)
    ]


def of_reload(run: Path, damage: Damage) -> list[str]:
    """What `reload` does not name, or that it loads it."""
    try:
        reload(run)
    except RunError as error:
        text = " ".join(f"{problem.message} {problem.file}" for problem in error.diagnostics)
        if MANIFEST in text and (MANIFEST in damage.changed or "has no manifest" in text):
            return []
        return [f"reload does not name {name}: {text}" for name in wanted(damage) if not mentioned(name, text)]
    return ["reload loads it"]


def mentioned(name: str, text: str) -> bool:
    """Whether a file is named, or the folder that is missing or no folder."""
    parts = name.split("/")
    return any("/".join(parts[:count]) in text for count in range(2 if len(parts) > 2 else 1, len(parts) + 1))


def of_resume(run: Path, damage: Damage, bits: Path, *, resumed: bool) -> list[str]:
    """What `--resume` does not name; and where it goes on, whether it ends in the right bits."""
    faults: list[str] = []
    source = next((name for name in damage.changed if name.startswith(("source.", "overrides"))), None)
    text, refused = "", False
    try:
        if source is not None and MANIFEST not in damage.changed:
            resuming.document_of(run)
            faults.append(f"resume takes {source}")
    except SpecbuildError as error:
        text, refused = told(error), True
    try:
        found = resuming.find(run)
        text += " ".join(found.notes)
        if found.checkpoint is not None and any(
            name.startswith(f"checkpoints/{found.checkpoint.name}/") for name in damage.changed
        ):
            faults.append(f"resume goes on from {found.checkpoint.name}")
    except RunError as error:
        text, refused = text + told(error), True
    absent = not (run / MANIFEST).is_symlink() and not (run / MANIFEST).exists()
    for name in wanted(damage):
        if name == MANIFEST and absent:
            continue
        parts = name.split("/")
        if parts[0] != "checkpoints":
            parts = parts[:1]  # a folder in the place of a file
        if not (parts[-1] in text or (len(parts) > 2 and f"checkpoint {parts[1]}" in text)):
            faults.append(f"resume does not name {name}: {text}")
        elif len(parts) > 2 and parts[1] not in text:
            faults.append(f"resume does not name {parts[1]}: {text}")
    if resumed and not refused and not faults:
        faults += of_training(run, bits)
    return faults


def told(error: SpecbuildError) -> str:
    """What an error says."""
    return " ".join(f"{problem.message} {problem.file}" for problem in error.diagnostics)


def of_training(run: Path, bits: Path) -> list[str]:
    """Go on, and see where it ends."""
    report = Watching()
    try:
        train(None, run=run, resume=True, data_root=bits.parent, report=report)
    except RunError as error:
        if any(
            said in told(error) for said in ("is not a plain file", "is not in the manifest")
        ):  # not for us to remove
            return []
        return [f"the training that goes on fails: {told(error)}"]
    if not report.notes:
        return ["the training that goes on says nothing"]
    names = ("model.safetensors", "last.safetensors", "golden.safetensors", "spec.json", "confusion_matrix.json")
    return [f"{name} is another" for name in names if (run / name).read_bytes() != (bits / name).read_bytes()]
