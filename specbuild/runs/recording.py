"""Writing a run: what is known at the start, a line an epoch, and all else at the end, the manifest last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from specbuild import __version__
from specbuild.catalogue.plugged import origins
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.bases import Derived
from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved
from specbuild.runs import checkpoints, environment, golden, manifest, metrics, weights
from specbuild.runs.files import force_to_disk, json_bytes, write_whole
from specbuild.runs.finding import SOURCES
from specbuild.runs.place import Place, unwritable

PREPROCESSING = "preprocessing.json"
SAMPLES = "samples.json"
"""What train's samples are: the names of the classes, and the fields before the transforms where they are known."""
SPEC = "spec.json"
OVERRIDES = "overrides.json"
RUN = "run.json"
"""The run's id, and what began it."""
WRITTEN_LAST = (
    SPEC, PREPROCESSING, SAMPLES, environment.NAME, weights.NAME, weights.LAST, golden.NAME,
)  # fmt: skip
"""What a run has only once its training has ended."""


class Recorder:
    """A run that is being written.

    Either `finish`, `leave` or `discard` ends it. Raises `RunError`: SB505 where the folder is taken, SB506
    where the file system refuses.
    """

    def __init__(self, spec: Spec, plan: Plan, run: Path | None = None) -> None:
        """Take a folder, and write down in it what is to be trained."""
        self.spec, self.plan = spec, plan
        self.place = Place.take(spec.name, run)
        self.folder = self.place.folder
        self.id = manifest.new_id()
        self.preprocessing: dict[str, Any] | None = None
        """What was learned from train's samples to prepare others by."""
        self.samples: dict[str, Any] | None = None
        """What train's samples are."""
        self.records: list[metrics.Record] = []
        """What was measured, an epoch each."""
        self.complete = True
        """Whether all of them are in the file."""
        try:
            self.write_source()
        except OSError as error:
            self.discard()
            raise unwritable(error, self.folder) from None

    @classmethod
    def beside(cls, spec: Spec, plan: Plan, place: Place, run_id: str) -> Recorder:
        """Stand beside a run that is there; nothing of it is touched before `again`."""
        self = cls.__new__(cls)
        self.spec, self.plan, self.place, self.folder, self.id = spec, plan, place, place.folder, run_id
        self.preprocessing, self.samples, self.records, self.complete = None, None, [], True
        return self

    def again(self, records: Sequence[metrics.Record], listed: Iterable[str]) -> None:
        """Go on with the run after these epochs. Its manifest goes first, for it is none until it ends again.

        listed: the files that its manifest had; those of its end go too.
        """
        self.records = list(records)
        ended = {name for name in listed if "/" not in name and name not in (RUN, OVERRIDES, metrics.NAME)}
        self.require_files({*WRITTEN_LAST, *ended, RUN, OVERRIDES, metrics.NAME, manifest.NAME})
        try:
            (self.folder / manifest.NAME).unlink(missing_ok=True)
            force_to_disk(self.folder)
            checkpoints.tidy(self.folder)
            for name in {*WRITTEN_LAST, *ended, *SOURCES}:
                (self.folder / name).unlink(missing_ok=True)
            self.write_source()
            self.rewrite()
        except OSError as error:
            raise unwritable(error, self.folder) from None

    def require_files(self, names: Iterable[str]) -> None:
        """Raise `RunError` where a folder is in the place of a file; take away links that stand where we write."""
        for path in self.folder.iterdir():
            if path.is_symlink() and not path.name.startswith("."):
                path.unlink()  # what it points to is not the run's: no picture, no log goes there
            elif path.name in names and path.is_dir():
                fix = "move it elsewhere: it is written again"
                raise RunError([Diagnostic("SB503", f"{path.name} is not a plain file", file=str(path), fix=fix)])

    def write_source(self) -> None:
        """The document as it came."""
        for name, content in self.began().items():
            write_whole(self.folder / name, content)
        force_to_disk(self.folder)

    def sources(self) -> dict[str, str]:
        """The SHA-256 of what was written at the start, by file."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.began().items()}

    def began(self) -> dict[str, bytes]:
        """What is written at the start, by file; first what makes the folder a training's, to be gone on with."""
        return {
            RUN: json_bytes({"id": self.id, "specbuild": __version__}),
            f"source.{suffix(self.spec)}": source_bytes(self.spec),
            OVERRIDES: json_bytes(overrides(self.spec)),
        }

    @property
    def epochs(self) -> int:
        """Finished epochs that were recorded."""
        return len(self.records)

    def epoch(self, record: metrics.Record) -> OSError | None:
        """Add what was measured in an epoch; what kept it from the disk, where something did: it is not lost."""
        self.records.append(record)
        try:
            if self.complete:
                metrics.append(self.folder / metrics.NAME, record)
            else:
                self.rewrite()
        except OSError as error:
            self.complete = False
            return error
        return None

    def rewrite(self) -> None:
        """Write all that was measured."""
        lines = "".join(f"{metrics.rendered(record)}\n" for record in self.records)
        write_whole(self.folder / metrics.NAME, lines.encode())
        self.complete = True

    def finish(
        self,
        status: manifest.Status,
        state: Mapping[str, torch.Tensor],
        made_with: Mapping[str, Any],
        *,
        last: Mapping[str, torch.Tensor] | None = None,
        tables: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Path:
        """Write all that is not written yet, the manifest last; returns where the run is. Can be tried again.

        state: the best weights, by their keys in the `state_dict`. made_with: of `environment`.
        last: the weights of the last finished epoch, where that is not the best. tables: what metrics measured that
        is not one number, by label. reason: what ended the training. Raises `OSError`.
        """
        folder = self.folder
        for label, table in (tables or {}).items():
            write_whole(folder / f"{label}.json", rows(table))
        write_whole(folder / SPEC, json_bytes(resolved(self.spec, self.plan)))
        if self.preprocessing is not None:
            write_whole(folder / PREPROCESSING, json_bytes(self.preprocessing))
        if self.samples is not None:
            write_whole(folder / SAMPLES, json_bytes(self.samples))
        made_with = {**made_with, "plugins": plugins_of(self.spec, self.plan)}
        write_whole(folder / environment.NAME, json_bytes(made_with))
        weights.save(weights.untied(state, self.plan), folder / weights.NAME)
        if last is not None:
            weights.save(weights.untied(last, self.plan), folder / weights.LAST)
        golden.save(model_of(self.plan, state), golden.plan_for(self.spec, self.plan), folder / golden.NAME)
        if not self.complete:
            self.rewrite()
        force_to_disk(folder / metrics.NAME)
        force_to_disk(folder)
        manifest.write(folder, status, reason, self.id)
        force_to_disk(folder)
        return self.place.settle()

    def leave(self) -> Path:
        """Let go of the folder as it is: a training that was not finished."""
        return self.place.settle()

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

    def leave(self) -> None:
        """Nothing is there."""

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
    return "yaml" if spec.source.format == "yaml" and not isinstance(spec.source, Derived) else "json"


def source_bytes(spec: Spec) -> bytes:
    """The document as it came; as JSON one that was a dict, and one together with the base that it builds on."""
    if isinstance(spec.source, Derived):
        return json_bytes(spec.source.whole)
    if spec.source.format == "python":
        return json_bytes(spec.source.tree)
    text: str = spec.source.text
    return text.encode()


def overrides(spec: Spec) -> list[str]:
    """What `--set` put over the document, as `PATH=VALUE`, in order."""
    return [text for _, text in spec.source.overrides]
