"""Where a condition holds, in words and as a promise that suffices; and a size that shows where it does not."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from specbuild.catalogue.sizes.deciding import Holding
from specbuild.catalogue.sizes.promises import Promise

LISTED = 6
"""How many residues or sizes are named one by one."""


class Good(NamedTuple):
    """The sizes at which a condition holds."""

    words: str
    """`H is a multiple of 16 (H ≥ 16)`."""
    promise: Promise | None
    """What `dims` has to say for it to hold, if it can be said there."""
    failing: int | None
    """A telling size at which it fails."""


def described(name: str, holding: Holding, promise: Promise) -> Good:
    """Where a condition in one symbol holds."""
    if holding.period is None:
        return finite(name, holding.found, promise)
    found, step = holding.found, promise.multiple_of
    start = len(found) - holding.period
    pattern = shortest(found[start:])
    period = len(pattern)
    begin = start  # the first size from which on the pattern is all there is
    while begin > 0 and found[begin - 1] == pattern[(begin - 1 - start) % period]:
        begin -= 1
    sizes = promise.sizes(len(found) + 3 * period)
    holds = [*found, *(pattern[(k - start) % period] for k in range(len(found), len(sizes)))]
    early = [sizes[k] for k in range(begin) if holds[k]]
    bad = [size for size, good in zip(sizes, holds, strict=True) if not good]
    if not any(pattern):
        return Good(
            listed(name, early), ends(early, promise), next((s for s in bad if not early or s > early[-1]), None)
        )
    later = [sizes[k] for k in range(begin, len(sizes)) if holds[k]]
    few = f"{listed(name, early)}, or " if early else ""
    if all(pattern):
        words = f"{few}{name} ≥ {later[0]}"
        return Good(words, Promise(later[0], promise.most, step), bad[-1] if bad else None)
    modulus = period * step
    residues = sorted({size % modulus for size in later})
    words = f"{few}{name} {in_residues(residues, modulus, step)} ({name} ≥ {later[0]})"
    whole = [size for size in later if size % modulus == 0]
    mend = Promise(whole[0], promise.most, modulus) if whole else None
    if mend is not None and mend.total == 0:
        mend = None
    telling = next((size for size in bad if size >= 2 * modulus and size > later[0]), bad[0] if bad else None)
    return Good(words, mend, telling if telling in promise else (bad[0] if bad and bad[0] in promise else None))


def shortest(pattern: tuple[bool, ...]) -> tuple[bool, ...]:
    """The shortest pattern that repeats to this one."""
    length = len(pattern)
    for period in range(1, length // 2 + 1):
        if length % period == 0 and pattern[:period] * (length // period) == pattern:
            return pattern[:period]
    return pattern


def in_residues(residues: list[int], modulus: int, step: int) -> str:
    """`is a multiple of 16`, `mod 8 is 0 or 3`, `mod 5 is not 2`."""
    if residues == [0]:
        return f"is a multiple of {modulus}"
    if modulus == 2:
        return "is odd"
    others = [residue for residue in range(0, modulus, step) if residue not in residues]
    if len(others) < min(len(residues), LISTED):
        return f"mod {modulus} is not {alternatives(others)}"
    return f"mod {modulus} is {alternatives(residues)}"


def alternatives(numbers: list[int]) -> str:
    """`0`, `0 or 3`, `0, 3 or 5`; abridged where there are many."""
    if len(numbers) > 2 * LISTED:
        return f"one of {len(numbers)}: {', '.join(map(str, numbers[:LISTED]))}, ..."
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last


def finite(name: str, found: tuple[bool, ...], promise: Promise) -> Good:
    """The same of finitely many sizes."""
    sizes = promise.sizes(len(found))
    good = [size for size, holds in zip(sizes, found, strict=True) if holds]
    bad = [size for size, holds in zip(sizes, found, strict=True) if not holds]
    telling = next((size for size in bad if good and size > good[0]), bad[0] if bad else None)
    return Good(listed(name, good), ends(good, promise), telling)


def listed(name: str, sizes: list[int]) -> str:
    """`H is 3`, `3 ≤ H ≤ 7`, `H is a multiple of 16 (16 ≤ H ≤ 96)`, `H is 3, 5 or 9`."""
    if not sizes:
        return f"no {name}"
    if len(sizes) == 1:
        return f"{name} is {sizes[0]}"
    between = f"{sizes[0]} ≤ {name} ≤ {sizes[-1]}"
    gap = sizes[1] - sizes[0]
    if len(sizes) > 2 and all(b - a == gap for a, b in pairwise(sizes)):
        if gap == 1:
            return between
        return f"{name} {in_residues([sizes[0] % gap], gap, 1)} ({between})"
    return f"{name} is {alternatives(sizes)}"


def ends(sizes: list[int], promise: Promise) -> Promise | None:
    """What `dims` says of finitely many sizes, if it can."""
    if not sizes:
        return None
    gap = sizes[1] - sizes[0] if len(sizes) > 1 else promise.multiple_of
    even = all(b - a == gap for a, b in pairwise(sizes)) and all(s % gap == 0 for s in sizes)
    if not even:
        return None
    return Promise(sizes[0], sizes[-1], gap if len(sizes) > 1 else 1)
