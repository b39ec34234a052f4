"""torchvision's published weights: from a file in torch's folder of downloads, and where there is none."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from specbuild.api import build
from specbuild.data.vision import torchvision
from specbuild.errors import DataError
from specbuild.runs import published

ROOT = Path(__file__).resolve().parents[2]
NAME = "SqueezeNet1_1_Weights.IMAGENET1K_V1"
HEAD = {
    "specbuild": 1,
    "input": [3, 32, 32],
    "layers": [{"name": "features", "type": "Sequential", "layers": [
        {"name": "0", "type": "Conv2d", "out_channels": 64, "kernel_size": 3, "stride": 2}, "ReLU"]}],
    "weights": {"torchvision": NAME, "into": "features.0"},
}  # fmt: skip


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def placed(downloads: Path, monkeypatch: pytest.MonkeyPatch, content: Any, name: str = NAME) -> Path:
    """A file in the folder whose name has its own hash, as torchvision's publisher would name it."""
    torchvision()
    weights = importlib.import_module("torchvision.models").get_weight(name)
    path = downloads / "new.pth"
    torch.save(content, path)
    named = downloads / f"squeezenet-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    path.rename(named)
    monkeypatch.setattr(weights.value, "url", f"https://download.pytorch.org/models/{named.name}")
    return named


def test_weights_by_their_name(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision()
    model = importlib.import_module("torchvision.models").squeezenet1_1()
    placed(downloads, monkeypatch, model.state_dict())
    built = build(HEAD)
    assert torch.equal(built.get_parameter("features.0.weight"), model.features[0].weight)
    wrong = {**HEAD, "layers": [HEAD["layers"][0]], "weights": {"torchvision": NAME}}  # type: ignore[index]
    assert torch.equal(build(wrong).get_parameter("features.0.bias"), model.features[0].bias)


def test_a_new_head_on_a_network_of_torchvision(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision()
    model = importlib.import_module("torchvision.models").resnet18()
    old = {key: tensor for key, tensor in model.state_dict().items() if "num_batches_tracked" not in key}
    placed(downloads, monkeypatch, old, "ResNet18_Weights.IMAGENET1K_V1")
    changes = [
        "weights={torchvision: ResNet18_Weights.IMAGENET1K_V1, except: fc}", "layers.fc.out_features=102",
        "freeze={parameters: '*', except: [layer4, fc]}",
    ]  # fmt: skip
    built = build(ROOT / "specs" / "resnet18.yaml", changes)
    state = built.state_dict()
    assert all(torch.equal(state[key], tensor) for key, tensor in old.items() if not key.startswith("fc."))
    assert state["fc.weight"].shape == (102, 512)
    learned = {name.partition(".")[0] for name, parameter in built.named_parameters() if parameter.requires_grad}
    assert learned == {"layer4", "fc"}


def test_a_file_that_was_altered_is_not_read(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = placed(downloads, monkeypatch, {"features.0.weight": torch.zeros(64, 3, 3, 3)})
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(
        DataError, match=r"weights\.torchvision: error\[SB517\]: .* was altered: its SHA-256 begins with"
    ):
        build(HEAD)


class Harm:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path("harm").touch, ()


def test_nothing_in_a_file_is_run(downloads: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    placed(downloads, monkeypatch, {"features.0.weight": Harm()})
    with pytest.raises(DataError, match=r"SB517.*it cannot be loaded: Weights only load failed"):
        build(HEAD)
    assert not Path("harm").exists()


def test_what_cannot_be_fetched(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision()
    weights = importlib.import_module("torchvision.models").get_weight(NAME)
    monkeypatch.setattr(weights.value, "url", "http://127.0.0.1:9/models/squeezenet-12345678.pth")
    with pytest.raises(DataError, match=r"SB517.*cannot be fetched from 127\.0\.0\.1: .*refused") as raised:
        build(HEAD)
    assert raised.value.diagnostics[0].fix == (
        f"download http://127.0.0.1:9/models/squeezenet-12345678.pth into {downloads}"
    )
    assert list(downloads.iterdir()) == []


def test_names_that_torchvision_has_not(downloads: Path) -> None:
    for name in ("ResNet18_Weights.IMAGENET1K_V9", "Nothing_Weights.DEFAULT"):
        with pytest.raises(DataError, match=rf"SB517.*{name}: torchvision has no such weights"):
            build({**HEAD, "weights": {"torchvision": name}})


def test_keys_of_old_dense_nets() -> None:
    old = "features.denseblock1.denselayer1.norm.1.weight"
    assert published.OLD_DENSE.sub(r"\1\2", old) == "features.denseblock1.denselayer1.norm1.weight"
