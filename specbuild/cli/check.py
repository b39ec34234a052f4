"""`specbuild check`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.output import FAILED, Format, FormatOption, SetOption, show, source_of
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError


def check(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML or JSON files; - reads standard input.")],
    overrides: SetOption = None,
    format: FormatOption = Format.text,
) -> None:
    """Judge specs, without importing torch and without touching any data."""
    from specbuild import api

    found: list[Diagnostic] = []
    for name in specs:
        try:
            source = source_of(name)
            diagnostics = api.check(source, overrides or ())
        except SpecbuildError as error:
            diagnostics = error.diagnostics
        found += diagnostics
        if format is Format.text:
            if diagnostics:
                show(diagnostics, format, err=False)
            if all(diagnostic.severity == "warning" for diagnostic in diagnostics):
                warned = f", {len(diagnostics)} warning{'s' if len(diagnostics) > 1 else ''}" if diagnostics else ""
                typer.echo(f"{'<stdin>' if name == '-' else name}: ok{warned}")
    if format is Format.json:
        show(found, format, err=False)
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise typer.Exit(FAILED)
