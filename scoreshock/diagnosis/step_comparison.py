"""Which rule wins: errors of what samplers generate at noise levels of each rule, at equal numbers of calls of the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show, whole
from scoreshock.conventions import Status, attributes, variables
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.step_rules import Ends
from scoreshock.diagnosis.steps import RULES, Spaced, checked_ends, checked_score, checked_share, refuse_a_point
from scoreshock.diagnosis.truth import SAMPLER, SMALL, Truth, ends_of
from scoreshock.kernels.flow.generated import sliced_wasserstein
from scoreshock.kernels.flow.solvers import SOLVERS, Denoiser, sample
from scoreshock.options import SIGMA_MAX, SIGMA_MIN
from scoreshock.quantities.labelled import checked_names

JUDGED = variables(
    """
    n_calls(rule, solver, calls) int32: calls of the score that the sampler makes
        | At most calls: Heun's method makes an odd or even number.
    trajectory_error(rule, solver, calls), trajectory_error_status: root mean square distance of the ends from those of the
        same score's exact flow | Over samples with the same starts; of a sampler with noise there is none.
    trajectory_error_standard_error(rule, solver, calls), trajectory_error_status: standard error of trajectory_error
        | Over the samples.
    trajectory_error_status(rule, solver, calls): outcome of the trajectory error
    mode_weight_error(rule, solver, calls): total variation of the shares of components from the weights
        | Half the sum of absolute differences; samples count where a component is the most probable.
    sliced_wasserstein(rule, solver, calls): sliced Wasserstein distance of order two from samples of the data
        | Over 64 random directions; on a line the distance itself.
    mode_weight_floor: mode_weight_error of the exact flow of the exact score
        | From the same starts: what sampling alone does.
    sliced_wasserstein_floor: sliced_wasserstein of the exact flow of the exact score
        | From the same starts: what sampling alone does.
    """
)


NUMBERS = 2**22
"""Coordinates, or responsibilities, of samples that are held at once: of as many lists of levels as that allows."""


@dataclass(frozen=True)
class Judge:
    """Starts, exact ends and samples of the data that all samplers share."""

    truth: Truth
    denoise: Denoiser
    starts: np.ndarray
    ends: np.ndarray  # of the score's flow
    exact: np.ndarray  # of the exact score's flow
    data: np.ndarray
    last: float
    seed: int

    def judged(self, rows: np.ndarray, solver: str, eta: float) -> dict[str, Any]:
        """Values (R,) of one sampler at lists of levels ``rows (R, S + 1)``, by name of a variable."""
        together = max(1, NUMBERS // (len(self.starts) * max(self.truth.size)))
        if len(rows) > together:
            parts = [self.judged(rows[i : i + together], solver, eta) for i in range(0, len(rows), together)]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        made = sample(self.denoise, self.starts, rows, solver, eta, 5 * self.seed + SAMPLER)
        noisy = solver == "ancestral" and eta > 0
        error, deviation = np.full((2, len(rows)), np.nan) if noisy else self._trajectory_error(made.ends)
        return {
            "n_calls": np.full(len(rows), made.calls),
            "trajectory_error": error,
            "trajectory_error_standard_error": deviation,
            "trajectory_error_status": np.full(len(rows), Status.not_applicable if noisy else Status.ok),
            "mode_weight_error": self.truth.mode_weight_error(made.ends, self.last),
            "sliced_wasserstein": self._distance(made.ends),
        }

    def floors(self) -> dict[str, Any]:
        """What sampling alone does, by name of a variable."""
        return {
            "mode_weight_floor": self.truth.mode_weight_error(self.exact, self.last),
            "sliced_wasserstein_floor": self._distance(self.exact),
        }

    def _trajectory_error(self, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Root mean square distance from the exact ends, and its standard error."""
        square = ((made - self.ends) ** 2).sum(axis=-1)
        root = np.sqrt(square.mean(axis=-1))
        deviation = square.std(axis=-1) / np.sqrt(square.shape[-1])
        return root, np.divide(deviation, 2 * root, out=np.zeros_like(root), where=root > 0)

    def _distance(self, made: np.ndarray) -> np.ndarray:
        """Sliced Wasserstein distance from samples of the data."""
        return sliced_wasserstein(made, self.data, self.seed)


def judge_of(truth: Truth, ends: Ends, score: Score | None, samples: int, seed: int) -> Judge:
    """The judge of samplers of a score, the exact one by default, between the ends of a list of levels."""
    high, low, to_zero = ends
    starts = truth.starts(samples, high, seed)
    data = truth.draws(samples, seed + 1)[0] if to_zero else truth.starts(samples, low, seed + 1)
    exact = ends_of(truth.denoise, starts, high, low, to_zero)
    denoise: Denoiser = truth.denoise
    own = exact
    if score is not None:
        denoise, own = score.denoise, ends_of(score.denoise, starts, high, low, to_zero, score.sigma_range[0])
    return Judge(truth, denoise, starts, own, exact, data, SMALL * low if to_zero else low, seed)


def compare_steps(
    mixture: xr.Dataset,
    calls: Sequence[int] = (5, 10, 20, 40),
    rules: Any = None,
    solvers: Any = SOLVERS,
    sigma_min: float = SIGMA_MIN.default,
    sigma_max: float = SIGMA_MAX.default,
    score: Score | None = None,
    noise_share: float = 1.0,
    samples: int = 2000,
    to_zero: bool = True,
    seed: int = 0,
) -> xr.Dataset:
    """Errors of what samplers generate at the levels of each rule, at equal numbers of calls of the score.

    Parameters
    ----------
    mixture
        One mixture, the truth.
    calls
        Numbers of calls of the score; a solver with two calls a step makes half as many steps.
    rules, sigma_min, sigma_max, to_zero, seed
        As for :func:`allocate_steps`.
    solvers
        Some of ``euler``, ``heun``, ``dpmpp-2m`` and ``ancestral``.
    score
        A learned score of :func:`learned_score`; by default the exact one.
    noise_share
        Share of noise of the ancestral solver, 0 to 1.
    samples
        Number of samples; all samplers have the same starts, draws of the exact noisy density.

    Returns
    -------
    Dataset
        ``trajectory_error`` with its standard error, ``mode_weight_error`` and ``sliced_wasserstein``, each of shape
        (rule, solver, calls), the first and last in units of the data, and what sampling alone does to the last two.
        ``not_applicable`` with NaN for the trajectory of a sampler with noise.

    Raises
    ------
    ValueError
        As :func:`allocate_steps`; for numbers of calls that are not rising whole numbers from 1 on.

    References
    ----------
    Karras et al. 2022, arXiv:2206.00364; Stancevic, Handke and Ambrogioni 2025.

    Examples
    --------
    Of one Gaussian the rescaled clock wins for Euler's method.

    >>> import scoreshock as ss
    >>> ends = {"sigma_min": 0.01, "sigma_max": 50.0, "samples": 200}
    >>> found = ss.compare_steps(ss.mixture([0.0]), [8], ["karras", "log-snr", "rescaled"], "euler", **ends)
    >>> str(found.rule.values[found.trajectory_error.values.argmin()])
    'rescaled'
    """
    names = checked_names("rules", list(RULES) if rules is None else rules, tuple(RULES))
    kinds = checked_names("solvers", solvers, SOLVERS)
    counts, eta = _calls(calls), checked_share(noise_share)
    size, number = whole("samples", samples, 2), whole("seed", seed, 0)

    spaced = Spaced(mixture, checked_ends(sigma_min, sigma_max, to_zero), checked_score(score), number)
    refuse_a_point(spaced.truth)
    judge = judge_of(spaced.truth, spaced.ends, spaced.score, size, number)
    shape = len(names), len(kinds), len(counts)
    made = {variable.name: np.zeros(shape, variable.dtype) for variable in JUDGED if variable.dims}
    for j, solver in enumerate(kinds):
        for i, count in enumerate(counts):
            rows = spaced.rows(names, steps_within(solver, count, to_zero), levels_for(solver))
            for name, values in judge.judged(rows, solver, eta).items():
                made[name][:, j, i] = values
    made |= {name: np.array(value) for name, value in judge.floors().items()}
    coordinates = {"rule": list(names), "solver": list(kinds), "calls": counts}
    labelled = {name: (name, values, attributes(name)) for name, values in coordinates.items()}
    return xr.Dataset({v.name: (v.dims, made[v.name], v.attributes()) for v in JUDGED}, labelled)


def levels_for(solver: str) -> str:
    """Solver whose optimum a solver takes: with noise that of Euler's method."""
    return "euler" if solver == "ancestral" else solver


def steps_within(solver: str, calls: int, to_zero: bool) -> int:
    """Most steps of a solver with at most so many calls, one at least."""
    return max(1, (calls + to_zero) // 2) if solver == "heun" else calls


def _calls(calls: Any) -> list[int]:
    counts = as_real("calls", calls)
    good = counts.ndim == 1 and counts.size and (counts == np.round(counts)).all() and (np.diff(counts) > 0).all()
    if not good or counts[0] < 1 or counts[-1] > 10_000:
        raise ValueError(f"calls = {show(calls)} is not allowed; allowed: rising whole numbers from 1 to 10000")
    return [int(count) for count in counts]
