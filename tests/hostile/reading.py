"""What is hostile to a reader: encodings, nesting, aliases, numbers, repetitions of one fault."""

from __future__ import annotations

import random
from collections.abc import Callable

MEBIBYTE = 2**20
HEAD = b"specbuild: 1\ninput: [4]\nlayers: [ReLU]\n"
JSON_HEAD = b'{"specbuild": 1, "input": [4], "layers": ["ReLU"], '


def filled(part: bytes, before: bytes = b"", after: bytes = b"", size: int = MEBIBYTE) -> bytes:
    """`part` as often as a mebibyte holds it."""
    return before + part * ((size - len(before) - len(after)) // len(part)) + after


def numbered(part: str, before: bytes = b"", after: bytes = b"", count: int = 10**6) -> bytes:
    """`part` with 0, 1, ... put in for `#`, as often as a mebibyte holds it."""
    parts, size = [before], len(before) + len(after)
    for k in range(count):
        written = part.replace("#", str(k)).encode()
        size += len(written)
        if size > MEBIBYTE:
            break
        parts.append(written)
    return b"".join([*parts, after])


def ladder(width: int) -> bytes:
    """Keys in keys, each line one space further in."""
    lines, size, depth = [HEAD], len(HEAD), 0
    while size < MEBIBYTE - 3000:
        lines.append(b" " * (depth * width) + b"a:\n")
        size += len(lines[-1])
        depth += 1
    return b"".join(lines)


def laughs(levels: int, width: int, opening: str = "[", closing: str = "]") -> bytes:
    """Anchors of anchors: `width` to the power of `levels` values."""
    lines = ["a0: &a0 [lol]\n"]
    for k in range(1, levels):
        inner = ", ".join(f"{f'k{n}: ' if opening == '{' else ''}*a{k - 1}" for n in range(width))
        lines.append(f"a{k}: &a{k} {opening}{inner}{closing}\n")
    return HEAD + "".join(lines).encode()


def aliased(text: bytes, count: int) -> bytes:
    """One value, anchored, and as many aliases of it."""
    return HEAD + b"vars:\n  a: &a " + text + b"\n  b: [" + b"*a," * count + b"]\n"


def noise(seed: int, alphabet: bytes, size: int = MEBIBYTE) -> bytes:
    """Characters drawn at random."""
    return bytes(random.Random(seed).choices(alphabet, k=size))


SPEC = '{"specbuild": 1, "name": "é", "input": [4], "layers": ["ReLU"]}'
YAML_SIGNS = b"[]{}&*!|>'\"%@`,:?-# \n\tab01$"

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "empty.yaml": lambda: b"",
    "spaces.yaml": lambda: filled(b" "),
    "lines.yaml": lambda: filled(b"\n"),
    "hashes.yaml": lambda: filled(b"#\n"),
    "bom_only.yaml": lambda: b"\xef\xbb\xbf",
    "boms.yaml": lambda: filled(b"\xef\xbb\xbf", after=HEAD),
    "nul.yaml": lambda: HEAD + b"name: a\0b\n",
    "nuls.yaml": lambda: filled(b"\0"),
    "nuls.json": lambda: filled(b"\0"),
    "nuls_between.yaml": lambda: filled(b"\0a", HEAD),
    "controls.yaml": lambda: filled(b"a: \x1b[31m\x07\x08\n", HEAD),
    "escaped_controls.yaml": lambda: HEAD + b'name: "\\e]0;owned\\a\\x9b31m\\r\\n\\u202e"\n',
    "escaped_controls.json": lambda: JSON_HEAD + b'"name": "\\u001b[31m\\r\\n\\u009b"}',
    "escaped_controls_as_keys.yaml": lambda: HEAD + b'"\\e[31m\\u2028x": 1\nlayers2: [{"type": "\\e[2J"}]\n',
    "utf16.yaml": lambda: SPEC.encode("utf-16"),
    "utf16_no_mark.json": lambda: SPEC.encode("utf-16-le"),
    "utf32.json": lambda: SPEC.encode("utf-32"),
    "utf32_big_end.yaml": lambda: b"\0\0\xfe\xff" + SPEC.encode("utf-32-be"),
    "latin1.yaml": lambda: filled(b"# caf\xe9\n", HEAD),
    "surrogates_as_utf8.yaml": lambda: HEAD + b"name: \xed\xa0\x80\n",
    "surrogate.json": lambda: JSON_HEAD + b'"name": "\\ud800"}',
    "surrogates.json": lambda: filled(b'"\\ud800",', JSON_HEAD + b'"vars": [', b"0]}"),
    "surrogate.yaml": lambda: HEAD + b'name: "\\ud800"\n',
    "surrogate_in_an_expression.yaml": lambda: HEAD + b"""vars: {a: "${'\\\\ud800'}"}\n""",
    "binary.yaml": lambda: random.Random(0).randbytes(MEBIBYTE),
    "noise.yaml": lambda: noise(1, YAML_SIGNS),
    "noise.json": lambda: noise(2, b'[]{},:"\\0123 truefalsnu-.eE'),
    "one_line.yaml": lambda: HEAD + filled(b"a", b"name: ", size=MEBIBYTE - 100),
    "long_key.yaml": lambda: HEAD + filled(b"a", b'? "', b'"\n: 1\n', size=MEBIBYTE - 100),
    "long_key.json": lambda: filled(b"a", JSON_HEAD + b'"', b'": 1}'),
    "long_string.json": lambda: filled(b"a", JSON_HEAD + b'"name": "', b'"}'),
    "quotes.json": lambda: filled(b'"', JSON_HEAD),
    "escapes.json": lambda: filled(b"\\\\", JSON_HEAD + b'"name": "', b'"}'),
    "brackets_in_texts.json": lambda: filled(b'"[{\\"",', JSON_HEAD + b'"vars": [', b"0]}"),
    "flow_deep.yaml": lambda: filled(b"["),
    "flow_deep_closed.yaml": lambda: HEAD + b"vars: " + b"[" * 500_000 + b"]" * 500_000,
    "flow_mappings_deep.yaml": lambda: filled(b"{a: ", HEAD + b"vars: "),
    "dashes_deep.yaml": lambda: filled(b"- "),
    "questions_deep.yaml": lambda: filled(b"? "),
    "block_deep.yaml": lambda: ladder(1),
    "brackets_deep.json": lambda: filled(b"["),
    "braces_deep.json": lambda: filled(b'{"a":'),
    "deep_closed.json": lambda: b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "broad_and_deep.json": lambda: filled(b"[" * 99 + b"]" * 99 + b",", JSON_HEAD + b'"vars": [', b"0]}"),
    "laughs.yaml": lambda: laughs(30, 10),
    "laughs_of_mappings.yaml": lambda: laughs(30, 10, "{", "}"),
    "laughs_in_the_layers.yaml": lambda: laughs(6, 9).replace(b"lol", b"ReLU") + b"outputs: *a5\n",
    "alias_of_itself.yaml": lambda: HEAD + b"vars: &a [*a]\n",
    "aliases_of_a_long_text.yaml": lambda: aliased(b"a" * 300_000, 200_000),
    "aliases_of_a_list.yaml": lambda: aliased(b"[" + b"1," * 100_000 + b"]", 30),
    "aliases_of_layers.yaml": lambda: (
        b"specbuild: 1\ninput: [4]\nx: &a {type: Linear, out_features: 4}\nlayers: [" + b"*a," * 300_000 + b"]\n"
    ),
    "anchors.yaml": lambda: numbered("&a# x, ", HEAD + b"vars: [", b"]\n"),
    "unknown_aliases.yaml": lambda: numbered("*a#, ", HEAD + b"vars: [", b"]\n"),
    "tags.yaml": lambda: filled(b"!!python/object:os.system a,", HEAD + b"vars: [", b"]\n"),
    "merge_keys.yaml": lambda: filled(b"<<: a\n", HEAD),
    "documents.yaml": lambda: filled(b"---\n"),
    "nulls_as_keys.yaml": lambda: filled(b"? \n", HEAD),
    "keys_twice.yaml": lambda: filled(b"a: 1\n", HEAD),
    "keys_twice.json": lambda: filled(b'"a": 1,', JSON_HEAD, b'"b": 1}'),
    "lists_as_keys.yaml": lambda: filled(b"? [a]\n: 1\n", HEAD),
    "scalars.yaml": lambda: filled(b"a,", HEAD + b"vars: [", b"]\n"),
    "numbers.yaml": lambda: filled(b"1,", HEAD + b"vars: [", b"]\n"),
    "empty_lists.yaml": lambda: filled(b"[],", HEAD + b"vars: [", b"]\n"),
    "scalars_in_lines.yaml": lambda: filled(b"- a\n", HEAD + b"vars:\n"),
    "empty_lists.json": lambda: filled(b"[],", JSON_HEAD + b'"vars": [', b"0]}"),
    "keys.yaml": lambda: numbered("a#: 1\n", HEAD),
    "keys.json": lambda: numbered('"a#":1,', JSON_HEAD, b'"b":1}'),
    "unquoted_expressions.yaml": lambda: filled(b"${a}, ", HEAD + b"vars: [", b"]\n"),
    "unquoted_expressions_at_the_end.yaml": lambda: filled(b"a, ", HEAD + b"vars: [", b"${a}, " * 30 + b"]\n"),
    "unclosed_quote.yaml": lambda: filled(b"a\n", HEAD + b"name: '"),
    "unclosed_quote.json": lambda: filled(b"a", JSON_HEAD + b'"name": "'),
    "block_scalar.yaml": lambda: filled(b"  a\n", HEAD + b"name: |\n"),
    "folded_scalar.yaml": lambda: filled(b"  a\n\n", HEAD + b"name: >\n"),
    "plain_scalar_of_lines.yaml": lambda: filled(b"  a\n", HEAD + b"name: a\n"),
    "integer.yaml": lambda: HEAD + b"vars: {a: " + b"9" * 10**5 + b"}\n",
    "integer.json": lambda: JSON_HEAD + b'"vars": {"a": ' + b"9" * 10**6 + b"}}",
    "integers.json": lambda: filled(b"9" * 400 + b",", JSON_HEAD + b'"vars": [', b"0]}"),
    "integers.yaml": lambda: filled(b"9" * 400 + b",", HEAD + b"vars: [", b"0]\n"),
    "octal.yaml": lambda: HEAD + b"vars: {a: 0o" + b"7" * 10**5 + b", b: 0x" + b"f" * 10**5 + b"}\n",
    "endless.yaml": lambda: HEAD + b"vars: {a: 1e999, b: -1e999, c: .inf, d: .nan, e: 1e-999}\n",
    "endless.json": lambda: JSON_HEAD + b'"vars": {"a": 1e999, "b": -1e999, "c": NaN, "d": Infinity}}',
    "endless_many.yaml": lambda: filled(b".nan,", HEAD + b"vars: [", b"0]\n"),
    "endless_many.json": lambda: filled(b"1e999,", JSON_HEAD + b'"vars": [', b"0]}"),
    "exponent.yaml": lambda: HEAD + b"vars: {a: 1e" + b"9" * 390 + b"}\n",
    "commas.json": lambda: filled(b",", JSON_HEAD),
    "directives.yaml": lambda: filled(b"%TAG ! tag:a,2000:\n", after=b"---\n"),
    "wide_characters.yaml": lambda: filled("name: 漢字🙂́\n".encode(), HEAD),
}
