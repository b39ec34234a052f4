from __future__ import annotations

import pytest
import torch

from specbuild.errors import DataError
from specbuild.language.loading import load
from specbuild.network.inference import infer
from specbuild.training.device import choose, present, require_room

DOCUMENT = """
specbuild: 1
input: [4]
layers: [{type: Linear, out_features: 2}]
train: {device: DEVICE}
"""


def spec(device: str = "auto"):  # type: ignore[no-untyped-def]
    return load(DOCUMENT.replace("DEVICE", device))


def test_the_cpu_is_always_there() -> None:
    assert present()[0] == "cpu"
    assert choose(spec(), "cpu") == choose(spec("cpu"), None) == torch.device("cpu")


def test_auto_prefers_a_gpu() -> None:
    assert choose(spec(), None) == choose(spec("cpu"), "auto") == torch.device(present()[-1].partition(":")[0])


def fault(written: str, asked: str | None) -> tuple[str, str | None, str]:
    with pytest.raises(DataError) as caught:
        choose(spec(written), asked)
    (problem,) = caught.value.diagnostics
    return str(problem), problem.fix, problem.snippet or ""


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    there = " and ".join(present())
    assert fault("cuda:99", None) == (
        f"<text>:5:17: error[SB407]: cuda:99 is not there: this machine has {there}",
        "use auto, or leave it out",
        "train: {device: cuda:99}",
    )
    assert fault("cpu", "cuda:99")[0] == f"--device: error[SB407]: cuda:99 is not there: this machine has {there}"


def test_a_misspelt_device() -> None:
    message = "--device: error[SB407]: there is no device called 'gpu:0'"
    assert fault("cpu", "gpu:0")[:2] == (message, "use auto, cpu, cuda or mps")


def test_weights_alone_that_do_not_fit_are_told_at_the_largest_layer() -> None:
    text = DOCUMENT.replace("DEVICE", "cpu") + "loss: CrossEntropyLoss\noptimizer: SGD\n"
    large = load(text.replace("out_features: 2}", "out_features: 2000000000}").replace("[4]", "[60000]"))
    with pytest.raises(DataError) as caught:
        require_room(large, infer(large), torch.device("cpu"))
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.path, problem.instance) == ("SB311", ("layers", 0), "linear_1")
