"""`specbuild preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import DataRootOption, PluginOption, SetOption, SpecArgument
from specbuild.cli.output import echo, source_of


def preview(
    spec: SpecArgument,
    overrides: SetOption = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1024, help="How many samples.")] = 32,
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="The PNG to write.")] = "preview.png",
    data_root: DataRootOption = None,
    plugins: PluginOption = None,
) -> None:
    """Write a sheet of augmented training samples with their labels; print those that are no images."""
    from specbuild import api

    found = api.preview(source_of(spec), overrides or (), count=count, output=output, data_root=data_root)
    echo(found.text if found.picture is None else f"{output}: {found.text}")
