"""`specbuild train`."""

from __future__ import annotations

import sys
from signal import Signals
from typing import Annotated

import typer

from specbuild.cli.options import DataRootOption, DeviceOption, FormatOption, PluginOption, SetOption
from specbuild.cli.output import Format, echo, live_long, print_json, source_of


def train(
    spec: Annotated[
        str | None,
        typer.Argument(metavar="[SPEC]", help="A YAML or JSON file; - reads standard input. --resume can do without."),
    ] = None,
    overrides: SetOption = None,
    device: DeviceOption = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="DIR", help="The run directory to make; by default runs/NAME/NUMBER."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run DIR, or the newest of SPEC's name; else begin."),
    ] = False,
    signals: Annotated[
        list[str] | None,
        typer.Option("--signal", metavar="NAME", help="One more signal that ends it with a checkpoint, such as USR1."),
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
    if spec is None and not (resume and run is not None):
        raise typer.BadParameter("needed, unless --resume --run DIR says with what to go on", param_hint="SPEC")
    if dry_run and resume:
        raise typer.BadParameter("--dry-run trains nothing to go on with", param_hint="--resume")
    ending = [number_of(name) for name in signals or ()]
    if nproc > 1:
        if dry_run:
            raise typer.BadParameter("--dry-run is of one process", param_hint=NPROC)
        raise typer.Exit(several(spec, run, overrides or [], nproc, ending))
    from specbuild import api
    from specbuild.reports.progress import reporter
    from specbuild.training.launching import under_launcher
    from specbuild.training.reporting import figures

    live_long()

    document = None if spec is None else source_of(spec)
    if dry_run:
        assert document is not None
        rehearsal = api.dry_run(document, overrides or (), device=device, data_root=data_root)
        if format is Format.json:
            print_json({**rehearsal._asdict(), "disk": {**rehearsal.disk._asdict(), "whole": rehearsal.disk.whole}})
        else:
            echo(str(rehearsal))
        return
    if under_launcher():
        from specbuild.training.meeting import joined

        with joined() as world:
            written = api.trained(
                document, overrides or (), run=run, resume=resume, device=device, data_root=data_root,
                report=reporter(), pictures=True, world=world, signals=ending,
            )  # fmt: skip
        if written is None:  # another process tells
            return
        finished = api.reload(written)
    else:
        finished = api.train(
            document, overrides or (), run=run, resume=resume, device=device, data_root=data_root,
            report=reporter(), pictures=True, signals=ending,
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


def number_of(name: str) -> int:
    """The number of a signal: `USR1`, `SIGUSR1` or `10`."""
    known = {each.name: int(each) for each in Signals}
    number = known.get(name.upper(), known.get(f"SIG{name.upper()}"))
    if number is None and name.isascii() and name.isdecimal() and int(name) in known.values():
        number = int(name)
    if number is None or number in (known.get("SIGKILL"), known.get("SIGSTOP"), known.get("SIGALRM"), known["SIGCHLD"]):
        raise typer.BadParameter(f"{name} is no signal that a training can take", param_hint="--signal")
    return number


def several(spec: str | None, run: str | None, overrides: list[str], processes: int, signals: list[int]) -> int:
    """Start this command as several processes; their exit status."""
    from specbuild import api
    from specbuild.training.launching import launch, under_launcher

    if spec == "-":
        raise typer.BadParameter("N processes read SPEC, and standard input is read once", param_hint=NPROC)
    if under_launcher():
        raise typer.BadParameter("torchrun has started the processes already", param_hint=NPROC)
    document = api.document_of(run) if spec is None else spec
    assert document is not None
    api.load(document, overrides)  # what is wrong with it is said before anything is started
    return launch(once(sys.argv[1:]), processes, signals)


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
