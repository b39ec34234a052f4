"""Which table of the catalogue each top-level section of a document names entries of."""

from __future__ import annotations

from specbuild.catalogue.entry import OneOf
from specbuild.catalogue.metrics import METRICS
from specbuild.catalogue.optimizers import OPTIMIZERS

SECTIONS = {
    "optimizer": OneOf(OPTIMIZERS, "optimizer"),
    "metrics": OneOf(METRICS, "metric", many=True),
}
