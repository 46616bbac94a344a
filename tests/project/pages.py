"""Run what a page shows: ``python -m tests.project.pages PAGE`` in an empty folder.

The fenced blocks of a page run in their order, in one process and one folder, so that a page may build on what it did above:

* ``python``: as one session; ``bash``: with ``set -euo pipefail``; ``console``: the lines after ``$``, each with its output,
  and with the exit code 0 unless it ends with ``# exit code N``.
* A block that begins with ``# file: NAME`` is written to that file instead.
* ``text`` directly after a block is what that block prints, word by word; ``...`` stands for anything.
* ``yaml`` is read, and is checked as a study where it has sweeps.

A block after ``<!-- not run: REASON -->`` is left out, and so is one after ``<!-- run by TEST -->`` or ``<!-- ci:NAME -->``.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FENCE = re.compile(
    r"^(?P<mark><!-- (?:not run|run by|ci)[^\n]*-->\n)?```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
FILE = re.compile(r"# file: (\S+)\n")
RUN = ("python", "bash", "console")
SHOWN = ("text", "yaml", "json", "")
"""Kinds of blocks that are read, not run."""


@dataclass(frozen=True)
class Block:
    """A fenced block: kind, text, the line it begins in, the mark before it, and whether it follows another directly."""

    kind: str
    text: str
    line: int
    mark: str
    follows: bool


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page; cells of notebooks are not among them."""
    result, end = [], -1
    for found in FENCE.finditer(page):
        follows = end >= 0 and not page[end : found.start()].strip()
        mark = (found["mark"] or "").strip()
        if not found["kind"].startswith("{"):  # a directive, or a cell of a notebook, which the build of the site runs
            result.append(Block(found["kind"], found["text"], page[: found.start()].count("\n") + 1, mark, follows))
        end = found.end()
    return result


def same(printed: str, expected: str) -> bool:
    """Whether the words are those that are expected, ``...`` standing for any."""
    pattern = r"\s+".join(re.escape(word).replace(r"\.\.\.", ".*?") for word in expected.split())
    return re.fullmatch(rf"\s*{pattern}\s*", printed, flags=re.DOTALL) is not None


def shell(command: str, code: int = 0) -> str:
    """What a command prints; raises where it ends with another exit code."""
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", command], stdout=-1, stderr=-2, text=True, check=False)
    if ended.returncode != code:
        raise RuntimeError(f"exit code {ended.returncode}\n{ended.stdout}")
    return ended.stdout


def console(text: str) -> str:
    """Run the lines after ``$`` one by one, compare what follows each, and return what all print."""
    parts = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, flags=re.MULTILINE)
    printed = []
    for command, expected in parts:
        code = re.search(r"# exit code (\d+)$", command)
        printed.append(shell(command, int(code[1]) if code else 0))
        if expected.strip() and not same(printed[-1], expected):
            raise AssertionError(f"{command} prints\n{printed[-1]}")
    return "".join(printed)


def run(block: Block, scope: dict[str, Any]) -> str:
    """Run one block and return what it prints."""
    if file := FILE.match(block.text):
        Path(file[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(file[1]).write_text(block.text[file.end() :])
        return ""
    if block.kind == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.text, f"block in line {block.line}", "exec"), scope)
        return printed.getvalue()
    return console(block.text) if block.kind == "console" else shell(block.text)


def check_shown(block: Block, printed: str | None) -> None:
    """Compare what a block shows with what the one before it printed; read YAML."""
    if block.kind == "text" and block.follows and printed is not None and not same(printed, block.text):
        raise AssertionError(f"what is printed is\n{printed}")
    if block.kind == "yaml":
        content = yaml.safe_load(block.text)
        if isinstance(content, dict) and "sweeps" in content:
            from scoreshock.study.study import Study

            Study.from_mapping(content, allow_plugins=True)


def main(page: Path) -> int:
    """Run a page; print the first block that fails, and return 1 if one does."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    printed: str | None = None
    count = 0
    for block in blocks(page.read_text("utf-8")):
        if block.mark:
            printed = None  # nor is what it would print compared
            continue
        try:
            if block.kind in RUN or FILE.match(block.text):
                printed, count = run(block, scope), count + 1
            if block.kind in SHOWN:
                check_shown(block, printed)
        except Exception:
            print(f"{page}, line {block.line}:\n{block.text}\n{traceback.format_exc()}")
            return 1
    print(f"{count} blocks")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
