"""The public functions. Each takes a document as a path, a text, a dict, or a loaded `Spec`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecbuildError, SpecError
from specbuild.language.document import Spec
from specbuild.language.loading import load as load_document
from specbuild.language.sections import SplitName
from specbuild.language.source import Source
from specbuild.network.checking import judge
from specbuild.network.inference import infer as infer_plan
from specbuild.network.plan import Plan

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.data import Dataset

    from specbuild.exporting.export import Export
    from specbuild.importing.finishing import Imported
    from specbuild.importing.state_dicts import Converted
    from specbuild.language.fixing import Fixed
    from specbuild.network.difference import Difference
    from specbuild.predicting.predicting import Network, OnError
    from specbuild.predicting.prediction import Predictions
    from specbuild.predicting.reading import Inputs
    from specbuild.reports.explanation import Explanation
    from specbuild.reports.preview import Preview
    from specbuild.runs.cleaning import Cleaning
    from specbuild.runs.comparing import Comparison
    from specbuild.runs.listing import Listed
    from specbuild.runs.run import Run
    from specbuild.runs.verifying import Verification
    from specbuild.training.loop import Reporter
    from specbuild.training.rehearsing import Rehearsal
    from specbuild.training.world import World

Document = str | os.PathLike[str] | Mapping[str, Any] | Source | Spec
"""A path, a text (one with a line break, or that begins with `{`), a dict, or what `load` returned."""


def load(document: Document, overrides: Iterable[str] = ()) -> Spec:
    """The validated document; raises `SpecError` with everything that is wrong with its form.

    overrides: texts such as `layers.conv1.out_channels=64`, as `--set` takes them.
    """
    return document if isinstance(document, Spec) else load_document(document, overrides)


def check(
    document: Document,
    overrides: Iterable[str] = (),
    *,
    data: bool = False,
    data_root: str | os.PathLike[str] | None = None,
) -> tuple[Diagnostic, ...]:
    """All that is wrong with a document, in the order it is written; empty if nothing is.

    Judges form, shapes, the loss and what is known of the data without touching it. Imports no torch.

    data: whether the sources of `weights` and the splits are opened, too, and held against the network; of files and
    runs that weights come from the header is read. data_root: what relative paths of the data are relative to.
    """
    if not data:
        return judge(document, overrides)
    try:
        spec = load(document, overrides)
    except SpecError as error:
        return error.diagnostics
    found = judge(spec)
    if any(diagnostic.severity == "error" for diagnostic in found):
        return found
    from specbuild.runs.transfer import held

    plan = infer_plan(spec)
    try:
        held(spec, plan, verified=False)
        if spec.data is not None:
            from specbuild.training.loop import looked_at

            looked_at(spec, plan, data_root)
    except SpecbuildError as error:
        return (*found, *error.diagnostics)
    return found


def fix(document: str | os.PathLike[str] | Source) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of a document with every mistake mended whose mend is certain, and what is still wrong with it.

    Comments and layout stay. Writes nothing. Raises `SpecError` for a file that cannot be read as text.
    """
    from specbuild.language.source import text_of

    fixed = mend(*text_of(document))
    return fixed.text, fixed.diagnostics


def mend(text: str, name: str) -> Fixed:
    """A text with all that is certain mended, what was mended and what remains; name: as diagnostics show it."""
    from specbuild.language.fixing import fixed

    return fixed(text, name, judge)


def formatted(text: str, name: str = "<text>") -> str:
    """A document's text in its settled form; what it means and its comments stay. Raises `SpecError`.

    name: as diagnostics show it; `.json`, `.yaml` or `.yml` says what it is read as.
    """
    from specbuild.formatting.formatting import formatted as made

    return made(text, name)


def explain(code: str) -> Explanation:
    """What a diagnostic's code means, with an example; `str` of it is what `specbuild explain` prints.

    Raises `ValueError` for a code that is not there. Imports no torch.
    """
    from specbuild.reports.explanation import explanation_of

    return explanation_of(code)


def infer(document: Document, overrides: Iterable[str] = ()) -> Plan:
    """The plan: every layer with its types, parameters and cost. Raises `SpecError`. Imports no torch."""
    return infer_plan(load(document, overrides))


def diff(a: Document, b: Document) -> Difference:
    """What changed in meaning from one document to another; false if nothing did. Imports no torch.

    Raises `SpecError` with what is wrong with either of them.
    """
    from specbuild.network.difference import difference

    problems: list[Diagnostic] = []
    found: list[tuple[Spec, Plan]] = []
    for document in (a, b):
        try:
            spec = load(document)
            found.append((spec, infer_plan(spec)))
        except SpecError as error:
            problems += error.diagnostics
    if problems:
        raise SpecError(problems)
    (old, old_plan), (new, new_plan) = found
    return difference(old, old_plan, new, new_plan)


def build(document: Document | Plan, overrides: Iterable[str] = ()) -> nn.Sequential:
    """The network as a plain `nn.Sequential` of named layers, with torch's own initial weights, or the document's.

    Raises `SpecError`, also (SB311) for weights that are larger than this machine's memory; and `DataError` for a
    source of `weights` that cannot be read (SB517) or does not fit (SB416). A Plan has no such sources.
    """
    from specbuild.network.compile import build as build_plan
    from specbuild.network.cost import memory_here, require_memory

    if isinstance(document, Plan):
        require_memory(document, memory_here())
        return build_plan(document)
    spec = load(document, overrides)
    plan = infer_plan(spec)
    try:
        require_memory(plan, memory_here())
    except SpecError as error:
        raise SpecError(spec.place(error.diagnostics)) from None
    network = build_plan(plan, spec)
    if spec.weights:
        from specbuild.runs.taking import take
        from specbuild.runs.transfer import held

        take(network, held(spec, plan))
    return network


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


def evaluate(
    run: str | os.PathLike[str] | Run,
    split: SplitName = "test",
    *,
    weights: Literal["best", "last"] = "best",
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Loss and metrics of a run on one of its splits: `train`, `val` or `test`; None is what is not defined.

    weights: the best epoch's, or the last one's; a `Run` has the weights that it was reloaded with.
    """
    from specbuild.training.evaluation import evaluate as evaluate_run

    return evaluate_run(
        reload(run, weights) if isinstance(run, (str, os.PathLike)) else run, split, device=device, data_root=data_root
    )


def reload(run: str | os.PathLike[str], weights: Literal["best", "last"] = "best", device: str | None = None) -> Run:
    """A run as it was written: spec, plan, model with its best weights, or those of its last epoch, metrics.

    Every file is held against the manifest, and the model's output against the recorded one. With the torch, CPU
    capability, threads and machine that wrote it the bits are the same; else the outputs may differ by a thousandth
    of the largest, and what differs is said.
    Raises `RunError` and names the file that is missing or was altered.

    device: auto, cpu, cuda or mps; where the model is put, once its output there is proven as well. By default the CPU.
    """
    from specbuild.runs.run import reload as reload_run

    if device is None:
        return replace(reload_run(run, weights), predictor=predict)
    from specbuild.training.device import named

    return replace(reload_run(run, weights, named(device)), predictor=predict)


def predict(
    run: str | os.PathLike[str] | Run,
    inputs: Inputs,
    *,
    top_k: int = 5,
    batch_size: int | None = None,
    weights: Literal["best", "last"] = "best",
    device: str | None = None,
    on_error: OnError = "fail",
) -> Predictions:
    """What a trained network says of inputs, each prepared as the samples of the validation.

    run: a run, or an exported ONNX file, which takes ONNX Runtime and no torch.
    inputs: a path or several: images, folders of them, `.npz`, `.npy`, and CSV, Parquet or texts where the run was
    trained on those; or arrays and tensors whose first axis counts the samples, several inputs in a dict by name.
    top_k: how many classes are told of each. batch_size: by default that of the validation.
    weights: of which epoch; a `Run` has the weights that it was reloaded with.
    on_error: `fail` raises `RunError` with every input that cannot be used (SB513), `skip` leaves those out and
    has them in `failed`. Raises `RunError` (SB514) where the run, or the file, cannot be predicted with.
    """
    from specbuild.predicting.predicting import predictions

    network = predictor(run, weights=weights, device=device)
    return predictions(network, inputs, top_k=top_k, batch_size=batch_size, on_error=on_error)


def predictor(
    run: str | os.PathLike[str] | Run, *, weights: Literal["best", "last"] = "best", device: str | None = None
) -> Network:
    """What predicts with a run, or with an exported ONNX file; arguments and errors are those of `predict`."""
    if isinstance(run, (str, os.PathLike)):
        path = Path(run).expanduser()
        if path.suffix.lower() == ".onnx":
            from specbuild.predicting.onnx_model import OnnxNetwork

            return OnnxNetwork(path, device)
        run = reload(path, weights)
    from specbuild.predicting.running import RunNetwork

    return RunNetwork(run, device)


def export(
    document: Document | Run,
    to: str,
    output: str | os.PathLike[str] | None = None,
    overrides: Iterable[str] = (),
    *,
    weights: Literal["best", "last"] = "best",
    opset: int | None = None,
    training: bool = False,
    force: bool = False,
) -> Export:
    """Write a network for use where specbuild is not installed, and hold what the file gives against the network.

    document: a run's folder, a `Run`, whose weights are those that it was reloaded with, or a document; a network
    that was not trained has the weights that training would begin with, under `train.seed`.
    to: `python`, `onnx`, `torch` (a torch.export program), `safetensors` or `pth` (a plain `state_dict`).
    output: the file; by default the document's name in the working directory, with the format's ending.
    weights: of a run's folder, the best epoch's or the last one's. opset: of ONNX. training: whether Python source
    also has data, loss, optimizer and loop. force: whether a file that is there is written over.
    Raises `SpecError` or `RunError`: SB506 what cannot be written, SB511 a file that gives another output, which
    is then not there, SB512 what the format cannot express.
    """
    from specbuild.exporting import export as exporting
    from specbuild.exporting.subject import of_run, of_spec
    from specbuild.runs.run import Run as Reloaded

    if isinstance(document, (str, os.PathLike)) and os.path.isdir(document):
        document = reload(document, weights)
    if isinstance(document, Reloaded):
        if overrides := [*overrides]:
            message = f"a run is exported as it was trained, not with --set {overrides[0]}"
            raise RunError([Diagnostic("SB512", message, file=str(document.path), fix="leave it out, or train so")])
        subject = of_run(document)
    else:
        spec = load(document, overrides)
        plan = infer_plan(spec)
        try:
            subject = of_spec(spec, plan)
        except SpecError as error:
            raise SpecError(spec.place(error.diagnostics)) from None
    return exporting.export(subject, to, output, exporting.Choices(opset, training), force=force)


def from_module(module: nn.Module, input: Any, name: str | None = None) -> Imported:
    """The spec of an `nn.Module`, proven by a forward pass of both: equal keys, outputs equal bit for bit.

    input: the shape of one sample, `[3, 224, 224]`; `{"shape": [128], "dtype": "int64"}`; or a dict of such by
    the names in `forward`. name: the document's; by default the class's.
    Of what it returns `text` is the YAML, `json` the JSON, `spec`, `plan` and `network` what comes of it.
    Raises `RunError`: SB516 with all that a spec cannot say, SB515 for a module that does not run on such an input.
    """
    from specbuild.importing import modules

    return modules.from_module(module, modules.types_of(input), name)


def import_model(source: str, input: Any = None, arguments: Mapping[str, Any] | None = None) -> Imported:
    """The spec of `torchvision:NAME`, `FILE.py:FACTORY`, `PACKAGE.MODULE:FACTORY`, `FILE.pt2` or `FILE.onnx`.

    The Python file or the module is imported, and its factory called with `arguments`; input: as in `from_module`, by
    default an image of the size that torchvision's classifiers take; of an ONNX file the sizes that it leaves open. How
    parameters begin is noted while a factory makes them.
    Raises `RunError` (SB515, SB516).
    """
    from specbuild.importing.sources import from_source

    return from_source(source, input, arguments)


def convert(path: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Converted:
    """A `state_dict` that torch has pickled, as `.pth` has it, written as safetensors; nothing in it is run.

    output: by default beside it, written over where it is there. Of what it returns `notes` say how the weights were
    found. Raises `RunError`: SB517 for a file that holds none, SB506 for one that cannot be written.
    """
    from specbuild.importing.state_dicts import converted

    return converted(path, output)


def verify(run: str | os.PathLike[str]) -> Verification:
    """What each file of a run is: as it was written, or what is wrong with it. Imports no torch.

    Works on a training that has not ended, too. Raises `RunError` for a folder that is no run.
    """
    from specbuild.runs.verifying import verification

    return verification(run)


def list_runs(folder: str | os.PathLike[str] = "runs") -> tuple[Listed, ...]:
    """The runs of a folder, newest last, as far as their manifests and metrics tell. Imports no torch.

    folder: of the runs, of those of one name, or one run. Raises `RunError` where there is no such folder.
    """
    from specbuild.runs.listing import listed

    return listed(Path(folder))


def compare_runs(runs: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Two runs or more side by side: documents, metrics of the best epochs, environments. Imports no torch.

    Raises `RunError` for what is no run, or has no document that can be read.
    """
    from specbuild.runs.comparing import comparison

    return comparison(runs)


def clean_runs(
    folder: str | os.PathLike[str] = "runs",
    *,
    unfinished: bool = False,
    checkpoints: bool = False,
    keep: int | None = None,
    damaged: bool = False,
    yes: bool = False,
) -> Cleaning:
    """What of a folder is no longer needed; with `yes` it is removed. Imports no torch.

    unfinished: trainings that finished no epoch and have no checkpoint. checkpoints: those of finished runs.
    keep: of each name the finished runs but the `keep` with the highest numbers. damaged: runs whose files are
    not those that were written. A run that a training writes in is left, and so is what no training wrote.
    Raises `RunError` where there is no such folder.
    """
    from specbuild.runs.cleaning import carried_out, cleaning

    found = cleaning(Path(folder), unfinished=unfinished, checkpoints=checkpoints, keep=keep, damaged=damaged)
    return carried_out(found) if yes else found
