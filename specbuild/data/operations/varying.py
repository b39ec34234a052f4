"""Images of a size that was drawn, before a transform that asks for one."""

from __future__ import annotations

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.failure import Unusable


def held(transform: Transform, images: torch.Tensor) -> None:
    """The static rule on the size that came; raises `Unusable` (SB408)."""
    dtype = str(images.dtype).removeprefix("torch.")
    try:
        transform.infer(SampleType(tuple(images.shape[1:]), dtype, image=dtype == "uint8"))
    except Violation as violation:
        raise Unusable("SB408", violation.message, fix=violation.fix) from None
