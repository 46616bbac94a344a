"""Tasks of the paper and of the worked examples, as in `tasks`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scoreshock.running.forks import forked
from scoreshock.storage import provenance, staging


def verify(paper: Mapping[str, Any], digest: str, section: str, threads: int = 1) -> None:  # noqa: ARG001
    """Compute and store the statements, tables and figure data of one section of the paper."""
    from scoreshock.paper.configuration import read
    from scoreshock.paper.table import products
    from scoreshock.storage import store

    configuration = read(paper["content"])
    for product in products(int(section)):
        about = {"section": int(section), "file": product.path, "paper": configuration.content()}
        attributes = provenance.attributes(about, "verification", threads) | {"title": product.title}
        store.write(product.compute(configuration), Path(paper["output"]) / product.path, attributes)


def draw_paper(paper: Mapping[str, Any], digest: str, *names: str, threads: int = 1) -> None:  # noqa: ARG001
    """Draw the paper's figures from their files."""
    from scoreshock.paper import drawing
    from scoreshock.storage import opening

    folder = Path(paper["output"])
    datasets = opening.open_files([folder / name for name in names])
    forked([partial(drawing.draw, datasets, folder / "figures")])


def describe_paper(paper: Mapping[str, Any], digest: str, threads: int = 1) -> None:  # noqa: ARG001
    """Write the pages of the paper's statements from the stored files and figures."""
    from scoreshock.paper import page
    from scoreshock.paper.configuration import read

    folder = Path(paper["output"])
    for name, text in page.pages(read(paper["content"]), folder).items():
        staging.write_file(text, folder / name)


def write_example(examples: Mapping[str, Any], digest: str, name: str, threads: int = 1) -> None:
    """Compute one of the worked examples, and write its dataset and its figure."""
    from scoreshock.examples import write

    attributes = provenance.attributes({"example": name}, "examples", threads)
    write(name, Path(examples["output"]), attributes, digest)
