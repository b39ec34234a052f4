"""The command line: its commands, and what every one of them shares."""

from __future__ import annotations

from typing import Annotated

import typer

from specbuild.cli import output
from specbuild.cli.check import check
from specbuild.cli.diff import diff
from specbuild.cli.evaluate import evaluate
from specbuild.cli.explain import explain
from specbuild.cli.export import export
from specbuild.cli.fmt import fmt
from specbuild.cli.import_ import import_
from specbuild.cli.init import init
from specbuild.cli.predict import predict
from specbuild.cli.preview import preview
from specbuild.cli.reload import reload
from specbuild.cli.runs import COMMANDS as RUNS
from specbuild.cli.schema import schema
from specbuild.cli.summary import summary
from specbuild.cli.train import train
from specbuild.cli.verify import verify

app = typer.Typer(
    name="specbuild",
    help="A neural network, its data and its training as one YAML or JSON document.",
    epilog="Exit status: 0 fine; 1 something is wrong with the spec, the data or the run; "
    "2 the command line is wrong; 130 interrupted; 143 terminated.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from specbuild import __version__

        typer.echo(f"specbuild {__version__}")
        raise typer.Exit


@app.callback()
def options(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show Python's traceback of an unexpected error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that stand before the command."""
    output.show_traceback = traceback


COMMANDS = (
    init, check, fmt, summary, diff, preview, train, evaluate, predict, reload, verify, export, import_, schema,
    explain,
)  # fmt: skip
for command in COMMANDS:
    app.command(command.__name__.rstrip("_"))(output.guarded(command))

runs = typer.Typer(help="List, compare and clean up runs.", no_args_is_help=True)
for name, subcommand in RUNS.items():
    runs.command(name)(output.guarded(subcommand))
app.add_typer(runs, name="runs")
