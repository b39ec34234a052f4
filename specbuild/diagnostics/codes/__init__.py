"""The table of codes: SB1xx reading, SB2xx structure and names, SB3xx shapes and dtypes,
SB4xx data, loss and training, SB5xx runs and exports, SB8xx lint."""

from specbuild.diagnostics.codes.code import Code
from specbuild.diagnostics.codes.exporting import EXPORTING
from specbuild.diagnostics.codes.importing import IMPORTING
from specbuild.diagnostics.codes.lint import LINT
from specbuild.diagnostics.codes.reading import READING
from specbuild.diagnostics.codes.runs import RUNS
from specbuild.diagnostics.codes.shapes import SHAPES
from specbuild.diagnostics.codes.structure import STRUCTURE
from specbuild.diagnostics.codes.training import TRAINING

CODES: dict[str, Code] = {
    code.code: code for code in (*READING, *STRUCTURE, *SHAPES, *TRAINING, *RUNS, *EXPORTING, *IMPORTING, *LINT)
}
"""Every code that specbuild can print, in order."""

__all__ = ["CODES", "Code"]
