"""Runs of older formats, brought up to date in memory; their files stay as they were written.

Format 2 gave a run an `id` and put its checkpoints into it; its resolved documents are those of format 1.
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


DOCUMENTS: dict[int, Callable[[Content], Content]] = {}
"""What brings a resolved document, `spec.json`, up to date, by the run's format; none where nothing changed in it."""


def up_to_date(content: Content) -> Content:
    """A manifest's content as this specbuild would have written it; its format is one that `readable` is true of."""
    while content["specbuild_run"] != VERSION:
        content = MIGRATIONS[content["specbuild_run"]](content)
    return content


def readable(version: int) -> bool:
    """Whether there is a way from this format to ours."""
    return version == VERSION or version in MIGRATIONS


def document(content: Content, version: int) -> Content:
    """The resolved document of a run of format `version` as this specbuild would have written it."""
    for step in range(version, VERSION):
        content = DOCUMENTS.get(step, unchanged)(content)
    return content


def unchanged(content: Content) -> Content:
    """The document as it is."""
    return content
