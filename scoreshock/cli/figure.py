"""Draw figures of results, with the axes that the reader chooses."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from scoreshock.cli.results import Choice, add_results, one_of, open_chosen, results_of

FORMATS = ("png", "svg", "html")
FOLDER = "figures"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``figure``."""
    add_results(parser)
    parser.add_argument("--name", action="append", metavar="FIGURE", help="a figure; may be repeated (all of the sweep)")
    parser.add_argument(
        "--into", default=FOLDER, metavar="FILE|FOLDER", help="file of one figure, or a folder (%(default)s)"
    )
    parser.add_argument("--format", choices=FORMATS, help="format of the files in a folder (png)")
    parser.add_argument("--x", default="", metavar="DIM", help="dimension of the horizontal axis")
    parser.add_argument("--lines", default="", metavar="DIM", help="dimension with a line for each value")
    parser.add_argument("--panels", default="", metavar="DIM", help="dimension with a panel for each value")
    parser.add_argument("--select", nargs="+", default=[], metavar="DIM=VALUE",
                        help="part of the data: DIM=VALUE, DIM=VALUE,VALUE or DIM=LOW:HIGH")  # fmt: skip
    parser.add_argument("--scale", nargs="+", default=[], metavar="AXIS=SCALE", help="x=log, y=linear and so on")


def run(options: argparse.Namespace) -> int:
    """Draw, and print the paths of the files with their captions."""
    from scoreshock import plot
    from scoreshock.figures import FIGURES

    select, scale = _pairs("--select", options.select, _selection), _pairs("--scale", options.scale, str)
    results = results_of(options)
    sweep = one_of("--sweep", options.sweep, results.sweeps)
    known = {name: figure for name, figure in FIGURES.items() if figure.of in results.sweeps[sweep]}
    names = [one_of("--name", name, known) for name in options.name or known]
    paths = _paths(options, names)
    opened = cache(lambda quantity: open_chosen(options, Choice(results.folder, sweep, quantity)).load())
    empty = []
    for name in names:
        beside: dict[str, Any] = {each: opened(each) for each in known[name].beside if each in results.sweeps[sweep]}
        chosen: dict[str, Any] = {
            "x": options.x,
            "lines": options.lines,
            "panels": options.panels,
            "select": select,
            "scale": scale,
        }
        try:
            path, caption = plot.saved(paths[name], name, opened(known[name].of), chosen, beside)
        except plot.NothingToDraw:
            if options.name:
                raise
            empty.append(name)
        else:
            print(path)
            print(textwrap.fill(_printable(caption), 100, initial_indent="  ", subsequent_indent="  "))
    if empty:
        print(f"Not drawn, without data to show: {', '.join(empty)}", file=sys.stderr)
    return 0


def _printable(text: str) -> str:
    """The text with ? for symbols that the terminal lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _paths(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Path]:
    """The file of each figure."""
    into = Path(options.into)
    suffix = into.suffix[1:].lower()
    if suffix not in FORMATS:
        if suffix and not into.is_dir() and not options.into.endswith("/"):
            raise ValueError(
                f"--into {into} is not allowed; allowed: a file that ends in {', '.join(FORMATS)}, or a folder: {into}/"
            )
        return {name: into / f"{name}.{options.format or 'png'}" for name in names}
    if len(names) > 1:
        raise ValueError(
            f"--into {into} is one file, and these are {len(names)} figures; allowed: a folder, or --name FIGURE"
        )
    if options.format not in (None, suffix):
        raise ValueError(f"--format {options.format} does not go with --into {into}; allowed: leave it out")
    return {names[0]: into}


def _pairs(flag: str, texts: Sequence[str], read: Callable[[str], Any]) -> dict[str, Any]:
    for text in texts:
        if not re.fullmatch(r"[^=]+=.+", text):
            raise ValueError(f"{flag} {text!r:.80} is not allowed; allowed: NAME=VALUE")
    return {name: read(value) for name, _, value in (text.partition("=") for text in texts)}


def _selection(text: str) -> Any:
    """A value, a list of values, or a slice.

    Examples
    --------
    >>> _selection("0.5"), _selection("exact,merging"), _selection("1:2.5"), _selection(":3")
    (0.5, ['exact', 'merging'], slice(1, 2.5, None), slice(None, 3, None))
    """
    low, colon, high = text.partition(":")
    if colon:
        return slice(*(_value(end) if end else None for end in (low, high)))
    values = [_value(each) for each in text.split(",")]
    return values if len(values) > 1 else values[0]


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
