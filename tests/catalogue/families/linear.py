"""Linear: what is drawn, and what was found out about torch."""

from __future__ import annotations

from tests.catalogue.drawing import ANY, BOOLS, SMALL, Case, odd, some

CASES: dict[str, Case] = {
    "Identity": Case(some()),
    "Linear": Case(some({"out_features": odd(SMALL, 0, -1)}, bias=BOOLS), ANY, ("in_features",),
        required={"out_features": 2},
    ),
}  # fmt: skip
