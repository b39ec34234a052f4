"""The training of a document as a plain program: data, losses, optimizer, scheduler, and a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.exporting.python.data import data_of
from specbuild.exporting.python.fitting import Fitting, constants
from specbuild.exporting.python.judging import Judging
from specbuild.exporting.python.refusing import inexpressible
from specbuild.exporting.python.stepping import groups
from specbuild.language.document import Spec
from specbuild.network.plan import Plan

SUFFIX = ".safetensors"
MAIN = """
if __name__ == "__main__":
    parser = ArgumentParser(description="Train the network.")
    parser.add_argument("--weights", default=WEIGHTS, help="where the best weights go")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    train(arguments.weights, arguments.epochs)
"""


def training_of(spec: Spec, plan: Plan, weights: str | None) -> Iterator[str]:
    """The constants, functions and the entry of a training. Raises `RunError` (SB512) for what it cannot express."""
    optimizer: Any = spec.optimizer
    if not spec.losses or optimizer is None:
        what = "loss" if not spec.losses else "optimizer"
        raise inexpressible(spec, f"a training without `{what}`", (), f"leave out --with-training, or write `{what}`")
    yield constants(spec, trained(weights))
    yield from data_of(spec, plan, weights)
    judging = Judging(spec, plan)
    yield judging.judge()
    fitting = Fitting(spec, plan, judging)
    if not fitting.brief:
        yield from judging.results()
    yield from groups(spec, plan)
    yield fitting.evaluate()
    yield fitting.loop()
    yield MAIN


def trained(weights: str | None) -> str:
    """Where a training writes its weights: beside those that were exported, and not over them."""
    return f"{(weights or 'model' + SUFFIX).removesuffix(SUFFIX)}.trained{SUFFIX}"
