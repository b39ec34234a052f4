"""What comes in from elsewhere: SB515 to SB517."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code
from specbuild.diagnostics.codes.runs import TRAIN

IMPORTING: tuple[Code, ...] = (
    Code(
        "SB515",
        "a model that is to be imported cannot be loaded",
        "`import` takes torchvision:NAME, FILE.py:FACTORY, PACKAGE.MODULE:FACTORY, a program that torch.export "
        "saved as FILE.pt2, or FILE.onnx. The Python file or module is imported, because the command line names it, "
        "the factory is called, and the model is run on an input of the shape that `--input` says. One of these "
        "failed: there is no such name, Python raised an error, whose last line is told, or what the factory gave is "
        "no nn.Module. A program is read only where nothing in its file has to be unpickled; an ONNX file only where "
        "the ONNX checker and ONNX Runtime take it, its weights in it or in its own folder.",
        "$ specbuild import torchvision:resnet19",
        "$ specbuild import torchvision:resnet18",
    ),
    Code(
        "SB516",
        "a spec cannot say what the model does",
        "A spec is made of layers of the catalogue that take one another's results. A model can do more: run "
        "operations that the catalogue lacks, move the batch to another axis, go by the values of a tensor, use a "
        "layer's weights twice, or have layers that it does not run. Each such thing is named with its module and its "
        "line. The same code says that a spec was found, but its network has other keys than the model, or gives other "
        "outputs; then the first layer that differs is told, and nothing is written.",
        "$ specbuild import torchvision:googlenet",
        "$ specbuild import torchvision:googlenet --argument aux_logits=false",
    ),
    Code(
        "SB517",
        "weights that cannot be read",
        "`weights` names a safetensors file, a run, or torchvision's weights. The file is not there or is no "
        "safetensors file, the run is none or was altered, or torchvision has no such weights or cannot fetch them. A "
        "document is data and names data alone: a `.pth` that torch has pickled is made a safetensors file first, by "
        "the person who trusts it.",
        "$ specbuild train specs/digits_cnn.yaml --set weights=lost.safetensors",
        f"{TRAIN}\n$ specbuild train specs/digits_cnn.yaml --set train.epochs=1 --set weights=first",
    ),
)
