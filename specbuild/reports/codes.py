"""The pages of codes, made from the table: `python -m specbuild.reports.codes FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from specbuild.diagnostics import render
from specbuild.diagnostics.codes import Code
from specbuild.reports.explanation import GROUPS, grouped, is_command, judged

NOTE = "<!-- Made by `make reference` from the table in `specbuild/diagnostics/codes/`. -->"


def pages() -> dict[str, str]:
    """Every page by its path below `docs/codes`."""
    made = {f"SB{digit}xx.md": page(digit, entries) for digit, entries in grouped()}
    made["README.md"] = contents()
    return made


def contents() -> str:
    """The page that leads to all others."""
    lines = [
        NOTE, "# Codes", "",
        "What each code in a diagnostic means; `specbuild explain CODE` prints the same. Codes are stable.", "",
    ]  # fmt: skip
    for digit, entries in grouped():
        lines += [f"## SB{digit}xx: {GROUPS[digit]}", "", "| | |", "|---|---|"]
        lines += [f"| [{entry.code}](SB{digit}xx.md#{entry.code.lower()}) | {entry.title} |" for entry in entries]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def page(digit: str, entries: list[Code]) -> str:
    """The codes of one group, one after the other."""
    parts = [NOTE, f"# SB{digit}xx: {GROUPS[digit]}"]
    for entry in entries:
        parts += [f"## {entry.code}", f"**{entry.title[0].upper()}{entry.title[1:]}.** {entry.explanation}"]
        parts += ["This fails:", fenced(entry.failing)]
        told = judged(entry)
        if told:
            parts += ["It prints:", fenced(render.text(told), "text")]
        parts += ["This is right:", fenced(entry.mended)]
    return "\n\n".join(parts) + "\n"


def fenced(example: str, language: str | None = None) -> str:
    """An example as a block of Markdown."""
    if language is None:
        language = "console" if is_command(example) else "json" if example.lstrip().startswith("{") else "yaml"
    fence = "````" if "```" in example else "```"
    body = example.rstrip("\n")
    return f"{fence}{language}\n{body}\n{fence}"


def main(folder: Path) -> None:
    """Write all pages anew."""
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
