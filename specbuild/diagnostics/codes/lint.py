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
    Code(
        "SB802",
        "a block that nothing uses",
        "A block that no layer names as its `type` makes no layer. Its types, its keys and the values in it that "
        "hold no expression are judged all the same, as are those of layers that `when` or `repeat: 0` leaves out. "
        "This is a warning.",
        "specbuild: 1\nblocks:\n  dense: {layers: [{type: Linear, out_features: 4}, ReLU]}\ninput: [16]\n"
        "layers:\n  - {type: Linear, out_features: 10}\n",
        "specbuild: 1\nblocks:\n  dense: {layers: [{type: Linear, out_features: 4}, ReLU]}\ninput: [16]\n"
        "layers:\n  - dense\n  - {type: Linear, out_features: 10}\n",
    ),
    Code(
        "SB803",
        "a plug-in's layer without a rule",
        "The layer comes from a plug-in that states no shape rule, so it was built and run on torch's meta device to "
        "see what comes out of it. That imports torch, counts no multiply-accumulates, and can be laxer than a real "
        "device. An `infer` in its class makes it as the catalogue's own.",
        "$ specbuild check --plugin layers_without_rules spec.yaml",
        "$ specbuild check --plugin layers_with_rules spec.yaml",
    ),
)
