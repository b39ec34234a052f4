"""How large the numbers of a layer may be.

Torch's kernels multiply sizes in 32 or 64 bits, and past those they give a wrong shape, run for ever
or end the process: a transposed convolution with a stride of 2³¹ - 1 divides by zero, one with a stride of 2¹⁶
writes where it must not. The bounds here lie far above any real network and below those points.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Count, Float, Int, Size
from specbuild.catalogue.rules import Violation, limited, require
from specbuild.catalogue.types import Shape

REACH = 2**14
LARGEST_TENSOR = 2**48
LARGEST_FLOAT32 = 3.4028234663852886e38

Extent = Annotated[Size, Le(2**31 - 1)]
"""A number of channels or of features, or the size of an output."""
Reach = Annotated[Size, Le(REACH)]
"""A kernel size, a stride, a dilation: how far a window reaches."""
Border = Annotated[Count, Le(REACH)]
"""Rows or columns that are added or taken away."""
SignedBorder = Annotated[Int, Ge(-REACH), Le(REACH)]
"""Rows or columns that are added, or taken away where negative."""
Divisor = Annotated[Int, Ge(1 - 2**31), Le(2**31 - 1)]
"""What a sum is divided by."""
Scale = Annotated[Float, Ge(-LARGEST_FLOAT32), Le(LARGEST_FLOAT32)]
"""A factor, which torch's kernels take as a float32."""
Magnitude = Annotated[Float, Ge(0), Le(LARGEST_FLOAT32)]
"""A number from 0 on, which torch's kernels take as a float32."""


def storable(shape: Shape, what: str, field: str) -> None:
    """Require a tensor of a size that some machine could hold; of open sizes it is asked at the promised ends."""
    require(
        limited(prod(shape) <= LARGEST_TENSOR),
        lambda: Violation(
            "SB307",
            f"{what} would have {' x '.join(map(str, shape))} elements, "
            "more than 2**48, which no machine holds",
            field=field, fix=f"a smaller {field}",
        ),
    )  # fmt: skip
