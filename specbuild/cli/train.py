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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Do everything but the training: try a few batches, estimate memory and time."),
    ] = False,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Train a network and keep it, with all that belongs to it, in a run directory."""
    from specbuild import api
    from specbuild.reports.progress import reporter
    from specbuild.training.reporting import figures

    live_long()

    if dry_run:
        rehearsal = api.dry_run(source_of(spec), overrides or (), device=device, data_root=data_root)
        if format is Format.json:
            print_json(rehearsal._asdict())
        else:
            echo(str(rehearsal))
        return
    finished = api.train(
        source_of(spec), overrides or (), run=run, device=device, data_root=data_root, report=reporter(), pictures=True
    )
    best = finished.best
    if format is Format.json:
        ended = {"status": finished.status, "reason": finished.reason}
        print_json({"run": str(finished.path), "best": best, **ended})
    else:
        values = figures({name: value for name, value in best.items() if name != "epoch"})
        echo(f"{finished.path}: best at epoch {best['epoch']}: {values}")
        if finished.reason.startswith("stopped"):
            echo(finished.reason)
