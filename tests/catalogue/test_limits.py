"""Numbers past which torch's own arithmetic overflows are refused before it sees them."""

from __future__ import annotations

from typing import Any

import pytest

from specbuild.catalogue.fields import Misfit
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.limits import LARGEST_FLOAT32, REACH
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType

PLANE = (3, 8, 8)
CHANNELS = 2**31 - 1


@pytest.mark.parametrize(
    ("kind", "field", "largest"),
    [
        ("Conv2d", "in_channels", CHANNELS),
        ("Conv2d", "out_channels", CHANNELS),
        ("Conv2d", "groups", CHANNELS),
        ("Conv2d", "kernel_size", REACH),
        ("Conv2d", "stride", REACH),
        ("Conv2d", "padding", REACH),
        ("Conv2d", "dilation", REACH),
        ("ConvTranspose2d", "stride", REACH),  # torch crashes at 2**16, and divides by zero at 2**31 - 1
        ("ConvTranspose2d", "output_padding", REACH),
        ("MaxPool2d", "kernel_size", REACH),  # torch runs over 2**62 places at 2**31 - 1
        ("MaxPool2d", "stride", REACH),
        ("MaxPool2d", "dilation", REACH),
        ("AvgPool2d", "padding", REACH),
        ("AvgPool2d", "divisor_override", 2**31 - 1),
        ("AdaptiveAvgPool2d", "output_size", 2**31 - 1),
        ("BatchNorm2d", "num_features", CHANNELS),
        ("Linear", "in_features", CHANNELS),
        ("Linear", "out_features", CHANNELS),
        ("LeakyReLU", "negative_slope", LARGEST_FLOAT32),
        ("ELU", "alpha", LARGEST_FLOAT32),
        ("CELU", "alpha", LARGEST_FLOAT32),
        ("RReLU", "upper", LARGEST_FLOAT32),
        ("PReLU", "init", LARGEST_FLOAT32),
        ("PReLU", "num_parameters", CHANNELS),
        ("Hardtanh", "max_val", LARGEST_FLOAT32),
        ("Softplus", "beta", LARGEST_FLOAT32),
        ("Hardshrink", "lambd", LARGEST_FLOAT32),
        ("Softshrink", "lambd", LARGEST_FLOAT32),
        ("CosineSimilarity", "eps", LARGEST_FLOAT32),
        ("PairwiseDistance", "p", LARGEST_FLOAT32),
        ("Bilinear", "out_features", CHANNELS),
        ("Bilinear", "in2_features", CHANNELS),
    ],
)
def test_largest_argument(kind: str, field: str, largest: float) -> None:
    required = {"out_channels": 1, "kernel_size": 1, "out_features": 1}
    arguments = {name: n for name, n in required.items() if name in LAYERS[kind].model_fields}
    assert getattr(LAYERS[kind].model_validate({**arguments, field: largest}), field) == largest
    over = largest * 1.01 if isinstance(largest, float) else largest + 1
    for absurd in (over, over**2, -over):
        with pytest.raises(Misfit, match=field):
            LAYERS[kind].model_validate({**arguments, field: absurd})


@pytest.mark.parametrize(
    ("kind", "arguments", "shape", "field", "message"),
    [
        ("Linear", {"out_features": 2**31 - 1}, (2**18,), "out_features",
         "the weight would have 2147483647 x 262144 elements, more than 2**48, which no machine holds"),
        ("Linear", {"out_features": 2**31 - 1}, (2**18, 1), "out_features",
         "the output would have 262144 x 2147483647 elements, more than 2**48, which no machine holds"),
        ("Conv2d", {"out_channels": 2**20, "kernel_size": 2**14, "padding": 2**13}, PLANE, "kernel_size",
         "the weight would have 1048576 x 3 x 16384 x 16384 elements, more than 2**48, which no machine holds"),
        ("Conv2d", {"out_channels": 2**20, "kernel_size": 1, "padding": 2**14}, PLANE, "out_channels",
         "the output would have 1048576 x 32776 x 32776 elements, more than 2**48, which no machine holds"),
        ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "stride": 2**14}, (1, 2000, 2000), "stride",
         "the output would have 1 x 32751617 x 32751617 elements, more than 2**48, which no machine holds"),
        ("AdaptiveAvgPool2d", {"output_size": 2**31 - 1}, PLANE, "output_size",
         "the output would have 3 x 2147483647 x 2147483647 elements, more than 2**48, "
         "which no machine holds"),
    ],
)  # fmt: skip
def test_largest_tensor(kind: str, arguments: dict[str, Any], shape: tuple[int, ...], field: str, message: str) -> None:
    layer = LAYERS[kind].model_validate(arguments)
    layer.check()
    with pytest.raises(Violation) as raised:
        layer.infer(TensorType(shape))
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB307", field, message)


def test_gelu_takes_as_many_axes_as_onednn() -> None:
    gelu = LAYERS["GELU"]()
    assert gelu.infer(TensorType((1,) * 11)).output.rank == 12
    with pytest.raises(Violation, match=r"^GELU takes at most 12 axes, the batch counted; got 13$"):
        gelu.infer(TensorType((1,) * 12))
