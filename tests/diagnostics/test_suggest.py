"""The name that was meant: offered where it is near, made where it is beyond doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.catalogue.layers import LAYERS
from specbuild.diagnostics.suggest import distance, is_clear, nearest, renaming, types_meant

ARGUMENTS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "padding_mode", "bias", "std", "lr")


@pytest.mark.parametrize(
    ("word", "meant", "clear"),
    [
        ("out_chanels", "out_channels", True),
        ("outChannels", "out_channels", True),
        ("kernel", "kernel_size", True),
        ("strid", "stride", True),
        ("sdt", "std", True),
        ("bais", "bias", True),
        ("lt", "lr", False),  # too short to tell
        ("pad", "padding", False),
        ("channels", "in_channels", False),
        ("padings", "padding", False),
        ("strides2", "stride", False),
    ],
)
def test_arguments(word: str, meant: str, clear: bool) -> None:
    assert is_clear(word, meant, ARGUMENTS) is clear


@pytest.mark.parametrize(
    ("word", "meant", "clear"),
    [
        ("Relu", "ReLU", True),
        ("Conv2D", "Conv2d", True),
        ("Lineer", "Linear", True),
        ("BatchNorm2", "BatchNorm2d", True),
        ("Conv4d", "Conv2d", False),
        ("MaxPool", "MaxPool2d", False),
        ("Attention7", "MultiheadAttention", False),
    ],
)
def test_layers(word: str, meant: str, clear: bool) -> None:
    assert is_clear(word, meant, LAYERS) is clear


def test_renaming() -> None:
    assert renaming(("a",), "strid", nearest("strid", ARGUMENTS), ARGUMENTS, "key") == (("a",), "stride", "key")
    assert renaming(("a",), "x", None, ARGUMENTS) is None
    assert renaming(("a",), "pad", "padding", ARGUMENTS) is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(0, 6))
def test_distance_is_that_of_all_ways_to_edit(a: str, b: str, most: int) -> None:
    """Against its definition, by recursion."""

    def slips(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        least = min(slips(i - 1, j) + 1, slips(i, j - 1) + 1, slips(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            least = min(least, slips(i - 2, j - 2) + 1)
        return least

    assert distance(a, b, most) == min(slips(len(a), len(b)), most + 1)


@pytest.mark.parametrize(
    ("word", "types"),
    [
        ("torch.nn.Flatten", ["Flatten"]),
        ("nn.Relu", ["ReLU"]),
        ("MaxPool", ["MaxPool1d", "MaxPool2d", "MaxPool3d"]),
        ("BatchNormalization", ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]),
        ("Conv", ["Conv1d", "Conv2d", "Conv3d"]),
        ("Dense", ["Linear"]),
        ("MaxPooling2D", ["MaxPool2d"]),
        ("Conv2DTranspose", ["ConvTranspose2d"]),
        ("Concatenate", ["Concat"]),
        ("Attention7", []),
        ("Linaer", []),
    ],
)
def test_types_by_other_names(word: str, types: list[str]) -> None:
    assert types_meant(word, LAYERS) == types
