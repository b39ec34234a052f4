"""Transforms on whole batches: what torchvision's v2 does to one image, done to many at once.

torchvision, slow to import, is asked only where torch lacks what is needed.
"""

from __future__ import annotations

from specbuild.data.operations.operation import Operation
from specbuild.data.operations.pipeline import Pipeline, operation_of

__all__ = ["Operation", "Pipeline", "operation_of"]
