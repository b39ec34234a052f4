"""`specbuild evaluate`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specbuild.cli.options import DataRootOption, DeviceOption, FormatOption, PluginOption, RunArgument
from specbuild.cli.output import Format, echo, live_long, print_json


class Weights(StrEnum):
    """The epochs whose weights a run has."""

    best = "best"
    last = "last"


class SplitName(StrEnum):
    """The splits of a run's data."""

    train = "train"
    val = "val"
    test = "test"


def evaluate(
    run: RunArgument,
    split: Annotated[SplitName, typer.Option("--split", help="Which data to judge on.")] = SplitName.test,
    weights: Annotated[Weights, typer.Option("--weights", help="Which epoch's weights to judge.")] = Weights.best,
    device: DeviceOption = None,
    data_root: DataRootOption = None,
    format: FormatOption = Format.text,
    plugins: PluginOption = None,
) -> None:
    """Print loss and metrics of a run on its test split."""
    from specbuild import api

    live_long()

    metrics = api.evaluate(run, split.value, weights=weights.value, device=device, data_root=data_root)
    if format is Format.json:
        print_json({"run": run, "split": split.value, **metrics})
    else:
        from specbuild.training.reporting import figures, matrix

        tables = {name: value for name, value in metrics.items() if isinstance(value, list)}
        numbers = {name: value for name, value in metrics.items() if name not in tables}
        echo(f"{run} on {split.value}: {figures(numbers)}")
        for name, table in tables.items():
            echo(f"{name}, a row for each true class and a column for each answer:\n{matrix(table)}")
