"""Every ready spec as Python source: `python -m tests.exporting.ready_specs [NAME...]`.

Prints for each how long its module is, and whether keys and outputs are equal; the largest need gigabytes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import specbuild
from tests.exporting.python.apart import Trial, laid_out, verdicts_of

SPECS = Path(__file__).parents[2] / "specs"

SMALL: dict[str, list[str]] = {
    "alexnet": ["input=[3, 64, 64]"],
    "gpt2_small": [
        "vars.width=48", "vars.heads=4", "vars.depth=3", "vars.context=16", "vars.vocabulary=50",
    ],
    "densenet121": ["input=[3, 64, 64]"],
    "googlenet": ["input=[3, 64, 64]"],
    "mobilenet_v2": ["input=[3, 64, 64]"],
    "resnet18": ["input=[3, 64, 64]"],
    "resnet50": ["input=[3, 64, 64]"],
    "text_transformer": ["vars.vocabulary=50", "vars.length=12"],
    "unet": ["vars.base=4", "input=[3, 32, 32]"],
    "vgg16": ["input=[3, 32, 32]"],
    "vgg16_bn": ["input=[3, 32, 32]"],
    "vit_b_16": ["vars.width=48", "vars.heads=4", "vars.depth=3", "vars.size=32"],
    "r3d_18": ["input=[3, 4, 32, 32]"],
}  # fmt: skip
"""Sizes at which a spec is put through quickly."""


def trial_of(name: str, overrides: list[str]) -> Trial:
    spec = specbuild.load(SPECS / f"{name}.yaml", overrides)
    return Trial(name, spec, specbuild.infer(spec))


def main(arguments: list[str]) -> int:
    names = arguments or sorted(path.stem for path in SPECS.glob("*.yaml"))
    failed = 0
    print("| spec | lines | keys and outputs |\n|---|---|---|", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            verdicts, texts = verdicts_of([trial_of(name, [])], Path(folder))
            layout = laid_out(Path(folder))
        verdict = verdicts[name] or layout or "equal"
        failed += verdict != "equal"
        print(f"| {name} | {texts[name].count(chr(10))} | {verdict} |", flush=True)
    print(f"\n{len(names)} specs: {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
