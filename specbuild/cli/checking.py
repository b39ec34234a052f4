"""What `specbuild check` does; without typer, which takes longer to import than a spec to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specbuild.cli.output import FAILED, DiagnosticFormat, Format, echo, show, source_of
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError


def check_specs(
    specs: Sequence[str],
    overrides: Sequence[str],
    format: Format | DiagnosticFormat,
    *,
    strict: bool = False,
    data: bool = False,
    data_root: str | None = None,
) -> None:
    """Judge each and print what is wrong; ends the process with `FAILED` where something is.

    strict: whether a warning counts as an error. data: whether data and the sources of weights are opened too.
    """
    from specbuild import api

    found: list[Diagnostic] = []
    for name in specs:
        try:
            source = source_of(name)
            diagnostics = api.check(source, overrides, data=data, data_root=data_root)
        except SpecbuildError as error:
            diagnostics = error.diagnostics
        if strict:
            diagnostics = tuple(replace(diagnostic, strict=True) for diagnostic in diagnostics)
        found += diagnostics
        if format == "text":
            show_one(name, diagnostics, err=False)
    conclude(found, format, err=False)


def show_one(name: str, diagnostics: Sequence[Diagnostic], *, err: bool) -> None:
    """What is wrong with one spec, or that it is right, as text."""
    if diagnostics:
        show(diagnostics, Format.text, err=err)
    if all(diagnostic.severity == "warning" for diagnostic in diagnostics):
        warned = f", {len(diagnostics)} warning{'s' if len(diagnostics) > 1 else ''}" if diagnostics else ""
        shown = name if name.isprintable() else ascii(name)
        echo(f"{'<stdin>' if name == '-' else shown}: ok{warned}", err=err)


def conclude(found: Sequence[Diagnostic], format: Format | DiagnosticFormat, *, err: bool) -> None:
    """The forms that tell of all specs at once, and the exit status."""
    if format != "text":
        show(found, format, err=err)
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise SystemExit(FAILED)
