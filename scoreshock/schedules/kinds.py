"""The registry of schedules: each kind's definition, parameters, defaults and path, and how samplers space it.

A kind is a function with the decorator `schedule_kind` beside its formulas, in ``scoreshock.schedules.formulas``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from scoreshock.options import Options
from scoreshock.plugins import Registry

RATES_PER_STEP = (
    "vp-linear has rates per unit time, such as 0.1 and 20; rates per step are kind table with beta_start, beta_end, "
    "num_train_timesteps and beta_schedule: linear or scaled_linear"
)
"""How rates per step are given, for messages."""

MAX_STEPS = 1_000_000
"""Most steps that a sampler or a chain of rates may have: a slip of the pen must not fill the memory."""


class Sampled(NamedTuple):
    """What a sampler visits, noisiest first.

    ``times (n,)`` in the schedule, of each call of the network and then of the end, where the last move lands, if the
    schedule has that; ``sigmas`` the noise levels ``sigma_n`` of the calls and the end; ``timesteps (calls,)`` what the
    network is told.
    """

    times: np.ndarray
    sigmas: np.ndarray
    timesteps: np.ndarray


Formula = TypeVar("Formula", bound="Callable[..., Path]")
"""What the decorator takes and returns, so that type checkers know the arguments."""


class Path(NamedTuple):
    """A kind with its parameters filled in: clock, its inverse, gauge, last time, whether its tau = inf is left out.

    ``completed`` are parameters that are known only now, such as the digest of a file; ``sampled`` is what the path's own
    sampler visits.
    """

    variance: Callable[[np.ndarray], np.ndarray]
    time: Callable[[np.ndarray], np.ndarray]
    gauge: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    end: float
    end_open: bool = False
    completed: Mapping[str, Any] | None = None
    sampled: Sampled | None = None


@dataclass(frozen=True)
class Kind:
    """A named family of schedules: definition, own parameters, path, and the defaults of its sampler."""

    definition: str
    parameters: Options
    build: Callable[[dict[str, Any]], Path]
    spacing: str = "uniform"
    steps: int = 1000


KINDS: Registry[Kind] = Registry("kind of schedule", "schedules")


def schedule_kind(
    definition: str,
    parameters: Options | None = None,
    *,
    name: str = "",
    spacing: str = "uniform",
    steps: int = 1000,
) -> Callable[[Formula], Formula]:
    """Declare the decorated function as a kind of schedule.

    Parameters
    ----------
    definition
        Its coefficients as formulas, for readers.
    parameters
        What a study may write; the function takes them by name, checked, and returns the `Path`.
    name
        As a study writes it; by default that of the function, with ``-`` for ``_``.
    spacing, steps
        Defaults of its sampler.

    Returns
    -------
    function
        A decorator of a function from parameters by name to the `Path` of the schedule, which is returned as it is.

    Raises
    ------
    ValueError
        For a name that is taken.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.options import Positive
    >>> from scoreshock.schedules.kinds import Path
    >>> @ss.schedule_kind("alpha = 1, sigma = rate t, t in [0, 1]", {"rate": Positive("last noise level", 2.0)})
    ... def straight(rate):
    ...     return Path(lambda t: (rate * t) ** 2, lambda q: np.sqrt(q) / rate, lambda q: (np.ones_like(q), np.sqrt(q)), 1.0)
    >>> float(ss.schedule("straight").sigma(0.5))
    1.0
    """

    def declare(function: Formula) -> Formula:
        own = dict(parameters or {})
        key = name or function.__name__.replace("_", "-")
        KINDS.add(key, Kind(definition, own, partial(_built, function, own), spacing, steps), function)
        return function

    return declare


def _built(function: Callable[..., Path], own: Options, resolved: Mapping[str, Any]) -> Path:
    return function(**{name: resolved[name] for name in own if name in resolved})
