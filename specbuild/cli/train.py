"""`specbuild train`."""

from __future__ import annotations

import sys
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
    nproc: Annotated[
        int,
        typer.Option("--nproc", metavar="N", min=1, help="Processes on this machine that train it together."),
    ] = 1,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Do everything but the training: try a few batches, estimate memory and time."),
    ] = False,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Train a network and keep it, with all that belongs to it, in a run directory."""
    if nproc > 1:
        if dry_run:
            raise typer.BadParameter("--dry-run is of one process", param_hint=NPROC)
        raise typer.Exit(several(spec, overrides or [], nproc))
    from specbuild import api
    from specbuild.reports.progress import reporter
    from specbuild.training.launching import under_launcher
    from specbuild.training.reporting import figures

    live_long()

    if dry_run:
        rehearsal = api.dry_run(source_of(spec), overrides or (), device=device, data_root=data_root)
        if format is Format.json:
            print_json(rehearsal._asdict())
        else:
            echo(str(rehearsal))
        return
    if under_launcher():
        from specbuild.training.distribution import joined

        with joined() as world:
            written = api.trained(
                source_of(spec), overrides or (), run=run, device=device, data_root=data_root, report=reporter(),
                pictures=True, world=world,
            )  # fmt: skip
        if written is None:  # another process tells
            return
        finished = api.reload(written)
    else:
        finished = api.train(
            source_of(spec), overrides or (), run=run, device=device, data_root=data_root, report=reporter(),
            pictures=True,
        )  # fmt: skip
    best = finished.best
    if format is Format.json:
        ended = {"status": finished.status, "reason": finished.reason}
        print_json({"run": str(finished.path), "best": best, **ended})
    else:
        values = figures({name: value for name, value in best.items() if name != "epoch"})
        echo(f"{finished.path}: best at epoch {best['epoch']}: {values}")
        if finished.reason.startswith("stopped"):
            echo(finished.reason)


def several(spec: str, overrides: list[str], processes: int) -> int:
    """Start this command as several processes; their exit status."""
    from specbuild import api
    from specbuild.training.launching import launch, under_launcher

    if spec == "-":
        raise typer.BadParameter("N processes read SPEC, and standard input is read once", param_hint=NPROC)
    if under_launcher():
        raise typer.BadParameter("torchrun has started the processes already", param_hint=NPROC)
    api.load(spec, overrides)  # what is wrong with it is said before anything is started
    return launch(once(sys.argv[1:]), processes)


def once(arguments: list[str]) -> list[str]:
    """The arguments of this command without `--nproc`."""
    kept: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == NPROC:
            next(given)
        elif not argument.startswith(f"{NPROC}="):
            kept.append(argument)
    return kept


NPROC = "--nproc"
