"""A run directory, read back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch

from specbuild.catalogue.plugged import PLUGGED
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.budgets import MAX_BYTES
from specbuild.language.decoding import shown_name
from specbuild.language.document import Spec
from specbuild.language.loading import alone, load
from specbuild.language.source import Source, from_dict, read_bytes
from specbuild.network.cost import in_bytes, memory_here, memory_of
from specbuild.network.inference import infer
from specbuild.network.plan import Plan, outcome_of
from specbuild.runs import environment, golden, manifest, metrics, migration
from specbuild.runs import weights as stored
from specbuild.runs.reading import read, read_object, wrong
from specbuild.runs.recording import PREPROCESSING, SAMPLES, SPEC, model_of

if TYPE_CHECKING:
    from specbuild.predicting.prediction import Predictions

Which = Literal["best", "last"]
"""An epoch's weights: those of the best one, or of the last one."""
Predictor: TypeAlias = "Callable[..., Predictions]"


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
    """The network with its best weights, or its last, in eval mode; on the CPU, or on the device that was asked for."""
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
    id: str = ""
    """The run's own: 32 hexadecimal digits."""
    differences: tuple[str, ...] = ()
    """What differs here from what it was made with, and may change the outputs' last bits: `torch 2.6.0 → 2.7.0`."""
    largest_difference: float = 0.0
    """Of the outputs from the recorded ones."""
    tolerance: float = 0.0
    """What the outputs may differ by; 0 where they must be equal bit for bit."""
    samples: dict[str, Any] | None = None
    """What train's samples were: the names of the classes, the fields before the transforms; None in older runs."""
    predictor: Predictor | None = field(default=None, repr=False, compare=False)
    """What `predict` calls: predicting lies above runs, so `specbuild.reload` hands it in."""

    def predict(
        self,
        inputs: Any,
        *,
        top_k: int = 5,
        batch_size: int | None = None,
        device: str | None = None,
        on_error: Literal["fail", "skip"] = "fail",
    ) -> Predictions:
        """What the model says of inputs, as `specbuild.predict` does; its arguments, its result, its errors."""
        if self.predictor is None:
            raise TypeError("only a run that `specbuild.reload` gave can predict")
        return self.predictor(self, inputs, top_k=top_k, batch_size=batch_size, device=device, on_error=on_error)

    @property
    def labels(self) -> list[str] | None:
        """The names of the classes, in the order of their numbers; None where the run has none."""
        known = (self.samples or {}).get("classes")
        named = isinstance(known, list) and all(isinstance(name, str) for name in known)
        return known if named else None

    @property
    def best(self) -> dict[str, Any]:
        """The epoch whose weights were kept: its number and its losses and metrics."""
        kept = [record for record in self.metrics if record.get("best")][-1]
        measured = {name: value for name, value in kept.items() if name.startswith(("train_", "val_"))}
        return {"epoch": kept["epoch"], **measured}


def reload(run: str | os.PathLike[str], weights: Which = "best", device: torch.device | None = None) -> Run:
    """Read a run directory, and prove that what it gives is what was written.

    Every file is held against the manifest's SHA-256, the weights against the network, and the
    output of the best weights against the recorded one. Raises `RunError`: SB501 no run, SB502 a missing file,
    SB503 an altered one, SB504 another output, SB507 a missing plug-in; SB311 a network that does not fit into
    memory; and `SpecError` for a document that is wrong.

    device: where the proof is made too, after the CPU, and where the model then is.
    """
    path = Path(run)
    listed = manifest.verify(path)
    recorded = environment.read(path)
    require_plugins(path, recorded)
    measured = metrics.read(path / metrics.NAME)
    if not any(record.get("best") for record in measured):
        raise wrong(path / metrics.NAME, f"{metrics.NAME} has no best epoch")
    learned = read_object(path, PREPROCESSING) if PREPROCESSING in listed.files else None
    samples = read_object(path, SAMPLES) if SAMPLES in listed.files else None
    spec = load(alone(document_of(path, listed.format)))
    plan = infer(spec)
    proven = golden.plan_for(spec, plan)
    tensors = stored.load(path / stored.NAME, stored.expected(plan))
    require_memory(path, plan, proven)
    model = model_of(plan, tensors)
    changed = environment.differences(recorded)
    proof = golden.prove(model, proven, path / golden.NAME, same_machine=not changed)
    if device is not None:
        proof = golden.prove(model.to(device), proven, path / golden.NAME, same_machine=not changed, device=device)
        changed += environment.moved(recorded, device)
    if weights == "last" and stored.LAST in listed.files:
        model = model_of(plan, stored.load(path / stored.LAST, stored.expected(plan))).to(device or golden.CPU)
    return Run(
        path, listed.status, spec, plan, model, measured, recorded, verdict(proof, changed, device), listed.reason,
        weights, learned, listed.id, tuple(changed), proof.difference, proof.allowed, samples,
    )  # fmt: skip


def document_of(path: Path, version: int) -> Source:
    """The resolved document of a run of format `version`, brought up to date."""
    source = read_bytes(read(path, SPEC, MAX_BYTES), shown_name(str(path / SPEC)), "json")
    current = migration.document(source.tree, version)
    return source if current is source.tree else from_dict(current, source.name)


def require_memory(path: Path, plan: Plan, proven: Plan) -> None:
    """SB311 for a network that does not fit into memory: tied weights are built, too, and what flows is not in a file.

    proven: the plan of the fixed input.
    """
    outcomes = [outcome_of(step) for step in plan.layers()]
    built = sum(int(storage.bytes) for one in outcomes for storage in (*one.parameters.values(), *one.buffers.values()))
    needed, available = built + golden.BATCH * memory_of(proven).flowing, memory_here()
    if available is not None and needed > available:
        message = f"proving it takes {in_bytes(needed)}, but this machine has {in_bytes(available)}"
        raise RunError([Diagnostic("SB311", message, file=str(path / SPEC), fix="reload it on a larger machine")])


def require_plugins(path: Path, recorded: dict[str, Any]) -> None:
    """SB507 for a run whose plug-ins are not loaded."""
    plugins = recorded.get("plugins", {})
    missing = {name: module for name, module in plugins.items() if name not in PLUGGED}
    if missing:
        types = ", ".join(f"{name} of {module}" for name, module in missing.items())
        options = " ".join(f"--plugin {module}" for module in dict.fromkeys(missing.values()))
        message = f"it was made with plug-ins that are not loaded: {types}"
        raise RunError([Diagnostic("SB507", message, file=str(path), fix=f"{options}, if you trust it")])


def verdict(proof: golden.Proof, changed: list[str], device: torch.device | None) -> str:
    """What was proven, in words."""
    outputs = "the outputs" if device is None else f"the outputs on {device}"
    if proof.difference == 0:
        words = f"{outputs} are equal bit for bit"
    else:
        words = f"{outputs} differ by at most {proof.difference:.2g}, of {proof.allowed:.2g} allowed"
    because = f" ({', '.join(changed)})" if changed else ""
    return f"verified: every file has its SHA-256, and {words}{because}"
