"""`specbuild init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specbuild.cli.options import FormatOption
from specbuild.cli.output import Format, echo, print_json


def init(
    template: Annotated[
        str | None, typer.Argument(metavar="TEMPLATE", help="What to begin with; without one, all are listed.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Where to write it; - prints it. By default NAME.yaml."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The name of the network.")] = None,
    classes: Annotated[int | None, typer.Option("--classes", metavar="N", min=1, help="How many classes.")] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="N", min=1, help="The height and width of the images.")
    ] = None,
    features: Annotated[
        int | None, typer.Option("--features", metavar="N", min=1, help="The columns of the table but the target.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Write a spec to begin with, which says in comments what is what."""
    from specbuild.templates.starting import started, templates, variables_of

    known = templates()
    if template is None:
        asked = {"output": output, "name": name, "classes": classes, "size": size, "features": features}
        for option in [key for key, value in asked.items() if value is not None] + ["force"] * force:
            raise typer.BadParameter(f"it is of a template: there are {', '.join(known)}", param_hint=f"--{option}")
        if format is Format.json:
            print_json([{"template": each, "about": about} for each, about in known.items()])
        else:
            echo(listing(known))
        return
    if template not in known:
        from specbuild.diagnostics.suggest import nearest

        meant = nearest(template, known)
        mend = f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
        raise typer.BadParameter(f"there is no template called {template!r}: {mend}", param_hint="TEMPLATE")
    given = {"classes": classes, "size": size, "features": features}
    values = {key: value for key, value in given.items() if value is not None}
    for key in values:
        if key not in variables_of(template):
            raise typer.BadParameter(f"the template {template} has no {key} to set", param_hint=f"--{key}")
    require_name(name)
    path = output or f"{name or template}.yaml"
    text = started(template, name, values, "" if path == "-" else path)
    if path == "-":
        echo(text.removesuffix("\n"))
        return
    write(Path(path).expanduser(), text, force=force)
    if format is Format.json:
        print_json({"template": template, "file": path})
    else:
        echo(f"{path}: written; its first lines say how to go on")


def require_name(name: str | None) -> None:
    """Refuse a name that no network may have."""
    from specbuild.language import names

    if name is not None and (names.NAME.fullmatch(name) is None or len(name) > names.LONGEST):
        raise typer.BadParameter(f"{name!r}: a name has letters, digits, _ and -", param_hint="--name")
    if name is not None and name.startswith("-"):
        message = f"{name!r}: a command would take {name}.yaml for an option"
        raise typer.BadParameter(message, param_hint="--name")


def listing(known: dict[str, str]) -> str:
    """The templates, a line each."""
    width = max(map(len, known))
    return "\n".join(f"{name:<{width}}  {about}" for name, about in known.items())


def write(path: Path, text: str, *, force: bool) -> None:
    """Write a file that is not there yet; raises `RunError`."""
    import os

    from specbuild.diagnostics.diagnostic import Diagnostic
    from specbuild.errors import RunError
    from specbuild.runs.files import write_whole

    taken = os.path.lexists(path) and (path.is_dir() or not force)
    try:
        if not taken:
            write_whole(path, text.encode())
            return
        message = "there is a file of that name, and nothing is written over"
        fix: str | None = "--output with another name, or --force, which writes over it"
        if path.is_dir():
            message, fix = "cannot be written: it is a folder", "--output with the name of a file"
    except OSError as error:
        message, fix = f"cannot be written: {(error.strerror or str(error)).lower()}", None
    raise RunError([Diagnostic("SB506", message, file=str(path), fix=fix)])
