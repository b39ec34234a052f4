"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to `word`, if one is close enough to be offered.

    Case is ignored at first, so that `relu` finds `ReLU`.
    """
    from difflib import get_close_matches  # only a mistake pays for it

    names = list(known)
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.lower(), name)
    if word.lower() in folded:
        return folded[word.lower()]
    found = get_close_matches(word.lower()[:64], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None
