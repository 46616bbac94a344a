r"""Diagnosis of a learned score against a mixture: where it is wrong, whether that moves the samples, and how much.

With the error ``e`` and its gradient part :math:`\nabla\psi` the reverse SDE obeys
:math:`KL \le KL(\tau_{max}) + \int \|\nabla\psi\|_p^2\,d\tau`, and with a share ``eta`` of its noise the same with the
factor :math:`(1+\eta^2)^2/4\eta^2`. Without noise there is no such bound, but one on the Wasserstein distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show, whole
from scoreshock.conventions import attributes, variables
from scoreshock.diagnosis.boundary_slices import POINTS, POSITIONS, REACH, SLICES, Pairs, sliced
from scoreshock.diagnosis.equation_residuals import EQUATIONS, RESIDUALS, residuals
from scoreshock.diagnosis.findings import findings
from scoreshock.diagnosis.gradient_part import GradientPart
from scoreshock.diagnosis.measured_divergence import DIVERGENCES, divergences
from scoreshock.diagnosis.mode_weights import SAMPLERS, WEIGHTS, Generated, generated, level_weights, measured, predicted
from scoreshock.diagnosis.score_error import ERRORS, REGIONS, Draws, drawn, errors
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.steps import checked_score, checked_share
from scoreshock.diagnosis.truth import Truth, truth_of
from scoreshock.diagnosis.wasserstein_bound import TRANSPORT, w2_bound
from scoreshock.kernels.flow.divergence import tv_bound
from scoreshock.quantities.counting_axes import counted

OF_TEXT = {"region": REGIONS, "sampler": SAMPLERS, "equation": EQUATIONS}
SIGMA = {"long_name": "noise level", "units": "1", "description": "sqrt(2 tau), the noise of x/alpha."}

LEVELS, MOST_LEVELS = 16, 1000
"""Noise levels by default, and most of them where their number is given."""

BOUNDS = variables(
    """
    kl_share(sigma): share of the noise level in the divergence
        | In kl_gradient, or in kl_bound where that is 0; by the trapezoidal rule in ln sigma.
    kl_bound: bound on the KL divergence of the generated density
        | From the whole error between the levels' ends, by the trapezoidal rule in ln sigma; inf without noise. | (58)
    kl_gradient: part of kl_bound that is known to act
        | The integral of gradient_square, which in two and more features is a lower bound. | (58)
    kl_gradient_upper: bound on KL from the part that moves the density
        | The integral of gradient_square_upper, at most kl_bound but for the draws; inf without noise. | (58)
    tv_bound: bound on the total variation | min(1, sqrt(kl_bound/2)). | (59)
    """
)
DIAGNOSIS = (*ERRORS, *RESIDUALS, *BOUNDS, *TRANSPORT, *SLICES, *WEIGHTS, *DIVERGENCES)


def diagnose(
    score: Score, mixture: xr.Dataset, sigma: Any = None, noise_share: float = 1.0, samples: int = 2000, seed: int = 0
) -> xr.Dataset:
    """Where a learned score is wrong, whether that moves the samples, and what they are like.

    Parameters
    ----------
    score
        Of :func:`learned_score`.
    mixture
        One mixture, the truth.
    sigma
        Rising noise levels, or how many: by default 16 from a fifth of the components' standard deviation to four times the
        data's, as far as the score's schedule has them.
    noise_share
        Share eta of noise, 0 to 1, for which the bound holds.
    samples
        Draws at each level, and generated samples.
    seed
        Of draws, noise and directions.

    Returns
    -------
    Dataset
        Errors of shape (sigma) and (sigma, region), in inverse units of the data, with bounds on the part that moves the
        density; residuals of the score's equation (equation, sigma), asymmetry of the Jacobian; the layers of the heaviest
        boundaries (boundary_pair, sigma); bounds on the divergence, and for each sampler what it is, where it can be had;
        changes of the weights of components (sampler, component), predicted and measured; errors of samples from the exact
        density at the greatest level, with what the exact score does beside them. The attribute ``findings`` says it in
        sentences, the worst first.

    Raises
    ------
    ValueError
        For a mixture with sweep dimensions, and noise levels that do not rise.

    References
    ----------
    arXiv:2604.07404, sections 6 and 7.3.

    Examples
    --------
    A constant error b has no curl, and acts whole: ``KL <= |b|^2 (tau_max - tau_min)``.

    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], variance=0.25)
    >>> wrong = ss.learned_score(lambda x, tau: ss.score(pair, x, tau[0]).values + 0.1)
    >>> found = ss.diagnose(wrong, pair, np.linspace(0.5, 1.5, 3), samples=100)
    >>> bool(found.asymmetry.max() < 1e-9), found.gradient_square.values.round(9).tolist()
    (True, [0.02, 0.02, 0.02])
    """
    if (known := checked_score(score)) is None:
        raise ValueError("score = None is not allowed; allowed: what ss.learned_score returns")
    truth, eta = truth_of(mixture), checked_share(noise_share)
    levels = levels_of(known, truth, sigma)
    asked = levels, eta, whole("samples", samples, 20), whole("seed", seed, 0)
    (made,), pairs = diagnosed([known], truth, *asked)
    found = xr.Dataset({v.name: (v.dims, made[v.name], v.attributes()) for v in DIAGNOSIS}, coordinates(levels))
    found = found.assign_coords(counted(found, "boundary_pair", "component"))
    found = found.assign_attrs(noise_share=eta, pairs_left_out=pairs.left_out)
    return found.assign_attrs(findings="\n".join(findings(found)))


def diagnosed(
    scores: Sequence[Score], truth: Truth, levels: np.ndarray, eta: float, count: int, number: int
) -> tuple[list[dict[str, Any]], Pairs]:
    """Values of `DIAGNOSIS` of each score, from checked arguments; what depends on the density alone is computed once."""
    draws = [drawn(scores, truth, float(level), count, number) for level in levels]
    found = [errors(scores, truth, at) for at in draws]
    slices, pairs = sliced(scores, truth, levels, np.stack([at[0].x for at in draws]))
    samplers = generated(scores, truth, levels, count, number)
    each = zip(scores, zip(*draws, strict=True), zip(*found, strict=True), slices, samplers, strict=True)
    return [_values(truth, levels, eta, number, *one) for one in each], pairs


def _values(
    truth: Truth,
    levels: np.ndarray,
    eta: float,
    number: int,
    known: Score,
    draws: Sequence[Draws],
    found: Sequence[tuple[dict[str, Any], GradientPart]],
    slices: dict[str, Any],
    samplers: Generated,
) -> dict[str, Any]:
    """Values of `DIAGNOSIS` of one score, from its draws and errors at each level, its slices and its samples."""
    rows, parts = zip(*found, strict=True)
    made: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    residual = [residuals(known, at.x, at.sigma) for at in draws]
    made |= {name: np.stack([row[name] for row in residual], axis=-1) for name in residual[0]}
    made["w2_bound"] = w2_bound(levels, np.sqrt(made["gradient_square_upper"]), made["lipschitz_estimate"])
    made |= _bounds(levels, parts, eta) | slices
    made |= measured(truth, samplers, float(levels[0]), number)
    made |= predicted(known, truth, draws, samplers.path, number)
    made |= divergences(known, truth, levels, made["mode_weight_change"], made["mode_weight_change_error"], number)
    return made


def coordinates(levels: np.ndarray) -> dict[str, Any]:
    """Coordinates that do not count."""
    named = {name: (name, list(values), attributes(name)) for name, values in OF_TEXT.items()}
    distance = ("slice_point", np.linspace(-REACH, REACH, POINTS), POSITIONS.attributes())
    return {"sigma": ("sigma", levels, SIGMA), "slice_distance": distance} | named


def _bounds(levels: np.ndarray, parts: Sequence[GradientPart], eta: float) -> dict[str, Any]:
    """Bounds of the divergence, and the share of each level."""
    weights = level_weights(levels)
    factor = (1 + eta * eta) ** 2 / (4 * eta * eta) if eta else np.inf
    every, acts, most = (
        weights * np.maximum([getattr(part, name) for part in parts], 0.0) for name in ("whole", "gradient", "upper")
    )
    bound, part, upper = (0.0 if each.sum() == 0 else float(factor * each.sum()) for each in (every, acts, most))
    ranked = acts if acts.sum() > 0 else every
    share = ranked / ranked.sum() if ranked.sum() > 0 else np.zeros_like(ranked)
    total_variation = float(tv_bound(np.array([bound]))[0])
    return {
        "kl_share": share,
        "kl_bound": bound,
        "kl_gradient": part,
        "kl_gradient_upper": upper,
        "tv_bound": total_variation,
    }


def levels_of(score: Score, truth: Truth, sigma: Any) -> np.ndarray:
    """The noise levels as given, or so many of them over the range of the data and of the schedule."""
    counts = isinstance(sigma, int | np.integer) and not isinstance(sigma, bool)
    number = whole("sigma", sigma, 2, MOST_LEVELS) if counts else LEVELS
    if sigma is not None and not counts:
        levels = np.atleast_1d(as_real("sigma", sigma)).astype(float)
        if levels.ndim != 1 or levels.size < 2 or not levels[0] > 0 or not (np.diff(levels) > 0).all():
            raise ValueError(f"sigma = {show(sigma)} is not allowed; allowed: two or more rising numbers > 0, or how many")
        return levels
    c = truth.parts
    spread = np.sqrt(c.weights @ (c.means - c.weights @ c.means) ** 2).max()
    own = truth.deviation(0.0)
    low, high = 0.2 * own if own > 0 else 0.02 * spread, 4 * np.hypot(spread, own)
    least, most = score.sigma_range
    return np.geomspace(max(low, least), min(high, most), number)
