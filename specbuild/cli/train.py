"""`specbuild train`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import DataRootOption, DeviceOption, FormatOption, PluginOption, SetOption, SpecArgument
from specbuild.cli.output import Format, echo, live_long, print_json, source_of


def train(
    spec: SpecArgument,
    overrides: SetOption = None,
    device: DeviceOption = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="DIR", help="The run directory to make; by default runs/NAME/NUMBER."),
    ] = None,
    data_root: DataRootOption = None,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Train a network and keep it, with all that belongs to it, in a run directory."""
    from specbuild import api
    from specbuild.reports.progress import reporter
    from specbuild.training.reporting import figures

    live_long()

    finished = api.train(
        source_of(spec), overrides or (), run=run, device=device, data_root=data_root, report=reporter()
    )
    best = finished.best
    if format is Format.json:
        print_json({"run": str(finished.path), "best": best})
    else:
        values = figures({name: value for name, value in best.items() if name != "epoch"})
        echo(f"{finished.path}: best at epoch {best['epoch']}: {values}")
