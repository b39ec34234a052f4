"""`specbuild summary`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, SetOption, SpecArgument
from specbuild.cli.output import Format, echo, print_json, source_of


def summary(
    spec: SpecArgument,
    overrides: SetOption = None,
    depth: Annotated[
        int | None, typer.Option("--depth", min=1, metavar="D", help="Fold scopes that are nested deeper; 1 folds all.")
    ] = None,
    format: FormatOption = Format.text,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Build the model; hold the table against torchinfo and a forward pass."),
    ] = False,
) -> None:
    """Print the layers with their output shapes, parameters and multiply-accumulates."""
    from specbuild import api
    from specbuild.reports import summary as report

    loaded = api.load(source_of(spec), overrides or ())
    plan = api.infer(loaded)
    if verify:
        from specbuild.reports.verification import verify as hold

        sentence = hold(loaded, plan)
        echo(sentence, err=True)
    if format is Format.json:
        print_json(report.as_json(plan))
    else:
        echo(report.text(plan, depth))
