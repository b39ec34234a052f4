"""`specbuild check`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.checking import check_specs
from specbuild.cli.options import FormatOption, PluginOption, SetOption
from specbuild.cli.output import Format


def check(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML or JSON files; - reads standard input.")],
    overrides: SetOption = None,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Judge specs, without importing torch and without touching any data."""
    check_specs(specs, overrides or (), format)
