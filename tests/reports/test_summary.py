"""The table of a summary: what is tied, what goes out, and sizes."""

from __future__ import annotations

from typing import Any

import pytest

from specbuild.errors import SpecError
from specbuild.language.loading import load
from specbuild.network.cost import in_bytes
from specbuild.network.inference import infer
from specbuild.reports import summary
from specbuild.reports.summary import use_of

TIED: dict[str, Any] = {
    "specbuild": 1,
    "input": [16],
    "layers": [
        {"name": "a", "type": "Linear", "out_features": 16},
        {"name": "b", "type": "Linear", "out_features": 16},
        {
            "name": "body",
            "type": "Sequential",
            "layers": [{"name": "c", "type": "Linear", "out_features": 16, "bias": False}],
        },
    ],
    "tie": {"b.weight": "a.weight", "body.c.weight": "a.weight"},
    "outputs": ["a", "body"],
}


def text(document: dict[str, Any]) -> str:
    spec = load(document)
    return summary.text(infer(spec), use_of(spec))


def test_tied_parameters_count_once_and_outputs_are_marked() -> None:
    lines = text(TIED).splitlines()
    assert lines[3:8] == [
        "input                      [16]",
        "a (output)     Linear      [16]           272   256",
        "b              Linear      [16]     16 (tied)   256",
        "body (output)  Sequential  [16]",
        "  c            Linear      [16]        (tied)   256",
    ]
    assert "parameters              288" in lines


def test_rows_of_the_json_sum_to_the_total() -> None:
    found = summary.as_json(infer(load(TIED)), use_of(load(TIED)))
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"] == 288
    assert found["layers"][1]["tied"] == ["b.weight"]
    assert "tied" not in found["layers"][0]


def test_a_second_result_that_goes_out_has_a_row() -> None:
    document = {
        "specbuild": 1,
        "input": [3, 8, 8],
        "layers": [{"name": "p", "type": "MaxPool2d", "kernel_size": 2}],
        "outputs": ["p", "p.indices"],
    }
    lines = text(document).splitlines()
    assert lines[4:6] == [
        "p (output)          MaxPool2d  [3, 4, 4]",
        "p.indices (output)             [3, 4, 4] int64",
    ]


def test_the_last_layer_alone_is_not_marked() -> None:
    document = {"specbuild": 1, "input": [8], "layers": [{"name": "r", "type": "ReLU"}], "outputs": ["r"]}
    assert "output)" not in text(document)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (100_000, "97.66 KiB"),
        (2**20, "1.00 MiB"),
        (3 * 2**40, "3.00 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert in_bytes(size) == text


CNN: dict[str, Any] = {
    "specbuild": 1,
    "input": [1, 8, 8],
    "layers": [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3}, "ReLU", "Flatten",
               {"type": "Linear", "out_features": 10}],
    "loss": "CrossEntropyLoss",
    "optimizer": "Adam",
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}}},
}  # fmt: skip


def test_memory_is_what_each_part_takes() -> None:
    """By hand: 1,490 parameters; the image, the plane before and after ReLU, ten numbers."""
    spec = load(CNN)
    found = summary.memory_json(infer(spec), use_of(spec, available=2**30))
    weights = 4 * (4 * 9 + 4 + 144 * 10 + 10)
    kept = 4 * (64 + 144 + 10)  # Conv2d keeps its input, ReLU its output, which Linear takes, and the loss the ten
    assert found == {
        "weights": weights, "buffers": 0, "by_dtype": {"float32": weights}, "gradients": weights,
        "optimizer": 2 * weights, "running_a_sample": 4 * (64 + 2 * 144), "training_a_sample": kept,
        "batch_size": 32, "precision": "float32", "running": weights + 32 * 4 * (64 + 2 * 144),
        "training": 4 * weights + 32 * 4 * (64 + 2 * 144), "available": 2**30, "fits": True,
    }  # fmt: skip


def test_half_precision_halves_what_flows() -> None:
    spec = load(CNN)
    full, half = (summary.memory_json(infer(spec), use_of(spec, precision=p)) for p in ("float32", "bfloat16"))
    assert half["training_a_sample"] * 2 == full["training_a_sample"]
    assert half["weights"] == full["weights"]


def test_what_does_not_fit_is_said() -> None:
    spec = load(CNN)
    last = summary.text(infer(spec), use_of(spec, batch=64, available=2**16)).splitlines()[-1]
    assert last == "batch of 64             93.82 KiB to run, 0.11 MiB to train: does not fit in 64.00 KiB"


def test_weights_that_no_machine_holds_are_not_built() -> None:
    from specbuild.reports.verification import verify

    spec = load({"specbuild": 1, "input": [60000], "layers": [{"type": "Linear", "out_features": 2 * 10**9}]})
    with pytest.raises(SpecError, match=r"SB311"):
        verify(spec, infer(spec))
