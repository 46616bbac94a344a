"""All statements, tables and figures of the verification by section, and their files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import xarray as xr

from scoreshock.paper import (
    asymmetry,
    boundary,
    burgers,
    criterion,
    dimensions,
    expansion,
    growth,
    interface,
    motion,
    pictures,
    reduction,
    regions,
)
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import Compute, Statement, judge

_MODULES = (burgers, interface, boundary, motion, growth, regions, dimensions, expansion, reduction, asymmetry, criterion)


def order(statement: Statement) -> tuple[int, int]:
    """Section and number of a statement, as a sort key."""
    section, number = statement.number.split()[-1].split(".")
    return int(section), int(number)


STATEMENTS = tuple(sorted((s for module in _MODULES for s in vars(module).values() if isinstance(s, Statement)), key=order))

CORRECTIONS = "Error of leading, first-order and quadratic threshold by scale (section 10.8)"

TABLES: dict[str, tuple[int, str, Compute]] = {
    "exponents": (6, "Amplification exponent: closed form against quadrature (section 10.5)", growth.exponents.compute),
    "corrections": (9, CORRECTIONS, asymmetry.thresholds),
}
"""Tables of the paper's section 10: section of the page, title, and function."""


class Product(NamedTuple):
    """A file of the verification: path in the results, title, and the function that computes its dataset.

    ``describe`` returns attributes of the computed dataset.
    """

    path: str
    title: str
    function: Compute
    describe: Callable[[xr.Dataset], dict[str, str]] = lambda _: {}

    def compute(self, setup: Setup) -> xr.Dataset:
        """The dataset with its attributes, among them the configuration keys that the function reads."""
        reader = _Reader(setup)
        dataset = self.function(cast(Setup, reader))
        return dataset.assign_attrs(parameters=", ".join(sorted(reader.read)), **self.describe(dataset))


def products(section: int) -> list[Product]:
    """Files of the statements, tables and figures of one section."""
    statements = [
        Product(f"statements/{s.name}.nc", f"{s.number}: {s.title}", s.compute, partial(_texts, s))
        for s in of_section(section)
    ]
    tables = [Product(f"tables/{name}.nc", title, f) for name, (home, title, f) in TABLES.items() if home == section]
    figures = [
        Product(f"figures/{p.name}.nc", p.title, p.compute, partial(_caption, p))
        for p in pictures.PICTURES
        if p.section == section
    ]
    return statements + tables + figures


def of_section(section: int) -> list[Statement]:
    """The statements of one section, in order."""
    return [statement for statement in STATEMENTS if order(statement)[0] == section]


def _texts(statement: Statement, dataset: xr.Dataset) -> dict[str, str]:
    """Texts and verdict of a statement."""
    return {
        "statement": statement.number,
        "claim": statement.claim,
        "equations": "; ".join(f"({n}) {tex}" if n else tex for n, tex in statement.equations.items()),
        "check": statement.check,
        "verdict": judge(dataset, statement.condition).verdict,
        "truth": statement.truth or statement.claim,
    }


def _caption(picture: pictures.Picture, _: xr.Dataset) -> dict[str, str]:
    return {"caption": picture.caption}


class _Reader:
    """A setup that records which of its keys are read."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._setup, name)
