"""Channels in groups, shared by what splits them."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import Dim


def divides(groups: int, channels: Dim, field: str) -> None:
    """Require that the groups share the channels evenly."""
    require(
        channels % groups == 0,
        lambda: Violation(
            "SB304",
            f"`groups` must divide `{field}`: {groups} does not divide {channels}",
            field="groups",
            fix=f"use {divisors(channels)}",
        ),
    )


def divisors(number: Dim) -> str:
    """The small numbers that divide one, in words."""
    return ", ".join(str(n) for n in range(1, min(number, 64) + 1) if number % n == 0)
