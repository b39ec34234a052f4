"""The pages of codes are what the table says."""

from __future__ import annotations

from pathlib import Path

from specbuild.diagnostics.codes import CODES
from specbuild.reports.codes import main, pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "codes"


def test_pages_are_as_made(tmp_path: Path) -> None:
    """`make reference` writes them anew."""
    main(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == pages()
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == made


def test_every_code_is_there() -> None:
    made = pages()
    for code, entry in CODES.items():
        assert f"\n## {code}\n" in made[f"{code[:3]}xx.md"]
        assert f"| [{code}]({code[:3]}xx.md#{code.lower()}) | {entry.title} |" in made["README.md"]
