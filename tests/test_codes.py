"""Every code is shown: in the expected output of a broken spec, or by a command line that the tests run."""

from __future__ import annotations

import re
from pathlib import Path

from specbuild.diagnostics.codes import CODES
from tests.runs.test_codes import NOT_HERE, RUNNABLE

BROKEN = Path(__file__).resolve().parent / "specs" / "broken"
FEWEST = 120


def test_every_code_appears() -> None:
    told = {code for path in BROKEN.glob("*.txt") for code in re.findall(r"\[(SB\d{3})\]", path.read_text())}
    ran = {code.id for code in RUNNABLE}
    assert sorted(set(CODES) - told - ran) == sorted(NOT_HERE)


def test_there_are_many_broken_specs() -> None:
    assert len([*BROKEN.glob("*.txt")]) >= FEWEST
