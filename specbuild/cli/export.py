"""`specbuild export`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specbuild.cli.evaluate import Weights
from specbuild.cli.options import FormatOption, PluginOption, SetOption
from specbuild.cli.output import Format, echo, live_long, print_json, source_of


class To(StrEnum):
    """The formats that a network is written in; the last one is refused with torch's words."""

    python = "python"
    onnx = "onnx"
    torch = "torch"
    safetensors = "safetensors"
    pth = "pth"
    torchscript = "torchscript"


def export(
    what: Annotated[str, typer.Argument(metavar="RUN|SPEC", help="A run directory, or a YAML or JSON file.")],
    to: Annotated[To, typer.Option("--to", help="The format; torch is a torch.export program.")],
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="By default the spec's name, in this directory.")
    ] = None,
    weights: Annotated[
        Weights | None, typer.Option("--weights", help="Which epoch's weights of a run; best by default.")
    ] = None,
    opset: Annotated[int | None, typer.Option("--opset", metavar="N", help="Of ONNX; 20 by default.")] = None,
    training: Annotated[
        bool, typer.Option("--with-training", help="Python source with data, loss, optimizer and loop.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    overrides: SetOption = None,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Write a network for use without specbuild: Python source, ONNX, torch.export, weights; and try what was written.

    A run is exported with its weights, a spec with those that its training would begin with.
    """
    import os

    if weights is not None and not os.path.isdir(what):
        raise typer.BadParameter("is of a run, and this is no folder", param_hint="--weights")

    from specbuild import api

    live_long()

    found = api.export(
        source_of(what), to.value, output, overrides or (),
        weights=(weights or Weights.best).value, opset=opset, training=training, force=force,
    )  # fmt: skip
    if format is Format.json:
        print_json(
            {
                "file": str(found.file),
                "beside": [str(path) for path in found.beside],
                "format": found.format,
                "note": found.note,
                "bytes": found.bytes,
                "sha256": found.sha256,
                "weights": found.weights,
                "parity": found.parity,
                "largest_difference": found.largest_difference,
            }
        )
        return
    beside = "".join(f" and {path}" for path in found.beside)
    note = f", {found.note}" if found.note else ""
    echo(f"{found.file}{beside}: {found.format}{note}, {found.bytes:,} bytes\n{found.weights}\n{found.parity}")
