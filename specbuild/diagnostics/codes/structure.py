"""Structure and names: SB2xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

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
        "nn.Sequential already has, such as `forward`, `type` or `training`. A variable is an identifier.",
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
        "An expression sees the variables of `vars`, and a variable sees those above it.",
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${widht}"}\n',
        'specbuild: 1\nvars: {width: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${width}"}\n',
    ),
    Code(
        "SB210",
        "an override that cannot be applied",
        "`--set PATH=VALUE` replaces a value of the document. In a path keys are joined by dots, `layers.conv1` "
        "is a layer by its name (an automatic one too) and `layers[3]` one by its index from 0. VALUE reads as "
        "a YAML scalar or flow collection.",
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
)
