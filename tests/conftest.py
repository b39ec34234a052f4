"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

hypothesis.settings.register_profile("suite", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write expected outputs anew instead of comparing")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Two processes of tests on two cores: torch takes one core each."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
