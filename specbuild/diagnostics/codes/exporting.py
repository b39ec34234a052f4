"""What goes out, and what is predicted: SB511 to SB514."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code
from specbuild.diagnostics.codes.runs import TRAIN

SAVE = '$ python -c \'import numpy; numpy.save("digit.npy", numpy.zeros((1, {}), "uint8"))\''

EXPORTING: tuple[Code, ...] = (
    Code(
        "SB511",
        "an export gives another output than the network",
        "Every export is read back and tried before its file gets its name: ONNX in ONNX Runtime, a torch.export "
        "program as torch.export.load gives it, Python source in an interpreter without specbuild, weights in a "
        "network that is built anew. On fixed inputs, in batches of 1 and 3 and at several sizes where sizes are open, "
        "the outputs must be the network's: bit for bit for Python source and weights, within rtol 1e-3 and atol 1e-5 "
        "for the others, whose kernels are other ones. Here they are not, so no file was left. The first layer that "
        "differs is named, and by how much; use another format, and report it.",
        "$ specbuild export a_spec_whose_export_computes_otherwise --to onnx",
        "$ specbuild export specs/lenet5.yaml --to onnx",
    ),
    Code(
        "SB512",
        "the format cannot express it",
        "Not every network can be written in every format: torch's exporters lack some operators, and ONNX Runtime "
        "some kernels; their own words are quoted, with the layer where it is known (docs/onnx_layers.md lists the "
        "layers of the catalogue that ONNX lacks). A file of ONNX has room for 2 GiB of weights. ONNX needs the "
        "packages of `pip install 'specbuild[export]'`. An option may be about another format: `--opset` is ONNX's, "
        "`--with-training` Python source's, `--set` a document's and not a run's. TorchScript is given up by torch.",
        "$ specbuild export specs/lenet5.yaml --to torchscript",
        "$ specbuild export specs/lenet5.yaml --to torch",
    ),
    Code(
        "SB513",
        "an input of `predict` cannot be used",
        "The input is not there, cannot be read, or is not what the network takes: an image that is damaged or of "
        "another size, an array of another dtype or with NaN in it, a row of a table without a value, a text with a "
        "character that the training did not have. The message names the file, and the line or sample in it. Nothing "
        "is predicted then; `--on-error skip` leaves such inputs out, predicts the rest, and ends with exit status 1.",
        f"{TRAIN}\n{SAVE.format('7, 7')}\n$ specbuild predict first digit.npy",
        f"{TRAIN}\n{SAVE.format('8, 8')}\n$ specbuild predict first digit.npy",
    ),
    Code(
        "SB514",
        "the run, or the file, cannot be predicted with",
        "`predict` prepares inputs as the samples of the validation were. Some runs say no such way: one whose "
        "validation draws at random, for nothing says what it would draw for an input. An ONNX file has to be one "
        "that `specbuild export` wrote, and its transforms among those that are done without torch: predict from the "
        "run, which has them all.",
        f"{TRAIN} --set data.val.transforms=[RandomHorizontalFlip,ToTensor]\n{SAVE.format('8, 8')}\n"
        "$ specbuild predict first digit.npy",
        f"{TRAIN}\n{SAVE.format('8, 8')}\n$ specbuild predict first digit.npy",
    ),
)
