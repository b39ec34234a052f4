"""The part of the JSON Schema that no catalogue entry says: names, scopes, blocks, `from`, inputs, outputs."""

from __future__ import annotations

import keyword
from typing import Any

from specbuild.catalogue.types import ITEM_BYTES
from specbuild.diagnostics.codes.lint import LINT
from specbuild.language import names
from specbuild.language.blocks import BLOCK_NAME, OWN_KEYS
from specbuild.language.ends import LARGEST, LONGEST_SYMBOL
from specbuild.language.items import SCOPE
from specbuild.language.variables import IDENTIFIER, TAKEN

EXPRESSION: dict[str, Any] = {"$ref": "#/$defs/expression"}
PATTERNS: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}},
    ]
}
NAME_PATTERN = f"^{names.NAME.pattern}$"
BLOCK_PATTERN = f"^{BLOCK_NAME.pattern}$"
OWN: dict[str, Any] = {
    "name": {"$ref": "#/$defs/layer_name"},
    "from": {"$ref": "#/$defs/from"},
    "when": {"$ref": "#/$defs/when"},
    "repeat": {"$ref": "#/$defs/repeat"},
    "names": {"$ref": "#/$defs/names"},
}
"""What every layer may say beside its type and its arguments."""


def structure_definitions() -> dict[str, Any]:
    """Definitions that the layers and the document refer to."""
    source = {"type": ["string", "integer"], "description": "The name of a layer above: `conv1`, `pool1.indices`."}
    held = ["number", "string", "boolean", "array"]
    promised: list[dict[str, Any]] = [
        {"type": "integer", "minimum": 1, "maximum": LARGEST}, EXPRESSION, {"type": "null"},
    ]  # fmt: skip
    items = {"type": [*held, "null"]}
    return {
        "size": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST},
                {
                    "description": "A size that is left open: `H`. `dims` says what is promised of it.",
                    "type": "string",
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                    "maxLength": LONGEST_SYMBOL,
                },
                EXPRESSION,
            ]
        },
        "promise": {
            "description": "The sizes that a name stands for: any from 1 on unless it is said.",
            "type": ["object", "null"],
            "properties": {
                "min": {"description": "The smallest size.", "anyOf": promised},
                "max": {"description": "The largest size.", "anyOf": promised},
                "multiple_of": {"description": "What every size is a multiple of.", "anyOf": promised},
            },
            "additionalProperties": False,
        },
        "shape": {
            "description": "The shape of one sample, without the batch axis.",
            "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/size"}}, EXPRESSION],
        },
        "input": {
            "description": "The shape of one sample, without the batch axis; float32 unless `dtype` says otherwise.",
            "anyOf": [
                {"$ref": "#/$defs/shape"},
                {
                    "type": "object",
                    "properties": {
                        "shape": {"$ref": "#/$defs/shape"},
                        "dtype": {"anyOf": [{"enum": list(ITEM_BYTES)}, EXPRESSION]},
                    },
                    "required": ["shape"],
                    "additionalProperties": False,
                },
            ],
        },
        "layer_name": {
            "description": "The layer's name, unique in its scope; a key of the state_dict.",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": NAME_PATTERN,
                    "maxLength": names.LONGEST,
                    "not": {"enum": sorted(names.RESERVED)},
                },
                {"type": "integer"},
                EXPRESSION,
                {"type": "null"},
            ],
        },
        "input_name": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "maxLength": names.LONGEST,
            "not": {"enum": sorted({*names.RESERVED, "self"} - {"input"})},
        },
        "variable_name": {
            "pattern": f"^{IDENTIFIER.pattern}$",
            "not": {"enum": sorted({*keyword.kwlist, *TAKEN})},
        },
        "value": {
            "description": "What a variable holds: a number, a string, a boolean or a list.",
            "type": held,
            "items": items,
        },
        "value_or_null": {
            "description": "What a param or a variable of a `repeat` holds: the same, or null.",
            "type": [*held, "null"],
            "items": items,
        },
        "from": {
            "description": "What the layer takes: the name of a layer above, a list of names, or names by the "
            "inputs that they fill. By default the output before.",
            "anyOf": [
                source,
                {"type": "array", "items": source, "minItems": 1},
                {"type": "object", "additionalProperties": source, "minProperties": 1},
            ],
        },
        "when": {
            "description": "If false, the layer is left out, and its name stands for the first entry of its `from`.",
            "anyOf": [{"type": "boolean"}, EXPRESSION],
        },
        "repeat": {
            "description": "So many of it one after the other, nested under its name, `i` counting from 0; or a "
            "list of what other variables are in each.",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "propertyNames": {"$ref": "#/$defs/variable_name"},
                        "additionalProperties": {"$ref": "#/$defs/value_or_null"},
                    },
                },
                EXPRESSION,
            ],
        },
        "names": {
            "description": "What the children of a `repeat` are called; 0, 1, 2, ... unless written.",
            "anyOf": [{"type": ["string", "integer", "null"]}],
        },
        "layers": {"type": "array", "items": {"$ref": "#/$defs/layer"}, "minItems": 1},
        SCOPE: {
            "description": "A scope of layers, nested under one name.",
            "type": "object",
            "properties": {**OWN, "type": {"const": SCOPE}, "layers": {"$ref": "#/$defs/layers"}},
            "required": ["type", "layers"],
            "dependentRequired": {"names": ["repeat"]},
            "additionalProperties": False,
        },
        "block_use": {
            "description": "A block of the document, with its arguments.",
            "type": "object",
            "properties": {**OWN, "type": {"type": "string", "pattern": BLOCK_PATTERN}},
            "required": ["type"],
            "dependentRequired": {"names": ["repeat"]},
        },
        "block": {
            "description": "Layers that are written once and used under the block's name.",
            "type": "object",
            "properties": {
                "params": {
                    "description": "What a use of the block may say, with defaults; null where it must.",
                    "type": ["object", "null"],
                    "propertyNames": {"$ref": "#/$defs/variable_name", "not": {"enum": sorted(OWN_KEYS)}},
                    "additionalProperties": {"$ref": "#/$defs/value_or_null"},
                },
                "inputs": {
                    "description": "What the block calls its inputs; one called `input` unless written.",
                    "type": ["array", "null"],
                    "items": {"$ref": "#/$defs/input_name"},
                    "minItems": 1,
                },
                "layers": {"$ref": "#/$defs/layers"},
            },
            "required": ["layers"],
            "additionalProperties": False,
        },
    }


def structure_properties() -> dict[str, Any]:
    """The keys of a document that say what the network is."""
    return {
        "vars": {
            "description": "Variables for `${...}`; one may use those above it.",
            "type": ["object", "null"],
            "propertyNames": {"$ref": "#/$defs/variable_name"},
            "additionalProperties": {"$ref": "#/$defs/value"},
        },
        "base": {
            "description": "The path of a spec that this one builds on, relative to this document's folder. What is "
            "written here stands in place of the base's.",
            "type": "string",
            "minLength": 1,
        },
        "set": {
            "description": "Values of the base that are others here, by their paths as `--set` takes them: "
            "`{layers.fc.out_features: 10}`.",
            "type": ["object", "null"],
        },
        "blocks": {
            "description": "Parts of the network that are written once and used under their names.",
            "type": ["object", "null"],
            "propertyNames": {"pattern": BLOCK_PATTERN},
            "additionalProperties": {"$ref": "#/$defs/block"},
        },
        "input": {"$ref": "#/$defs/input"},
        "inputs": {
            "description": "Several inputs by name; the first layer then says which it takes.",
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/input_name"},
            "additionalProperties": {"$ref": "#/$defs/input"},
            "minProperties": 1,
        },
        "dims": {
            "description": "What is promised of the sizes that the inputs leave open: "
            "`{H: {min: 32, max: 512, multiple_of: 32}}`.",
            "anyOf": [{"type": "object", "additionalProperties": {"$ref": "#/$defs/promise"}}, EXPRESSION,
                      {"type": "null"}],
        },
        "layers": {"$ref": "#/$defs/layers", "description": "The network, in the order it runs."},
        "outputs": {
            "description": "The names of the layers that the network gives; the last one unless written.",
            "anyOf": [{"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
                      EXPRESSION, {"type": "null"}],
        },
        "ignore": {
            "description": "The codes of warnings that the document does without: `[SB808]`.",
            "anyOf": [
                {"type": "array", "items": {"anyOf": [{"enum": [code.code for code in LINT]}, EXPRESSION]}},
                EXPRESSION,
                {"type": "null"},
            ],
        },
        "tie": {
            "description": "Parameters that are another one, by their keys in the state_dict: "
            "`{head.weight: embedding.weight}`.",
            "type": ["object", "null"],
            "additionalProperties": {"type": "string"},
        },
        "weights": weights_schema(),
        "freeze": {
            "description": "What stays as it begins: names of parameters or layers, or patterns of them, "
            "`[\"body.*\", \"*.bias\"]`, or `{parameters: \"*\", except: head}`.",
            "anyOf": [
                PATTERNS,
                {
                    "type": "object",
                    "properties": {"parameters": PATTERNS, "except": {"anyOf": [PATTERNS, {"type": "null"}]}},
                    "required": ["parameters"],
                    "additionalProperties": False,
                },
                {"type": "null"},
            ],
        },
        "loss": {
            "description": "What is made small; where there are several outputs, one for each: `{head: X, aux: Y}`.",
            "anyOf": [
                {"$ref": "#/$defs/loss"},
                {
                    "type": "object",
                    "additionalProperties": {"$ref": "#/$defs/loss"},
                    "minProperties": 1,
                    "not": {"required": ["type"]},
                },
                {"type": "null"},
            ],
        },
    }  # fmt: skip


def weights_schema() -> dict[str, Any]:
    """The schema of `weights`."""
    sources = {
        "file": "A safetensors file.",
        "run": "The folder of a run: its best weights.",
        "torchvision": "torchvision's published weights, by their name there: `ResNet18_Weights.IMAGENET1K_V1`.",
    }
    text = {"type": ["string", "null"]}
    one = {
        "type": "object",
        "properties": {
            **{name: {**text, "description": words} for name, words in sources.items()},
            "into": {**text, "description": "The layer or the scope that takes them; the network unless written."},
            "from": {
                **text,
                "description": "What the keys in the source begin with; `into` unless written, or nothing "
                "where no key begins so.",
            },
            "except": {
                "description": "What of the network begins as torch does: names or patterns of keys.",
                "anyOf": [PATTERNS, {"type": "null"}],
            },
        },
        "oneOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in sources],
        "additionalProperties": False,
    }
    single: list[dict[str, Any]] = [{"type": "string", "minLength": 1}, one]
    return {
        "description": "What others have learned that the network begins with: a run, a safetensors file, or "
        "torchvision's weights; one or a list, of which the later ones win.",
        "anyOf": [*single, {"type": "array", "items": {"anyOf": single}}, {"type": "null"}],
    }
