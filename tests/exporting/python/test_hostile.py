"""Names and strings of a document never become code."""

from __future__ import annotations

import ast
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specbuild
from specbuild.exporting.python import source

ROOTS = {"torch", "nn", "self", "super", "OrderedDict", "network", "load_model", "getattr", "range", "reduce"}
TRICKY = st.sampled_from([
    "torch", "nn", "self", "OrderedDict", "build", "load", "load_model", "class", "lambda", "x", "out", "y", "_", "i",
    "__init__x", "__class", "network", "print", "None", "True", "import", "subsequent_mask", "Tensor", "super",
    "getattr", "range", "eval", "exec", "a-b", "0", "1", "def", "async", "match", "type_", "int",
])  # fmt: skip
NAMES = st.one_of(TRICKY, st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True))
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(['"""', "'''\nimport os\n", "\\", "\n__import__('os')", '"; exec("1")', "${1}", "a\rb", "#"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NAMES, min_size=6, max_size=6, unique=True), NAMES, TEXTS)
def test_names_are_names_and_strings_are_strings(names: list[str], block: str, title: str) -> None:
    a, b, c, d, e, f = names
    document: dict[str, Any] = {
        "specbuild": 1,
        "name": title,
        "inputs": {a: [4], b: [4]},
        "blocks": {block: {"params": {"size": None}, "layers": [
            {"name": c, "type": "Linear", "out_features": "${size}"}, {"name": d, "type": "Add", "from": [c, "input"]},
        ]}},
        "layers": [
            {"name": c, "type": "Add", "from": [a, b]},
            {"name": d, "type": block, "size": 4},
            {"name": e, "type": "Concat", "from": [d, c]},
            {"name": f, "type": block, "size": 8},
        ],
    }  # fmt: skip
    try:
        spec = specbuild.load(document)
        plan = specbuild.infer(spec)
    except specbuild.SpecError:
        return
    text = source(spec, plan, weights=title)
    tree = ast.parse(text)
    classes = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            root: ast.expr = node.func
            while isinstance(root, (ast.Attribute, ast.Call)):
                root = root.func if isinstance(root, ast.Call) else root.value
            assert isinstance(root, ast.Name)
            assert root.id in ROOTS | classes
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            assert (module or "").split(".")[0] in {"torch", "safetensors", "collections", "functools"}
    compile(text, "exported", "exec")


PLACES = st.sampled_from(["MODE", "TARGET_SUFFIX", "READ_TARGET", "GIVEN", "VOCABULARY", "LENGTH", "SAMPLE", "WEIGHT"])


def shape_of(document: dict[str, Any], weights: str) -> str:
    """The program of a training with its strings taken away."""
    spec = specbuild.load(document)
    tree = ast.parse(source(spec, specbuild.infer(spec), training=True, weights=f"{weights}.safetensors"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def program(kind: str, a: str, b: str) -> dict[str, Any]:
    """A training whose data set is named by any strings."""
    sets: dict[str, dict[str, Any]] = {
        "pairs": {"type": "ImagePairs", "inputs": a, "targets": b, "input_suffix": b, "target_suffix": a},
        "arrays": {"type": "Arrays", "path": a, "fields": {"input": b, "target": a}},
        "folder": {"type": "ImageFolder", "root": a},
    }
    return {
        "specbuild": 1,
        "input": [3, 8, 8],
        "layers": [{"name": "c", "type": "Conv2d", "out_channels": 3, "kernel_size": 1}],
        "outputs": ["c"],
        "loss": "MSELoss",
        "metrics": ["rmse"],
        "optimizer": "SGD",
        "data": {"train": {"dataset": sets[kind], "transforms": ["ToTensor"]}},
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["pairs", "arrays", "folder"]), st.one_of(TEXTS, PLACES), st.one_of(TEXTS, PLACES))
def test_strings_of_the_data_are_strings(kind: str, a: str, b: str) -> None:
    try:
        found = shape_of(program(kind, a, b), a)
    except specbuild.SpecError:
        return
    assert found == shape_of(program(kind, "c", "d"), "e")
