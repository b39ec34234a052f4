"""The published JSON Schema, generated from the catalogue.

It says all that a schema can say of a document: keys, types, ranges, names of the catalogue. It does not
evaluate `${...}`, so it takes an expression wherever a value may stand.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from specbuild.catalogue.entry import Entry, OneOf
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.language import names
from specbuild.language.fields import field_docs
from specbuild.language.items import SCOPE
from specbuild.language.loading import VERSION
from specbuild.language.schema_of_structure import (
    BLOCK_PATTERN,
    EXPRESSION,
    OWN,
    structure_definitions,
    structure_properties,
)
from specbuild.language.sections import Data, Training
from specbuild.language.tables import SECTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of version 1 of the language, as plain values."""
    definitions: dict[str, Any] = {
        "expression": {
            "title": "Expression",
            "description": "A string with an expression over variables in it: `${width * 2}`.",
            "type": "string",
            "pattern": r"\$\{",
        },
    }
    definitions |= structure_definitions()
    define_table("layer", LAYERS, definitions, extra=OWN)
    for name in LAYERS:
        definitions[name]["dependentRequired"] = {"names": ["repeat"]}
    definitions["layer"]["anyOf"] += [
        {"$ref": f"#/$defs/{SCOPE}"},
        {"$ref": "#/$defs/block_use"},
        {"type": "string", "pattern": BLOCK_PATTERN},
    ]
    define_table("loss", LOSSES, definitions)
    properties: dict[str, Any] = {
        "specbuild": {"const": VERSION, "description": "The version of the language."},
        "name": {
            "description": "The name of the network; runs are kept under it.",
            "anyOf": [
                {"type": "string", "pattern": f"^{names.NAME.pattern}$", "maxLength": names.LONGEST},
                EXPRESSION,
                {"type": "null"},
            ],
        },
        **structure_properties(),
    }
    for key, child in SECTIONS.items():
        properties[key] = nullable(field_schema(child, definitions))
    properties["data"] = nullable(section_schema(Data, definitions))
    properties["train"] = nullable(section_schema(Training, definitions))
    return {
        "$schema": DIALECT,
        "$id": "urn:specbuild:schema:1",
        "title": "specbuild, version 1",
        "description": "A neural network, its data and its training as one document.",
        "type": "object",
        "properties": properties,
        "required": ["specbuild", "layers"],
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def define_table(
    key: str, table: Mapping[str, type[Entry]], definitions: dict[str, Any], extra: dict[str, Any] | None = None
) -> None:
    """Definitions for every entry of a table, and one under `key` for any of them."""
    if key in definitions:
        return
    bare = [name for name, cls in table.items() if not any(f.is_required() for f in cls.model_fields.values())]
    definitions[key] = {"anyOf": [{"enum": bare}, *({"$ref": f"#/$defs/{name}"} for name in table)]}
    for name, cls in table.items():
        schema = section_schema(cls, definitions)
        head = {**(extra or {}), "type": {"const": name}}
        schema["properties"] = {**head, **schema["properties"]}
        schema["required"] = ["type", *schema.get("required", [])]
        definitions[name] = schema


def section_schema(cls: type[Entry], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of an entry's own fields."""
    generated = cls.model_json_schema()
    docs = field_docs(cls)
    properties: dict[str, Any] = {}
    for name in cls.model_fields:
        if name in cls.children:
            child = nullable(field_schema(cls.children[name], definitions))
        else:
            child = with_expressions(generated["properties"][name])
        if name in docs:
            child = {"description": docs[name], **child}
        properties[name] = child
    schema: dict[str, Any] = {
        "description": inspect.getdoc(cls) or "",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if generated.get("required"):
        schema["required"] = generated["required"]
    return schema


def field_schema(child: OneOf | type[Entry], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that holds entries."""
    if not isinstance(child, OneOf):
        return section_schema(child, definitions)
    key = child.what.replace(" ", "_")
    define_table(key, child.table, definitions)
    one = {"$ref": f"#/$defs/{key}"}
    return {"type": "array", "items": one} if child.many else one


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or null for what is left out."""
    return {"anyOf": [schema, {"type": "null"}]}


def with_expressions(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, with an expression allowed wherever a value may stand; titles dropped."""
    kept = {key: value for key, value in schema.items() if key in ("default", "description")}
    inner = {key: value for key, value in schema.items() if key not in ("default", "description", "title")}
    if "anyOf" in inner:
        inner["anyOf"] = [branch for item in inner["anyOf"] for branch in without_expression(item)]
    else:
        inner = {"anyOf": without_expression(inner)}
    inner["anyOf"].append(EXPRESSION)
    return {**kept, **inner}


def without_expression(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """One branch, its items allowing expressions, itself not."""
    branch = {key: value for key, value in schema.items() if key != "title"}
    if isinstance(branch.get("items"), dict):
        branch["items"] = with_expressions(branch["items"])
    if "prefixItems" in branch:
        branch["prefixItems"] = [with_expressions(item) for item in branch["prefixItems"]]
    if isinstance(branch.get("additionalProperties"), dict):
        branch["additionalProperties"] = with_expressions(branch["additionalProperties"])
    return [branch]
