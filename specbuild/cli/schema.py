"""`specbuild schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specbuild.cli.options import PluginOption
from specbuild.cli.output import print_json


class Described(StrEnum):
    """What a schema is of."""

    document = "document"
    diagnostics = "diagnostics"


def schema(
    of: Annotated[
        Described, typer.Argument(metavar="[document|diagnostics]", help="What it is of.")
    ] = Described.document,
    plugins: PluginOption = None,
) -> None:
    """Print the JSON Schema of the language, with what plug-ins add; or of diagnostics as JSON."""
    if of is Described.diagnostics:
        from specbuild.diagnostics.schema import diagnostics_schema

        print_json(diagnostics_schema())
        return
    from specbuild.language.schema import json_schema

    print_json(json_schema())
