"""What a comparison of steps is of."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """Densities of `step_study`, numbers of calls, seeds, and samples at each."""

    densities: tuple[str, ...]
    calls: tuple[int, ...]
    seeds: int
    samples: int


EVERY = ("gaussian", "pair", "unequal-pair", "hierarchy", "simplex", "digits", "overlapping", "atoms")

PLANS = {
    "full": Plan(EVERY, (5, 10, 20, 40, 100), 5, 800),
    "brief": Plan(("gaussian", "pair", "overlapping", "atoms"), (5, 10), 3, 300),
}
"""Plans by name."""
