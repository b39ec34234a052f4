"""`specbuild diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, PluginOption
from specbuild.cli.output import FAILED, Format, echo, print_json, source_of

OldArgument = Annotated[str, typer.Argument(metavar="A", help="A YAML or JSON file, a run, or - for standard input.")]
NewArgument = Annotated[str, typer.Argument(metavar="B", help="The same, to hold against A.")]


def diff(
    a: OldArgument,
    b: NewArgument,
    format: FormatOption = Format.text,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if anything differs.")] = False,
    plugins: PluginOption = None,
) -> None:
    """Say what changed in meaning from A to B: layers, shapes, cost, training, and which weights of A fit B."""
    if a == b == "-":
        raise typer.BadParameter("standard input can be only one of the two")
    from specbuild import api
    from specbuild.reports import difference as report

    found = api.diff(source_of(spec_of(a)), source_of(spec_of(b)))
    if format is Format.json:
        print_json(report.as_json(found))
    else:
        echo(report.text(found, *("<stdin>" if name == "-" else name for name in (a, b))))
    if exit_code and found:
        raise SystemExit(FAILED)


def spec_of(name: str) -> str:
    """The document of a run directory; any other name as it is."""
    written = Path(name).expanduser() / "spec.json"
    return str(written) if name != "-" and written.is_file() else name
