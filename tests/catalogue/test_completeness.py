"""Nothing that torch has is missing from the catalogue without a reason that a user is given."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from specbuild.catalogue.initialization import INITIALIZATIONS
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.schedulers import SCHEDULERS

NOT_NAMED = {
    "Module": "the base of all",
    "RNNBase": "a base",
    "RNNCellBase": "a base",
    "Container": "a deprecated base",
    "Sequential": "the language's own way to nest layers",
}
"""Classes that are no entries of a table."""


def classes(package: Any, base: type) -> list[str]:
    return sorted(
        name
        for name, found in vars(package).items()
        if inspect.isclass(found) and issubclass(found, base) and found is not base and not name.startswith("_")
    )


@pytest.mark.parametrize("name", classes(nn, nn.Module))
def test_modules(name: str) -> None:
    known = {**dict.fromkeys(LAYERS), **dict.fromkeys(LOSSES)}
    reason = LAYERS.excluded.get(name) or LOSSES.excluded.get(name) or NOT_NAMED.get(name)
    assert (name in known) != bool(reason)


@pytest.mark.parametrize("name", classes(torch.optim, torch.optim.Optimizer))
def test_optimizers(name: str) -> None:
    assert (name in OPTIMIZERS) != (name in OPTIMIZERS.excluded)


@pytest.mark.parametrize("name", classes(torch.optim.lr_scheduler, torch.optim.lr_scheduler.LRScheduler))
def test_schedulers(name: str) -> None:
    assert (name in SCHEDULERS) != (name in SCHEDULERS.excluded)


def test_initializations() -> None:
    schemes = {name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")}
    assert set(INITIALIZATIONS) == schemes


def test_what_is_excluded_is_torchs() -> None:
    for table, package in ((LAYERS, nn), (LOSSES, nn), (SCHEDULERS, torch.optim.lr_scheduler)):
        for name, reason in table.excluded.items():
            assert hasattr(package, name)
            assert reason
