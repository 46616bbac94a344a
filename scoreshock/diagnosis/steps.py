r"""Where a sampler's steps should go: noise levels by rules, and an optimum by direct minimisation.

All lists have ``steps`` levels from ``sigma_max`` to ``sigma_min`` and a last move to 0, as samplers of diffusers and
ComfyUI run them, or with ``to_zero=False`` ``steps + 1`` levels that end at ``sigma_min``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show, whole
from scoreshock.conventions import attributes, variables
from scoreshock.diagnosis.scores import Score, positive
from scoreshock.diagnosis.step_rules import (
    FORMULAS,
    Ends,
    Paths,
    by_density,
    layer_density,
    optimum,
    paths_of,
    truncation_density,
)
from scoreshock.diagnosis.truth import Truth, truth_of
from scoreshock.kernels.flow.solvers import SOLVERS, Denoiser
from scoreshock.options import SIGMA_MAX, SIGMA_MIN
from scoreshock.quantities.clocks import CLOCKS, clocks
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.labelled import checked_names
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules, as_schedules

RULES = {
    "uniform": "equal steps of sigma",
    "log-snr": "equal steps of ln sigma, so of the log-SNR",
    "karras": "equal steps of sigma^(1/7) (Karras et al. 2022, eq. 5)",
    "cosine": "equal steps of the time of the cosine schedule (Nichol and Dhariwal 2021)",
    "align-your-steps": "published levels of Stable Diffusion 1.5, stretched in ln sigma to the ends (Sabour et al. 2024)",
    "gits": "published levels of GITS, coefficient 1.20, stretched in ln sigma to the ends (Chen et al. 2024)",
    "entropic": "equal steps of conditional entropy (Stancevic, Handke, Ambrogioni 2025)",
    "rescaled": "equal steps of rescaled entropic time (Stancevic, Handke, Ambrogioni 2025)",
    "layer": "steps in tau inverse to the score's largest slope at the weighted mean, at most that of 1/v (section 11.2)",
    "bound": "least bound on the error of Euler's steps, each grown as (52) says",
    "optimum": "least error of the trajectories' ends with the chosen solver, by direct minimisation",
}
"""Rules, and what each does."""

STEPS = variables(
    """
    sigma_level(rule, level): noise level of each call of the network, and where the last move lands
        | Falling; ends at 0 or at sigma_min.
    """
)


@dataclass(frozen=True)
class Spaced:
    """Levels of every rule for one density; what does not depend on the number of steps is computed once."""

    mixture: xr.Dataset
    ends: Ends
    score: Score | None
    seed: int
    _by_clock: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    _optima: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)

    @cached_property
    def truth(self) -> Truth:
        """The density as arrays."""
        return truth_of(self.mixture)

    @property
    def denoise(self) -> Denoiser:
        """The denoiser of the learned score, or the exact one."""
        return self.truth.denoise if self.score is None else self.score.denoise

    @property
    def least(self) -> float:
        """Least noise level at which the denoiser exists."""
        return 0.0 if self.score is None else self.score.sigma_range[0]

    @cached_property
    def paths(self) -> Paths:
        """Exact trajectories of the denoiser."""
        return paths_of(self.denoise, self.truth, self.ends, self.seed, self.least)

    @cached_property
    def layer(self) -> np.ndarray:
        """Density of steps of the rule ``layer``."""
        return layer_density(self.mixture, self.ends)

    @cached_property
    def bound(self) -> np.ndarray:
        """Density of steps of the rule ``bound``."""
        return truncation_density(self.mixture, self.paths, self.ends)

    def rows(self, names: Sequence[str], steps: int, solver: str) -> np.ndarray:
        """Levels (rule, steps + 1)."""
        moves = steps - self.ends.to_zero
        of_clocks = [name for name in names if name in CLOCKS]
        made = self._clocks(of_clocks, moves) if of_clocks and moves else {}
        made |= {name: self._row(name, moves) for name in names if name not in made and name != "optimum"}
        if "optimum" in names:
            made["optimum"] = self._optimum(moves, solver)
        return np.stack([made[name] for name in names])

    def _optimum(self, moves: int, solver: str) -> np.ndarray:
        """The optimum, searched from all rules, whichever are asked for."""
        if (moves, solver) not in self._optima:
            others = [*self._clocks(tuple(CLOCKS), moves).values()] if moves else []
            others += [self._row(name, moves) for name in RULES if name not in CLOCKS and name != "optimum"]
            self._optima[moves, solver] = optimum(self.denoise, self.paths, others, self.ends, solver)
        return self._optima[moves, solver]

    def _row(self, name: str, moves: int) -> np.ndarray:
        high, low, to_zero = self.ends
        if moves == 0:
            return np.array([high, 0.0])
        if name in FORMULAS:
            row = FORMULAS[name](high, low, moves)
        else:
            row = by_density(self.layer if name == "layer" else self.bound, self.ends, moves)
        row[0], row[-1] = high, low
        return np.append(row, 0.0) if to_zero else row

    def _clocks(self, names: Sequence[str], moves: int) -> dict[str, np.ndarray]:
        if moves not in self._by_clock:
            found = clocks(self.mixture, None, self.ends.low, self.ends.high, n_steps=moves)
            rows = found.sigma_level.transpose(..., "clock", "level").values.reshape(len(CLOCKS), -1).copy()
            rows[:, 0], rows[:, -1] = self.ends.high, self.ends.low
            self._by_clock[moves] = dict(zip(found.clock.values.tolist(), rows, strict=True))
        made = self._by_clock[moves]
        return {name: np.append(made[name], 0.0) if self.ends.to_zero else made[name] for name in names}


def allocate_steps(
    mixture: xr.Dataset,
    steps: int = 18,
    rules: Any = None,
    schedules: Schedules = None,
    sigma_min: float = SIGMA_MIN.default,
    sigma_max: float = SIGMA_MAX.default,
    solver: str = "euler",
    score: Score | None = None,
    to_zero: bool = True,
    seed: int = 0,
) -> xr.Dataset:
    """Noise levels of a sampler by rules: published spacings, clocks of information, the layer, and an optimum.

    Parameters
    ----------
    mixture
        One mixture, which the clocks, the layer and the optimum are of.
    steps
        Moves of the sampler.
    rules
        Some of ``uniform``, ``log-snr``, ``karras``, ``cosine``, ``align-your-steps``, ``gits``, ``entropic``,
        ``rescaled``, ``layer``, ``bound``, ``optimum``; all by default.
    schedules
        Noise schedules in whose time each level is also given.
    sigma_min, sigma_max
        Least and greatest level, 0 < sigma_min < sigma_max.
    solver
        ``euler``, ``heun`` or ``dpmpp-2m``: what the optimum is for.
    score
        A learned score of :func:`learned_score`, whose trajectories the bound and the optimum take; else the exact one.
    to_zero
        Whether the last move leads to 0, as in diffusers and ComfyUI; else to ``sigma_min``.
    seed
        Of the trajectories that the bound and the optimum average over.

    Returns
    -------
    Dataset
        ``sigma_level`` of shape (rule, level), in units of the data, with ``tau_level`` and, with schedules, its ``time``
        and ``time_status`` there.

    Raises
    ------
    ValueError
        For a mixture with sweep dimensions, unknown rules, and ends that do not rise.

    Notes
    -----
    :func:`save_steps` writes the levels of a rule as diffusers and ComfyUI take them.

    References
    ----------
    arXiv:2604.07404, section 11.2; Stancevic, Handke and Ambrogioni 2025; Sabour et al. 2024, theorem 3.1.

    Examples
    --------
    Of a Gaussian the rescaled levels are ``tan`` of equal angles, and the optimum of Euler's method.

    >>> import numpy as np, scoreshock as ss
    >>> low, high = np.tan([0.1, 1.3])
    >>> found = ss.allocate_steps(ss.mixture([0.0]), 3, ["rescaled", "optimum"], None, low, high, to_zero=False)
    >>> np.arctan(found.sigma_level.sel(rule="rescaled")).round(9).values.tolist()
    [1.3, 0.9, 0.5, 0.1]
    >>> np.arctan(found.sigma_level.sel(rule="optimum")).round(3).values.tolist()
    [1.3, 0.9, 0.5, 0.1]
    """
    refuse_a_point(truth_of(mixture))
    chosen = as_schedules(schedules)
    names = checked_names("rules", list(RULES) if rules is None else rules, tuple(RULES))
    kind = checked_names("solver", solver, SOLVERS[:3])[0]
    count, number = whole("steps", steps, 1, 10_000), whole("seed", seed, 0)
    spaced = Spaced(mixture, checked_ends(sigma_min, sigma_max, to_zero), checked_score(score), number)
    found = xr.Dataset(
        {"sigma_level": (("rule", "level"), spaced.rows(names, count, kind), STEPS[0].attributes())},
        {"rule": ("rule", list(names), attributes("rule"))},
    )
    tau = (found.sigma_level**2 / 2).assign_attrs(attributes("tau"))
    found = found.assign(tau_level=tau).assign_coords(counted(found, "level"))
    return found.merge(schedule_time(found.tau_level, chosen), join="exact") if chosen else found


def checked_score(score: Any) -> Score | None:
    if score is not None and not isinstance(score, Score):
        raise ValueError(f"score = {show(score)} is not allowed; allowed: what ss.learned_score returns")
    return score


def refuse_a_point(truth: Truth) -> None:
    """Refuse data that are one point, which have no trajectories."""
    if truth.deviation(0.0) == 0 and not np.ptp(truth.parts.means, axis=0).any():
        raise ValueError("mixture is a single point; allowed: data that differ")


def checked_share(noise_share: Any) -> float:
    """A share of noise, from 0 to 1."""
    share = as_real("noise_share", noise_share)
    if share.ndim or not 0 <= share <= 1:
        raise ValueError(f"noise_share = {show(noise_share)} is not allowed; allowed: a number from 0 to 1")
    return float(share)


def checked_ends(sigma_min: Any, sigma_max: Any, to_zero: Any) -> Ends:
    low, high = positive("sigma_min", sigma_min), positive("sigma_max", sigma_max)
    if not low < high:
        raise ValueError(
            f"sigma_max = {show(sigma_max)} is not allowed; allowed: a number above sigma_min = {show(sigma_min)}"
        )
    if not isinstance(to_zero, bool):
        raise ValueError(f"to_zero = {show(to_zero)} is not allowed; allowed: True or False")
    return Ends(high, low, to_zero)
