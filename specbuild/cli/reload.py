"""`specbuild reload`."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, PluginOption, RunArgument
from specbuild.cli.output import Format, echo, live_long, print_json


def reload(
    run: RunArgument,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="DEVICE", help="Prove it there too: auto, cpu, cuda or mps."),
    ] = None,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Rebuild a model from its run directory alone, prove that it is the one that was written, and summarize it."""
    from specbuild import api
    from specbuild.reports import summary as report

    live_long()

    reloaded = api.reload(run, device=device)
    use = report.use_of(reloaded.spec)
    plan, over = (api.infer(reloaded.spec.at({})), reloaded.plan) if reloaded.spec.open else (reloaded.plan, None)
    if format is Format.json:
        proven = {
            "run": str(reloaded.path),
            "verified": reloaded.verdict,
            "differences": list(reloaded.differences),
            "largest_difference": reloaded.largest_difference,
            "tolerance": reloaded.tolerance,
        }
        print_json({**proven, **report.as_json(plan, use, over)})
    else:
        echo(report.text(plan, use, over=over))
        echo(f"\n{reloaded.path}: {reloaded.verdict}")
