"""Whether a sealed folder is the checkpoint that was written there, and of this run. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specbuild.runs import manifest, reading

FORMAT = 1
"""Of the checkpoints that this specbuild writes."""
STATE = "state.json"


def fault_of(content: Mapping[str, Any], name: str, run_id: str | None = None) -> str | None:
    """What keeps the manifest of a checkpoint from being that of the one called `name`, in words.

    run_id: of the run that it must belong to.
    """
    if "specbuild_checkpoint" not in content:
        return "is not that of a checkpoint"
    if content["specbuild_checkpoint"] != FORMAT or type(content["specbuild_checkpoint"]) is not int:
        said = reading.shown(repr(content["specbuild_checkpoint"]))
        return f"is that of a checkpoint of format {said}, not {FORMAT}"
    if content.get("name") != name:
        return f"is that of another checkpoint: it says {reading.shown(repr(content.get('name')))}"
    if STATE not in content["files"]:
        return f"lists no {STATE}"
    own = content.get("run")
    if not isinstance(own, str) or not manifest.ID.fullmatch(own):
        return "has no run's id"
    return None if run_id in (None, own) else "is of another run"
