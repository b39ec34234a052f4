"""What `import` takes: a name of torchvision's, a factory in a Python file or module, or a model's file."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from torch import nn

from specbuild.data.vision import torchvision
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import RunError
from specbuild.importing.finishing import Imported
from specbuild.importing.modules import from_module, last_line, require_tensors, types_of
from specbuild.importing.recording import recording

TORCHVISION = "torchvision"
SIZES = {"inception_v3": 299}
"""Sizes of images that are not 224."""


def from_source(source: str, input: Any = None, arguments: Mapping[str, Any] | None = None) -> Imported:
    """The spec of what a source names, as `specbuild import` takes it. Raises `RunError` (SB515, SB516)."""
    try:
        return imported(source, input, arguments)
    except RunError as error:
        raise RunError([replace(found, file=found.file or source) for found in error.diagnostics]) from None


def imported(source: str, input: Any, arguments: Mapping[str, Any] | None) -> Imported:
    """The same; what is wrong with the model as a whole has no place yet."""
    kind = Path(source).suffix.lower()
    if kind in (".pt2", ".onnx") and arguments:
        fail(f"{source} is a file of a model, which takes no arguments", "leave out --argument")
    if kind == ".pt2":
        from specbuild.importing.programs import from_program

        if input is not None:
            fail(f"{source} says itself what it takes", "leave out --input")
        return from_program(Path(source))
    if kind == ".onnx":
        from specbuild.importing.onnx import from_onnx

        return from_onnx(Path(source), None if input is None else types_of(input))
    where, colon, name = source.rpartition(":")
    if not colon or not where or not name:
        fail(f"`{source}` names no model", "torchvision:resnet18, my_model.py:factory or package.module:factory")
    if where == TORCHVISION:
        return from_torchvision(name, input, arguments or {})
    factory = found_in(where, name)
    if input is None:
        fail(f"`{source}` takes inputs of an unknown shape", 'say the shape of one sample: --input "[3, 224, 224]"')
    types = types_of(input)
    with recording() as recorder:
        model = made(source, factory, arguments or {})
    return from_module(model, types, name, init=recorder.fillings(model), comment=f"{name} of {Path(where).name}:")


def fail(message: str, fix: str | None = None) -> NoReturn:
    """SB515."""
    raise RunError([Diagnostic("SB515", message, fix=fix)])


def from_torchvision(name: str, input: Any, arguments: Mapping[str, Any]) -> Imported:
    """The spec of one of torchvision's models, without weights unless an argument asks for some."""
    models = torchvision().models
    known = models.list_models()
    if name not in known:
        meant = nearest(name, known)
        fix = f"did you mean torchvision:{meant}?" if meant else "torchvision.models.list_models() has them"
        fail(f"torchvision has no model `{name}`", fix)
    factory = models.get_model_builder(name)
    given = {"weights": None, **arguments}
    if "weights_backbone" in inspect.signature(factory).parameters:
        given.setdefault("weights_backbone", None)
    if input is None:
        if name not in models.list_models(module=models):
            fail(f"torchvision:{name} takes inputs of an unknown shape", '--input "[3, 224, 224]", of one sample')
        size = SIZES.get(name, 224)
        input = [3, size, size]
    types = types_of(input)
    with recording() as recorder:
        model = made(f"torchvision:{name}", factory, given)
    return from_module(model, types, name, init=recorder.fillings(model), comment=f"{name} as torchvision has it:")


def found_in(where: str, name: str) -> Any:
    """A factory by the file or the module that holds it, which is imported: the user named it."""
    if where.endswith(".py"):
        path = Path(where).expanduser()
        if not path.is_file():
            fail(f"there is no file {where}")
        with looking_in(path.parent):
            try:
                known = path.stem if path.stem not in sys.modules else f"_imported_{path.stem}"
                spec = importlib.util.spec_from_file_location(known, path)
                assert spec is not None
                assert spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                sys.modules[known] = module
                spec.loader.exec_module(module)
            except (Exception, SystemExit) as error:  # whatever somebody's module raises
                fail(f"{where} cannot be imported: {last_line(error)}")
    else:
        with looking_in(Path.cwd()):
            try:
                module = importlib.import_module(where)
            except (Exception, SystemExit) as error:
                fail(
                    f"the module {where} cannot be imported: {last_line(error)}",
                    "a file is named as my_model.py:factory",
                )
    if not hasattr(module, name):
        public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        meant = nearest(name, public)
        fail(f"{where} has no `{name}`", f"did you mean `{meant}`?" if meant else None)
    return getattr(module, name)


@contextmanager
def looking_in(folder: Path) -> Iterator[None]:
    """Let `import` look in a folder first."""
    here = str(folder.resolve())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def made(source: str, factory: Any, arguments: Mapping[str, Any]) -> nn.Module:
    """The model that a factory makes; a module that is there already is one, too."""
    if isinstance(factory, nn.Module):
        model: Any = factory
    elif not callable(factory):
        fail(f"{source} is a {type(factory).__name__}, not a function or class that makes an nn.Module")
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = factory(**arguments)
        except (Exception, SystemExit) as error:  # whatever somebody's factory raises
            fail(f"{source} fails: {last_line(error)}", "its arguments are given as --argument NAME=VALUE")
    if not isinstance(model, nn.Module):
        fail(f"{source} gives a {type(model).__name__}, not an nn.Module")
    require_tensors(model)
    return model
