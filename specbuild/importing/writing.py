"""A document as YAML, as people write it: a layer a line; and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specbuild.language.loading import read

WIDTH = 110
"""Columns of a line, but for what cannot be broken."""
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
"""Characters of a string that is written without quotes, in flow style too."""


def as_yaml(tree: Mapping[str, Any], comment: str = "") -> str:
    """The text, which reads back as the same document; comment: what stands above it."""
    lines = [f"# {line}" for line in textwrap.wrap(comment, WIDTH - 2)]
    for key, value in tree.items():
        if key == "layers":
            lines.append("layers:")
            lines += layers(value, "  ")
        elif key == "blocks":
            lines.append("blocks:")
            for name, block in value.items():
                lines.append(f"  {scalar(name)}:")
                for part, content in block.items():
                    if part == "layers":
                        lines += ["    layers:", *layers(content, "      ")]
                    elif isinstance(content, Mapping):
                        lines += broken(content, f"    {part}: ", " " * (len(part) + 7))
                    else:
                        lines.append(f"    {part}: {flow(content)}")
        elif key == "init":
            lines.append("init:")
            lines += [f"  {scalar(name)}: {flow(rules)}" for name, rules in value.items()]
        else:
            lines += [f"{scalar(key)}: {flow(value)}"]
    text = "\n".join(lines) + "\n"
    assert dict(read(text).tree) == dict(tree), "the text does not read back as the document"
    return text


def as_json(tree: Mapping[str, Any]) -> str:
    """The document as JSON."""
    return json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def layers(entries: Sequence[Any], indent: str) -> Iterator[str]:
    """A list of layers: one with layers of its own in block style, all else on a line."""
    for entry in entries:
        if isinstance(entry, str):
            yield f"{indent}- {scalar(entry)}"
        elif "layers" in entry:
            head = "- "
            for key, value in entry.items():
                if key == "layers":
                    yield f"{indent}{head}layers:"
                    yield from layers(value, f"{indent}    ")
                else:
                    yield f"{indent}{head}{scalar(key)}: {flow(value)}"
                head = "  "
        elif isinstance(entry.get("repeat"), list):
            yield from in_rows(entry, indent)
        else:
            yield from broken(entry, f"{indent}- ", f"{indent}   ")


def in_rows(entry: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A repeat by a list, a row a line where they do not fit in one."""
    line = f"{indent}- {flow(entry)}"
    if len(line) <= WIDTH:
        yield line
        return
    head = "- "
    for key, value in entry.items():
        one = f"{indent}{head}{scalar(key)}: {flow(value)}"
        if key == "repeat" and len(one) > WIDTH:
            yield f"{indent}{head}repeat:"
            yield from (f"{indent}    - {flow(row)}" for row in value)
        else:
            yield one
        head = "  "


def broken(entry: Mapping[str, Any], head: str, indent: str) -> Iterator[str]:
    """A mapping in flow style, broken behind a comma where it is too long; indent: of the lines after the first."""
    parts = [f"{scalar(key)}: {flow(value)}" for key, value in entry.items()]
    line = f"{head}{{"
    for index, part in enumerate(parts):
        end = "}" if index == len(parts) - 1 else ","
        gap = "" if line.endswith("{") else " "
        if gap and len(line) + len(gap) + len(part) + len(end) > WIDTH:
            yield line
            line, gap = indent, ""
        line += f"{gap}{part}{end}"
    yield line


def flow(value: Any) -> str:
    """A value in flow style."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(flow(item) for item in value)}]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A number, a boolean, null, or a string, in quotes where it needs them."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if text and not set(text) - PLAIN and (text[0].isalpha() or text[0] == "_") and text.lower() not in WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"})
"""Strings that some reader takes for something else."""
