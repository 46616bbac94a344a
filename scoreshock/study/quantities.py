"""What a study knows of each quantity before it runs, one entry a module: options, what its results hold, what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scoreshock import axes as written

if TYPE_CHECKING:
    from scoreshock.study.blocks import Sweep

Problems = Iterator[tuple[tuple[str | int, ...], str]]
"""Keys that lead to a problem in a sweep, and what is wrong there."""


def _none(_sweep: Sweep) -> Problems:
    yield from ()


@dataclass(frozen=True)
class Quantity:
    """A module of ``scoreshock.quantities`` as a study sees it.

    Attributes
    ----------
    options
        Keys of a sweep that it takes.
    grids
        Those of the options whose every value makes a point of its own.
    problems
        Yields what makes it impossible: numbers of components and features, or options that do not go together.
    """

    options: tuple[str, ...]
    grids: tuple[str, ...] = ()
    problems: Callable[[Sweep], Problems] = _none


def takers(option: str) -> list[str]:
    """Names of the quantities that take an option.

    Examples
    --------
    >>> takers("order")
    ['corrections']
    """
    return list(dict.fromkeys(name.split(".")[-1] for name, known in QUANTITIES.items() if option in known.options))


def _on_a_line_or_pairs(quantity: str) -> Callable[[Sweep], Problems]:
    """Problems of a quantity whose integrals over the density reduce to a line, or are not computed."""

    def problems(sweep: Sweep) -> Problems:
        if not _reducible(sweep):
            place = ("quantities", sweep.quantities.index(quantity))
            yield place, f"'{quantity}' is computed of mixtures on a line and of pairs; {_shape(sweep)}"

    return problems


def _burgers(sweep: Sweep) -> Problems:
    forms = sweep.options["forms"]
    if sweep.features > 1 and "conservation" in forms:
        place = ("forms", forms.index("conservation"))
        yield place, f"'conservation' is a form in one dimension; {_shape(sweep)}"


def _trajectories(sweep: Sweep) -> Problems:
    if written.size(sweep.options["tau"]) < 2:
        yield (
            ("tau",),
            "one value is not allowed; allowed: at least two, for trajectories run from the largest to the smallest",
        )


def _divergence(sweep: Sweep) -> Problems:
    start, stop, place = (sweep.options[name] for name in ("tau_max", "tau_min", "place"))
    if start <= stop:
        yield ("tau_max",), f"{start} is not allowed; allowed: a number above tau_min, which is {stop}"
    if place != "everywhere" and not _reducible(sweep):
        yield (
            ("place",),
            f"divergence under an error '{place}' is computed of mixtures on a line and of pairs; {_shape(sweep)}",
        )


def _reducible(sweep: Sweep) -> bool:
    return sweep.features == 1 or sweep.components == 2


def _shape(sweep: Sweep) -> str:
    return f"this one has {sweep.components} components in {sweep.features} features"


QUANTITIES: Final[Mapping[str, Quantity]] = {
    "scores": Quantity(("x", "tau"), grids=("x", "tau")),
    "speciation": Quantity(("criteria",)),
    "corrections": Quantity(("order",)),
    "amplification": Quantity(("tau_min", "tau")),
    "boundary_amplification": Quantity(("tau_min", "tau", "groups")),
    "layer": Quantity(("tau", "groups"), grids=("tau",)),
    "burgers": Quantity(("x", "tau", "forms", "terms"), grids=("x", "tau"), problems=_burgers),
    "trajectories": Quantity(("starts", "tau", "bias", "place", "rtol"), grids=("starts", "tau"), problems=_trajectories),
    "divergence": Quantity(("bias", "place", "tau_min", "tau_max"), problems=_divergence),
    "regions": Quantity(("tau", "distance"), grids=("tau",), problems=_on_a_line_or_pairs("regions")),
    "modes": Quantity(("tau",), grids=("tau",)),
    "cascade": Quantity(()),
    "neighbours": Quantity(("tau",), grids=("tau",), problems=_on_a_line_or_pairs("neighbours")),
    "wells.scores": Quantity(("x", "tau"), grids=("x", "tau")),
    "wells.speciation": Quantity(("criteria",)),
    "wells.layer": Quantity(("tau",), grids=("tau",)),
}
"""By module: of mixtures a quantity's own name, of wells ``wells.`` before it."""
