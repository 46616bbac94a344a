r"""Diagnosis of a learned score against a mixture: where it is wrong, whether that moves the samples, and how much.

With the error ``e`` and its gradient part :math:`\nabla\psi` the reverse SDE obeys
:math:`KL \le KL(\tau_{max}) + \int \|\nabla\psi\|_p^2\,d\tau`, and with a share ``eta`` of its noise the same with the
factor :math:`(1+\eta^2)^2/4\eta^2`. Without noise there is no such bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show, whole
from scoreshock.conventions import Status, attributes, variables
from scoreshock.diagnosis import gradient_part
from scoreshock.diagnosis.gradient_part import GradientPart
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.steps import checked_score, checked_share
from scoreshock.diagnosis.truth import SAMPLER, Truth, truth_of
from scoreshock.kernels.flow.divergence import tv_bound
from scoreshock.kernels.flow.generated import sliced_wasserstein
from scoreshock.kernels.flow.solvers import sample

REGIONS = ("layer", "outside", "tails")
SAMPLERS = ("flow", "reverse SDE")

OF_TEXT = {"region": REGIONS, "sampler": SAMPLERS}
SIGMA = {"long_name": "noise level", "units": "1", "description": "sqrt(2 tau), the noise of x/alpha."}

LAYER = 2.0
"""Log odds of the two most probable components below which a point is in the layer: one width v/a from a pair's boundary."""

TAILS = 0.05
"""Share of the probability, that of least density, that is tails."""

LEVELS, GENERATING = 16, 200
"""Noise levels by default, and steps of generation, which make the error of the steps small beside that of a score."""

OF_JACOBIAN = 200
"""Most samples at which the Jacobian is taken."""

DIAGNOSIS = variables(
    """
    score_error(sigma): root mean square of the score's error
        | Over the true density; in inverse units of the data. | (58)
    score_error_standard_error(sigma): standard error of score_error | Over the samples.
    score_error_relative(sigma): score_error over the root mean square of the true score | Over the true density.
    region_probability(sigma, region): share of the probability in each region
        | Layer: the two most probable components are within log odds 2. Tails: the twentieth of least density, outside it.
    region_error(sigma, region), region_status: root mean square of the score's error in each region
        | Over the true density in the region; outside: neither layer nor tails. | Definition 6.7
    region_status(sigma, region): outcome of the region's error
    gradient_square(sigma): mean square of the part of the error that moves the density
        | Projection of the error on gradients in L2(p): exact on a line, by quadrature in the plane, else a lower bound.
    gradient_square_error(sigma): estimate of the error of gradient_square
        | Of the basis in the plane, else the standard error.
    asymmetry(sigma): share of the Jacobian's square that is antisymmetric
        | E|(J - J')/2|^2/E|J|^2 of the learned score, 0 of every gradient field. | Corollary 7.6
    asymmetry_error(sigma): bound on what differences or rounding alone add to asymmetry
        | From the Jacobian's own error.
    kl_share(sigma): share of each noise level in kl_gradient, or in kl_bound where that is 0
        | By the trapezoidal rule in ln sigma.
    kl_bound: bound on the KL divergence of the generated density
        | From the whole error between the levels' ends, by the trapezoidal rule in ln sigma; inf without noise. | (58)
    kl_gradient: part of kl_bound that is known to act
        | The integral of gradient_square, which in two and more features is a lower bound. | (58)
    tv_bound: bound on the total variation | min(1, sqrt(kl_bound/2)). | (59)
    mode_weight_error(sampler): total variation of the shares of components in generated samples from the weights
        | Half the sum of absolute differences; samples count where a component is the most probable.
    mode_weight_floor(sampler): the same of the exact score | What sampling and steps alone do.
    sliced_wasserstein(sampler): sliced Wasserstein distance of generated samples from data | Of order two, 64 directions.
    sliced_wasserstein_floor(sampler): the same of the exact score | What sampling and steps alone do.
    """
)


class Level(NamedTuple):
    """What one noise level says: numbers by name of a variable, one a region of some."""

    values: dict[str, Any]
    gradient: GradientPart


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
        Rising noise levels; by default 16 from a fifth of the components' standard deviation to four times the data's, as
        far as the score's schedule has them.
    noise_share
        Share eta of noise, 0 to 1, for which the bound holds.
    samples
        Draws at each level, and generated samples.
    seed
        Of draws, noise and directions.

    Returns
    -------
    Dataset
        Errors of shape (sigma) and (sigma, region), in inverse units of the data; the part that moves the density;
        asymmetry of the Jacobian; bounds; and errors of samples generated from the exact density at the greatest level,
        with what the exact score does beside them. The
        attribute ``findings`` says it in sentences, the worst first.

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
    levels = _levels(known, truth, sigma)
    count, number = whole("samples", samples, 20), whole("seed", seed, 0)
    rows = [_level(known, truth, float(level), count, number) for level in levels]
    made = {name: np.array([row.values[name] for row in rows]) for name in rows[0].values}
    gradient, whole_error = (np.array([getattr(row.gradient, name) for row in rows]) for name in ("gradient", "whole"))
    made |= _bounds(levels, gradient, whole_error, eta) | _generated(known, truth, levels, count, number)
    labelled: dict[str, Any] = {"sigma": ("sigma", levels, SIGMA)}
    labelled |= {name: (name, list(values), attributes(name)) for name, values in OF_TEXT.items()}
    found = xr.Dataset({v.name: (v.dims, made[v.name], v.attributes()) for v in DIAGNOSIS}, labelled)
    return found.assign_attrs(noise_share=eta, findings="\n".join(findings(found)))


def _level(score: Score, truth: Truth, sigma: float, count: int, seed: int) -> Level:
    """Everything at one noise level."""
    x = truth.starts(count, sigma, seed)
    exact = truth.score(x, sigma)
    error = score(x, 0.5 * sigma * sigma) - exact
    if not np.isfinite(error).all():
        raise ValueError(f"score is not finite at sigma = {sigma:.6g}, at points of the data with noise; allowed: numbers")
    square = (error**2).sum(axis=-1)
    root = np.sqrt(square.mean())
    inside = _regions(truth, x, sigma)
    shares = inside.mean(axis=-1)
    with np.errstate(all="ignore"):
        by_region = np.sqrt((inside * square).sum(axis=-1) / inside.sum(axis=-1))
        relative = root / np.sqrt((exact**2).sum(axis=-1).mean())
    part = _gradient(score, truth, sigma, x, error)
    asymmetry, uncertain = _asymmetry(score, x[:: -(-count // OF_JACOBIAN)], sigma)
    values = {
        "score_error": root,
        "score_error_standard_error": square.std() / np.sqrt(count) / (2 * root) if root else 0.0,
        "score_error_relative": relative,
        "region_probability": shares,
        "region_error": by_region,
        "region_status": np.where(shares > 0, Status.ok, Status.not_applicable).astype(np.int8),
        "gradient_square": part.gradient,
        "gradient_square_error": part.gradient_error,
        "asymmetry": asymmetry,
        "asymmetry_error": uncertain,
    }
    return Level(values, part)


def _regions(truth: Truth, x: np.ndarray, sigma: float) -> np.ndarray:
    """Whether each point is in each of `REGIONS`, (3, N)."""
    r = np.sort(truth.responsibilities(x, sigma), axis=-1)
    layer = np.zeros(len(x), dtype=bool) if r.shape[1] == 1 else r[:, -1] < np.exp(LAYER) * r[:, -2]
    log_p = truth.log_density(x, sigma)
    tails = ~layer & (log_p < np.quantile(log_p, TAILS))
    return np.stack([layer, ~layer & ~tails, tails])


def _gradient(score: Score, truth: Truth, sigma: float, x: np.ndarray, error: np.ndarray) -> GradientPart:
    """The part that moves the density, by the way that its dimension allows."""
    if x.shape[1] == 1:
        return gradient_part.on_line(error)
    if x.shape[1] > 2 or not gradient_part.is_resolved(truth, sigma):
        return gradient_part.from_samples(truth, sigma, x, error)
    points, share = gradient_part.plane_grid(truth, sigma)
    kept = share > share.max() * gradient_part.NEGLIGIBLE
    points, share = points[kept], share[kept] / share[kept].sum()
    wrong = score(points, 0.5 * sigma * sigma) - truth.score(points, sigma)
    return gradient_part.in_plane(truth, sigma, points, share, wrong)


def _asymmetry(score: Score, x: np.ndarray, sigma: float) -> tuple[float, float]:
    """Antisymmetric share of the Jacobian's square, and a bound on what the Jacobian's errors add to it."""
    if x.shape[1] == 1:
        return 0.0, 0.0
    jacobian, error = score.jacobian(x, 0.5 * sigma * sigma)
    rotation = 0.5 * (jacobian - jacobian.swapaxes(-1, -2))
    size = (jacobian**2).sum(axis=(-1, -2)).mean()
    if size == 0:
        return 0.0, 0.0
    return float((rotation**2).sum(axis=(-1, -2)).mean() / size), float(x.shape[1] ** 2 * (error**2).mean() / size)


def _bounds(levels: np.ndarray, gradient: np.ndarray, whole_error: np.ndarray, eta: float) -> dict[str, Any]:
    """Bounds of the divergence, and the share of each level."""
    widths = np.gradient(np.log(levels))
    widths[[0, -1]] /= 2
    factor = (1 + eta * eta) ** 2 / (4 * eta * eta) if eta else np.inf
    acts, every = (widths * levels**2 * np.maximum(square, 0.0) for square in (gradient, whole_error))
    bound, part = (0.0 if each.sum() == 0 else factor * each.sum() for each in (every, acts))
    ranked = acts if acts.sum() > 0 else every
    share = ranked / ranked.sum() if ranked.sum() > 0 else np.zeros_like(ranked)
    return {"kl_share": share, "kl_bound": bound, "kl_gradient": part, "tv_bound": float(tv_bound(np.array([bound]))[0])}


def _generated(score: Score, truth: Truth, levels: np.ndarray, count: int, seed: int) -> dict[str, Any]:
    """Errors of samples that both samplers generate between the ends, with the learned and with the exact score."""
    low, high = float(levels[0]), float(levels[-1])
    row = np.geomspace(high, low, GENERATING + 1)
    starts, data = truth.starts(count, high, seed), truth.starts(count, low, seed + 1)
    made: dict[str, list[float]] = {}
    for suffix, denoise in (("error", score.denoise), ("floor", truth.denoise)):
        for solver in ("dpmpp-2m", "ancestral"):
            ends = sample(denoise, starts, row, solver, 1.0, 5 * seed + SAMPLER).ends
            made.setdefault(f"mode_weight_{suffix}", []).append(truth.mode_weight_error(ends, low))
            name = "sliced_wasserstein" + ("_floor" if suffix == "floor" else "")
            made.setdefault(name, []).append(float(sliced_wasserstein(ends, data, seed)))
    return made


def findings(found: xr.Dataset) -> Iterator[str]:
    """What a diagnosis says, in sentences, the worst first."""
    share, sigma = found.kl_share.values, found.sigma.values
    worst = np.argsort(-share)[:3]
    bound, acts = float(found.kl_bound), float(found.kl_gradient)
    if np.isfinite(bound) and bound > 0:
        places = ", ".join(f"{sigma[i]:.3g} ({100 * share[i]:.0f} %)" for i in worst)
        distance = float(found.tv_bound)
        yield f"KL of the samples is at most {bound:.3g} nats (58), total variation {distance:.3g}."
        yield f"At least {100 * acts / bound:.0f} % of that is known to move the density, most at sigma {places}."
    for number, name in enumerate(found.sampler.values):
        error, floor = (float(found[f"mode_weight_{each}"][number]) for each in ("error", "floor"))
        yield f"Weights of the modes are off by {error:.3g} with the {name} (exact score: {floor:.3g})."
    ratio = found.region_error.sel(region="layer") / found.region_error.sel(region="outside")
    if bool(ratio.notnull().any()):
        at = int(ratio.argmax("sigma"))
        yield f"In the layer the error is up to {float(ratio[at]):.3g} times that outside, at sigma {sigma[at]:.3g}."
    asymmetry = found.asymmetry.values
    if (asymmetry > 10 * found.asymmetry_error.values + 1e-12).any():
        at = int(asymmetry.argmax())
        part = 100 * asymmetry[at]
        yield f"The score has curl: up to {part:.3g} % of its Jacobian's square is antisymmetric, at sigma {sigma[at]:.3g}."


def _levels(score: Score, truth: Truth, sigma: Any) -> np.ndarray:
    if sigma is not None:
        levels = np.atleast_1d(as_real("sigma", sigma)).astype(float)
        if levels.ndim != 1 or levels.size < 2 or not levels[0] > 0 or not (np.diff(levels) > 0).all():
            raise ValueError(f"sigma = {show(sigma)} is not allowed; allowed: two or more rising numbers > 0")
        return levels
    c = truth.parts
    spread = np.sqrt(c.weights @ (c.means - c.weights @ c.means) ** 2).max()
    own = truth.deviation(0.0)
    low, high = 0.2 * own if own > 0 else 0.02 * spread, 4 * np.hypot(spread, own)
    least, most = score.sigma_range
    return np.geomspace(max(low, least), min(high, most), LEVELS)
