"""`specbuild reload`."""

from __future__ import annotations

from specbuild.cli.options import FormatOption, PluginOption, RunArgument
from specbuild.cli.output import Format, echo, live_long, print_json


def reload(run: RunArgument, format: FormatOption = Format.text, plugins: PluginOption = None) -> None:
    """Rebuild a model from its run directory alone, prove that it is the one that was written, and summarize it."""
    from specbuild import api
    from specbuild.reports import summary as report

    live_long()

    reloaded = api.reload(run)
    use = report.use_of(reloaded.spec)
    plan, over = (api.infer(reloaded.spec.at({})), reloaded.plan) if reloaded.spec.open else (reloaded.plan, None)
    if format is Format.json:
        print_json({"run": str(reloaded.path), "verified": reloaded.verdict, **report.as_json(plan, use, over)})
    else:
        echo(report.text(plan, use, over=over))
        echo(f"\n{reloaded.path}: {reloaded.verdict}")
