"""Channels in groups, shared by what splits them."""

from __future__ import annotations

from math import gcd

from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import Dim


def divides(groups: int, channels: Dim, field: str, other: Dim) -> None:
    """Require that the groups share the channels evenly; other: those on the other side, which they share too."""
    require(
        channels % groups == 0,
        lambda: Violation(
            "SB304",
            f"`groups` must divide `{field}`: {groups} does not divide {channels}",
            field="groups",
            fix=f"use {divisors(gcd(channels, other))}",
        ),
    )


def divisors(number: Dim) -> str:
    """The small numbers that divide one, in words."""
    return ", ".join(str(n) for n in range(1, min(number, 64) + 1) if number % n == 0)
