"""`specbuild predict`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from specbuild.cli.evaluate import Weights
from specbuild.cli.options import PluginOption
from specbuild.cli.output import FAILED, Format, echo, live_long, show, terminal


class Printed(StrEnum):
    """How predictions are printed."""

    text = "text"
    json = "json"
    csv = "csv"


class OnError(StrEnum):
    """What is done about an input that cannot be used."""

    fail = "fail"
    skip = "skip"


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or an exported .onnx file.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Images, folders, .npz, .npy, CSV, Parquet, texts; - is standard input."
        ),
    ],
    top_k: Annotated[int, typer.Option("--top-k", metavar="K", min=1, help="How many classes to tell.")] = 5,
    format: Annotated[Printed, typer.Option("--format", help="How to print.")] = Printed.text,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", min=1, help="Inputs at a time; by default as in validation."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or mps; by default a GPU if there is one."),
    ] = None,
    weights: Annotated[Weights, typer.Option("--weights", help="Which epoch's weights to use.")] = Weights.best,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Predict nothing if an input cannot be used, or leave it out.")
    ] = OnError.fail,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", metavar="FILE", help="Write there: FILE.npz the arrays, DIR/ masks, else what is printed."
        ),
    ] = None,
    plugins: PluginOption = None,
) -> None:
    """Say what a trained network makes of inputs: classes with probabilities, numbers, masks, arrays."""
    if inputs.count("-") > 1:
        raise typer.BadParameter("standard input is read once", param_hint="INPUT")
    if weights is Weights.last and run.lower().endswith(".onnx"):
        raise typer.BadParameter("an ONNX file has the weights that it was exported with", param_hint="--weights")
    from specbuild import api
    from specbuild.reports.predicting import Writer

    live_long()

    with Writer(format.value, output, terminal(sys.stdout)[1]) as writer:
        network = api.predictor(run, weights=weights.value, device=device)
        failed = writer.all_of(
            network, inputs, top_k=top_k, batch_size=batch_size, on_error=on_error.value, stdin=sys.stdin.buffer.read
        )
        if not (failed and on_error is OnError.fail):
            text = writer.finish()
            if text:
                echo(text)
    if failed:
        show(failed, Format.json if format is Printed.json else Format.text, err=True)
        raise SystemExit(FAILED)
