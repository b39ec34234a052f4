"""What `specbuild check` does; without typer, which takes longer to import than a spec to judge."""

from __future__ import annotations

from collections.abc import Sequence

from specbuild.cli.output import FAILED, Format, echo, show, source_of
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError


def check_specs(specs: Sequence[str], overrides: Sequence[str], format: Format) -> None:
    """Judge each and print what is wrong; ends the process with `FAILED` where something is."""
    from specbuild import api

    found: list[Diagnostic] = []
    for name in specs:
        try:
            source = source_of(name)
            diagnostics = api.check(source, overrides)
        except SpecbuildError as error:
            diagnostics = error.diagnostics
        found += diagnostics
        if format is Format.text:
            if diagnostics:
                show(diagnostics, format, err=False)
            if all(diagnostic.severity == "warning" for diagnostic in diagnostics):
                warned = f", {len(diagnostics)} warning{'s' if len(diagnostics) > 1 else ''}" if diagnostics else ""
                echo(f"{'<stdin>' if name == '-' else name}: ok{warned}")
    if format is Format.json:
        show(found, format, err=False)
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise SystemExit(FAILED)
