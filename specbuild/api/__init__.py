"""The public functions. Each takes a document as a path, a text, a dict, or a loaded `Spec`."""

from specbuild.api.documents import Document, build, check, diff, explain, fix, formatted, infer, load, mend
from specbuild.api.exchange import convert, export, from_module, import_model
from specbuild.api.runs import clean_runs, compare_runs, evaluate, list_runs, predict, predictor, reload, verify
from specbuild.api.trainings import document_of, dry_run, preview, train, trained

__all__ = [
    "Document",
    "build",
    "check",
    "clean_runs",
    "compare_runs",
    "convert",
    "diff",
    "document_of",
    "dry_run",
    "evaluate",
    "explain",
    "export",
    "fix",
    "formatted",
    "from_module",
    "import_model",
    "infer",
    "list_runs",
    "load",
    "mend",
    "predict",
    "predictor",
    "preview",
    "reload",
    "train",
    "trained",
    "verify",
]
