"""Shapes and dtypes: SB3xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

HEAD = "specbuild: 1\ninput: {}\nlayers:\n"

ROWS = (
    "$ printf 'from specbuild.plugins import Layer, plugin\\n\\n@plugin\\nclass Rows(Layer):\\n"
    "    def build(self, nn, **switches):\\n        return nn.Linear(16, 4)\\n' > rows.py"
)
"""A plug-in that states no rule."""

SHAPES: tuple[Code, ...] = (
    Code(
        "SB301",
        "a written size that is not the input's",
        "Sizes such as `in_channels`, `in_features` and `num_features` follow from the input and may be left out. "
        "Where they are written, they are held against what the layers before give; so is the `num_embeddings` of an "
        "Embedding of Positions.",
        HEAD.format([3, 8, 8]) + "  - Flatten\n  - {type: Linear, in_features: 128, out_features: 10}\n",
        HEAD.format([3, 8, 8]) + "  - Flatten\n  - {type: Linear, in_features: 192, out_features: 10}\n",
    ),
    Code(
        "SB302",
        "an input with the wrong number of axes",
        "A layer takes inputs of so many axes. The batch is always axis 0 and is not written: an image is "
        "[channels, height, width], a vector [features].",
        HEAD.format([192]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n",
        HEAD.format([3, 8, 8]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n",
    ),
    Code(
        "SB303",
        "no room",
        "A window is larger than its padded input, a padding takes all of the output away, or a reflection "
        "is wider than what it reflects. Every size of every tensor is at least 1. An unpooling has room for all that "
        "its pooling looked at.",
        HEAD.format([3, 4, 4]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 5}\n",
        HEAD.format([3, 4, 4]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 5, padding: 1}\n",
    ),
    Code(
        "SB304",
        "arguments that clash among themselves",
        "Each argument is right on its own, but together torch refuses them: `groups` that do not divide the "
        "channels, a padding of more than half a pooling window, `padding: same` with a stride.",
        HEAD.format([4, 8, 8]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 3, groups: 3}\n",
        HEAD.format([4, 8, 8]) + "  - {type: Conv2d, out_channels: 8, kernel_size: 3, groups: 2}\n",
    ),
    Code(
        "SB305",
        "a dtype that the layer does not take",
        "Dtypes are inferred as shapes are. Layers with weights compute in float32.",
        "specbuild: 1\ninput: {shape: [16], dtype: int64}\nlayers:\n  - {type: Linear, out_features: 4}\n",
        "specbuild: 1\ninput: {shape: [16], dtype: float32}\nlayers:\n  - {type: Linear, out_features: 4}\n",
    ),
    Code(
        "SB306",
        "an axis that is not there, or cannot be cut so",
        "Every `dim` counts the batch, as in torch, and may count from the end. Sizes that an axis is cut into "
        "multiply to that axis.",
        HEAD.format([12]) + "  - {type: Unflatten, dim: 1, unflattened_size: [5, 2]}\n",
        HEAD.format([12]) + "  - {type: Unflatten, dim: 1, unflattened_size: [6, 2]}\n",
    ),
    Code(
        "SB307",
        "larger than any machine",
        "A weight or an output has at most 2**48 elements; a size beyond that is a slip of the pen, and torch's "
        "arithmetic would overflow on it.",
        HEAD.format([16]) + "  - {type: Linear, out_features: 2000000000}\n"
        "  - ReLU\n  - {type: Linear, out_features: 2000000000}\n",
        HEAD.format([16])
        + "  - {type: Linear, out_features: 2000}\n  - ReLU\n  - {type: Linear, out_features: 2000}\n",
    ),
    Code(
        "SB308",
        "shapes that do not merge",
        "`Add` and `Multiply` broadcast as torch does: aligned at the last axis, two sizes are equal or one of them "
        "is 1; the numbers of axes are equal, since axis 0 is the batch in both. `Concat` joins along one axis, and "
        "all other sizes are equal. The message has all shapes, and the way that led to each.",
        HEAD.format([3, 8, 8]) + "  - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}\n"
        "  - {type: Concat, from: [conv, input]}\n",
        HEAD.format([3, 8, 8]) + "  - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}\n"
        "  - {type: Concat, from: [conv, input]}\n",
    ),
    Code(
        "SB309",
        "an input that is overwritten, and read again",
        "A layer with `inplace: true` writes its output over its input, which saves memory. Where another layer reads "
        "that input afterwards, it would read the wrong numbers: torch says nothing, or fails in training. What shares "
        "its input's memory, such as Flatten, counts as the input itself.",
        HEAD.format([16]) + "  - {name: fc, type: Linear, out_features: 16}\n"
        "  - {name: act, type: ReLU, inplace: true}\n  - {type: Add, from: [act, fc]}\n",
        HEAD.format([16]) + "  - {name: fc, type: Linear, out_features: 16}\n"
        "  - {name: act, type: ReLU}\n  - {type: Add, from: [act, fc]}\n",
    ),
    Code(
        "SB310",
        "a plug-in's layer does not run",
        "A layer of a plug-in that states no rule is built and run on torch's meta device, on batches of 2 and of 3, "
        "in training and in eval mode. Torch refused, or what came out was not one tensor with the same batch, or was "
        "another for another batch. The message is torch's own.",
        f"{ROWS}\n$ printf 'specbuild: 1\\ninput: [8]\\nlayers: [Rows]\\n' > spec.yaml\n"
        "$ specbuild check --plugin rows spec.yaml",
        f"{ROWS}\n$ printf 'specbuild: 1\\ninput: [16]\\nlayers: [Rows]\\n' > spec.yaml\n"
        "$ specbuild check --plugin rows spec.yaml",
    ),
    Code(
        "SB311",
        "the network is larger than the memory",
        "The weights and buffers, or what training takes with its gradients, its optimizer and the activations of a "
        "batch, are more than the machine, or the GPU, has. It is said before anything is built. `specbuild summary` "
        "shows the estimate for any batch size, and for another machine with `--memory 80GiB`.",
        "$ specbuild train specs/digits_cnn.yaml --set layers.hidden.out_features=2000000000",
        "$ specbuild train specs/digits_cnn.yaml --set layers.hidden.out_features=200 --set train.epochs=1",
    ),
    Code(
        "SB312",
        "a weight whose size would depend on an open size",
        "An input may leave sizes open: `[3, H, W]`. The parameters of a layer are made once, so none of their sizes "
        "may depend on those. An adaptive pooling gives planes of one size, whatever the input's.",
        HEAD.format("[3, H, W]") + "  - Flatten\n  - {type: Linear, out_features: 10}\n",
        HEAD.format("[3, H, W]")
        + "  - {type: AdaptiveAvgPool2d, output_size: 1}\n  - Flatten\n  - {type: Linear, out_features: 10}\n",
    ),
    Code(
        "SB313",
        "a question about open sizes that is undecided",
        "What a layer asks of sizes that an input leaves open is proven for every promised size: sums, multiples and "
        "floor divisions of one size repeat, so one period is a proof. Products of two sizes and factors that are no "
        "simple fractions do not repeat. With `min` and `max` in `dims` there are finitely many sizes to look at. Past "
        "several hundred different layers over open sizes there may be more to compute than is computed for a "
        "document: the rest is undecided as well.",
        HEAD.format("[1, S, S]")
        + "  - {type: ZeroPad2d, padding: [0, 1, 0, 0]}\n  - {type: Reshape, shape: [2, -1]}\n",
        "specbuild: 1\ninput: [1, S, S]\ndims: {S: {max: 512}}\nlayers:\n"
        "  - {type: ZeroPad2d, padding: [0, 1, 0, 0]}\n  - {type: Reshape, shape: [2, -1]}\n",
    ),
    Code(
        "SB314",
        "a size that is not promised",
        "`summary --size H=224`, `Spec.at` and the samples of the data settle the sizes that an input leaves open. "
        "They have to be among those that `dims` promises.",
        "$ specbuild summary specs/unet.yaml --set 'input=[3, H, W]' --set 'dims={H: {min: 16, multiple_of: 16}, "
        "W: {min: 16, multiple_of: 16}}' --size H=100",
        "$ specbuild summary specs/unet.yaml --set 'input=[3, H, W]' --set 'dims={H: {min: 16, multiple_of: 16}, "
        "W: {min: 16, multiple_of: 16}}' --size H=96",
    ),
    Code(
        "SB315",
        "a plug-in fails",
        "A method of a plug-in's class raised something that is no `Violation`, or gave what is not asked of it: "
        "`infer` gives an Outcome, `build` a torch module, `sample` the type of each field. The message names the "
        "class, its module and the method. `specbuild --traceback` shows the line in the plug-in.",
        "$ printf '%s\\n' 'from specbuild.plugins import Layer, Outcome, plugin' '@plugin' 'class Twice(Layer):' "
        "'    def infer(self, input):' '        return input' '    def build(self, nn, **switches):' "
        "'        return nn.Identity()' > twice.py\n"
        "$ printf 'specbuild: 1\\ninput: [8]\\nlayers: [Twice]\\n' > spec.yaml\n"
        "$ specbuild check --plugin twice spec.yaml",
        "$ printf '%s\\n' 'from specbuild.plugins import Layer, Outcome, plugin' '@plugin' 'class Twice(Layer):' "
        "'    def infer(self, input):' '        return Outcome(input)' '    def build(self, nn, **switches):' "
        "'        return nn.Identity()' > twice.py\n"
        "$ printf 'specbuild: 1\\ninput: [8]\\nlayers: [Twice]\\n' > spec.yaml\n"
        "$ specbuild check --plugin twice spec.yaml",
    ),
    Code(
        "SB390",
        "the plan and torch disagree",
        "`summary --verify` builds the network, runs it and counts it again. A disagreement is a defect of "
        "specbuild: please report it with the spec.",
        "$ specbuild summary spec.yaml --verify",
        "$ specbuild summary spec.yaml",
    ),
)
