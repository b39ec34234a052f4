"""Structure and names: SB2xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

HEAD = "specbuild: 1\ninput: [16]\n"
IMAGE = "specbuild: 1\ninput: [3, 8, 8]\n"
TIED = (
    HEAD + "layers:\n  - {name: a, type: Linear, out_features: 16}\n  - ReLU\n"
    "  - {name: b, type: Linear, out_features: 16}\n"
)
UNET = "blocks:\n  up:\n    inputs: [x, skip]\n    layers:\n      - {type: Add, from: [x, skip]}\n"
RESIDUAL = (
    "layers:\n  - {name: a, type: Linear, out_features: 16}\n"
    "  - {name: b, type: Linear, from: input, out_features: 16%s}\n"
    "  - {type: Add, from: [a, b], when: false}\n"
)

STRUCTURE: tuple[Code, ...] = (
    Code(
        "SB201",
        "unknown key",
        "Every key of a document has a meaning; one that is unknown is an error, never passed over. Most are "
        "misspelt, and the nearest key that could stand there is offered. Layers, losses, optimizers, data "
        "sets and transforms take the arguments that torch and torchvision give them, under the same names.",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_chanels: 8, kernel_size: 3}\n",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n",
    ),
    Code(
        "SB202",
        "missing key or argument",
        "What cannot be inferred has to be written: the version, the input and the layers of a document, the "
        "`type` of an entry, and the arguments that torch requires. Sizes such as `in_channels` and "
        "`in_features` follow from the input and may be left out.",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_channels: 8}\n",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n",
    ),
    Code(
        "SB203",
        "wrong type or value",
        "An argument takes what torch's takes, and nothing is converted in silence: a quoted number is a "
        "string, a boolean is no integer, and `yes` and `on` are strings (YAML 1.2).",
        'specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "8"}\n',
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 8}\n",
    ),
    Code(
        "SB204",
        "unknown type",
        "A `type` names an entry of the catalogue: a layer of torch.nn, a loss, an optimizer of torch.optim, a "
        "data set or a transform of torchvision. Nothing is imported by a name from a document.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - Relu\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - ReLU\n",
    ),
    Code(
        "SB205",
        "a name that cannot be used",
        "A layer's name becomes an attribute of an nn.Sequential and a key of its state_dict: letters, digits, "
        "`_` and `-`; not `input`, which stands for the input of the scope, and none of the attributes that "
        "nn.Sequential already has, such as `forward`, `type` or `training`. A variable is an identifier. A block's "
        "name begins with a lower-case letter, so that it is never taken for a type of the catalogue; its params are "
        "not called as what every layer has: `name`, `type`, `from`, `when`, `repeat`, `names`.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: forward, type: ReLU}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: activation, type: ReLU}\n",
    ),
    Code(
        "SB206",
        "a name used twice",
        "Names are unique in their scope. An unnamed layer is called `<type in lower case>_<k>`, k counting the "
        "layers of its type from 1, so `relu_1` may be taken without being written.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: act, type: ReLU}\n  - {name: act, type: Tanh}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: act1, type: ReLU}\n  - {name: act2, type: Tanh}\n",
    ),
    Code(
        "SB207",
        "an argument that is refused",
        "A few arguments of torch have no place in a spec, each for a reason that the message gives: `device` "
        "and `dtype` belong to the training and not to a layer, for instance.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 8, device: cuda}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 8}\n",
    ),
    Code(
        "SB208",
        "an expression that cannot be evaluated",
        "Inside `${...}` stand numbers, strings, booleans, lists and indexing, arithmetic, comparisons, `and`, "
        "`or`, `not`, `a if c else b`, and `min max round int len`; nothing else of Python. Sizes of numbers, "
        "strings and lists are bounded. `$${` writes a literal `${`.",
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${width +}"}\n',
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${width * 2}"}\n',
    ),
    Code(
        "SB209",
        "an unknown variable",
        "An expression sees the variables of `vars`, and a variable sees those above it. Inside a block it sees the "
        "block's params and the document's `vars`, not what the use of the block sees; inside a `repeat` also `i`, "
        "which counts from 0, and the names that its list binds. `name`, `from` and `when` belong to the whole of a "
        "repeat and do not see `i`.",
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${widht}"}\n',
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${width}"}\n',
    ),
    Code(
        "SB210",
        "an override that cannot be applied",
        "`--set PATH=VALUE` replaces a value of the document, and `set: {PATH: VALUE}` one of its base. In "
        "a path keys are joined by dots, `layers.conv1` is a layer by its name (an automatic one too) and `layers[3]` "
        "one by its index from 0. After `--set` VALUE reads as a YAML scalar or flow collection.",
        "$ specbuild check specs/lenet5.yaml --set layers.c9.kernel_size=3",
        "$ specbuild check specs/lenet5.yaml --set layers.c3.kernel_size=3",
    ),
    Code(
        "SB211",
        "an unknown version of the language",
        "A document says which version of the language it is written in; this specbuild reads version 1.",
        "specbuild: 2\ninput: [16]\nlayers: [ReLU]\n",
        "specbuild: 1\ninput: [16]\nlayers: [ReLU]\n",
    ),
    Code(
        "SB212",
        "a name that is not there, or not yet",
        "`from` takes the names of layers above it in the same scope, and `input` for the input of the scope. What "
        "stands inside a scope is not seen from outside, nor what is outside from inside; a block with `inputs` is "
        "given what it needs. A second result is named after its layer: `pool1.indices`. Under `outputs` stand the "
        "names of layers of the outermost scope.",
        HEAD + "layers:\n  - {name: fc, type: Linear, out_features: 16}\n  - {type: Add, from: [fc, imput]}\n",
        HEAD + "layers:\n  - {name: fc, type: Linear, out_features: 16}\n  - {type: Add, from: [fc, input]}\n",
    ),
    Code(
        "SB213",
        "too many inputs, too few, or under another name",
        "A layer takes the inputs that torch's forward takes, under those names; a block those that it declares "
        "under `inputs`; `Add`, `Multiply` and `Concat` two or more. Where a network or a block has several inputs, "
        "none of them is the one that comes before, and its first layer says `from`.",
        HEAD + UNET + "layers:\n  - {name: fc, type: Linear, out_features: 16}\n  - {type: up, from: fc}\n",
        HEAD + UNET + "layers:\n  - {name: fc, type: Linear, out_features: 16}\n  - {type: up, from: [fc, input]}\n",
    ),
    Code(
        "SB214",
        "a branch that `when` leaves unused",
        "`when: false` leaves a layer out, and its name stands for the first entry of its `from`. A layer that only "
        "the left-out one read would be computed for nothing, and its parameters would never learn; so it has "
        "to be left out under the same condition. A scope whose layers are all left out has nothing to give.",
        HEAD + RESIDUAL % "",
        HEAD + RESIDUAL % ", when: false",
    ),
    Code(
        "SB215",
        "a block inside itself",
        "Blocks may use blocks, but none may use itself, neither directly nor by way of others: the network would "
        "have no end. `repeat` puts a block after itself.",
        HEAD + "blocks:\n  deep:\n    layers:\n      - ReLU\n      - deep\nlayers: [deep]\n",
        HEAD + "blocks:\n  deep:\n    layers:\n      - ReLU\nlayers:\n  - {type: deep, repeat: 2}\n",
    ),
    Code(
        "SB216",
        "more layers, or deeper, than any network",
        "A network has at most 20,000 layers; where its document is over 1 MiB, one for every 16 characters, and "
        "never more than 200,000. Scopes stand at most 60 deep inside one another. What expressions, repeats and "
        "blocks make is bounded too. Repeats of repeats grow fast, and no machine would train what is beyond.",
        HEAD + "layers:\n  - {type: ReLU, repeat: 1000000}\n",
        HEAD + "layers:\n  - {type: ReLU, repeat: 10}\n",
    ),
    Code(
        "SB217",
        "a tie that cannot be",
        "`tie: {head.weight: embedding.weight}` makes the first parameter the second one. Both are called as in "
        "the `state_dict`, have the same shape, and the second is not tied itself.",
        TIED + "tie: {b.weights: a.weight}\n",
        TIED + "tie: {b.weight: a.weight}\n",
    ),
    Code(
        "SB218",
        "an `init` that no parameter can follow",
        "`init: {Linear: {weight: orthogonal_}}` says how parameters begin: by the type of their layers, or by a "
        "pattern of the layers' qualified names, and then by the parameter's name or a pattern. Every one of them is "
        "found in the network, and its scheme can fill the parameter: `xavier_normal_` needs two axes, for instance. "
        "A Parameter has an `init` of its own, and a tied parameter begins as the one that it is tied to.",
        TIED + "init: {Linear: {wieght: orthogonal_}}\n",
        TIED + "init: {Linear: {weight: orthogonal_}}\n",
    ),
)
