"""`specbuild schema`."""

from __future__ import annotations

from specbuild.cli.output import print_json


def schema() -> None:
    """Print the JSON Schema of the language."""
    from specbuild.language.schema import json_schema

    print_json(json_schema())
