"""What programs rely on: diagnostics as JSON, their schema, and edits by position."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.diagnostics import render
from specbuild.diagnostics.diagnostic import pointer_of
from specbuild.diagnostics.schema import diagnostics_schema
from specbuild.errors import SpecError
from specbuild.language.fixing import mended
from specbuild.language.source import read_source

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(p for p in (ROOT / "tests/specs/broken").iterdir() if p.suffix in (".yaml", ".json"))
SCHEMA = diagnostics_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KEYS = {name: set(SCHEMA["$defs"][name]["properties"]) for name in ("diagnostic", "fix", "edit")}


def family() -> Any:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("generate_family", ROOT / "examples/generate_family.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def looked_up(tree: Any, pointer: str) -> Any:
    """What a JSON Pointer leads to, by RFC 6901."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def test_published_schema_is_the_generated_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    published = json.loads((ROOT / "schemas/diagnostics-v1.schema.json").read_text())
    assert published == SCHEMA, "run `make schema`"


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_broken_specs(path: Path) -> None:
    found = specbuild.check(path)
    objects = json.loads(json.dumps(render.as_json(found)))
    VALIDATOR.validate(objects)
    edits = []
    for each in objects:
        assert set(each) == KEYS["diagnostic"]
        if each["fix"] is not None:
            assert set(each["fix"]) == KEYS["fix"]
            if each["fix"]["edit"] is not None:
                assert set(each["fix"]["edit"]) == KEYS["edit"]
                edits.append(each["fix"]["edit"])
    try:
        tree = read_source(path).tree
    except SpecError:
        tree = None
    for edit in edits if tree is not None else ():
        parent, _, last = edit["pointer"].rpartition("/")
        assert edit["target"] == "value" or last.replace("~1", "/").replace("~0", "~") in looked_up(tree, parent)
        looked_up(tree, edit["pointer"])
    if edits:
        text = path.read_bytes().decode().removeprefix("\ufeff")
        assert family().mended(text, edits) == mended(text, found)


def test_pointers() -> None:
    assert pointer_of(()) == ""
    assert pointer_of(("layers", 3, "stride")) == "/layers/3/stride"
    assert looked_up({"a/b": {"~1": [5]}}, pointer_of(("a/b", "~1", 0))) == 5


def test_many_specs_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One array for all of them, each diagnostic with its file; standard input is one of them."""
    monkeypatch.chdir(tmp_path)
    right = '{"specbuild": 1, "input": [4], "layers": [{"type": "Linear", "out_features": 2}]}'
    Path("right.json").write_text(right)
    Path("wrong.json").write_text(right.replace("Linear", "Lineal"))
    done = CliRunner().invoke(
        app, ["check", "right.json", "wrong.json", "none.json", "-", "--format", "json"], right[:-1]
    )
    assert (done.exit_code, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    VALIDATOR.validate(found)
    assert [(each["file"], each["code"]) for each in found] == [
        ("wrong.json", "SB204"), ("none.json", "SB101"), ("<stdin>", "SB104"),
    ]  # fmt: skip
    done = CliRunner().invoke(app, ["check", "right.json", "--format", "json"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("of", ["document", "diagnostics"])
def test_schemas_are_printed(of: str) -> None:
    done = CliRunner().invoke(app, ["schema", of])
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
    assert json.loads(done.stdout)["$id"] == {"document": "urn:specbuild:schema:1"}.get(of, SCHEMA["$id"])
    assert CliRunner().invoke(app, ["schema"]).stdout == CliRunner().invoke(app, ["schema", "document"]).stdout
