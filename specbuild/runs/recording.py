"""Writing a run: put together in a hidden folder, given its name when it is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.plugged import origins
from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved
from specbuild.runs import environment, golden, manifest, metrics, weights
from specbuild.runs.files import force_to_disk, json_bytes, write_whole
from specbuild.runs.place import Place, unwritable

PREPROCESSING = "preprocessing.json"
SPEC = "spec.json"
OVERRIDES = "overrides.json"


class Recorder:
    """A run that is being written.

    Either `finish` or `discard` ends it. Raises `RunError`: SB505 where the folder is taken, SB506
    where the file system refuses.
    """

    def __init__(self, spec: Spec, plan: Plan, run: Path | None = None) -> None:
        self.spec, self.plan = spec, plan
        self.place = Place.take(spec.name, run)
        self.folder = self.place.partial
        self.preprocessing: dict[str, Any] | None = None
        """What was learned from train's samples to prepare others by."""
        self.epochs = 0
        """Finished epochs that were recorded."""

    def epoch(self, record: metrics.Record) -> None:
        """Add what was measured in an epoch."""
        try:
            metrics.append(self.folder / metrics.NAME, record)
        except OSError as error:
            raise unwritable(error, self.folder) from None
        self.epochs += 1

    def tables(self, tables: Mapping[str, Any]) -> None:
        """Write what metrics measured that is not one number, each into a file under its label."""
        try:
            for label, table in tables.items():
                write_whole(self.folder / f"{label}.json", rows(table))
        except OSError as error:
            raise unwritable(error, self.folder) from None

    def finish(
        self,
        status: manifest.Status,
        state: Mapping[str, torch.Tensor],
        made_with: Mapping[str, Any],
        *,
        last: Mapping[str, torch.Tensor] | None = None,
        reason: str = "",
    ) -> Path:
        """Write all that is not written yet, and give the run its name; returns where it is.

        state: the best weights, by their keys in the `state_dict`. made_with: of `environment`.
        last: the weights of the last finished epoch, where that is not the best. reason: what ended the training.
        """
        try:
            write_whole(self.folder / f"source.{suffix(self.spec)}", source_bytes(self.spec))
            write_whole(self.folder / OVERRIDES, json_bytes(overrides(self.spec)))
            write_whole(self.folder / SPEC, json_bytes(resolved(self.spec, self.plan)))
            if self.preprocessing is not None:
                write_whole(self.folder / PREPROCESSING, json_bytes(self.preprocessing))
            made_with = {**made_with, "plugins": plugins_of(self.spec, self.plan)}
            write_whole(self.folder / environment.NAME, json_bytes(made_with))
            weights.save(weights.untied(state, self.plan), self.folder / weights.NAME)
            if last is not None:
                weights.save(weights.untied(last, self.plan), self.folder / weights.LAST)
            golden.save(model_of(self.plan, state), golden.plan_for(self.spec, self.plan), self.folder / golden.NAME)
            force_to_disk(self.folder / metrics.NAME)
            manifest.write(self.folder, status, reason)
        except OSError as error:
            raise unwritable(error, self.folder) from None
        return self.place.appear()

    def discard(self) -> None:
        """Leave nothing of it."""
        self.place.discard()


class Unrecorded:
    """What a process that trains with others has in place of a recorder: one of them writes."""

    def __init__(self) -> None:
        self.epochs = 0
        """Finished epochs."""

    def epoch(self, record: metrics.Record) -> None:
        """Count an epoch."""
        self.epochs += 1

    def discard(self) -> None:
        """Nothing is there."""


def rows(table: Sequence[Any]) -> bytes:
    """A table as JSON, one row a line."""
    lines = ",\n".join(f"  {json.dumps(row)}" for row in table)
    return f"[\n{lines}\n]\n".encode()


def plugins_of(spec: Spec, plan: Plan) -> dict[str, str]:
    """The types that plug-ins added and the document uses, each with its module."""
    entries: list[Any] = [step.layer for step in plan.layers()]
    entries += spec.losses.values()
    if spec.data is not None:
        for name in spec.data.names():
            entries += [spec.data.dataset_of(name), *spec.data.transforms_of(name)]
    return origins(entries)


def model_of(plan: Plan, state: Mapping[str, torch.Tensor]) -> torch.nn.Sequential:
    """The network on the CPU, in eval mode, its tensors contiguous, with these weights."""
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, and thrown away
        model = build(plan)
    model.load_state_dict({**state, **{tied: state[kept] for tied, kept in plan.tie.items()}})
    return model.eval()


def suffix(spec: Spec) -> str:
    """The source file's ending."""
    return "yaml" if spec.source.format == "yaml" else "json"


def source_bytes(spec: Spec) -> bytes:
    """The document as it came; one that was a dict, as JSON."""
    if spec.source.format == "python":
        return json_bytes(spec.source.tree)
    text: str = spec.source.text
    return text.encode()


def overrides(spec: Spec) -> list[str]:
    """What `--set` put over the document, as `PATH=VALUE`, in order."""
    return [text for _, text in spec.source.overrides]
