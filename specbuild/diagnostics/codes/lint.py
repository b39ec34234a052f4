"""Lint: SB8xx, what is odd but not wrong."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

LINT: tuple[Code, ...] = (
    Code(
        "SB801",
        "a branch that nothing reads",
        "A layer whose output no other takes, and that is not an output of the network, is computed for nothing, "
        "and its parameters never learn. The same is said of one of several inputs that nothing takes. The document "
        "is right all the same: this is a warning.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: probe, type: Linear, out_features: 4}\n"
        "  - {name: head, type: Linear, from: input, out_features: 10}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: head, type: Linear, from: input, out_features: 10}\n",
    ),
)
