"""Every document shown in the docs and the README is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import specbuild
from specbuild.diagnostics import render

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [
    pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    if page.parent.name != "codes"  # half of their examples are wrong: `reports.test_codes`
    for number, text in enumerate(re.findall(r"```yaml\n(specbuild: 1\n.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_document(text: str) -> None:
    assert render.text(specbuild.check(text)) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
