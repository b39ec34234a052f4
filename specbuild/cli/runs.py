"""`specbuild runs`: list, compare, clean."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, PluginOption
from specbuild.cli.output import Format, echo, print_json

FolderArgument = Annotated[
    str, typer.Argument(metavar="[DIR]", help="The folder of the runs, of those of one name, or one run.")
]
RunsArgument = Annotated[
    list[str], typer.Argument(metavar="A B [C]...", help="Run directories; the others are held against the first.")
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
    runs: Annotated[
        list[str], typer.Argument(metavar="A B [C]...", help="Run directories; the others against the first.")
    ],
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


COMMANDS = {"list": runs_list, "compare": runs_compare}
