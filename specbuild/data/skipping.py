"""Samples that cannot be read and are left out, where a document says `on_error: skip`."""

from __future__ import annotations

from specbuild.data.failure import Unusable

NAMED = 3
"""How many are named."""


class Skipped:
    """What was left out of a split."""

    def __init__(self, split: str, total: int) -> None:
        self.split, self.total = split, total
        self.reasons: dict[int, str] = {}
        """By the number in the source, in the order they were found."""
        self.complete = False
        """Whether the split was read to its end."""
        self.told = 0

    def add(self, index: int, reason: str) -> None:
        """One more, or one that is known."""
        self.reasons.setdefault(index, reason)

    def epoch_done(self) -> None:
        """All samples were read."""
        self.complete = True

    def require_some(self) -> None:
        """Raise `Unusable` (SB412) where no sample is left."""
        if len(self.reasons) >= self.total:
            raise self.none_left(next(iter(self.reasons.values())))

    def none_left(self, reason: str) -> Unusable:
        """SB412: every sample was left out."""
        return Unusable("SB412", f"none of the {self.total} samples of {self.split} can be read: {reason}")

    def news(self) -> str | None:
        """What was left out since the last call, in a sentence; None where nothing was."""
        new = list(self.reasons.values())[self.told :]
        if not new:
            return None
        self.told = len(self.reasons)
        more = f"; and {len(new) - NAMED} more" if len(new) > NAMED else ""
        samples = "1 sample" if len(new) == 1 else f"{len(new)} samples"
        return f"{samples} of {self.split} left out: {'; '.join(new[:NAMED])}{more}"
