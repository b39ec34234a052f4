"""The published JSON Schema, generated from the catalogue.

It says all that a schema can say of a document: keys, types, ranges, names of the catalogue. It does not
evaluate `${...}`, so it takes an expression wherever a value may stand.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, create_model

from specbuild.catalogue.entry import Entry, ListOf, OneOf
from specbuild.catalogue.initialization import INITIALIZATIONS
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
from specbuild.language.sections import Data
from specbuild.language.tables import SECTIONS
from specbuild.language.training import Training

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
        "init": init_schema(definitions),
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
        "required": ["specbuild"],
        "anyOf": [
            {"required": ["layers"], "anyOf": [{"required": ["input"]}, {"required": ["inputs"]}]},
            {"required": ["base"]},
        ],
        "not": {"required": ["input", "inputs"]},
        "dependentRequired": {"set": ["base"]},
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def define_table(
    key: str, table: Mapping[str, type[Entry]], definitions: dict[str, Any], extra: dict[str, Any] | None = None
) -> None:
    """Definitions for every entry of a table, and one under `key` for any of them.

    A layer that is an argument of another has one of its own there: it takes no name and no `from`.
    """
    if key in definitions:
        return
    places = {name: f"{key}.{name}" if name in LAYERS and extra is None else name for name in table}
    bare = [name for name, cls in table.items() if not any(f.is_required() for f in cls.model_fields.values())]
    definitions[key] = {"anyOf": [{"enum": bare}, *({"$ref": f"#/$defs/{place}"} for place in places.values())]}
    for name, cls in table.items():
        schema = section_schema(cls, definitions)
        head = {**(extra or {}), "type": {"const": name}}
        schema["properties"] = {**head, **schema["properties"]}
        schema["required"] = ["type", *schema.get("required", [])]
        definitions[places[name]] = schema


def section_schema(cls: type[Entry], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of an entry's own fields."""
    generated = generated_schema(cls)
    docs = field_docs(cls)
    properties: dict[str, Any] = {}
    for name in cls.model_fields:
        if name in cls.children:
            child = field_schema(cls.children[name], definitions)
            child = child if cls.model_fields[name].is_required() else nullable(child)
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
    required = [name for name, field in cls.model_fields.items() if field.is_required()]
    if required:
        schema["required"] = required
    return schema


def generated_schema(cls: type[Entry]) -> dict[str, Any]:
    """What pydantic makes of the annotations of an entry's fields, those apart that hold other entries."""
    fields: dict[str, Any] = {
        name: (field.annotated, ... if field.is_required() else field.default)
        for name, field in cls.model_fields.items()
        if name not in cls.children
    }
    model = create_model(cls.__name__, __config__=ConfigDict(protected_namespaces=()), **fields)
    schema: dict[str, Any] = model.model_json_schema()
    return schema


def field_schema(child: OneOf | ListOf | type[Entry], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that holds entries."""
    if isinstance(child, ListOf):
        return {"type": "array", "items": section_schema(child.section(), definitions)}
    if not isinstance(child, OneOf):
        return section_schema(child, definitions)
    key = child.what.replace(" ", "_")
    define_table(key, child.table, definitions)
    one = {"$ref": f"#/$defs/{key}"}
    return {"type": "array", "items": one} if child.many else one


def init_schema(definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of `init`: schemes by parameters, by types or names of layers."""
    layers = {
        "description": "The schemes by the names of the layers' parameters, or by patterns of them: `weight_*`.",
        "type": "object",
        "additionalProperties": field_schema(OneOf(INITIALIZATIONS, "initialization"), definitions),
        "minProperties": 1,
        "not": {"required": ["type"]},
    }
    return {
        "description": "How parameters begin, by the types of layers or by patterns of their qualified names: "
        "`{Conv2d: {bias: zeros_}, stem.*: {weight: orthogonal_}}`. Later ones win; torch's own elsewhere.",
        "type": ["object", "null"],
        "additionalProperties": layers,
    }


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
