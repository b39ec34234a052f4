"""`specbuild fmt`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import FormatOption
from specbuild.cli.output import Format


def fmt(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML or JSON files; - reads standard input.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a file is not in its form.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print what would change, exit as --check.")
    ] = False,
    format: FormatOption = Format.text,
) -> None:
    """Put specs in one form: order, quotes, spaces, line breaks. What they mean and their comments stay."""
    if format is Format.json and "-" in specs and not (check or diff):
        raise typer.BadParameter("of standard input the document is printed, so --format json does not go with it")
    from specbuild.cli.formatting import format_specs

    format_specs(specs, format, check=check, diff=diff)
