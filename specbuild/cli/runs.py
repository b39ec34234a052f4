"""`specbuild runs`: list, compare, clean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, PluginOption
from specbuild.cli.output import FAILED, Format, echo, print_json

FolderArgument = Annotated[
    str, typer.Argument(metavar="DIR", help="The folder of the runs, of those of one name, or one run.")
]
RunsArgument = Annotated[
    list[str],
    typer.Argument(metavar="RUN", help="Two run directories or more; the first is what the others are held against."),
]


def runs_list(
    folder: FolderArgument = "runs", format: FormatOption = Format.text, plugins: PluginOption = None
) -> None:
    """List the runs of a folder, newest last: how far each came, its best epoch, its size."""
    from datetime import datetime
    from pathlib import Path

    from specbuild import api
    from specbuild.reports import runs as report

    place = Path(folder).expanduser()
    found = api.list_runs(place)
    if format is Format.json:
        print_json(report.listing_json(place, found))
    else:
        echo(report.listing(place, found, datetime.now()))


def runs_compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Two run directories or more.")],
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Put runs side by side: what differs in their specs, their metrics, and what they were made with."""
    if len(runs) < 2:
        raise typer.BadParameter("at least two runs can be compared")
    from pathlib import Path

    from specbuild import api
    from specbuild.reports import comparison as report

    found = api.compare_runs([Path(run).expanduser() for run in runs])
    if format is Format.json:
        print_json(report.as_json(found))
    else:
        echo(report.text(found))


def runs_clean(
    folder: FolderArgument = "runs",
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Trainings that finished no epoch and have no checkpoint.")
    ] = False,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="The checkpoints of finished runs, which then cannot be trained on.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=1, help="Of each name, the finished runs but the N newest."),
    ] = None,
    damaged: Annotated[bool, typer.Option("--damaged", help="Runs whose files are not what was written.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else it is only said what would be removed.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Say what of a folder of runs is no longer needed, and with --yes remove it. No option: all that could be."""
    from pathlib import Path

    from specbuild import api
    from specbuild.reports import cleaning as report

    offered = not (unfinished or checkpoints or damaged or keep is not None)
    found = api.clean_runs(
        Path(folder).expanduser(),
        unfinished=unfinished or offered,
        checkpoints=checkpoints or offered,
        keep=keep,
        damaged=damaged or offered,
        yes=yes and not offered,
    )
    if format is Format.json:
        print_json(report.as_json(found))
    else:
        echo(report.text(found, offered=offered))
    if any(left.refused for left in found.left):
        raise SystemExit(FAILED)


COMMANDS: dict[str, Callable[..., None]] = {"list": runs_list, "compare": runs_compare, "clean": runs_clean}
