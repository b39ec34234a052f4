"""The reference pages, made from the classes of the catalogue: `python -m specbuild.reports.reference FOLDER`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specbuild.catalogue.datasets import DATASETS
from specbuild.catalogue.entry import Entry
from specbuild.catalogue.initialization import INITIALIZATIONS
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.catalogue.metrics import METRICS
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.schedulers import SCHEDULERS
from specbuild.catalogue.table import Table
from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.language.schema import json_schema

NOTE = "<!-- Made by `make reference` from the classes in `specbuild/catalogue/`. -->"
OTHERS: dict[str, tuple[str, Mapping[str, type[Entry]]]] = {
    "losses": ("Losses", LOSSES),
    "optimizers": ("Optimizers", OPTIMIZERS),
    "schedulers": ("Schedulers", SCHEDULERS),
    "initializations": ("Initializations", INITIALIZATIONS),
    "datasets": ("Data sets", DATASETS),
    "transforms": ("Transforms", TRANSFORMS),
    "metrics": ("Metrics", METRICS),
}


def pages() -> dict[str, str]:
    """Every page by its path below `docs/reference`."""
    definitions = json_schema()["$defs"]
    made: dict[str, str] = {}
    for family, names in families(LAYERS).items():
        title = title_of(f"{LAYERS.package}.{family}")
        made[f"layers/{family}.md"] = page(title, {name: LAYERS[name] for name in names}, definitions)
    for file, (title, table) in OTHERS.items():
        made[f"{file}.md"] = page(f"{title}.", {name: table[name] for name in sorted(table)}, definitions)
    made["README.md"] = contents()
    return made


def families(table: Table[Any]) -> dict[str, list[str]]:
    """The names in each module of a package, both in order."""
    found: dict[str, list[str]] = {}
    for name, family in sorted(table.families.items()):
        found.setdefault(family, []).append(name)
    return dict(sorted(found.items()))


def title_of(module: str) -> str:
    """What a module says it holds."""
    from importlib import import_module

    return (import_module(module).__doc__ or "").partition("\n")[0]


def contents() -> str:
    """The page that leads to all others."""
    lines = [
        NOTE, "# Reference", "", "Every `type` that a document may name, with its arguments.", "", "## Layers", "",
        "| | |", "|---|---|",
    ]  # fmt: skip
    for family, names in families(LAYERS).items():
        links = ", ".join(f"[{name}](layers/{family}.md#{name.lower()})" for name in names)
        lines.append(f"| {title_of(f'{LAYERS.package}.{family}').rstrip('.')} | {links} |")
    lines += ["", "## All else", "", "| | |", "|---|---|"]
    for file, (title, table) in OTHERS.items():
        links = ", ".join(f"[{name}]({file}.md#{name.lower()})" for name in sorted(table))
        lines.append(f"| {title} | {links} |")
    lines += ["", "## What torch has and a document may not name", "", "| | |", "|---|---|"]
    lines += [
        f"| {name} | {reason} |"
        for table in (LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRANSFORMS)
        for name, reason in sorted(table.excluded.items())
    ]
    return "\n".join(lines) + "\n"


def page(title: str, classes: Mapping[str, type[Entry]], definitions: Mapping[str, Any]) -> str:
    """The entries of one file, one after the other."""
    parts = [NOTE, f"# {title.rstrip('.')}", ""]
    for name, cls in classes.items():
        parts += [f"## {name}", "", inspect.cleandoc(cls.__doc__ or ""), ""]
        parts += fields_table(cls, definitions[name])
        if issubclass(cls, Layer):
            parts += around(cls)
    return "\n".join(parts).rstrip() + "\n"


def around(cls: type[Layer]) -> list[str]:
    """How a layer is wired, where that is not one input and one result."""
    lines = []
    if cls.takes is None:
        lines.append(f"It takes {cls.needs} or more inputs: `from: [a, b]`.")
    elif cls.takes != ("input",):
        names = ", ".join(f"`{name}`" for name in cls.takes)
        optional = f", of which {cls.needs} {'has' if cls.needs == 1 else 'have'} to be given"
        lines.append(
            f"Inputs: {names}{optional if cls.needs < len(cls.takes) else ''}." if names else "It takes no input."
        )
    if cls.results:
        lines.append(f"Second results: {', '.join(f'`{name}`' for name in cls.results)}.")
    return [*lines, ""] if lines else []


def fields_table(cls: type[Entry], definition: Mapping[str, Any]) -> list[str]:
    """The arguments: name, what it may be, default, meaning."""
    if not cls.model_fields:
        return []
    lines = ["| argument | is | default | |", "|---|---|---|---|"]
    for name, field in cls.model_fields.items():
        schema = definition["properties"][name]
        default = "" if field.is_required() else f"`{written(schema.get('default'))}`"
        meaning = " ".join(schema.get("description", "").split()).replace("|", "\\|")
        lines.append(f"| `{name}` | {in_words(schema)} | {default} | {meaning} |")
    return [*lines, ""]


def written(value: Any) -> str:
    """A default as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def in_words(schema: Mapping[str, Any]) -> str:
    """What a value may be, from its schema; that it may be an expression goes without saying."""
    if "anyOf" in schema:
        options = [in_words(each) for each in schema["anyOf"] if each.get("$ref") != "#/$defs/expression"]
        return " or ".join(dict.fromkeys(filter(None, options)))
    if "$ref" in schema:
        return f"{schema['$ref'].rpartition('/')[2].replace('_', ' ').strip()}"
    if "enum" in schema:
        return " or ".join(f"`{written(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{written(schema['const'])}`"
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"list of {len(schema['prefixItems'])}"
        least = schema.get("minItems")
        return f"list{f' of {least} or more' if least else ''}"
    if kind in ("integer", "number"):
        return f"{kind}{bounds(schema)}"
    return {"boolean": "boolean", "string": "string", "null": "null", "object": "mapping"}.get(str(kind), "")


def bounds(schema: Mapping[str, Any]) -> str:
    """The least and the greatest, where a person would want to know."""
    if schema.get("exclusiveMinimum") == 0 and schema["type"] == "integer":
        least = " from 1"
    elif "exclusiveMinimum" in schema:
        least = f" above {schema['exclusiveMinimum']:g}"
    else:
        least = f" from {schema['minimum']:g}" if schema.get("minimum", -1e9) > -1e6 else ""
    if "exclusiveMaximum" in schema:
        return f"{least} below {schema['exclusiveMaximum']:g}"
    return f"{least} to {schema['maximum']:g}" if schema.get("maximum", 1e9) < 1e6 else least


def main(folder: Path) -> None:
    """Write all pages anew."""
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
