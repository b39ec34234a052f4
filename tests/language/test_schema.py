"""The published schema and the document model give the same verdict, as far as a schema can say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.errors import SpecError
from specbuild.language.loading import read
from specbuild.language.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(p for p in (ROOT / "tests/specs/broken").iterdir() if p.suffix in (".yaml", ".json"))
SAYABLE = {"SB201", "SB202", "SB203", "SB204", "SB205", "SB207", "SB211"}
"""What a schema can say: keys, types, ranges, names. Uses of a name, values of expressions, sizes that
have to fit, and clashes between arguments it cannot."""


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_published_schema_is_the_generated_one() -> None:
    published = json.loads((ROOT / "schemas/specbuild-v1.schema.json").read_text())
    assert published == json_schema(), "run `make schema`"


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.name)
def test_ready_specs(path: Path, validator: Any) -> None:
    assert specbuild.check(path) == ()
    assert list(validator.iter_errors(read(path).tree)) == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_broken_specs(path: Path, validator: Any) -> None:
    try:
        tree = read(path).tree
    except SpecError:
        return  # unreadable: there is nothing for a schema to judge
    found = {diagnostic.code for diagnostic in specbuild.check(path)}
    assert bool(list(validator.iter_errors(tree))) == bool(found & SAYABLE)


def test_every_field_has_its_documentation() -> None:
    for name, definition in json_schema()["$defs"].items():
        for field, schema in definition.get("properties", {}).items():
            if name in LAYERS and field not in ("type", "name"):
                assert schema.get("description"), f"{name}.{field}"
