"""Which table of the catalogue each top-level section of a document names entries of."""

from __future__ import annotations

from specbuild.catalogue.entry import OneOf
from specbuild.catalogue.metrics import METRICS
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.schedulers import SCHEDULERS

SECTIONS = {
    "optimizer": OneOf(OPTIMIZERS, "optimizer"),
    "scheduler": OneOf(SCHEDULERS, "scheduler"),
    "metrics": OneOf(METRICS, "metric", many=True),
}
