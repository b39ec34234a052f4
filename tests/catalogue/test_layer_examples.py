"""The examples in the layers' docstrings run, and give the shapes that stand beside them."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
import yaml

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.language.fields import field_docs
from specbuild.language.loading import read

EXAMPLE = re.compile(
    r"- (?P<layer>.+?)  # (?P<inputs>(?:\[[\d, ]*\](?: int64)?(?:, (?=\[)| (?=→)))*)→ (?P<output>\[[\d, ]*\])"
)


def examples(kind: str) -> list[re.Match[str]]:
    """The lines of the YAML block of a class."""
    block = re.search(r"```yaml\n(.*?)```", inspect.cleandoc(LAYERS[kind].__doc__ or ""), re.DOTALL)
    assert block, f"{kind} has no example"
    matches = [(line, EXAMPLE.fullmatch(line)) for line in block[1].splitlines()]
    assert [line for line, match in matches if match is None] == []
    return [match for _, match in matches if match is not None]


def document_of(match: re.Match[str]) -> dict[str, Any]:
    """The document of an example; what stands in `from` is an input of the shape beside it."""
    layer = yaml.safe_load(match["layer"])
    written = re.findall(r"(\[[\d, ]*\])( int64)?", match["inputs"]) or [("[1]", "")]
    shapes = [{"shape": json.loads(shape), "dtype": dtype.strip() or "float32"} for shape, dtype in written]
    sources = layer.get("from", ["input"]) if isinstance(layer, dict) else ["input"]
    inputs = json.dumps(dict(zip(sources, shapes, strict=True)))
    return read(f"specbuild: 1\ninputs: {inputs}\nlayers:\n  - {match['layer']}\n").tree


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_examples(kind: str) -> None:
    for match in examples(kind):
        plan = specbuild.infer(document_of(match))
        assert plan.steps[0].type == kind
        assert list(plan.output.shape) == json.loads(match["output"])


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_every_field_is_documented(kind: str) -> None:
    assert list(field_docs(LAYERS[kind])) == list(LAYERS[kind].model_fields)
