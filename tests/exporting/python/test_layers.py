"""Every layer of the catalogue as Python source, on a few drawn networks each."""

from __future__ import annotations

from pathlib import Path

from specbuild.catalogue.layers import LAYERS
from tests.exporting.python.apart import verdicts_of
from tests.exporting.python.layers import trials_of


def test_layers_are_equal_where_specbuild_is_not(tmp_path: Path) -> None:
    trials = [trial for kind in sorted(LAYERS) for trial in trials_of(kind, 3)]
    verdicts, _ = verdicts_of(trials, tmp_path)
    assert {label: verdict for label, verdict in verdicts.items() if verdict is not None} == {}
    assert len({trial.spec.layers[-1].written for trial in trials} | {t.plan.steps[-1].type for t in trials}) > 100
