"""What torch says against a setting of `train` when a training comes upon it, as a diagnostic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec

OVERFLOW = "without overflow"
COMPILER = ("torch._dynamo", "torch._inductor")


@contextmanager
def refusals_told(spec: Spec) -> Iterator[None]:
    """Raise `DataError` (SB410) where the compiler fails, or an operation has no deterministic algorithm.

    And SB409 where the optimizer's own numbers are too large for torch.
    """
    try:
        yield
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        said = lines[0] if not lines[0].endswith("raised:") else " ".join(lines[:2])
        if spec.train.compile and type(error).__module__.startswith(COMPILER):
            problem = Diagnostic(
                "SB410", "torch.compile cannot compile this network here", ("train", "compile"),
                because=said, fix="compile: false",
            )  # fmt: skip
        elif spec.train.deterministic and isinstance(error, RuntimeError) and "deterministic" in said:
            problem = Diagnostic(
                "SB410", "this network needs an operation that torch has no deterministic algorithm for",
                ("train", "deterministic"), because=said.partition(". ")[0],
                fix="deterministic: false, or another layer",
            )  # fmt: skip
        elif isinstance(error, RuntimeError) and OVERFLOW in said and in_optimizer(error):
            problem = Diagnostic(
                "SB409", "a step of the optimizer is larger than a float32 can be", ("optimizer", "lr"),
                because=said, fix="a smaller learning rate",
            )  # fmt: skip
        else:
            raise
        raise DataError(spec.place([problem])) from None


def in_optimizer(error: BaseException) -> bool:
    """Whether an error came out of torch.optim."""
    return any(
        frame.f_globals.get("__name__", "").startswith("torch.optim") for frame, _ in walk_tb(error.__traceback__)
    )
