"""Lint: SB8xx, what is odd but not wrong."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

ROWS = (
    "$ printf 'from specbuild.plugins import Layer, Outcome, TensorType, plugin\\n\\n@plugin\\nclass Rows(Layer):\\n"
    "    def build(self, nn, **switches):\\n        return nn.Softmax(-1)\\n"
)
RULE = "    def infer(self, input: TensorType) -> Outcome:\\n        return Outcome(input)\\n"
SPEC = "$ printf 'specbuild: 1\\ninput: [16]\\nlayers: [Rows]\\n' > spec.yaml"

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
        f"{ROWS}' > rows.py\n{SPEC}\n$ specbuild check --plugin rows spec.yaml",
        f"{ROWS}{RULE}' > rows.py\n{SPEC}\n$ specbuild check --plugin rows spec.yaml",
    ),
    Code(
        "SB804",
        "a Softmax before CrossEntropyLoss",
        "torch's CrossEntropyLoss takes the network's raw numbers and applies LogSoftmax itself. Behind a Softmax it "
        "sees numbers from 0 to 1 only, so that its gradients are small and the loss never comes near 0; behind a "
        "LogSoftmax the second one changes nothing. The network's answer is the largest number, with or without it.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\n  - {type: Softmax, dim: 1}\n"
        "loss: CrossEntropyLoss\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\nloss: CrossEntropyLoss\n",
    ),
    Code(
        "SB805",
        "a Sigmoid before BCEWithLogitsLoss",
        "BCEWithLogitsLoss, and MultiLabelSoftMarginLoss, apply a Sigmoid themselves. Of numbers from 0 to 1 it makes "
        "shares from 0.5 to 0.73: no answer is ever a clear no.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 1}\n  - Sigmoid\n"
        "loss: BCEWithLogitsLoss\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 1}\nloss: BCEWithLogitsLoss\n",
    ),
    Code(
        "SB807",
        "no LogSoftmax before NLLLoss or KLDivLoss",
        "NLLLoss and KLDivLoss take the logarithms of shares and compute none: on any other numbers the loss falls "
        "without end, and nothing is learned. CrossEntropyLoss is NLLLoss with a LogSoftmax before it.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\nloss: NLLLoss\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\n  - {type: LogSoftmax, dim: 1}\n"
        "loss: NLLLoss\n",
    ),
    Code(
        "SB808",
        "two linear layers with nothing nonlinear between",
        "Two Linear layers, or two convolutions, one after the other are no more than one of them could be: what "
        "Dropout, Flatten, Identity, BatchNorm and a pooling by average do between them is linear too. Nothing is said "
        "where it is a factorization: fewer features or channels in the middle than at both ends, groups (depthwise "
        "and pointwise), windows along different axes ([1, 3] and [3, 1]); nor where something else reads what is "
        "between.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: fc1, type: Linear, out_features: 64}\n"
        "  - {name: fc2, type: Linear, out_features: 10}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {name: fc1, type: Linear, out_features: 64}\n  - ReLU\n"
        "  - {name: fc2, type: Linear, out_features: 10}\n",
    ),
    Code(
        "SB809",
        "a bias right before BatchNorm",
        "BatchNorm takes the mean of each channel away, and with it whatever the layer before has added to the "
        "channel: the bias changes nothing, and its gradient is 0. BatchNorm has a bias of its own.",
        "specbuild: 1\ninput: [3, 8, 8]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n"
        "  - BatchNorm2d\n",
        "specbuild: 1\ninput: [3, 8, 8]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, bias: false}\n"
        "  - BatchNorm2d\n",
    ),
    Code(
        "SB810",
        "Dropout after the last layer",
        "A Dropout that is the network's last layer drops parts of its answer: in training some classes get a 0, "
        "whatever the network says. It belongs before the last layer with weights.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\n  - Dropout\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - Dropout\n  - {type: Linear, out_features: 10}\n",
    ),
    Code(
        "SB811",
        "BatchNorm with batches of one sample",
        "BatchNorm learns with the mean and the deviation of a batch. Those of a single sample say little of the "
        "others, so that the network is another one in evaluation. (Over one value a channel it fails, SB406.)",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [BatchNorm2d, Flatten, {type: Linear, out_features: 10}]\n"
        "data: {train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 1}}}\n",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [BatchNorm2d, Flatten, {type: Linear, out_features: 10}]\n"
        "data: {train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 32}}}\n",
    ),
    Code(
        "SB812",
        "a stride larger than its kernel",
        "A window that goes on by more than its size leaves out what lies between: a part of the input is never read. "
        "Nothing is said of a kernel of 1, as shortcuts have it, which takes every other point on purpose.",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 2, stride: 3}\n",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 3}\n",
    ),
    Code(
        "SB813",
        "points that a pooling drops",
        "Where the input's size is no multiple of the window's, the last rows and columns are in no window, and what "
        "is seen there is lost. Nothing is said where windows overlap, or where there is padding or `ceil_mode`.",
        "specbuild: 1\ninput: [3, 7, 7]\nlayers:\n  - {type: MaxPool2d, kernel_size: 2}\n",
        "specbuild: 1\ninput: [3, 7, 7]\nlayers:\n  - {type: MaxPool2d, kernel_size: 2, ceil_mode: true}\n",
    ),
    Code(
        "SB814",
        "a Normalize before ToTensor",
        "ToTensor makes numbers from 0 to 1 of bytes. Means and deviations are usually of such numbers, and Normalize "
        "takes no bytes. (Where it is known that bytes come in it is an error, SB408.)",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 10}]\n"
        "data:\n  train:\n    dataset: {type: Arrays, path: x.npz, fields: {input: x, target: y}}\n"
        "    transforms: [{type: Normalize, mean: [0.3], std: [0.4]}, ToTensor]\n",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 10}]\n"
        "data:\n  train:\n    dataset: {type: Arrays, path: x.npz, fields: {input: x, target: y}}\n"
        "    transforms: [ToTensor, {type: Normalize, mean: [0.3], std: [0.4]}]\n",
    ),
    Code(
        "SB815",
        "random transforms in an evaluation",
        "`val` and `test` measure what the network makes of the images as they are. Random crops and flips belong to "
        "`train` alone; what val takes over from it leaves them out by itself.",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 10}]\n"
        "data:\n  train: {dataset: Digits, transforms: [RandomHorizontalFlip, ToTensor]}\n"
        "  val: {split: 0.1, transforms: [RandomHorizontalFlip, ToTensor]}\n",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 10}]\n"
        "data:\n  train: {dataset: Digits, transforms: [RandomHorizontalFlip, ToTensor]}\n"
        "  val: {split: 0.1, transforms: [ToTensor]}\n",
    ),
    Code(
        "SB816",
        "a learning rate that nobody uses",
        "More than 0.1 with Adam, AdamW, Adamax, NAdam, RAdam or SparseAdam, more than 1 with Adafactor, Muon or "
        "RMSprop, more than 10 with any other, or less than 1e-9, is most likely a slip, such as 1e3 for 1e-3. The "
        "`max_lr` of a OneCycleLR or a CyclicLR is judged instead where there is one.",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\noptimizer: {type: Adam, lr: 1e3}\n",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\noptimizer: {type: Adam, lr: 1e-3}\n",
    ),
    Code(
        "SB817",
        "a momentum that nobody uses",
        "An optimizer's momentum is the share of the last step that is kept: 0, or from 0.1 up to, but not, 1. A "
        "BatchNorm's is in torch the share of the new batch, 0.1 by default; what Keras calls 0.99 is 0.01 here.",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\n"
        "optimizer: {type: SGD, lr: 0.1, momentum: 9}\n",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\n"
        "optimizer: {type: SGD, lr: 0.1, momentum: 0.9}\n",
    ),
    Code(
        "SB818",
        "more outputs than classes",
        "The network chooses among more classes than the data has. Training works, but the others are never right. "
        "(Fewer outputs than classes are an error, SB402.)",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 100}]\n"
        "loss: CrossEntropyLoss\ndata: {train: {dataset: Digits, transforms: [ToTensor]}}\n",
        "specbuild: 1\ninput: [1, 8, 8]\nlayers: [Flatten, {type: Linear, out_features: 10}]\n"
        "loss: CrossEntropyLoss\ndata: {train: {dataset: Digits, transforms: [ToTensor]}}\n",
    ),
    Code(
        "SB819",
        "a variable that nothing reads",
        "No expression has the variable, so its value changes nothing: perhaps a `${...}` is missing. The same is said "
        "of what a `repeat` sets.",
        "specbuild: 1\nvars: {width: 64}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 64}\n",
        'specbuild: 1\nvars: {width: 64}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${width}"}\n',
    ),
    Code(
        "SB820",
        "a param that nothing reads",
        "A use of the block may give the param a value, which then changes nothing: perhaps a `${...}` is missing in "
        "the block.",
        "specbuild: 1\nblocks:\n  dense:\n    params: {width: null}\n    layers: [{type: Linear, out_features: 64}]\n"
        "input: [16]\nlayers:\n  - {type: dense, width: 32}\n",
        "specbuild: 1\nblocks:\n  dense:\n    params: {width: null}\n"
        '    layers: [{type: Linear, out_features: "${width}"}]\ninput: [16]\nlayers:\n  - {type: dense, width: 32}\n',
    ),
    Code(
        "SB821",
        "a scheduler that never steps",
        "The training ends before the scheduler changes the learning rate, or before its last milestone; or its factor "
        "is 1. Lengths are counted in epochs unless `interval: step` is written.",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\noptimizer: SGD\n"
        "scheduler: {type: StepLR, step_size: 30}\ntrain: {epochs: 20}\n",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\noptimizer: SGD\n"
        "scheduler: {type: StepLR, step_size: 30}\ntrain: {epochs: 90}\n",
    ),
    Code(
        "SB822",
        "an `ignore` that silences nothing",
        "The comment `# specbuild: ignore[SB808]` silences a warning on its own line, `ignore: [SB808]` one in the "
        "whole document. There is none such: it was mended, or the code is another one. Errors cannot be silenced.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}  # specbuild: ignore[SB808]\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 10}\n",
    ),
    Code(
        "SB823",
        "more warnings than are told",
        "A document has more than 100 different warnings; the others are not told. `ignore: [SB801]` silences all of "
        "one code in the document.",
        "specbuild: 1\ninput: [16]\nlayers:\n"
        + "".join(f"  - {{name: a{n}, type: ReLU, from: input}}\n" for n in range(102)),
        "specbuild: 1\ninput: [16]\nlayers: [ReLU]\n",
    ),
    Code(
        "SB824",
        "a Softmax over the batch",
        "`dim` counts the batch as axis 0. Along it, Softmax, Softmin and LogSoftmax make the shares of the samples in "
        "a batch add up to 1, so that the answer to one depends on the others. Left out, torch takes axis 0 for inputs "
        "of 1 or 3 axes.",
        "specbuild: 1\ninput: [5, 3]\nlayers: [Softmax]\n",
        "specbuild: 1\ninput: [5, 3]\nlayers: [{type: Softmax, dim: -1}]\n",
    ),
    Code(
        "SB825",
        "a field of the data that nothing reads",
        "The samples of Arrays have a field that feeds no input and that no loss takes as its target: it is read for "
        "nothing, or its name is not the one that was meant.",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\nloss: CrossEntropyLoss\n"
        "data: {train: {dataset: {type: Arrays, path: x.npz, fields: {input: x, target: y, weight: w}}}}\n",
        "specbuild: 1\ninput: [16]\nlayers: [{type: Linear, out_features: 10}]\nloss: CrossEntropyLoss\n"
        "data: {train: {dataset: {type: Arrays, path: x.npz, fields: {input: x, target: y}}}}\n",
    ),
)
