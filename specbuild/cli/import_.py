"""`specbuild import`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

import typer

from specbuild.cli.options import FormatOption
from specbuild.cli.output import Format, echo, live_long, print_json


def value_of(text: str, option: str) -> Any:
    """A YAML scalar or flow collection."""
    from specbuild.errors import SpecError
    from specbuild.language.loading import read

    try:
        return read(f"value: {text}\n").tree["value"]
    except SpecError as error:
        raise typer.BadParameter(f"{text!r} is no value: {error.diagnostics[0].message}", param_hint=option) from None


def arguments_of(texts: list[str]) -> dict[str, Any]:
    """`num_classes=10` as a name and a value."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise typer.BadParameter(f"{text!r} is no argument, as num_classes=10 is", param_hint="--argument")
        found[name.strip()] = value_of(value, "--argument")
    return found


def require_free(*paths: str | None, force: bool) -> None:
    """SB506 for a file that is there already, unless it may be written over."""
    from pathlib import Path

    from specbuild.diagnostics.diagnostic import Diagnostic
    from specbuild.errors import RunError

    for path in paths:
        if path is not None and Path(path).exists() and not force:
            raise RunError(
                [Diagnostic("SB506", "something is there already", file=path, fix="--force, or another name")]
            )


def convert(source: str, output: str | None, *, force: bool, format: Format) -> None:
    """Write weights that torch has pickled as safetensors."""
    from specbuild import api

    live_long()
    target = output or str(PurePath(source).with_suffix(".safetensors"))
    require_free(target, force=force)
    found = api.convert(source, target)
    if format is Format.json:
        print_json({"file": target, "source": source, "tensors": found.tensors, "bytes": found.bytes,
                    "notes": list(found.notes)})  # fmt: skip
    else:
        echo(str(found))


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="torchvision:NAME, FILE.py:FACTORY, PACKAGE.MODULE:FACTORY, FILE.pt2, FILE.onnx; or FILE.pth.",
        ),
    ],
    input: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="SHAPE",
            help="Of one sample: [3, 224, 224], {shape: [128], dtype: int64}, or {image: [3, 32, 32], meta: [10]}.",
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option("--argument", metavar="NAME=VALUE", help="An argument for the factory: num_classes=10."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="The spec, as JSON where the name ends so; else it is printed."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="FILE", help="Write the model's weights, as safetensors.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Make a spec of an nn.Module, a torch.export program or an ONNX file, and prove it by a forward pass of both.

    The Python file or module that SOURCE names is imported, and its code runs. Of a .pth, which holds weights alone, a
    safetensors file is made, and nothing in it is run.
    """
    from specbuild.language.transferring import PICKLED

    if PurePath(source).suffix.lower() in PICKLED:
        for option, given_ in (("--input", input), ("--argument", arguments), ("--weights", weights)):
            if given_:
                raise typer.BadParameter(f"{source} holds weights, and no network", param_hint=option)
        return convert(source, output, force=force, format=format)
    shape = None if input is None else value_of(input, "--input")
    given = arguments_of(arguments or [])
    from specbuild import api

    live_long()
    require_free(output, weights, force=force)
    if weights is not None and PurePath(weights).suffix != ".safetensors":
        raise typer.BadParameter(f"{weights!r} does not end in .safetensors", param_hint="--weights")
    if output is not None and PurePath(output).suffix == ".safetensors":
        raise typer.BadParameter(f"{output!r} is for weights, which --weights writes", param_hint="--output")
    found = api.import_model(source, shape, given)
    if weights is not None:
        found.save_weights(weights)
    if output is not None:
        found.save(output)
    if output is None:
        echo((found.json if format is Format.json else found.text).rstrip("\n"))
        if weights is not None:
            echo(f"{weights}: {found.plan.parameters():,} parameters", err=True)
        return
    lines = len(found.text.splitlines())
    if format is Format.json:
        print_json(
            {
                "file": output,
                "weights": weights,
                "source": source,
                "lines": lines,
                "parameters": found.plan.parameters(),
                "keys": len(found.network.state_dict()),
                "proof": found.proof,
            }
        )
        return
    beside = f" and {weights}" if weights is not None else ""
    keys = "" if source.lower().endswith(".onnx") else f"keys equal to {source}'s, "
    echo(f"{output}{beside}: {lines} lines, {found.plan.parameters():,} parameters\n{keys}{found.proof}")
