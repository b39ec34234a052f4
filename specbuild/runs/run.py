"""A run directory, read back."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from specbuild.catalogue.plugged import PLUGGED
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.language.loading import load
from specbuild.network.inference import infer
from specbuild.network.plan import Plan
from specbuild.runs import environment, golden, manifest, metrics
from specbuild.runs import weights as stored
from specbuild.runs.recording import PREPROCESSING, SPEC, model_of

Which = Literal["best", "last"]
"""An epoch's weights: those of the best one, or of the last one."""


@dataclass(frozen=True, slots=True)
class Run:
    """A training that was written down: what it was told, what it measured, and the model it made."""

    path: Path
    status: manifest.Status
    """`finished`, `interrupted` by a signal, or `failed`: ended early by an error."""
    spec: Spec
    """The document as it was resolved: nothing left to default or infer."""
    plan: Plan
    model: torch.nn.Sequential
    """The network with its best weights, or its last, on the CPU, in eval mode."""
    metrics: tuple[dict[str, Any], ...]
    """What was measured, an epoch each."""
    environment: dict[str, Any]
    """What it was made with."""
    verdict: str
    """What `reload` proved, in words."""
    reason: str = ""
    """What ended the training, in words: `all 10 epochs`, `stopped early at epoch 7: ...`."""
    weights: Which = "best"
    """The epoch that the model is of."""
    preprocessing: dict[str, Any] | None = None
    """What was learned from train's samples to prepare others by: means, categories, a vocabulary."""

    @property
    def best(self) -> dict[str, Any]:
        """The epoch whose weights were kept: its number and its losses and metrics."""
        kept = [record for record in self.metrics if record.get("best")][-1]
        measured = {name: value for name, value in kept.items() if name.startswith(("train_", "val_"))}
        return {"epoch": kept["epoch"], **measured}


def reload(run: str | os.PathLike[str], weights: Which = "best") -> Run:
    """Read a run directory, and prove that what it gives is what was written.

    Every file is held against the manifest's SHA-256, the weights against the network, and the
    output of the best weights against the recorded one. Raises `RunError`: SB501 no run, SB502 a missing file,
    SB503 an altered one, SB504 another output.
    """
    path = Path(run)
    listed = manifest.verify(path)
    recorded = read_object(path / environment.NAME)
    require_plugins(path, recorded)
    spec = load(path / SPEC)
    plan = infer(spec)
    model = model_of(plan, stored.load(path / stored.NAME, stored.expected(plan)))
    measured = metrics.read(path / metrics.NAME)
    if not any(record.get("best") for record in measured):
        file = path / metrics.NAME
        raise RunError([Diagnostic("SB503", f"{file.name} has no best epoch", file=str(file))])
    changed = environment.differences(recorded)
    difference = golden.prove(model, golden.plan_for(spec, plan), path / golden.NAME, same_machine=not changed)
    if weights == "last" and stored.LAST in listed.files:
        model = model_of(plan, stored.load(path / stored.LAST, stored.expected(plan)))
    told = verdict(difference, changed)
    learned = read_object(path / PREPROCESSING) if PREPROCESSING in listed.files else None
    return Run(path, listed.status, spec, plan, model, measured, recorded, told, listed.reason, weights, learned)


def require_plugins(path: Path, recorded: dict[str, Any]) -> None:
    """SB507 for a run whose plug-ins are not loaded."""
    plugins = recorded.get("plugins", {})
    missing = {name: module for name, module in plugins.items() if name not in PLUGGED}
    if missing:
        types = ", ".join(f"{name} of {module}" for name, module in missing.items())
        options = " ".join(f"--plugin {module}" for module in dict.fromkeys(missing.values()))
        message = f"it was made with plug-ins that are not loaded: {types}"
        raise RunError([Diagnostic("SB507", message, file=str(path), fix=f"{options}, if you trust it")])


def verdict(difference: float, changed: list[str]) -> str:
    """What was proven, in words."""
    if difference == 0:
        return "verified: every file has its SHA-256, and the outputs are equal bit for bit"
    return (
        "verified: every file has its SHA-256, and the outputs differ by at most "
        f"{difference:.2g} ({', '.join(changed)})"
    )


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RunError([Diagnostic("SB503", f"{path.name} is not a JSON object", file=str(path))])
    return content
