"""The public surface, and the codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import specbuild
from specbuild.diagnostics.codes import CODES

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [code for code in CODES.values() if not code.failing.startswith("$ ")]


def test_public_names() -> None:
    assert specbuild.__all__ == [
        "DataError", "Diagnostic", "Plan", "Run", "RunError", "Spec", "SpecError", "SpecbuildError",
        "build", "check", "diff", "dry_run", "evaluate", "explain", "export", "fix", "from_module", "infer", "load",
        "plugin", "predict", "reload", "train", "verify",
    ]  # fmt: skip
    for name in specbuild.__all__:
        assert getattr(specbuild, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'specbuild' has no attribute 'biuld'"):
        specbuild.biuld  # noqa: B018


def test_importing_costs_nothing() -> None:
    heavy = ("specbuild", "pydantic", "yaml")
    program = f"import sys, specbuild; print(sorted(m for m in sys.modules if m.startswith({heavy})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['specbuild']\n"


def test_codes_are_in_order_and_unique() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(code.explanation and code.failing and code.mended for code in CODES.values())


@pytest.mark.parametrize("code", DOCUMENTS, ids=lambda code: code.code)
def test_failing_example_earns_its_code(code: specbuild.diagnostics.codes.Code) -> None:  # type: ignore[name-defined]
    many = {"SB113": {"SB204"}, "SB823": {"SB801"}}.get(code.code, set())
    assert {found.code for found in specbuild.check(code.failing)} == {code.code} | many


@pytest.mark.parametrize("code", DOCUMENTS, ids=lambda code: code.code)
def test_mended_example_is_right(code: specbuild.diagnostics.codes.Code) -> None:  # type: ignore[name-defined]
    assert specbuild.check(code.mended) == ()


def test_every_code_in_the_source_is_in_the_table() -> None:
    import re

    used = {
        code
        for path in (ROOT / "specbuild").rglob("*.py")
        if "codes" not in path.parts
        for code in re.findall(r'"(SB\d{3})"', path.read_text())
    }
    assert used <= set(CODES)
