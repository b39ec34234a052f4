"""GitHub's workflow commands and SARIF, of every broken spec."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest

import specbuild
from specbuild.diagnostics import github, sarif
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Replacement, Span

ROOT = Path(__file__).resolve().parents[2]
FOLDER, BASES = Path("tests/specs/broken"), Path("tests/specs/bases")
BROKEN = sorted(path.name for path in (ROOT / FOLDER).iterdir() if path.suffix in (".yaml", ".json"))
SCHEMA = json.loads((ROOT / "tests/data/sarif-2.1.0.json").read_text())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)
HERE = Span(9, 45, 9, 49)


def diagnostic(**changes: object) -> Diagnostic:
    fields = {"code": "SB301", "message": "m", "path": ("layers", 3), "file": "a b.yaml", "span": HERE}
    return Diagnostic(**{**fields, **changes})  # type: ignore[arg-type]


def in_text(text: str, span: Span) -> str:
    """The characters of a span within one line."""
    assert span.line == span.end_line
    return (
        text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]
    )


@pytest.mark.parametrize("name", BROKEN)
def test_sarif_of_a_broken_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = FOLDER / name
    found = specbuild.check(path)
    log = json.loads(json.dumps(sarif.log(found, "1.2.3")))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({diagnostic.code for diagnostic in found})
    assert len(run["results"]) == len(found)
    for diagnostic, result in zip(found, run["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == diagnostic.code
        assert result["level"] == diagnostic.severity
        physical = result["locations"][0]["physicalLocation"]
        assert unquote(physical["artifactLocation"]["uri"]) == diagnostic.file
        assert diagnostic.file == str(path) or Path(diagnostic.file).parent == BASES
        assert diagnostic.span is not None
        assert [*physical["region"].values()] == [*diagnostic.span]
        assert ("fixes" in result) is (diagnostic.edit is not None)
        if diagnostic.replacement is not None:
            assert isinstance(in_text(path.read_bytes().decode(), diagnostic.replacement.span), str)


@pytest.mark.parametrize("name", BROKEN)
def test_commands_of_a_broken_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = specbuild.check(FOLDER / name)
    lines = github.commands(found).split("\n")
    assert len(lines) == len(found)
    for diagnostic, line in zip(found, lines, strict=True):
        head, _, message = line[2:].partition("::")
        kind, _, properties = head.partition(" ")
        assert kind == diagnostic.severity
        written = dict(each.split("=") for each in properties.split(","))
        assert written["title"] == diagnostic.code
        assert written["file"] == diagnostic.file
        assert unescaped(message).startswith(diagnostic.text)


def unescaped(text: str) -> str:
    """As the runner reads it."""
    for escape, character in {"%2C": ",", "%3A": ":", "%0A": "\n", "%0D": "\r", "%25": "%"}.items():
        text = text.replace(escape, character)
    return text


def test_commands() -> None:
    found = diagnostic(message="50 %\r\n: a,b", because="x", fix="y", instance="head", file="a,b:c%.yaml")
    assert github.commands([found, diagnostic(code="SB801", span=None)]) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=9,col=45,endLine=9,endColumn=49,title=SB301"
        "::head: 50 %25%0D%0A: a,b%0Abecause: x%0Afix: y\n"
        "::warning file=a b.yaml,title=SB801::m"
    )


@pytest.mark.parametrize("file", ["<stdin>", "<dict>", "--set", None])
def test_what_is_in_no_file(file: str | None) -> None:
    found = diagnostic(file=file, span=None)
    assert github.command(found).startswith("::error title=SB301::")
    log = sarif.log([found], "1.2.3")
    VALIDATOR.validate(log)
    assert log["runs"][0]["results"][0]["locations"] == [
        {"logicalLocations": [{"fullyQualifiedName": "layers[3]", "kind": "member"}]}
    ]


def test_a_fix() -> None:
    found = diagnostic(fix="f", edit=Edit(("layers", 3), 8), replacement=Replacement(HERE, "8"))
    region = {"startLine": 9, "startColumn": 45, "endLine": 9, "endColumn": 49}
    log = sarif.log([found], "1.2.3")
    VALIDATOR.validate(log)
    assert log["runs"][0]["results"][0]["fixes"] == [
        {
            "description": {"text": "f"},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "a%20b.yaml"},
                    "replacements": [{"deletedRegion": region, "insertedContent": {"text": "8"}}],
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./a/../b.yaml", "b.yaml"),
        ("ü#?.yaml", "%C3%BC%23%3F.yaml"),
        (os.path.join(os.getcwd(), "x.yaml"), "x.yaml"),
        ("/no/such/x y.yaml", "file:///no/such/x%20y.yaml"),
        ("../x.yaml", "../x.yaml"),
    ],
)
def test_uris(file: str, uri: str) -> None:
    assert sarif.uri(file) == uri


def test_every_code_is_a_rule() -> None:
    codes = sorted(specbuild.diagnostics.codes.CODES)
    log = sarif.log([diagnostic(code=code) for code in codes], specbuild.__version__)
    VALIDATOR.validate(log)
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]


def test_nothing_wrong() -> None:
    assert github.commands([]) == ""
    log = sarif.log([], "1.2.3")
    VALIDATOR.validate(log)
    assert log["runs"][0]["results"] == []
