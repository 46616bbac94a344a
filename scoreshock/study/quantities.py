"""What a study knows of each quantity before it runs, one entry a module: options, what its results hold, what it needs."""

from __future__ import annotations

import math
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
    holds
        Bytes of the variables of one density before compression, summed by their own dimensions: names of `lengths`, with
        a blank between them.
    grids
        Those of the options whose every value makes a point of its own.
    problems
        Yields what makes it impossible: numbers of components and features, or options that do not go together.
    """

    options: tuple[str, ...]
    holds: Mapping[str, int]
    grids: tuple[str, ...] = ()
    problems: Callable[[Sweep], Problems] = _none

    def size(self, lengths: Mapping[str, int]) -> int:
        """Bytes of one density's results."""
        return sum(each * math.prod(lengths[dim] for dim in dims.split()) for dims, each in self.holds.items())


def lengths(sweep: Sweep, labels: int) -> dict[str, int]:
    """Length of the dimensions of results, with ``labels`` schedules; 1 or 0 for what is there or not."""
    k, n, options = sweep.components, sweep.features, sweep.options
    return {
        **{name: written.size(options[name]) for name in ("x", "tau", "starts", "distance")},
        "component": k,
        "feature": n,
        "gap": k - 1,
        "mode": max(1, min(k - 1, n)),
        "root": 2 * k - 1,
        "maximum": k if n == 1 else 2 * k,
        "one-feature": int(n == 1),
        "criterion": len(options["criteria"]),
        "schedule": labels,
        "scheduled": int(labels > 0),
        "order": options["order"] + 1,
        "form": len(options["forms"]),
        "terms": int(options["terms"]),
    }


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
    "scores": Quantity(("x", "tau"), {"tau": 10, "x tau": 16, "x tau feature": 16}, grids=("x", "tau")),
    "speciation": Quantity(
        ("criteria",),
        {"": 5, "criterion": 9, "criterion scheduled": 8, "criterion schedule": 41, "mode": 17, "root": 11, "gap": 21},
    ),
    "corrections": Quantity(("order",), {"": 10, "order": 34}),
    "amplification": Quantity(("tau_min", "tau"), {"": 43, "tau": 17}),
    "boundary_amplification": Quantity(("tau_min", "tau", "groups"), {"": 33, "component": 1, "tau": 18}),
    "layer": Quantity(
        ("tau", "groups"), {"component": 1, "tau": 85, "tau feature": 16, "tau gap": 9}, grids=("tau",)
    ),
    "burgers": Quantity(
        ("x", "tau", "forms", "terms"),
        {"tau": 9, "x tau feature": 8, "x tau form": 17, "x tau form terms": 40},
        grids=("x", "tau"),
        problems=_burgers,
    ),
    "trajectories": Quantity(
        ("starts", "tau", "bias", "place", "rtol"),
        {"tau": 9, "starts tau": 51, "starts tau feature": 24, "starts tau one-feature": 17},
        grids=("starts", "tau"),
        problems=_trajectories,
    ),
    "divergence": Quantity(("bias", "place", "tau_min", "tau_max"), {"": 25}, problems=_divergence),
    "regions": Quantity(
        ("tau", "distance"),
        {"tau": 20, "tau gap": 25, "tau gap distance": 8},
        grids=("tau",),
        problems=_on_a_line_or_pairs("regions"),
    ),
    "modes": Quantity(
        ("tau",),
        {"": 14, "tau": 14, "tau maximum": 1, "tau maximum feature": 8, "one-feature gap": 9, "one-feature gap maximum": 23},
        grids=("tau",),
    ),
    "cascade": Quantity((), {"mode": 29, "mode root": 9}),
    "neighbours": Quantity(("tau",), {"tau": 42}, grids=("tau",), problems=_on_a_line_or_pairs("neighbours")),
    "wells.scores": Quantity(("x", "tau"), {"tau": 8, "x tau": 33}, grids=("x", "tau")),
    "wells.speciation": Quantity(
        ("criteria",), {"": 52, "criterion": 9, "criterion scheduled": 8, "criterion schedule": 41}
    ),
    "wells.layer": Quantity(("tau",), {"tau": 74}, grids=("tau",)),
}  # fmt: skip
"""By module: of mixtures a quantity's own name, of wells ``wells.`` before it."""
