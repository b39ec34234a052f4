"""What comes in from elsewhere: SB515 and SB516."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

IMPORTING: tuple[Code, ...] = (
    Code(
        "SB515",
        "a model that is to be imported cannot be loaded",
        "`import` takes torchvision:NAME, FILE.py:FACTORY or PACKAGE.MODULE:FACTORY. The file or the module is "
        "imported, because the command line names it, the factory is called, and the model is run on an input of the "
        "shape that `--input` says. One of these failed: there is no such name, Python raised an error, whose last "
        "line is told, or what the factory gave is no nn.Module.",
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
)
