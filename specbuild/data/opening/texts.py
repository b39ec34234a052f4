"""`Text`: windows of a file, to predict what comes next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from specbuild.catalogue.datasets.text import BYTES, Text
from specbuild.data.failure import Unusable, first_line
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.sources import Source, Statistics, TensorSource
from specbuild.network.samples import INPUT

LAST_CODE_POINT = 0x10FFFF


class TextSource(TensorSource):
    """Windows of one sequence of integers, which is held once."""

    def __init__(self, entry: Text, tokens: torch.Tensor, classes: int) -> None:
        stride = entry.stride or entry.window
        super().__init__(
            {
                INPUT: tokens[:-1].unfold(0, entry.window, stride),
                "target": tokens[1:].unfold(0, entry.window, stride),
            },
            classes=classes,
        )
        self.tokens = tokens
        self.overlap = -(-entry.window // stride) - 1

    def extent(self, name: str, indices: torch.Tensor, ignored: int | None = None) -> tuple[int, int] | None:
        """The least and the greatest integer of the whole text: windows may hold each many times."""
        tokens = self.tokens if ignored is None else self.tokens[self.tokens != ignored]
        return (int(tokens.min()), int(tokens.max())) if tokens.numel() else None


class CharacterSource(TextSource):
    """Windows of characters, each by its number in train's vocabulary."""

    learns = True

    def __init__(self, entry: Text, path: Path, points: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> None:
        """points: the text's code points."""
        self.entry, self.path, self.points = entry, path, points
        found = "".join(map(chr, np.unique(points).tolist()))
        self.vocabulary = entry.vocabulary or found
        super().__init__(entry, torch.zeros(len(points), dtype=torch.uint8), len(self.vocabulary))

    def learned(self, indices: torch.Tensor) -> Statistics:
        """The vocabulary: of the whole of train's text, so that what is held out has no other characters."""
        return {"type": "Text", "vocabulary": self.vocabulary}

    def prepared(self, statistics: Statistics | None) -> TextSource:
        """The characters by their numbers; SB405 names one that the vocabulary does not have."""
        if statistics is None or statistics.get("type") != "Text":
            raise Unusable("SB405", "characters have the numbers that train gives them, and train is no Text of them")
        vocabulary = statistics.get("vocabulary")
        if not isinstance(vocabulary, str) or not vocabulary:
            raise Unusable("SB503", "the run's preprocessing.json is not that of a Text")
        if self.entry.vocabulary not in (None, vocabulary):
            raise Unusable("SB410", "vocabulary is not train's", field="vocabulary", fix="leave it out")
        numbers = np.full(LAST_CODE_POINT + 1, -1, dtype=np.int32)  # 4 MB: a table is faster than a search
        numbers[[ord(character) for character in vocabulary]] = np.arange(len(vocabulary))
        tokens = numbers[self.points]
        if (tokens < 0).any():
            first = int(np.flatnonzero(tokens < 0)[0])
            line = int((self.points[:first] == ord("\n")).sum()) + 1
            raise Unusable(
                "SB405", f"line {line} of {self.path} has {chr(self.points[first])!r}, which is not in the vocabulary",
                field="path", fix="vocabulary: all characters, written at train's data set",
            )  # fmt: skip
        held = torch.from_numpy(tokens.astype(np.uint8 if len(vocabulary) <= BYTES else np.int32))
        source = TextSource(self.entry, held, len(vocabulary))
        source.statistics, source.class_names = statistics, tuple(vocabulary)
        return source


def text(entry: Text, root: Path, image: str | None) -> Source:
    """The windows of a file. SB403 where it is not there, SB405 where it is not UTF-8, SB412 where it is too short."""
    path = placed(root, entry.path)
    if not path.is_file():
        raise Unusable("SB403", f"there is no file {path.absolute()}", field="path", fix="a text file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unusable("SB405", f"{path} cannot be read: {error.strerror or first_line(error)}", field="path") from None
    if entry.unit == "bytes":
        require_long(entry, path, len(raw))
        return TextSource(entry, torch.from_numpy(np.frombuffer(raw, np.uint8).copy()), BYTES)
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unusable(
            "SB405", f"line {line} of {path} is not UTF-8: {error.reason}", field="path", fix="unit: bytes"
        ) from None
    points = np.frombuffer(decoded.encode("utf-32-le"), np.uint32)
    require_long(entry, path, len(points))
    return CharacterSource(entry, path, points)


def require_long(entry: Text, path: Path, count: int) -> None:
    """SB412 for a text without a window and what follows it."""
    if count < entry.window + 1:
        raise Unusable(
            "SB412", f"{path} has {count:,} {entry.unit}, fewer than a window of {entry.window:,} and the next one",
            field="window", fix=f"window: {max(1, count - 1)}, or less" if count > 1 else None,
        )  # fmt: skip


OPENERS: Openers = {Text: text}
