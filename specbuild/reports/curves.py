"""`curves.png`: losses, metrics and the learning rate, epoch by epoch; by matplotlib, where it is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from specbuild.runs.files import write_whole

NAME = "curves.png"
SPLITS = ("train", "val")
COLOURS = {"train": "#4477aa", "val": "#ee6677"}
WIDEST = 3
"""Panels side by side."""


def missing() -> str | None:
    """Why no curves can be drawn, in words."""
    if find_spec("matplotlib") is None:
        return f"{NAME} is left out: it needs matplotlib (pip install 'specbuild[tensorboard]')"
    return None


def draw(records: Sequence[Mapping[str, Any]], path: Path, title: str) -> None:
    """One panel for each thing measured, train and val in it; a gap where something is not defined."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [record["epoch"] for record in records]
    names = panels(records[0])
    columns = min(WIDEST, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.2 * rows + 0.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    best = [record["epoch"] for record in records if record.get("best")][-1]
    for number, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, number + 1)
        for split in SPLITS if name != "lr" else ("",):
            key = f"{split}_{name}" if split else name
            if key in records[0]:
                values = [float("nan") if record[key] is None else record[key] for record in records]
                axes.plot(epochs, values, color=COLOURS.get(split, "#555555"), label=split, marker=".")
        axes.axvline(best, color="#bbbbbb", linewidth=1, linestyle="--", zorder=0)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("epoch", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        if name != "lr":
            axes.legend(fontsize=8)
    picture = BytesIO()
    figure.savefig(picture, format="png")
    write_whole(path, picture.getvalue())


def panels(record: Mapping[str, Any]) -> list[str]:
    """What a record has of train or val, without the split; the learning rate at the end."""
    measured = [key.partition("_")[2] for key in record if key.startswith(("train_", "val_"))]
    return [*dict.fromkeys(measured), *(["lr"] if "lr" in record else [])]
