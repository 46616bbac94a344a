"""The table of all that is verified: statements, tables and figures by section, and the files that they become."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from scoreshock.verification import (
    asymmetry,
    boundary,
    correspondence,
    dimensions,
    expansion,
    growth,
    interface,
    motion,
    pictures,
    reduction,
    regions,
)
from scoreshock.verification.configuration import Configuration
from scoreshock.verification.contents import SECTIONS
from scoreshock.verification.statement import Statement, judge

EQUATIONS = {"Equation (23)": (4, 2)}
"""Equations that are verified like a statement, and where they stand."""

_MODULES = (correspondence, interface, boundary, motion, growth, regions, dimensions, expansion, reduction, asymmetry)


def place(statement: Statement) -> tuple[int, int]:
    """Section and number of a statement."""
    found = re.search(r"(\d+)\.(\d+)", statement.number)
    return (int(found[1]), int(found[2])) if found else EQUATIONS[statement.number]


STATEMENTS = tuple(sorted((s for module in _MODULES for s in module.STATEMENTS), key=place))

TABLES: dict[str, tuple[int, str, Callable[[Configuration], xr.Dataset]]] = {
    "exponents": (6, "Amplification exponent: closed form against quadrature (section 10.5)", growth.exponents),
    "corrections": (
        9,
        "Error of leading, first-order and quadratic threshold by scale (section 10.8)",
        asymmetry.thresholds,
    ),
}
"""Tables of the paper's section 10: section that they belong to, title, and how they are computed."""


__all__ = ["SECTIONS", "STATEMENTS", "TABLES", "Product", "of_section", "place", "products"]


@dataclass(frozen=True)
class Product:
    """A file that the verification makes: its path among the results, what it holds, and how."""

    path: str
    title: str
    compute: Callable[[Configuration], xr.Dataset]


def products(section: int) -> list[Product]:
    """The files of one section: its statements, and the tables and figures that belong to it."""
    own = [Product(f"statements/{s.name}.nc", f"{s.number}: {s.title}", _described(s)) for s in of_section(section)]
    own += [Product(f"tables/{name}.nc", title, f) for name, (home, title, f) in TABLES.items() if home == section]
    own += [Product(f"figures/{f.name}.nc", f.title, f.compute) for f in pictures.PICTURES if f.section == section]
    return own


def of_section(section: int) -> list[Statement]:
    """The statements of one section, in order."""
    return [statement for statement in STATEMENTS if place(statement)[0] == section]


def _described(statement: Statement) -> Callable[[Configuration], xr.Dataset]:
    """The statement's computation, whose dataset also says what it is about and what follows from it."""

    def compute(configuration: Configuration) -> xr.Dataset:
        dataset = statement.compute(configuration)
        return dataset.assign_attrs(
            statement=statement.number,
            claim=statement.claim,
            check=statement.check,
            verdict=judge(dataset, statement.condition).verdict,
            truth=statement.truth or statement.claim,
        )

    return compute
