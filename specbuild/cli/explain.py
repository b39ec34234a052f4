"""`specbuild explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import FormatOption
from specbuild.cli.output import Format, echo, print_json, terminal


def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="A code such as SB301; without one, all are listed.")
    ] = None,
    format: FormatOption = Format.text,
) -> None:
    """Say what the code of a diagnostic means, with an example that earns it and the same example mended."""
    import sys

    from specbuild import api
    from specbuild.reports import explanation

    if code is None:
        if format is Format.json:
            print_json(
                [{"code": entry.code, "title": entry.title} for _, all in explanation.grouped() for entry in all]
            )
        else:
            echo(explanation.listing())
        return
    try:
        explained = api.explain(code)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="CODE") from None
    if format is Format.json:
        print_json(explanation.as_json(explained))
    else:
        echo(explanation.text_of(explained, min(terminal(sys.stdout)[1], 100)))
