"""`specbuild check`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.checking import check_specs
from specbuild.cli.options import DataRootOption, PluginOption, SetOption
from specbuild.cli.output import DiagnosticFormat


def check(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML or JSON files; - reads standard input.")],
    overrides: SetOption = None,
    format: Annotated[DiagnosticFormat, typer.Option("--format", help="How to print.")] = DiagnosticFormat.text,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Mend in the files what is certain; of standard input, print the document mended."),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings (SB8xx) as errors.")] = False,
    data: Annotated[
        bool,
        typer.Option("--data", help="Open the data and the `weights`, too, and hold them against the network."),
    ] = False,
    data_root: DataRootOption = None,
    plugins: PluginOption = None,
) -> None:
    """Judge specs; without --data, torch is not imported and no data are touched."""
    if fix:
        if data:
            raise typer.BadParameter("--fix mends what is wrong with the text alone: --data does not go with it")
        if overrides:
            raise typer.BadParameter("what --set gives stands in no file, so --fix does not go with it")
        from specbuild.cli.fixing import fix_specs

        fix_specs(specs, format, strict=strict)
        return
    check_specs(specs, overrides or (), format, strict=strict, data=data, data_root=data_root)
