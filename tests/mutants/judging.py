"""Real torch's verdict on a whole document: its network, loss, optimizer and scheduler.

The network is `tests.network.naive`'s. Layers are run on torch's meta device; those that are small, or that are given
other than float32, on the CPU, too, and all of them where `exact` asks for it.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from tests.catalogue.cases import CASES
from tests.catalogue.oracle import Verdict, make, make_parameter, stored, verdict
from tests.catalogue.oracle import judged as run
from tests.catalogue.test_soundness import filled
from tests.network.naive import MERGES, OWN, STRETCHING, Naive, Refused, demand

SMALL_INPUT, SMALL_WEIGHTS = 20_000, 200_000
OWN_SWITCHES = {"causal", "batch"}
"""Arguments that are true or false, and ours."""
STEPPING = {"RNN", "GRU", "LSTM"}
"""What the meta device goes through step by step, which takes longer than to compute it."""
KEYS = {
    "specbuild", "name", "vars", "blocks", "input", "inputs", "layers", "outputs", "tie", "init", "loss", "optimizer",
    "scheduler", "metrics", "data", "train", "dims", "ignore",
}  # fmt: skip
CLASSES = 10
"""Of the images that the ready specs have; those of a text are known when it is read."""


class Judge:
    """Torch's verdicts; what was asked once is known."""

    def __init__(self, right: Mapping[str, Any]) -> None:
        """right: the document before it was changed: what its data gives is what its input says."""
        self.samples = right.get("input") if "data" in right else None
        self.known: dict[tuple[Any, ...], Verdict | None] = {}

    def accepts(self, document: Mapping[str, Any], *, exact: bool = False) -> bool:
        """Whether the document is a network that torch runs, with all that stands beside it."""
        try:
            with warnings.catch_warnings(), torch.device("meta"):
                warnings.simplefilter("ignore")
                demand(set(document) <= KEYS and set(document) >= {"specbuild", "layers"})
                demand(("input" in document) != ("inputs" in document))
                network = Checked(document, self, exact)
            samples = network.put_in(self.samples, network.vars)
            demand(samples is None or network.inputs == {"input": Naive.type_of(samples)})
            hold_sections(document, network)
        except (Refused, KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError, RuntimeError):
            return False
        return True

    def of_layer(
        self, kind: str, arguments: dict[str, Any], types: Sequence[TensorType], exact: bool
    ) -> Verdict | None:
        """The verdict on one layer."""
        inner = [value for name, value in arguments.items() if name != "init" and isinstance(value, dict)]
        demand(booleans_are_so(kind, arguments) and all(hasattr(nn, value["type"]) for value in inner))
        key = (kind, json.dumps(arguments, default=str), tuple(types), exact)
        if key not in self.known:
            self.known[key] = self.asked(kind, arguments, types, exact)
        return self.known[key]

    @staticmethod
    def asked(kind: str, arguments: dict[str, Any], types: Sequence[TensorType], exact: bool) -> Verdict | None:
        found: Verdict | None = None
        weights = 0
        at_once = kind == "Parameter" or kind in STEPPING
        if not at_once:
            try:
                with torch.device("cpu"):
                    if CASES[kind].refused(arguments, tuple(types)):
                        return None
                module = make(kind, arguments)
                (found,) = (Verdict(*end, (), (), any(t.batched for t in types)) for end in run(module, types, 0)[:1])
                weights = sum(parameter.numel() for parameter in module.parameters())
            except Exception:  # whatever torch raises is its refusal
                found = None
        small = sum(type.size for type in types) < SMALL_INPUT and weights < SMALL_WEIGHTS
        if at_once or exact or small or any(type.dtype != "float32" for type in types):
            with torch.device("cpu"):
                return verdict(kind, arguments, *types)
        return found


def booleans_are_so(kind: str, arguments: Mapping[str, Any]) -> bool:
    """Whether what torch has a bool for is one; it takes any string for true."""
    known = inspect.signature(getattr(nn, kind, object)).parameters
    switches = {name for name, parameter in known.items() if isinstance(parameter.default, bool)} | OWN_SWITCHES
    return all(isinstance(value, bool) for name, value in arguments.items() if name in switches)


class Checked(Naive):
    """A document as modules on the meta device, layers as `Judge` judges them."""

    def __init__(self, document: Mapping[str, Any], judge: Judge, exact: bool) -> None:
        self.judge, self.exact = judge, exact
        for block in document.get("blocks", {}).values():
            demand(set(block) <= {"params", "inputs", "layers"})
        super().__init__(document)

    def element(self, scope: Any, written: Mapping[str, Any], name: str, variables: Mapping[str, Any]) -> None:
        if written["type"] == "Sequential":
            demand(set(written) <= OWN)
        elif written["type"] in LAYERS:
            demand("layers" not in written)
        demand("names" not in written or "repeat" in written)
        super().element(scope, written, name, variables)

    def layer(
        self,
        name: str,
        kind: str,
        arguments: dict[str, Any],
        sources: Sequence[tuple[str | None, Any]],
        around: Sequence[TensorType],
    ) -> tuple[nn.Module | nn.Parameter, TensorType]:
        types = [value.type for _, value in sources]
        keywords = [keyword for keyword, _ in sources if keyword is not None]
        if kind in MERGES:
            demand(len(sources) >= 2 and not keywords)
        elif kind == "Parameter":
            demand(not sources and (not arguments.get("batch", True) or any(type.batched for type in around)))
        else:
            takes = LAYERS[kind].takes or ()
            demand(LAYERS[kind].needs <= len(sources) <= len(takes) and set(keywords) <= set(takes))
        demand(kind in STRETCHING or all(type.batched for type in types))
        complete = filled(kind, arguments, *types)
        found = self.judge.of_layer(kind, complete, types, self.exact)
        demand(found is not None)
        assert found is not None
        output = TensorType(found.shape, found.dtype, found.batched)
        if kind == "Parameter":
            with torch.device("cpu"):
                return make_parameter(**arguments), output
        module = make(kind, {**complete, "return_indices": True} if kind == "MaxPool2d" else complete)
        if CASES[kind].torch is not None and not stored(module.named_parameters()):
            batch = [torch.zeros(2, *type.shape, dtype=getattr(torch, type.dtype)) for type in types]
            module(*batch)  # those that are made when their inputs are known
        return module, output


def hold_sections(document: Mapping[str, Any], network: Naive) -> None:
    """What torch says of the loss, the optimizer and the scheduler; raises where it refuses."""
    network.vars = dict(network.vars)
    written = {key: network.put_in(document.get(key), network.vars) for key in KEYS - {"vars", "blocks", "layers"}}
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(2, 2))], 0.1)  # where none is written, a scheduler is alone
    if written["optimizer"] is not None:
        kind, given = apart(written["optimizer"])
        groups = given.pop("groups", [])
        parameter = nn.Parameter(torch.zeros(2, 2))
        for group in groups:
            patterns = group.pop("parameters")
            demand(isinstance(patterns, (str, list)))
            getattr(torch.optim, kind)([{"params": [parameter], **group}], **given)
        optimizer = getattr(torch.optim, kind)([parameter], **given)
    if written["scheduler"] is not None:
        kind, given = apart(written["scheduler"])
        given.pop("interval", None)
        wanted = inspect.signature(getattr(torch.optim.lr_scheduler, kind)).parameters
        for name, value in {"T_max": 10, "total_steps": 10}.items():
            if name in wanted and not {"epochs", "steps_per_epoch"} & set(given):
                given.setdefault(name, value)
        getattr(torch.optim.lr_scheduler, kind)(optimizer, **given)
    if written["loss"] is not None:
        hold_loss(written["loss"], network, CLASSES if tells_classes(written["data"]) else None)


def tells_classes(data: Any) -> bool:
    """Whether the classes of the data are known before it is opened."""
    return data is not None and data["train"]["dataset"]["type"] != "Text"


def apart(written: Any) -> tuple[str, dict[str, Any]]:
    """Type and arguments."""
    if isinstance(written, str):
        return written, {}
    given = {
        name: tuple(value) if isinstance(value, list) and name == "betas" else value for name, value in written.items()
    }
    return given.pop("type"), given


def hold_loss(written: Any, network: Naive, classes: int | None) -> None:
    """The loss of the only output, on labels or on what it is held against."""
    kind, given = apart(written)
    target_name, _, class_dim = given.pop("target", "target"), given.pop("scale", 1.0), given.pop("class_dim", 1)
    loss = getattr(nn, kind)(**given)
    (made,) = network.outputs.values()
    demand(target_name in {*network.inputs, "target"})
    output = torch.zeros(2, *made.shape, dtype=getattr(torch, made.dtype))
    if target_name in network.inputs:
        other = network.inputs[target_name]
        demand(other.shape == made.shape)
        target = torch.zeros(2, *other.shape, dtype=getattr(torch, other.dtype))
    elif kind == "CrossEntropyLoss":
        output = output.movedim(class_dim, 1)
        shape = output.shape[:1] + output.shape[2:]
        demand(output.dim() > 1 and (classes is None or (len(shape) == 1 and output.shape[1] >= classes)))
        target = torch.zeros(shape, dtype=torch.int64)
    else:
        demand(classes is None)  # labels are held against a network that gives as many numbers as there are classes
        target = torch.zeros_like(output)
    loss(output, target)
