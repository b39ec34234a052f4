"""From a graph to a spec: its document, its repeats and blocks, its `init`, and the proof that it is the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecError
from specbuild.importing.beginning import parameters_with, rules
from specbuild.importing.comparing import same_plan
from specbuild.importing.documents import document, reduced
from specbuild.importing.graph import Filling, Graph
from specbuild.importing.normalizing import Unsayable, normalized
from specbuild.importing.proving import Trial, prove
from specbuild.importing.structure import folded, unfolded
from specbuild.importing.writing import as_json, as_yaml
from specbuild.language.document import Spec
from specbuild.language.loading import load
from specbuild.network.inference import infer
from specbuild.network.plan import Plan


@dataclass(frozen=True)
class Original:
    """What a graph was made of, as far as the proof needs it."""

    state: Mapping[str, Tensor]
    """Its `state_dict`."""
    inputs: Mapping[str, Tensor]
    """What it was run on."""
    outputs: Mapping[str, Tensor]
    """What it gave, in the order of the graph's outputs."""
    watch: Callable[[], Mapping[str, Tensor]] | None = None
    """Gives the output of each of its modules by qualified name, in the order that they end."""
    more: tuple[Trial, ...] = ()
    """Further runs, on batches of other sizes."""
    near: bool = False
    """Whether other kernels than torch's ran it: outputs are then equal within a tolerance."""


@dataclass(frozen=True)
class Imported:
    """A model as a spec, proven to be the same."""

    tree: Mapping[str, Any]
    """The document as plain values."""
    text: str
    """The document as YAML."""
    spec: Spec
    plan: Plan
    network: nn.Sequential
    """What the spec builds, with the model's weights, in eval mode."""
    proof: str
    """What was found of its outputs: `outputs bit-equal on a batch of 2`."""

    @property
    def json(self) -> str:
        """The document as JSON."""
        return as_json(self.tree)

    def save(self, path: Path | str) -> None:
        """Write the document, as JSON where the name ends so. Raises `RunError` (SB506)."""
        from specbuild.runs.files import write_whole

        path = Path(path)
        try:
            write_whole(path, (self.json if path.suffix == ".json" else self.text).encode())
        except OSError as error:
            raise RunError([unwritable(path, error)]) from None

    def save_weights(self, path: Path | str) -> None:
        """Write the weights as safetensors, a tied one once. Raises `RunError` (SB506)."""
        from specbuild.runs import weights

        path = Path(path)
        try:
            weights.save(weights.untied(self.network.state_dict(), self.plan), path)
        except OSError as error:
            raise RunError([unwritable(path, error)]) from None


def unwritable(path: Path, error: OSError) -> Diagnostic:
    """SB506 for a file."""
    return Diagnostic("SB506", f"cannot be written: {error.strerror or error}", file=str(path))


def finished(graph: Graph, original: Original) -> Imported:
    """The spec of a graph. Raises `RunError` (SB516) for what a spec cannot say, and where the proof fails."""
    try:
        normalized(graph.scope)
    except Unsayable as fact:
        raise RunError([Diagnostic("SB516", f"{fact.name or 'the model'}: {fact.message}")]) from None
    marked = document(graph)
    try:
        plan = infer(load(unfolded(marked)))
    except SpecError as error:
        raise RunError([Diagnostic("SB516", found.text, fix=found.fix) for found in error.diagnostics]) from None
    reduced(marked["layers"], plan.steps)
    begin(marked, plan, graph.init)
    tree = structured(marked)
    claim = "outputs as ONNX Runtime's" if original.near else "keys and outputs equal"
    text = as_yaml(tree, f"{graph.comment} {plan.parameters():,} parameters, {claim}.")
    spec = load(text)
    plan = infer(spec)
    proof = prove(plan, original)
    return Imported(tree, text, spec, plan, proof.network, proof.words)


def begin(marked: dict[str, Any], plan: Plan, fillings: Mapping[str, Filling]) -> None:
    """Write how parameters begin."""
    own = parameters_with(plan, fillings)

    def put(layers: list[dict[str, Any]], prefix: str) -> None:
        from specbuild.importing.writtens import effective_names

        for entry, name in zip(layers, effective_names(layers), strict=True):
            if f"{prefix}{name}" in own:
                entry["init"] = own[f"{prefix}{name}"]
            if "layers" in entry:
                put(entry["layers"], f"{prefix}{name}.")

    put(marked["layers"], "")
    said = rules(plan, fillings)
    if said:
        marked["init"] = said


def structured(marked: Mapping[str, Any]) -> dict[str, Any]:
    """The document with repeats and blocks, whose plan is that of the one without; else the one without."""
    plain = unfolded(marked)
    wanted = infer(load(plain))
    for optional in (True, False):
        found = folded(marked, optional=optional)
        try:
            if same_plan(wanted, infer(load(found))):
                return found
        except SpecError:
            continue
    return plain
