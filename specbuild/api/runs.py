"""A run: read back, judged, asked; and what a folder of them came to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from specbuild.language.sections import SplitName

if TYPE_CHECKING:
    from specbuild.predicting.predicting import Network, OnError
    from specbuild.predicting.prediction import Predictions
    from specbuild.predicting.reading import Inputs
    from specbuild.runs.cleaning import Cleaning
    from specbuild.runs.comparing import Comparison
    from specbuild.runs.listing import Listed
    from specbuild.runs.run import Run
    from specbuild.runs.verifying import Verification


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
