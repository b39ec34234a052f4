"""Runs of older formats, brought up to date in memory; their files stay as they were written.

Format 2 gave a run an `id` and put its checkpoints into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specbuild.runs.sealing import own_digest

VERSION = 2
"""The format that this specbuild writes."""

Content = dict[str, Any]


def from_1_to_2(content: Content) -> Content:
    """The `id` of a run that has none follows from its manifest, so that it is the same each time."""
    head = {"specbuild_run": 2, "id": own_digest(content)[:32]}
    return head | {key: value for key, value in content.items() if key not in head}


MIGRATIONS: dict[int, Callable[[Content], Content]] = {1: from_1_to_2}
"""By the format that each starts from."""


def up_to_date(content: Content) -> Content:
    """A manifest's content as this specbuild would have written it; its format is one that `readable` is true of."""
    while content["specbuild_run"] != VERSION:
        content = MIGRATIONS[content["specbuild_run"]](content)
    return content


def readable(version: Any) -> bool:
    """Whether there is a way from this format to ours."""
    return type(version) is int and (version == VERSION or version in MIGRATIONS)
