"""`specbuild verify`."""

from __future__ import annotations

from specbuild.cli.options import FormatOption, RunArgument
from specbuild.cli.output import FAILED, Format, echo, print_json


def verify(run: RunArgument, format: FormatOption = Format.text) -> None:
    """Say of each file of a run whether it is what was written; exit with 1 if one is not."""
    from specbuild import api
    from specbuild.reports import runs as report

    found = api.verify(run)
    if format is Format.json:
        print_json(report.verified_json(found))
    else:
        echo(report.verified(found))
    if found.faults:
        raise SystemExit(FAILED)
