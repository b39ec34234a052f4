"""`specbuild summary`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from specbuild.cli.options import FormatOption, PluginOption, SetOption, SpecArgument
from specbuild.cli.output import Format, echo, print_json, source_of

PREFIXES = "KMGT"


class Precision(StrEnum):
    """What autocast computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


def bytes_in(text: str) -> int:
    """`16GiB`, `512MiB` or `16GB`, which is 10^9 each, as a number of bytes; at least one."""
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMGT])(i?)B", text.strip(), re.IGNORECASE)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no size, as 16GiB, 512MiB and 16GB are")
    unit: int = (1024 if found[3] else 1000) ** (PREFIXES.index(found[2].upper()) + 1)
    size = round(float(found[1]) * unit)
    if size < 1:
        raise typer.BadParameter(f"{text!r} is no memory at all")
    return size


def sizes_in(texts: Iterable[str]) -> dict[str, int]:
    """`H=224` as a name and a size."""
    found = {}
    for text in texts:
        name, equals, size = text.partition("=")
        if not equals or not size.strip().isdecimal() or len(size) > 10:
            raise typer.BadParameter(f"{text!r} is no size, as H=224 is")
        found[name.strip()] = int(size)
    return found


def summary(
    spec: SpecArgument,
    overrides: SetOption = None,
    depth: Annotated[
        int | None, typer.Option("--depth", min=1, metavar="D", help="Fold scopes that are nested deeper; 1 folds all.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, metavar="N", help="Samples a batch; by default the loader's, or 1."),
    ] = None,
    precision: Annotated[
        Precision, typer.Option("--precision", help="What activations are computed in.")
    ] = Precision.float32,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="The memory that it is to fit in: 16GiB, 512MiB, or 16GB of 10^9 bytes; by default this machine's.",
        ),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="NAME=SIZE", help="A size that the input leaves open, for the cost: H=224."),
    ] = None,
    format: FormatOption = Format.text,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Build the model; hold the table against torchinfo and a forward pass."),
    ] = False,
    plugins: PluginOption = None,
) -> None:
    """Print the layers with their shapes, parameters and cost, and whether it fits in memory."""
    available = None if memory is None else bytes_in(memory)
    from specbuild import api
    from specbuild.reports import summary as report

    loaded = api.load(source_of(spec), overrides or ())
    plan = api.infer(loaded)
    over = plan if loaded.open else None
    if over is not None or sizes:
        loaded = loaded.at(sizes_in(sizes or ()))
        plan = api.infer(loaded)
    if verify:
        from specbuild.reports.verification import verify as hold

        sentence = hold(loaded, plan)
        echo(sentence, err=True)
    use = report.use_of(loaded, batch_size, precision.value, available)
    if format is Format.json:
        print_json(report.as_json(plan, use, over))
    else:
        echo(report.text(plan, use, depth, over))
