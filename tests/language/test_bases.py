"""A document that builds on another: it means what it means written out, and is placed where it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.diagnostics import render
from specbuild.errors import SpecError
from specbuild.language.bases import Derived, is_written
from specbuild.language.document import Spec
from specbuild.language.loading import read
from specbuild.language.origins import written_at
from specbuild.network.resolve import resolved

ROOT = Path(__file__).resolve().parents[2]
READY = ("lenet5", "digits_cnn", "resnet18", "cifar_cnn", "char_lstm", "unet")
TREES = {name: read(ROOT / f"specs/{name}.yaml").tree for name in READY}
NET = """\
specbuild: 1
name: net
vars: {width: 8, classes: 10}
blocks:
  conv:
    params: {channels: null}
    layers: [{name: conv, type: Conv2d, out_channels: "${channels}", kernel_size: 3}, ReLU]
input: [1, 8, 8]
layers:
  - {name: stem, type: conv, channels: "${width}"}
  - ReLU
  - Flatten
  - {name: head, type: Linear, out_features: "${classes}"}
loss: CrossEntropyLoss
train: {epochs: 3}
"""


@pytest.fixture(autouse=True)
def beside_a_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)


def whole(document: Any) -> dict[str, Any]:
    """What a document means, with nothing left to default or infer; the name too."""
    spec = specbuild.load(document)
    return resolved(spec, specbuild.infer(spec))


def told(document: Any) -> str:
    return render.text(specbuild.check(document))


def said(document: Any) -> list[str]:
    return [str(found) for found in specbuild.check(document)]


@pytest.mark.parametrize(
    ("more", "written"),
    [
        ({}, {}),
        ({"loss": "NLLLoss"}, {"loss": "NLLLoss"}),
        ({"loss": None}, {"loss": None}),
        ({"train": {"seed": 1}}, {"train": {"seed": 1}}),
        ({"vars": {"classes": 3}}, {"vars": {"width": 8, "classes": 3}}),
        ({"inputs": {"input": [1, 12, 12]}}, {"input": None, "inputs": {"input": [1, 12, 12]}}),
        ({"set": {"train.epochs": 1, "train.seed": 4}}, {"train": {"epochs": 1, "seed": 4}}),
        ({"set": {"vars.width": 3}, "vars": {"width": 5}}, {"vars": {"width": 3, "classes": 10}}),
        ({"set": None, "ignore": ["SB808"]}, {"ignore": ["SB808"]}),
        ({"blocks": {"other": {"layers": ["ReLU"]}}, "set": {"layers[1]": "other"}}, None),
        ({"blocks": {"conv": {"params": {"channels": None}, "layers": ["Tanh"]}}}, None),
        (
            {"set": {"layers.head": {"name": "top", "type": "Linear", "out_features": 4}, "layers.top.bias": False}},
            None,
        ),
        ({"set": {"layers.relu_1.inplace": False}}, None),
    ],
    ids=str,
)  # fmt: skip
def test_it_means_what_is_written_out(more: dict[str, Any], written: dict[str, Any] | None) -> None:
    document = {"specbuild": 1, "name": "top", "base": "net.yaml", **more}
    tree = {**yaml.safe_load(NET), "name": "top"}
    if written is not None:
        tree.update(written)
        tree = {key: value for key, value in tree.items() if not (key == "input" and value is None)}
    else:
        tree["blocks"] |= more.get("blocks", {})
        layers: list[Any] = tree["layers"]
        for path, value in more.get("set", {}).items():
            match path:
                case "layers[1]":
                    layers[1] = value
                case "layers.head":
                    layers[3] = dict(value)
                case "layers.top.bias":
                    layers[3]["bias"] = value
                case "layers.relu_1.inplace":
                    layers[1] = {"type": "ReLU", "inplace": value}
    assert whole(document) == whole(tree)


def test_the_name_is_its_own() -> None:
    assert specbuild.load({"specbuild": 1, "base": "net.yaml"}).name == "model"
    Path("top.yaml").write_text("specbuild: 1\nbase: net.yaml\n")
    assert specbuild.load("top.yaml").name == "top"


def test_it_is_found_from_the_folder_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("some/where").mkdir(parents=True)
    Path("some/top.yaml").write_text("specbuild: 1\nbase: where/mid.json\n")
    Path("some/where/mid.json").write_text('{"specbuild": 1, "base": "../../net.yaml", "set": {"vars.width": 4}}')
    assert specbuild.infer("some/top.yaml").parameters() == specbuild.infer(NET, ["vars.width=4"]).parameters()
    absolute = {"specbuild": 1, "base": str(Path("net.yaml").resolve())}
    monkeypatch.chdir("some")
    assert specbuild.infer("top.yaml").parameters() == specbuild.infer(NET, ["vars.width=4"]).parameters()
    assert specbuild.infer(absolute).parameters() == specbuild.infer(NET).parameters()
    done = CliRunner().invoke(app, ["check", "-"], "specbuild: 1\nbase: ../net.yaml\n")
    assert (done.exit_code, done.stdout) == (0, "<stdin>: ok\n")


def test_overrides_are_over_all_of_it() -> None:
    document = "specbuild: 1\nname: top\nbase: net.yaml\nset: {vars.width: 4}\n"
    assert specbuild.load(document, ["vars.width=5"]).source.tree["vars"] == {"width": 5, "classes": 10}
    found = specbuild.check(document, ["vars.width=0"])
    assert [each.because for each in found] == ["`width` is 0, by --set vars.width=0"]
    with pytest.raises(SpecError, match=r"--set: error\[SB210\]: `base` is read before any value is replaced"):
        specbuild.load(NET, ["base=net.yaml"])


def leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of a tree's single values and empty collections."""
    if isinstance(tree, (dict, list)) and tree:
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*path, key))
    else:
        yield path


def step_text(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


@st.composite
def split(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A ready spec, and the same as documents of which each builds on the next."""
    tree = deepcopy(TREES[draw(st.sampled_from(READY))])
    chain: list[dict[str, Any]] = []
    rest = deepcopy(tree)
    for depth in range(draw(st.integers(1, 4))):
        own: dict[str, Any] = {"specbuild": 1, "name": f"d{depth}", "base": f"{depth + 1}.yaml"}
        for key in draw(
            st.lists(st.sampled_from([key for key in rest if key not in ("specbuild", "name")]), unique=True)
        ):
            if key in ("vars", "blocks") and draw(st.booleans()) and isinstance(rest[key], dict) and rest[key]:
                name = draw(st.sampled_from(list(rest[key])))
                own[key] = {name: rest[key][name]}
                rest[key] = {**rest[key], name: "something else"}
            else:
                own[key] = rest[key]
                mapping = [] if key in ("vars", "blocks") else [{"type": "Nothing"}]  # those two are joined
                rest[key] = draw(st.sampled_from(["something else", None, [1], *mapping]))
        places = [
            path
            for path in leaves({key: value for key, value in rest.items() if key not in {**own, "name": 1}})
            if len(path) > 1 and all(isinstance(part, int) or str(part).replace("_", "a").isalnum() for part in path)
        ]  # fmt: skip
        for path in draw(st.lists(st.sampled_from(places), unique=True, max_size=3)) if places else ():
            parent = written_at(rest, path[:-1])
            own.setdefault("set", {})[step_text(path)] = parent[path[-1]]
            if isinstance(parent, dict) and path[-1] not in ("name", "type"):
                parent[path[-1]] = draw(st.sampled_from(["something else", 12345, None]))
        if draw(st.booleans()) and "set" in own and "input" in own:
            own = dict(sorted(own.items()))
        chain.append(own)
    return tree, [*chain, {**rest, "name": "last"}]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(split())
def test_a_spec_in_parts_is_the_spec(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    """The same tree and the same resolved document; each value is found in the file where it is written."""
    tree, chain = drawn
    for number, document in enumerate(chain):
        Path(f"{number}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    spec = specbuild.load("0.yaml")
    source = spec.source
    assert isinstance(source, Derived)
    assert source.whole == {**tree, "name": "d0"}
    assert whole(spec) == {**whole(tree), "name": "d0"}
    assert [part.name for part in source.parts] == [f"{number}.yaml" for number in range(len(chain))]
    for path in leaves(source.tree):
        part, there = source.origin(path)
        assert is_written(part.tree, there)
        assert written_at(part.tree, there) == written_at(source.tree, path)
        first = next(number for number, document in enumerate(chain) if gives(document, path))
        assert part.name == f"{first}.yaml"


def gives(document: dict[str, Any], path: tuple[str | int, ...]) -> bool:
    """Whether a document says itself what stands at a path; written without regard to how specbuild does."""
    if path[0] == "name" or path[0] == "specbuild":
        return True
    if any((step_text(path) + ".").startswith((f"{key}.", f"{key}[")) for key in document.get("set", {})):
        return True
    own = document.get(str(path[0]))
    if path[0] in ("vars", "blocks") and isinstance(own, dict) and "base" in document:
        return path[1] in own
    return path[0] in document


def test_an_edit_is_of_the_document_that_is_named() -> None:
    Path("net.yaml").write_text(NET.replace("epochs", "epoch").replace("kernel_size", "kernelsize"))
    before = Path("net.yaml").read_bytes()
    Path("top.yaml").write_text(
        "specbuild: 1\nname: top  # its own\nbase: net.yaml\nset: {layers.head.biass: false}\nlos: MSELoss\n"
    )
    done = CliRunner().invoke(app, ["check", "--fix", "top.yaml"])
    assert done.exit_code == 1
    assert Path("net.yaml").read_bytes() == before
    assert Path("top.yaml").read_text() == (
        "specbuild: 1\nname: top  # its own\nbase: net.yaml\nset: {layers.head.bias: false}\nloss: MSELoss\n"
    )
    remaining = specbuild.check("top.yaml")
    assert {(found.file, found.edit, found.replacement) for found in remaining} == {("net.yaml", None, None)}
    assert [(found.message, found.fix) for found in remaining] == [
        ("unknown key `kernelsize`", "did you mean `kernel_size`?"),
        ("unknown key `epoch`", "did you mean `epochs`?"),
    ]


def test_paths_and_edits_are_of_the_file_that_is_named() -> None:
    document = '{"specbuild": 1, "base": "net.yaml", "set": {"layers.head.biass": false}}'
    Path("top.json").write_text(document)
    (one,) = render.as_json(specbuild.check("top.json"))
    assert (one["file"], one["pointer"]) == ("top.json", "/set/layers.head.biass")
    edit = one["fix"]["edit"]
    assert (edit["pointer"], edit["text"]) == ("/set/layers.head.biass", '"layers.head.bias"')
    Path("net.yaml").write_text(NET.replace("classes: 10", "classes: -1"))
    (found,) = render.as_json(specbuild.check('{"specbuild": 1, "base": "net.yaml"}'))
    assert (found["file"], found["line"], found["pointer"]) == ("net.yaml", 13, "/layers/3/out_features")


def test_what_set_makes_is_placed_where_it_is_written() -> None:
    assert said("specbuild: 1\nbase: net.yaml\nset: {optimizer.lr: 0.1, vars.unused: 3}\n") == [
        "<text>:3:22: error[SB202]: `type` is missing: optimizer takes the name of an optimizer"
    ] or said("specbuild: 1\nbase: net.yaml\nset: {optimizer.lr: 0.1}\n")[0].startswith("<text>:3:21: ")


def test_places_say_their_file() -> None:
    found = specbuild.check("specbuild: 1\nbase: net.yaml\nvars: {classes: 2.5}\n")
    assert [(each.place, each.because) for each in found] == [("net.yaml:13:46", "`classes` is 2.5, at <text>:3:17")]
    Path("net.yaml").write_text(NET.replace("classes}", "klasses}"))
    text = "specbuild: 1\nbase: net.yaml\nset: {train.epochs: '${klasses}', train.seed: '${klasses}'}\n"
    (missing,) = specbuild.check(text)
    assert (missing.place, missing.because) == ("<text>:3:21", "the same at <text>:3:47 and net.yaml:13:46")


def test_a_comment_in_the_base_silences_what_is_on_its_line() -> None:
    lossy = NET.replace("ReLU]", "{type: BatchNorm2d}]")
    Path("net.yaml").write_text(lossy)
    top = "specbuild: 1\nbase: net.yaml\n"
    assert [(found.code, found.file) for found in specbuild.check(top)] == [("SB809", "net.yaml")]
    Path("net.yaml").write_text(lossy.replace("BatchNorm2d}]", "BatchNorm2d}]  # specbuild: ignore[SB809]"))
    assert specbuild.check(top) == ()
    without = "specbuild: 1\nbase: net.yaml\nset: {'blocks.conv.layers[1]': ReLU}\n"
    assert specbuild.check("net.yaml") == ()
    assert specbuild.check(without) == ()  # idle here, and of use in the base itself
    assert [found.code for found in specbuild.check(f"{top}ignore: [SB808]\n")] == ["SB822"]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("''", 'top.yaml:2:7: error[SB203]: a base is the path of a spec; got ""'),
        ("3", "top.yaml:2:7: error[SB203]: a base is the path of a spec; got 3"),
        ("${name}.yaml", "top.yaml:2:7: error[SB114]: a base is read before any variable has a value"),
        ("https://a.b/c.yaml", "top.yaml:2:7: error[SB114]: a base is a file; this one is a URL"),
        ("folder.yaml", "top.yaml:2:7: error[SB114]: the base cannot be read: folder.yaml: it is a directory"),
        ("pipe.yaml", "top.yaml:2:7: error[SB114]: the base cannot be read: pipe.yaml: it is not a regular file"),
        (
            "/etc/passwd",
            'top.yaml:2:7: error[SB114]: the name of a base ends in .yaml, .yml or .json; got "/etc/passwd"',
        ),
        ("top.yaml", "top.yaml:2:7: error[SB114]: the base builds on this document again: top.yaml"),
        ("twice.yaml", "twice.yaml:2:7: error[SB114]: the base builds on this document again: top.yaml"),
        ("old.yaml", "old.yaml:1:12: error[SB211]: this specbuild reads version 1 of the language; got 0"),
        ("torn.yaml", "torn.yaml:2:1: error[SB103]: "),
        ("list.yaml", "list.yaml:1:1: error[SB110]: a document is a mapping of keys to values; this one is a list"),
    ],
)  # fmt: skip
def test_a_base_that_cannot_be(base: str, expected: str) -> None:
    Path("top.yaml").write_text(f"specbuild: 1\nbase: {base}\n")
    Path("twice.yaml").write_text("specbuild: 1\nbase: top.yaml\n")
    Path("old.yaml").write_text("specbuild: 0\n")
    Path("torn.yaml").write_text("specbuild: [\n")
    Path("list.yaml").write_text("- 1\n")
    Path("folder.yaml").mkdir()
    os.mkfifo("pipe.yaml")
    (found,) = said("top.yaml")
    assert found.startswith(expected)


def test_a_chain_has_an_end() -> None:
    for depth in range(6):
        Path(f"{depth}.yaml").write_text(f"specbuild: 1\nbase: {depth + 1}.yaml\n")
    Path("5.yaml").write_text(NET)
    assert said("1.yaml") == []
    expected = "4.yaml:2:7: error[SB114]: a document has at most 4 bases, one upon the other; this is one more"
    assert said("0.yaml") == [expected]


def test_a_link_leads_on_from_where_it_is() -> None:
    Path("deep/er").mkdir(parents=True)
    Path("deep/net.yaml").write_text(NET.replace("width: 8", "width: 2"))
    Path("link").symlink_to("deep/er")
    document = {"specbuild": 1, "base": "link/../net.yaml"}
    source = specbuild.load(document).source
    assert isinstance(source, Derived)
    assert source.base.tree["vars"]["width"] == 2
    assert source.base.name == "./link/../net.yaml" or source.base.name == "link/../net.yaml"


def test_a_large_base_keeps_its_budget() -> None:
    """A short document builds on one that writes 25,000 layers out, more than a short one may have."""
    layers = [{"name": f"layer{n}", "type": "Linear", "out_features": 4} for n in range(25_000)]
    Path("large.json").write_text(json.dumps({"specbuild": 1, "input": [4], "layers": layers}))
    assert len(specbuild.load("specbuild: 1\nbase: large.json\nset: {'layers[7].bias': false}\n").layers) == 25_000


def test_commands_take_it() -> None:
    Path("top.yaml").write_text("specbuild: 1\nname: top\nbase: net.yaml\nset: {layers.head.out_features: 3}\n")
    done = CliRunner().invoke(app, ["diff", "net.yaml", "top.yaml"])
    assert (done.exit_code, "out_features: 10 → 3" in done.stdout) == (0, True), done.stdout
    done = CliRunner().invoke(app, ["fmt", "--check", "top.yaml"])
    assert done.exit_code == 0, done.stdout
    done = CliRunner().invoke(app, ["summary", "top.yaml", "--format", "json"])
    assert json.loads(done.stdout)["parameters"] == specbuild.infer("top.yaml").parameters()


def test_a_spec_remembers_what_it_builds_on() -> None:
    spec: Spec = specbuild.load("specbuild: 1\nbase: net.yaml\n", ["vars.width=4"])
    assert specbuild.load(spec.source).inputs == spec.inputs
    assert isinstance(spec.source, Derived)
    assert spec.source.whole["vars"]["width"] == 8
    assert told(spec.source) == ""


def test_the_example_says_what_is_written_out_beside_it() -> None:
    examples = ROOT / "examples/transfer"
    assert not specbuild.diff(examples / "fashion.yaml", examples / "head.yaml")
    assert specbuild.check(examples / "head.yaml") == ()
    assert specbuild.check(examples / "flowers.yaml") == ()
    plan = specbuild.infer(examples / "flowers.yaml")
    assert plan.parameters() == 11_689_512 - 1000 * 513 + 102 * 513
