"""The classes of a module, as text that is still to be laid out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.exporting.python.expressions import Call, Chain, Formula, chained, is_name, rendered
from specbuild.exporting.python.forward import forward_of
from specbuild.exporting.python.functions import FUNCTIONS
from specbuild.exporting.python.initial import fill
from specbuild.exporting.python.kinds import Kinds
from specbuild.exporting.python.naming import arguments_of, as_modules, attribute
from specbuild.exporting.python.recording import Made
from specbuild.exporting.python.unifying import Body, Parameter
from specbuild.exporting.python.unparsing import literal
from specbuild.network.plan import Scope, Step

FILLERS = {"zeros_": "zeros", "ones_": "ones"}
"""What makes a parameter that is filled evenly."""


def class_of(body: Body, kinds: Kinds) -> str:
    """The text of a class."""
    kind = body.kind
    scope = kind.full.scope
    assert scope is not None
    head = f"def __init__({', '.join(['self', *map(declared, body.parameters)])}) -> None:"
    if kind.sequential:
        chain = Chain(tuple(body.made), tuple(body.made.values()))
        return f"class {kind.name}(nn.Sequential):\n    {head}\n        super().__init__({chained(chain)})\n"
    lines = [f"class {kind.name}(nn.Module):", f"    {head}", "        super().__init__()"]
    lines += [f"        {line}" for line in initial(body, kinds, scope)]
    returned = "Tensor" if len(scope.outputs) == 1 else "dict[str, Tensor]"
    arguments = ", ".join(f"{name}: Tensor" for name in arguments_of(scope.inputs))
    lines.append(f"\n    def forward(self, {arguments}) -> {returned}:")
    batched = [type.batched for type in kind.full.inputs]
    for statement in forward_of(scope, kinds.forms, body.flags, kinds.reserved, batched):
        lines += [f"        {line}" for line in statement.split("\n")]
    return "\n".join(lines) + "\n"


def initial(body: Body, kinds: Kinds, scope: Scope) -> Iterator[str]:
    """The statements of `__init__` that make the children."""
    modules = as_modules(scope, kinds.reserved)
    for child in scope.steps:
        name, made = child.local_name, body.made[child.local_name]
        flag = body.flags.get(name)
        if child.type in FUNCTIONS and name not in modules:
            if flag is not None:
                yield f"self.{flag} = {flag}"
        elif isinstance(made, Made):
            yield from parameter(name, made)
        elif flag is None:
            yield set_child(name, rendered(made))
        else:
            yield set_child(name, "None")
            yield f"if {flag}:"
            yield f"    {set_child(name, rendered(made))}"


def set_child(name: str, text: str) -> str:
    """The statement that makes a child."""
    if is_name(name) and not name.startswith("__"):
        return f"self.{name} = {text}"
    return f"self.add_module({literal(name)}, {text})"


def parameter(name: str, made: Made) -> Iterator[str]:
    """The statements that make a parameter of the scope itself, and fill it."""
    filled = made.filled
    assert filled is not None
    shape = ", ".join(map(str, made.shape)) if len(made.shape) != 0 else "()"
    scheme = filled.function.removeprefix("nn.init.")
    value = f"torch.{FILLERS.get(scheme, 'empty')}({shape})"
    if scheme == "constant_":
        value = f"torch.full({rendered(made.shape)}, {rendered(float(filled.arguments['val']))})"
    if is_name(name) and not name.startswith("__"):
        yield f"self.{name} = nn.Parameter({value})"
    else:
        yield f"self.register_parameter({literal(name)}, nn.Parameter({value}))"
    if scheme not in FILLERS and scheme != "constant_":
        yield fill(attribute(name), filled)


def declared(parameter: Parameter) -> str:
    """A parameter of `__init__`, with its type."""
    values: list[Any] = [*parameter.values.values(), *([] if parameter.required else [parameter.default])]
    text = f"{parameter.name}: {annotation(values)}"
    return text if parameter.required else f"{text} = {rendered(parameter.default)}"


def annotation(values: list[Any]) -> str:
    """The type of values."""
    kinds = dict.fromkeys(type_of(value) for value in values)
    ordered = [kind for kind in kinds if kind != "None"] + (["None"] if "None" in kinds else [])
    if "float" in ordered and "int" in ordered:
        ordered.remove("int")
    return " | ".join(ordered)


def type_of(value: Any) -> str:
    """The annotation of one value."""
    if isinstance(value, tuple):
        inner = annotation(list(value)) if value else "int"
        return f"tuple[{inner}, ...]"
    if isinstance(value, (Call, Chain, Formula)):
        return "nn.Module"
    return "None" if value is None else type(value).__name__


def own_scope(step: Step) -> Scope:
    """The scope of a step that is one."""
    assert step.scope is not None
    return step.scope
