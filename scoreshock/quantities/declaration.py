"""One declaration a quantity: what it computes, of which densities, its options, its variables and what a point costs.

Modules of this package declare theirs with the decorator `quantity`. The study's model, the JSON schema, the plan, the
tables of the documentation and the digest of the code are made from declarations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.quantities.options import Grid, Options

Problems = Iterator[tuple[tuple[str | int, ...], str]]
"""Keys that lead to a problem in a sweep, and what is wrong there."""


def _none(_sweep: Any) -> Problems:
    yield from ()


@dataclass(frozen=True)
class Quantity:
    """A quantity of a study.

    Attributes
    ----------
    name
        As a study writes it.
    function
        From a labelled density, the study's schedules where it takes ``schedules``, and options by name, to a dataset.
    density
        Kind of the densities that it takes: ``mixture`` or ``wells``.
    variables
        Variables that the dataset may hold.
    options
        Keys of a sweep that it takes, with the names of the function's arguments.
    seconds
        Measured seconds of one core a point: of two components, and of more for each component in each dimension of their
        span.
    problems
        Yields what makes it impossible for a sweep: numbers of components and features, or options that do not go together.
    """

    name: str
    function: Callable[..., xr.Dataset]
    density: str
    variables: tuple[Variable, ...]
    options: Options
    seconds: tuple[float, float]
    problems: Callable[[Any], Problems] = _none

    @property
    def module(self) -> str:
        """Module of this package that declares it: its name, for wells below ``wells``."""
        return self.name if self.density == "mixture" else f"{self.density}.{self.name}"

    @property
    def grids(self) -> tuple[str, ...]:
        """Options of which every value makes a point of its own."""
        return tuple(name for name, option in self.options.items() if isinstance(option, Grid) and option.pointwise)

    @property
    def with_schedules(self) -> bool:
        """Whether results depend on the noise schedules."""
        return "schedules" in inspect.signature(self.function).parameters

    def compute(self, density: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
        """The quantity of a study's content."""
        schedules = {"schedules": content["schedules"]} if self.with_schedules else {}
        return self.function(density, **schedules, **content["options"])

    def default(self, option: str) -> Any:
        """The option's default in a study: its own, else the function's."""
        declared = self.options[option].default
        return inspect.signature(self.function).parameters[option].default if declared is None else declared


DECLARED: dict[str, Quantity] = {}
"""Quantities of the modules that are imported, by `Quantity.module`."""


def declared(module: str) -> Quantity:
    """The quantity that a module of this package declares; a job imports that one only."""
    if module not in DECLARED:
        import_module(f"{__package__}.{module}")
    return DECLARED[module]


def quantity(
    variables: Sequence[Variable],
    options: Options | None = None,
    *,
    seconds: tuple[float, float],
    density: str = "mixture",
    name: str = "",
    problems: Callable[[Any], Problems] = _none,
) -> Callable[[Callable[..., xr.Dataset]], Callable[..., xr.Dataset]]:
    """Declare the decorated function as a quantity; arguments as the attributes of `Quantity`."""

    def declare(function: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
        made = Quantity(name or function.__name__, function, density, tuple(variables), options or {}, seconds, problems)
        DECLARED[made.module] = made
        return function

    return declare
