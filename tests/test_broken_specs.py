"""Broken specs, each a file with the whole text that `check` prints of it beside it.

`make golden` writes the expected texts anew; the diff is the review.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import specbuild
from specbuild.diagnostics import render

FOLDER = Path("tests/specs/broken")
ROOT = Path(__file__).resolve().parent.parent
BASES = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/specs/bases").iterdir()}
"""What some of them build upon, and where mistakes are told, too."""
SPECS = sorted(path.relative_to(ROOT) for path in (ROOT / FOLDER).iterdir() if path.suffix in (".yaml", ".json"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_output(path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(ROOT)
    diagnostics = specbuild.check(path)
    actual = render.text(diagnostics) + "\n"
    expected = Path(f"{path}.txt")
    if request.config.getoption("--rewrite"):
        expected.write_text(actual, encoding="utf-8")
    assert diagnostics, "a broken spec has to be refused"
    assert actual == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_every_error_has_a_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for diagnostic in specbuild.check(path):
        assert diagnostic.span is not None, diagnostic
        assert diagnostic.file in (str(path), *BASES)
        lines = Path(diagnostic.file).read_bytes().decode("utf-8", errors="replace").splitlines()
        assert 1 <= diagnostic.span.line <= max(1, len(lines))
