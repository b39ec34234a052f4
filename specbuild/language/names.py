"""What a layer may be called, and what it is called when the document does not say."""

from __future__ import annotations

import re

RESERVED = frozenset(
    [
        "input",
        "T_destination",
        "add_module",
        "append",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extend",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "insert",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "pop",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
        "__add__",
        "__annotations__",
        "__call__",
        "__class__",
        "__delattr__",
        "__delitem__",
        "__dict__",
        "__dir__",
        "__doc__",
        "__eq__",
        "__format__",
        "__ge__",
        "__getattr__",
        "__getattribute__",
        "__getitem__",
        "__getstate__",
        "__gt__",
        "__hash__",
        "__iadd__",
        "__imul__",
        "__init__",
        "__init_subclass__",
        "__iter__",
        "__le__",
        "__len__",
        "__lt__",
        "__module__",
        "__mul__",
        "__ne__",
        "__new__",
        "__radd__",
        "__reduce__",
        "__reduce_ex__",
        "__repr__",
        "__rmul__",
        "__setattr__",
        "__setitem__",
        "__setstate__",
        "__sizeof__",
        "__str__",
        "__subclasshook__",
        "__weakref__",
        "_apply",
        "_backward_hooks",
        "_backward_pre_hooks",
        "_buffers",
        "_call_impl",
        "_compiled_call_impl",
        "_forward_hooks",
        "_forward_hooks_always_called",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_get_backward_hooks",
        "_get_backward_pre_hooks",
        "_get_item_by_idx",
        "_get_name",
        "_is_full_backward_hook",
        "_load_from_state_dict",
        "_load_state_dict_post_hooks",
        "_load_state_dict_pre_hooks",
        "_maybe_warn_non_full_backward_hook",
        "_modules",
        "_named_members",
        "_non_persistent_buffers_set",
        "_parameters",
        "_refuse",
        "_register_load_state_dict_pre_hook",
        "_register_state_dict_hook",
        "_replicate_for_data_parallel",
        "_routing",
        "_save_to_state_dict",
        "_slow_forward",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_version",
        "_wrapped_call_impl",
    ]
)
"""`input`, and every attribute of an `nn.Sequential`, routed or not (tests hold this table against both)."""

NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""Letters, digits, `_` and `-`; a plain integer is a name too."""

LONGEST = 100
"""The longest name, in characters."""


def fault(name: str) -> str | None:
    """Why `name` cannot be a layer's name, or None if it can."""
    form = malformed(name)
    if form is not None:
        return form
    if name == "input":
        return "`input` stands for the input of the scope"
    if name in RESERVED:
        return f"`{name}` is an attribute of torch.nn.Sequential"
    return None


def malformed(name: str) -> str | None:
    """Why `name` is no name of anything, or None if it is one."""
    if not NAME.fullmatch(name):
        return "a name is made of letters, digits, `_` and `-`"
    if len(name) > LONGEST:
        return f"a name has at most {LONGEST} characters, this one has {len(name)}"
    return None


def input_fault(name: str) -> str | None:
    """Why `name` cannot be an input's name, or None if it can."""
    if name == "self":
        return "`self` is the network itself in torch's `forward`"
    return None if name == "input" else fault(name)


def repaired(name: str) -> str | None:
    """A mend for a name that has characters too many."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
    return f"name: {found}" if found and found != name and fault(found) is None else None


def automatic(type_name: str, count: int) -> str:
    """The name of an unnamed layer, the `count`-th of its type as written in its scope, from 1."""
    return f"{type_name.lower()}_{count}"
