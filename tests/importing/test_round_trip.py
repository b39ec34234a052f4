"""A ready spec as Python source, and that source as a spec: the plan is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import specbuild
from specbuild.exporting.python import source
from specbuild.importing.comparing import same_plan
from specbuild.importing.modules import from_module
from specbuild.importing.recording import recording
from specbuild.importing.sources import found_in, made

SPECS = Path(__file__).resolve().parents[2] / "specs"
SMALLER = {
    "alexnet": ["input=[3, 64, 64]"],
    "vgg16": ["layers.avgpool.output_size=1", "input=[3, 32, 32]", "layers.classifier.layers[0].out_features=64",
              "layers.classifier.layers[3].out_features=64"],
    "gpt2_small": ["vars.depth=2", "vars.vocabulary=300", "vars.width=48", "vars.context=16"],
    "vit_b_16": ["vars.depth=2", "vars.width=96", "vars.size=32"],
    "resnet50": ["input=[3, 64, 64]"],
    "resnet18": ["input=[3, 64, 64]"],
    "densenet121": ["input=[3, 64, 64]"],
    "googlenet": ["input=[3, 64, 64]"],
    "mobilenet_v2": ["input=[3, 64, 64]"],
    "unet": ["vars.base=8", "input=[3, 32, 32]"],
    "r3d_18": ["input=[3, 4, 32, 32]"],
}  # fmt: skip
"""What makes a network small enough for a test of seconds."""
SMALLER["vgg16_bn"] = SMALLER["vgg16"]
SAMPLE = ["char_lstm", "densenet121", "googlenet", "gpt2_small", "resnet18", "text_transformer", "two_inputs", "unet",
          "vit_b_16"]  # fmt: skip


def comes_back(name: str, overrides: list[str], folder: Path) -> bool:
    """Whether a spec comes back from its source."""
    spec = specbuild.load(SPECS / f"{name}.yaml", overrides)
    plan = specbuild.infer(spec)
    path = folder / f"{name}_source.py"
    path.write_text(source(spec, plan))
    with recording() as recorder:
        network = made(name, found_in(str(path), "build"), {})
    found = from_module(network, plan.inputs, plan.name, init=recorder.fillings(network))
    return same_plan(plan, found.plan)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_spec_comes_back_from_its_source(name: str, tmp_path: Path) -> None:
    assert comes_back(name, SMALLER.get(name, []), tmp_path)


def main() -> None:
    """All ready specs as they are: `python -m tests.importing.test_round_trip`."""
    import tempfile

    good, paths = 0, sorted(SPECS.glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            same = comes_back(path.stem, [], Path(folder))
            good += same
            print(f"{path.stem}: {'the same plan' if same else 'another plan'}", flush=True)
    print(f"{good} of {len(paths)} ready specs come back from their source.")


if __name__ == "__main__":
    main()
