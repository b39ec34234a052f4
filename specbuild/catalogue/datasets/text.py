"""Text, to predict what comes next."""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import Dataset
from specbuild.catalogue.entry import Size, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType

BYTES = 256
"""The bytes that there are."""


class Text(Dataset):
    """Windows of a file: an `input` of int64 `[window]`, and as `target` the same text, one place further.

    A character is its number in the vocabulary: the file's characters in the order of their code points, unless
    written. It is kept in the run. A byte is itself. `split` holds out the end of the text in one piece.

    ```yaml
    dataset: {type: Text, path: input.txt, window: 128}
    ```
    """

    in_one_piece: ClassVar = True

    path: Str
    """The file; characters are read as UTF-8."""
    window: Size = 128
    """How many characters or bytes a window has."""
    stride: Size | None = None
    """How far the next window begins from the one before; null is `window`, so that none overlap."""
    unit: Literal["characters", "bytes"] = "characters"
    """What the text is cut into."""
    vocabulary: Str | None = None
    """The characters, each once, in the order of their numbers; null is those of the file."""

    def check(self) -> None:
        """A vocabulary is of characters, each once."""
        if self.vocabulary is None:
            return
        if not self.vocabulary:
            raise Violation("SB410", "a vocabulary has a character or more", field="vocabulary", fix="leave it out")
        if self.unit == "bytes":
            raise Violation(
                "SB410", f"there are {BYTES} bytes, numbered as they are: they need no vocabulary", field="vocabulary",
                fix="leave it out, or unit: characters",
            )  # fmt: skip
        twice = next((c for c, count in Counter(self.vocabulary).items() if count > 1), None)
        if twice is not None:
            raise Violation("SB410", f"{twice!r} is in vocabulary twice", field="vocabulary", fix="write it once")

    def check_beside(self, train: Dataset) -> None:
        """Characters have the numbers that train gives them."""
        if self.unit == "bytes":
            return
        if not isinstance(train, Text) or train.unit == "bytes":
            what = "of bytes" if isinstance(train, Text) else train.type
            raise Violation("SB410", f"characters have the numbers that train gives them, and train is {what}")
        if None not in (self.vocabulary, train.vocabulary) and self.vocabulary != train.vocabulary:
            raise Violation("SB410", "vocabulary is not train's", field="vocabulary", fix="leave it out")

    @property
    def classes(self) -> int | None:
        """How many characters or bytes there are; None where the file says."""
        if self.unit == "bytes":
            return BYTES
        return None if self.vocabulary is None else len(self.vocabulary)

    def sample(self) -> Mapping[str, SampleType]:
        """A window, and the same one place further."""
        sample = SampleType((self.window,), "int64")
        return {"input": sample, "target": sample._replace(classes=self.classes)}

    def length(self) -> None:
        """Known when the file is opened."""
        return None
