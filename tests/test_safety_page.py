"""The limits in docs/safety.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from specbuild.diagnostics.diagnostic import LONGEST as LONGEST_MESSAGE
from specbuild.diagnostics.suggest import MOST_KNOWN
from specbuild.language import budgets, evaluation, expansion, expressions, names

PAGE = (Path(__file__).resolve().parent.parent / "docs/safety.md").read_text()
LIMITS = {
    "a document": [budgets.MAX_BYTES // 2**20],
    "keys and values, each alias counted as all that it stands for": [
        budgets.FEW_NODES, budgets.LARGE // 2**20, budgets.CHARACTERS_A_NODE, budgets.MAX_NODES,
    ],
    "lists and mappings within one another": [budgets.MAX_DEPTH],
    "a number, as written": [budgets.MAX_DIGITS],
    "layers, and scopes": [budgets.FEW_LAYERS, budgets.LARGE // 2**20, budgets.CHARACTERS_A_LAYER, budgets.MOST_LAYERS],
    "scopes within one another": [expansion.DEEPEST],
    "an expression": [expressions.LONGEST, expressions.DEEPEST],
    "an integer in an expression": [2, 63],
    "a string in an expression": [evaluation.MAX_STRING],
    "a list in an expression": [evaluation.MAX_LIST, evaluation.MAX_NESTING],
    "a name": [names.LONGEST],
    "what expressions, repeats and blocks make": [budgets.MOST_WORK, budgets.CHARACTERS_A_VALUE],
    "different mistakes that are told": [budgets.MOST_TOLD],
    "bases, one upon the other": [budgets.MOST_BASES],
    "names among which a misspelt one is looked for": [MOST_KNOWN],
}  # fmt: skip


def test_limits() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE))
    del rows["of"]
    found = {
        of: [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d|\d", most)] for of, most in rows.items()
    }
    assert found == LIMITS
    assert evaluation.MAX_INTEGER == 2**63
    assert f"{LONGEST_MESSAGE:,} characters" in PAGE
