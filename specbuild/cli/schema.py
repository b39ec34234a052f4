"""`specbuild schema`."""

from __future__ import annotations

from specbuild.cli.options import PluginOption
from specbuild.cli.output import print_json


def schema(plugins: PluginOption = None) -> None:
    """Print the JSON Schema of the language, with what plug-ins add."""
    from specbuild.language.schema import json_schema

    print_json(json_schema())
