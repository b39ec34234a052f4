"""The arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.output import Format

FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


def plugged(modules: list[str] | None) -> list[str] | None:
    """Import the plug-ins that are named."""
    if modules:
        from specbuild.cli.output import FAILED, show
        from specbuild.errors import SpecbuildError
        from specbuild.plugins import load_plugins

        try:
            load_plugins(modules)
        except SpecbuildError as error:
            show(error.diagnostics, Format.text, err=True)
            raise typer.Exit(FAILED) from None
    return modules


PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="MODULE",
        callback=plugged,
        is_eager=True,
        help="Import a Python module that adds layers, losses, data sets or transforms.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Replace a value of the spec: layers.conv1.out_channels=64, vars.width=16.",
    ),
]
SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="A YAML or JSON file; - reads standard input.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run directory.")]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or mps; by default what the spec says."),
]
DataRootOption = Annotated[
    str | None,
    typer.Option("--data-root", metavar="DIR", help="What relative paths of the data are relative to."),
]
