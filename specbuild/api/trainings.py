"""A training, and what comes before it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specbuild.api.documents import Document, load
from specbuild.api.runs import reload
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.source import Source
from specbuild.network.inference import infer as infer_plan

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from specbuild.reports.preview import Preview
    from specbuild.runs.run import Run
    from specbuild.training.loop import Reporter
    from specbuild.training.rehearsing import Rehearsal
    from specbuild.training.world import World


def train(
    document: Document | None,
    overrides: Iterable[str] = (),
    *,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
    report: Reporter | None = None,
    pictures: bool = False,
    signals: Iterable[int] = (),
) -> Run:
    """Train the network and return its finished run.

    run: the folder to make; by default `runs/<name>/<next number>`.
    resume: go on with the training in `run`, by default the newest of that name, from its newest checkpoint that is
    whole; where there is none yet, begin. The document may be None then: that of the run.
    device: `auto`, `cpu`, `cuda` or `mps`; by default what the document says.
    data_root: what relative paths of the data are relative to, instead of the working directory.
    train, val: data sets of one's own, of `(input, target)` or of dicts of fields.
    pictures: whether curves, a confusion matrix and the worst mistakes are left in the run, where there is a val.
    signals: more of them that end it as SIGTERM does.
    Raises `SpecError`, `DataError` or `RunError`; and `Interrupted`, a `KeyboardInterrupt`, where a signal ended it.
    """
    written = trained(
        document, overrides, run=run, resume=resume, device=device, data_root=data_root, train=train, val=val,
        report=report, pictures=pictures, signals=signals,
    )  # fmt: skip
    assert written is not None, "who trains alone writes the run"
    return reload(written)


def trained(
    document: Document | None,
    overrides: Iterable[str] = (),
    *,
    world: World | None = None,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
    report: Reporter | None = None,
    pictures: bool = False,
    signals: Iterable[int] = (),
) -> Path | None:
    """`train` as one of the processes of a world; where the run is, in the one that wrote it."""
    from specbuild.training import loop

    if document is None:
        document = document_of(run) if resume else None
        if document is None:
            raise TypeError("a training needs a document, unless it goes on with a run")
        own = document.tree.get("data") is None and train is None
        if own and run is not None:
            message = "was trained with data sets that were given from Python, which it does not hold"
            fix = "give them again: specbuild.train(None, train=..., val=..., run=..., resume=True)"
            raise RunError([Diagnostic("SB510", message, file=os.fspath(run), fix=fix)])
    spec = load(document, overrides)
    if (pictures or spec.train.tensorboard) and (world is None or world.writer):
        from specbuild.reports.observing import observed

        report = observed(spec, report or loop.Silent(), pictures=pictures)
    return loop.trained(
        spec,
        infer_plan(spec),
        world=world,
        run=run,
        resume=resume,
        device=device,
        data_root=data_root,
        train=train,
        val=val,
        report=report,
        signals=signals,
    )


def document_of(run: str | os.PathLike[str] | None) -> Source | None:
    """The document that a run was trained by, with its overrides; None without a run. Raises `RunError`."""
    if run is None:
        return None
    from specbuild.training.resuming import document_of

    return document_of(Path(run))


def dry_run(
    document: Document,
    overrides: Iterable[str] = (),
    *,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
) -> Rehearsal:
    """Everything of `train` but the training: a few batches are learned from and timed; nothing is written.

    `str` of what it returns is what `specbuild train --dry-run` prints. Arguments and errors are those of `train`.
    """
    from specbuild.training.rehearsing import rehearse

    spec = load(document, overrides)
    return rehearse(spec, infer_plan(spec), device=device, data_root=data_root, train=train, val=val)


def preview(
    document: Document,
    overrides: Iterable[str] = (),
    *,
    count: int = 32,
    output: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> Preview:
    """The first training samples of the first epoch, as the network will get them: a picture, or text.

    output: the PNG that is written, if it is a picture. Raises `SpecError` or `DataError`.
    """
    from specbuild.reports.preview import preview as preview_of
    from specbuild.training.loop import first_samples

    spec = load(document, overrides)
    found = preview_of(spec, first_samples(spec, infer_plan(spec), data_root), count)
    if found.picture is not None and output is not None:
        try:
            found.picture.save(output, "PNG")
        except OSError as error:
            message = f"cannot be written: {error.strerror or error}"
            raise RunError([Diagnostic("SB506", message, file=os.fspath(output))]) from None
    return found
