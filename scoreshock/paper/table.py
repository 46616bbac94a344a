"""All statements, tables and figures of the verification by section, and their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import xarray as xr

from scoreshock.paper import (
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
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.contents import SECTIONS
from scoreshock.paper.statement import Statement, judge

_MODULES = (correspondence, interface, boundary, motion, growth, regions, dimensions, expansion, reduction, asymmetry)


def order(statement: Statement) -> tuple[int, int]:
    """Section and number of a statement, as a sort key."""
    section, number = statement.number.split()[-1].split(".")
    return int(section), int(number)


STATEMENTS = tuple(sorted((s for module in _MODULES for s in module.STATEMENTS), key=order))

TABLES: dict[str, tuple[int, str, Callable[[Configuration], xr.Dataset]]] = {
    "exponents": (6, "Amplification exponent: closed form against quadrature (section 10.5)", growth.exponents),
    "corrections": (
        9,
        "Error of leading, first-order and quadratic threshold by scale (section 10.8)",
        asymmetry.thresholds,
    ),
}
"""Tables of the paper's section 10: section of the page, title, and function."""

__all__ = ["SECTIONS", "STATEMENTS", "TABLES", "Product", "of_section", "order", "products"]


@dataclass(frozen=True)
class Product:
    """A file of the verification: path in the results, title, and the function that computes it."""

    path: str
    title: str
    compute: Callable[[Configuration], xr.Dataset]


def products(section: int) -> list[Product]:
    """Files of the statements, tables and figures of one section."""
    statements = [Product(f"statements/{s.name}.nc", f"{s.number}: {s.title}", _described(s)) for s in of_section(section)]
    tables = [
        Product(f"tables/{name}.nc", title, _recorded(f)) for name, (home, title, f) in TABLES.items() if home == section
    ]
    drawn = [Product(f"figures/{f.name}.nc", f.title, _captioned(f)) for f in pictures.PICTURES if f.section == section]
    return statements + tables + drawn


def of_section(section: int) -> list[Statement]:
    """The statements of one section, in order."""
    return [statement for statement in STATEMENTS if order(statement)[0] == section]


def _described(statement: Statement) -> Callable[[Configuration], xr.Dataset]:
    """The computation of a statement, with texts and verdict as attributes of the dataset."""
    recorded = _recorded(statement.compute)

    def compute(configuration: Configuration) -> xr.Dataset:
        dataset = recorded(configuration)
        return dataset.assign_attrs(
            statement=statement.number,
            claim=statement.claim,
            equations="; ".join(f"({n}) {tex}" if n else tex for n, tex in statement.equations.items()),
            check=statement.check,
            verdict=judge(dataset, statement.condition).verdict,
            truth=statement.truth or statement.claim,
        )

    return compute


def _captioned(picture: pictures.Picture) -> Callable[[Configuration], xr.Dataset]:
    recorded = _recorded(picture.compute)

    def compute(configuration: Configuration) -> xr.Dataset:
        return recorded(configuration).assign_attrs(caption=picture.caption)

    return compute


def _recorded(compute: Callable[[Configuration], xr.Dataset]) -> Callable[[Configuration], xr.Dataset]:
    """The computation, with the configuration keys that it reads as an attribute of the dataset."""

    def recorded(configuration: Configuration) -> xr.Dataset:
        reader = _Reader(configuration)
        dataset = compute(cast(Configuration, reader))
        return dataset.assign_attrs(parameters=", ".join(sorted(reader.read)))

    return recorded


class _Reader:
    """A configuration that records which of its keys are read."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._configuration, name)
