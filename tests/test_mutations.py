"""One random mistake in each ready spec, beside real torch; `benchmarks/mutations.py` makes thousands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from tests.mutants.changing import KINDS, Mutant, Range, mutate
from tests.mutants.holding import hold, tree_of
from tests.mutants.judging import Judge
from tests.mutants.reaching import Reach

torch.set_num_threads(1)

FOLDER = Path(__file__).resolve().parent.parent / "specs"
QUICK = ["autoencoder", "cifar_cnn", "cifar_resnet18", "digits_cnn", "lenet5", "two_inputs", "text_transformer", "unet"]
EACH = 5


@pytest.mark.parametrize("name", QUICK)
def test_mistakes(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    draw = random.Random(name)
    reach, judge = Reach(text), Judge(tree_of(text) or {})
    made = 0
    while made < EACH:
        mutant = mutate(text, draw.choice(KINDS), draw)
        if mutant is not None:
            made += 1
            held = hold(mutant, reach, judge)
            assert held.faults == (), f"{mutant.kind}: {mutant.what}: {[str(error) for error in held.errors]}"


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.yaml"))])
def test_torch_runs_what_is_not_changed(name: str) -> None:
    tree = tree_of((FOLDER / f"{name}.yaml").read_text())
    assert tree is not None
    assert Judge(tree).accepts(tree)


HEAD = "specbuild: 1\ninput: [4]\nlayers:\n  - {type: Linear, out_features: 3}\n"
RIGHT, WRONG = (HEAD + f"  - {{type: Linear, {size}out_features: 1}}\n" for size in ("", "in_features: 2, "))


def test_what_is_wrong_is_held_to_be_so() -> None:
    """An error elsewhere than the change, and a document that torch would run but for it."""
    tree = tree_of(RIGHT)
    assert tree is not None
    assert not Judge(tree).accepts(tree_of(WRONG) or {})
    at = Range(0, len("specbuild: 1"))
    mutant = Mutant("change a number", "", WRONG, ("specbuild",), None, at, at)
    (fault,) = hold(mutant, Reach(RIGHT), Judge(tree)).faults
    assert fault.endswith("stands elsewhere")
    at = Range(len(HEAD), len(WRONG))
    mutant = Mutant("change a number", "", WRONG, ("layers", 1, "in_features"), None, at, Range(at.start, len(RIGHT)))
    held = hold(mutant._replace(path=("layers", 1)), Reach(RIGHT), Judge(tree))
    assert (held.verdict, held.faults, len(held.errors)) == ("refuses", (), 1)
