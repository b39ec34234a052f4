"""Data, loss and training: SB4xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

TRAIN = "$ specbuild train specs/digits_cnn.yaml --set train.epochs=1"
IMAGES = (
    "$ mkdir -p photos/cat photos/dog\n"
    "$ python -c \"from PIL import Image; image = Image.new('L', (8, 8)); "
    "[image.save(f'photos/{kind}/{k}.png') for kind in ('cat', 'dog') for k in range(8)]\""
)
FOLDER = (
    "data={train: {dataset: {type: ImageFolder, root: photos}, transforms: [Grayscale, ToTensor]}, val: {split: 0.5}}"
)
DIGITS = """\
specbuild: 1
input: [1, 8, 8]
layers: [Flatten, {type: Linear, out_features: 10}]
loss: CrossEntropyLoss
optimizer: Adam
data: {train: {dataset: Digits, transforms: [ToTensor]}}
"""
"""A training that is whole; the examples are it, with one thing changed."""


def mending(code: str, title: str, explanation: str, right: str, wrong: str) -> Code:
    """A code whose mended example is `DIGITS` with `right` in it, and whose failing one has `wrong` there."""
    key = right.partition(":")[0]
    lines = DIGITS.splitlines()
    kept = [line for line in lines if not line.startswith(f"{key}:")]
    place = next((k for k, line in enumerate(lines) if line.startswith(f"{key}:")), len(lines))
    failing, mended = ([*kept[:place], text, *kept[place:]] for text in (wrong, right))
    return Code(code, title, explanation, "\n".join(failing) + "\n", "\n".join(mended) + "\n")


TRAINING: tuple[Code, ...] = (
    Code(
        "SB401",
        "The document does not say enough to train",
        "A document with `input` and `layers` is whole: it can be checked, summarized and built. To train, "
        "it also says what is made small (`loss`), how the weights are changed (`optimizer`) and what is "
        "learned from (`data`). An evaluation needs the split that it is asked for.",
        f"{TRAIN} --set loss=null",
        TRAIN,
    ),
    mending(
        "SB402",
        "The loss does not fit the output or the target",
        "A loss takes the network's output and a target of a certain form. CrossEntropyLoss takes an "
        "output for each class of the data, and labels from 0 to the number of classes, exclusive; the "
        "others compare element with element, and the shapes agree: what torch would broadcast is refused. "
        "The BCE losses take targets from 0 to 1, and BCELoss outputs from 0 to 1 as well.",
        "layers: [Flatten, {type: Linear, out_features: 10}]",
        "layers: [Flatten, {type: Linear, out_features: 9}]",
    ),
    Code(
        "SB403",
        "The data is not there",
        "A folder or a file of the data does not exist, is not whole, or could not be fetched. Relative "
        "paths are relative to the working directory, or to `--data-root`. torchvision's sets are fetched "
        "where the document says `download: true`.",
        f"{IMAGES}\n{TRAIN} --set '{FOLDER.replace('photos', 'pictures')}'",
        f"{IMAGES}\n{TRAIN} --set '{FOLDER}'",
    ),
    mending(
        "SB404",
        "The samples do not fit the network's input",
        "What comes out of the transforms has the shape and the dtype that `input` says. Images are bytes "
        "until `ToTensor`; `Resize`, the crops, `Pad` and `Grayscale` change their shape. Integers that vectors are "
        "looked up for are from 0 to `num_embeddings`, exclusive.",
        "data: {train: {dataset: Digits, transforms: [ToTensor]}}",
        "data: {train: {dataset: Digits}}",
    ),
    Code(
        "SB405",
        "The data cannot be read",
        "A file is damaged or is not what it should be: an image that Pillow cannot read, an archive "
        "without the array that is named, arrays of different lengths, NaN. Python objects in NumPy files "
        "are never unpickled. The message names the file, the array or the sample.",
        f"{IMAGES}\n$ echo > photos/cat/0.png\n{TRAIN} --set '{FOLDER}'",
        f"{IMAGES}\n{TRAIN} --set '{FOLDER}'",
    ),
    Code(
        "SB406",
        "A normalization fails on a batch of one",
        "In training BatchNorm divides by the deviation over the batch and the positions. A layer whose "
        "channels have one position each (1 x 1) has a single value to judge by where a batch has one "
        "sample, and torch raises. The last batch has one sample where the number of samples leaves a rest "
        "of 1. GroupNorm with one value a group fails so on val and test, too; so does BatchNorm without "
        "`track_running_stats`.",
        DIGITS.replace(
            "[Flatten, {type: Linear, out_features: 10}]",
            "[{type: Conv2d, out_channels: 8, kernel_size: 8, bias: false}, BatchNorm2d, Flatten, "
            "{type: Linear, out_features: 10}]",
        ).replace("[ToTensor]}", "[ToTensor], loader: {batch_size: 4}}"),
        DIGITS.replace(
            "[Flatten, {type: Linear, out_features: 10}]",
            "[{type: Conv2d, out_channels: 8, kernel_size: 8, bias: false}, BatchNorm2d, Flatten, "
            "{type: Linear, out_features: 10}]",
        ).replace("[ToTensor]}", "[ToTensor], loader: {batch_size: 4, drop_last: true}}"),
    ),
    mending(
        "SB407",
        "The device is not there",
        "`auto` takes a GPU where there is one. A device that is named must exist on this machine, and "
        "torch must be built for it.",
        "train: {device: auto}",
        "train: {device: gpu}",
    ),
    mending(
        "SB408",
        "A transform does not fit what comes into it",
        "Each transform takes what the one before it gives. `Normalize` needs the floating-point numbers "
        "that `ToTensor` makes, and a mean for each channel or one for all; a crop needs an image that is "
        "large enough. Images in a folder differ in size, and each is held against the transforms when it "
        "is read.",
        "data: {train: {dataset: Digits, transforms: [ToTensor, {type: Normalize, mean: [0.3], std: [1]}]}}",
        "data: {train: {dataset: Digits, transforms: [{type: Normalize, mean: [0.3], std: [1]}, ToTensor]}}",
    ),
    Code(
        "SB409",
        "The loss is no longer a number",
        "The training diverged: the loss, or a weight, became infinite or not a number. Mostly the "
        "learning rate is too large, or the inputs are not scaled.",
        f"{TRAIN} --set optimizer.lr=1e30",
        f"{TRAIN} --set optimizer.lr=0.001",
    ),
    mending(
        "SB410",
        "Settings that do not go together",
        "Arguments that are right one by one may exclude each other: Nesterov's momentum without a "
        "momentum, `fused` with `foreach`, a `val` with both a `dataset` and a `split`, options for "
        "workers without workers. torch raises on the same ones. `stratify`, a sampler and `weight: balanced` go by "
        "the label of each sample, an integer from 0 on, so the data set has one.",
        "optimizer: {type: SGD, lr: 0.1, momentum: 0.9, nesterov: true}",
        "optimizer: {type: SGD, lr: 0.1, nesterov: true}",
    ),
    mending(
        "SB411",
        "A metric that will not be measured",
        "An epoch ends with `train_loss`, with a number for each metric, and with the same for val where "
        "there is one. `train.best` names one of them. A metric fits its output and the loss of that: those of labels "
        "(accuracy, f1, auroc, ...) a loss of labels, those of numbers (mae, r2, ...) a loss of numbers, psnr and "
        "ssim images, mean_iou and dice a label at each position, perplexity the probability of a class. `top_k` is "
        "at most the number of classes. No two metrics have one name.",
        "train: {best: {metric: train_loss}}",
        "train: {best: {metric: val_loss}}",
    ),
    mending(
        "SB412",
        "No samples, or no batches",
        "A split has at least one sample and one batch. `drop_last` leaves none where a batch is larger "
        "than the split; `on_error: skip` leaves none where no file of a split can be read.",
        "data: {train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 2048}}}",
        "data: {train: {dataset: Digits, transforms: [ToTensor], loader: {batch_size: 2048, drop_last: true}}}",
    ),
    mending(
        "SB413",
        "A group of parameters that takes nothing",
        "Each entry of the optimizer's `groups` says which parameters it takes: by `parameters`, patterns of keys in "
        "the `state_dict`, or by `types` of layers. Every pattern and every type is found in the network, and a "
        "parameter goes to the first group that takes it; so a group whose parameters all are in an earlier one "
        "has none.",
        'optimizer: {type: AdamW, groups: [{parameters: "*.bias", weight_decay: 0}]}',
        'optimizer: {type: AdamW, groups: [{parameters: "*.biases", weight_decay: 0}]}',
    ),
    mending(
        "SB414",
        "The optimizer cannot step on a parameter",
        "Muon steps on matrices alone. SparseAdam needs the sparse gradients of an Embedding with `sparse: true`; "
        "SGD, Adagrad (without `weight_decay` and `fused`) and LBFGS take them too, the others do not. One optimizer "
        "steps on all parameters: groups differ in its arguments only.",
        "optimizer: AdamW",
        "optimizer: Muon",
    ),
    mending(
        "SB415",
        "The scheduler does not fit the optimizer or the training",
        "OneCycleLR and CyclicLR change the momentum with the learning rate unless `cycle_momentum: false` is "
        "written, so the optimizer has one; a list of learning rates has one for each group of parameters. A "
        "scheduler is as long as the training: OneCycleLR has no fewer steps, and each part of a SequentialLR "
        "begins before the end. What is left out is inferred to fit.",
        "scheduler: {type: OneCycleLR, max_lr: 0.1}",
        "scheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: 100}",
    ),
    mending(
        "SB416",
        "Weights that do not fit the network",
        "`weights` begins a network, or the layer or scope that `into` names, with what another has learned. Every "
        "parameter and buffer there is found in the source with the same shape and dtype, except those that `except` "
        "names, which begin as torch does; and a layer that is taken is taken whole. All that does not fit is told at "
        "once, before anything is loaded. Layers that the source has and the network has not are left, and that is "
        "said. `from` is what the keys in the source begin with.",
        "weights: {run: runs/digits/1, into: linear_1}",
        "weights: {run: runs/digits/1, into: linear_9}",
    ),
    mending(
        "SB417",
        "A `freeze` that cannot be",
        "`freeze` names what stays as it begins: parameters by their keys in the `state_dict`, or layers and scopes, "
        "or patterns of either. Each is found in the network, and something is left that learns.",
        "freeze: linear_1.weight",
        "freeze: linear_1.wieght",
    ),
)
