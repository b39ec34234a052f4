"""From a file's bytes to text that the readers take."""

from __future__ import annotations

import os
import re
import stat

from specbuild.diagnostics.diagnostic import Diagnostic, Span
from specbuild.errors import SpecError
from specbuild.language.budgets import MAX_BYTES
from specbuild.language.faults import Fault

WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
PLAIN_ASCII = bytes(c for c in range(256) if 0x20 <= c < 0x7F or c in b"\t\n\r")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
FORBIDDEN_IN_YAML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""YAML's own list, and the three that its parsers take for the end of a line while no editor does."""
OWN_PIPE = re.compile(r"/dev/(fd/[0-9]+|stdin)")
"""What a shell makes of `<(command)`: this process has it open already, so it is no pipe that nobody writes."""
MANY = 20
"""How many forbidden characters of one document are reported."""


def bytes_of(path: str) -> bytes:
    """The content of a regular file, or of a pipe that was handed over; raises `SpecError`."""
    name = shown_name(path)
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise unreadable(name, "it is a directory")
        if not stat.S_ISREG(kind) and not (stat.S_ISFIFO(kind) and OWN_PIPE.fullmatch(path)):
            raise unreadable(name, "it is not a regular file", "`-` reads standard input")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise unreadable(name, "there is no such file", similar(path)) from None
    except OSError as error:
        raise unreadable(name, (error.strerror or str(error)).lower()) from None
    except ValueError as error:  # a NUL in the path
        raise unreadable(name, str(error)) from None


def over_size(name: str) -> SpecError:
    """SB109 for a text of any size."""
    message = f"a document may have {MAX_BYTES // 2**20} MiB; this one has more"
    return SpecError([Diagnostic("SB109", message, file=name)])


def unreadable(name: str, why: str, fix: str | None = None) -> SpecError:
    """SB101."""
    return SpecError([Diagnostic("SB101", f"the document cannot be read: {why}", fix=fix, file=name)])


def similar(path: str) -> str | None:
    """What to say of the file that was probably meant by a missing one."""
    meant = similar_name(path)
    return f"did you mean `{shown_name(os.path.join(os.path.dirname(path), meant))}`?" if meant else None


def similar_name(path: str) -> str | None:
    """The name of a file beside the missing one that was probably meant."""
    from specbuild.diagnostics.suggest import nearest

    folder, wanted = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry, _ in zip(entries, range(1000), strict=False)]
    except OSError:
        return None
    stem = os.path.splitext(wanted)[0]
    same = sorted(name for name in names if stem and os.path.splitext(name)[0] == stem)
    return same[0] if same else nearest(wanted, names)


def shown_name(path: str) -> str:
    """A path as it can be printed anywhere."""
    return path.encode("utf-8", "replace").decode()


def decoded(data: bytes, name: str) -> str:
    """UTF-8 as text, without a byte order mark; raises `SpecError`."""
    if len(data) > MAX_BYTES:
        raise over_size(name)
    for mark, encoding in WIDE.items():
        if data.startswith(mark):
            message = f"a document is UTF-8 text; this one is {encoding}"
            raise SpecError([Diagnostic("SB102", message, fix="save it as UTF-8", file=name)])
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = re.split("\r\n?|\n", data[: error.start].decode().removeprefix("\ufeff"))
        rest = re.split(rb"[\r\n]", data[error.start : error.start + 1000])[0].decode(errors="replace")
        line, column = len(before), len(before[-1]) + 1
        raise SpecError(
            [
                Diagnostic(
                    "SB102",
                    f"a document is UTF-8 text; byte {error.start} (0x{data[error.start]:02x}) is not",
                    fix="save it as UTF-8",
                    file=name,
                    span=Span(line, column, line, column + 1),
                    snippet=before[-1] + rest,
                )
            ]
        ) from None


def forbidden(text: str, is_yaml: bool) -> list[Fault]:
    """The characters that no document may hold as they are."""
    if text.isascii() and not text.encode().translate(None, PLAIN_ASCII):
        return []
    pattern = FORBIDDEN_IN_YAML if is_yaml else FORBIDDEN
    faults: list[Fault] = []
    zero = text.find("\0")
    for found in pattern.finditer(text):
        if len(faults) == MANY:
            break
        code = ord(found[0])
        if text[found.start() - 1 : found.start()] == found[0] or (code == 0 and found.start() > zero):
            continue  # a run of one character is one mistake, and so are all zeros of a binary file
        escape = f"\\u{code:04x}"
        plain = 0xD800 <= code < 0xE000 or (is_yaml and in_comment(text, found.start()))
        faults.append(
            Fault(
                "SB102",
                f"the character U+{code:04X} cannot stand in a document",
                found.start(),
                found.end(),
                fix="leave it out" if plain else f"leave it out, or write {escape} in double quotes",
            )
        )
    return faults


def in_comment(text: str, index: int) -> bool:
    """Whether a character stands in a comment of YAML, as far as its line tells."""
    before = text[max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1 : index]
    return re.search(r"(^|\s)#", before) is not None and "'" not in before and '"' not in before
