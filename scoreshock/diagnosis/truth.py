"""A mixture as the truth that scores and samplers are held to: its denoiser, draws, and the flow from noise to data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp

from scoreshock.checks import listed
from scoreshock.densities.component_covariances import PARTS
from scoreshock.kernels.covariances import fields as general
from scoreshock.kernels.covariances.components import Components, components, covariance
from scoreshock.kernels.gaussian import mixture as isotropic
from scoreshock.kernels.numerics.counter_rng import normal_rows, uniforms
from scoreshock.quantities.labelled import checked_mixture, covariance_arguments, is_general

START, COMPONENT, NOISE, SAMPLER, CHECK = range(5)
"""What is added to five times the seed, so that no two uses share random numbers."""

RTOL = 1e-7
"""Relative tolerance of the exact flow."""

SMALL = 1e-3
"""Share of the last noise level at which the flow is stopped and the denoiser is taken, where it should end at 0."""


@dataclass(frozen=True)
class Truth:
    """One mixture as arrays; positions are in its features."""

    parts: Components
    one_variance: bool

    @property
    def size(self) -> tuple[int, int]:
        """Components k and features n."""
        k, n = self.parts.means.shape
        return k, n

    def denoise(self, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """Posterior mean of the data at ``x (..., n)``, (..., n)."""
        with np.errstate(all="ignore"):
            return self._field("denoiser", x, sigma)

    def responsibilities(self, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """Posterior probabilities of the components at ``x (..., n)``, (..., k)."""
        return self._field("responsibilities", x, sigma)

    def score(self, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """Score at ``x (N, n)``, (N, n)."""
        return self._field("score", x, sigma)

    def log_density(self, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """Logarithm of the density at ``x (N, n)``, (N,)."""
        return self._field("log_density", x, sigma)

    def jacobian(self, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """Jacobian of the score at ``x (N, n)``, (N, n, n)."""
        return self._field("score_jacobian", x, sigma)

    def _field(self, name: str, x: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
        """A field of both kernels by its name there."""
        tau, c = 0.5 * sigma * sigma, self.parts
        if self.one_variance:
            return getattr(isotropic, name)(x, c.means, c.weights, c.variance[0], tau)
        return getattr(general, name)(x, c, tau)

    def mode_weight_error(self, ends: np.ndarray, sigma: float) -> np.ndarray:
        """Half the sum of absolute differences of shares of components, where each is most probable, and the weights.

        Of ends (..., N, n), (...).
        """
        most = self.responsibilities(ends, sigma).argmax(axis=-1)
        rows, k = most.reshape(-1, most.shape[-1]), self.size[0]
        places = rows + k * np.arange(len(rows))[:, None]
        shares = np.bincount(places.ravel(), minlength=k * len(rows)).reshape(-1, k) / most.shape[-1]
        return 0.5 * np.abs(shares - self.parts.weights).sum(axis=-1).reshape(most.shape[:-1])

    def responsibility_gradients(self, x: np.ndarray, sigma: float) -> np.ndarray:
        """Gradients of the responsibilities at ``x (N, n)``, (N, k, n): ``r_k (s_k - s)``, s_k the score of a component."""
        if self.one_variance:
            alone = (self.parts.means - x[:, None]) / (self.parts.variance[0] + sigma * sigma)
        else:
            alone = np.stack([self.alone(k).score(x, sigma) for k in range(self.size[0])], axis=1)
        return self.responsibilities(x, sigma)[..., None] * (alone - self.score(x, sigma)[:, None])

    def alone(self, k: int) -> Truth:
        """One component as a mixture."""
        c = self.parts
        rows = (None if part is None else part[min(k, len(part) - 1)][None] for part in c)
        means, _, *others = rows
        return Truth(Components(means, np.ones(1), *others), self.one_variance)  # type: ignore[arg-type]

    def deviation(self, sigma: float, least: bool = False) -> float:
        """Greatest standard deviation of a component along a direction, or the least one, with the noise."""
        c = self.parts
        listed_only = c.eigenvalues is not None and c.complete
        each = [part.ravel() for part in (None if listed_only else c.variance, c.eigenvalues) if part is not None]
        variances = np.concatenate(each)
        return float(np.sqrt((variances.min() if least else variances.max()) + sigma * sigma))

    def draws(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Points of the data (count, n) and the component of each (count,); shares of components are as the weights."""
        k, n = self.size
        number = np.arange(count)
        place = (number + uniforms(5 * seed + COMPONENT, np.array(0), 0)) / count  # stratified
        component = np.minimum((np.cumsum(self.parts.weights) < place[:, None]).sum(axis=1), k - 1)
        z = normal_rows(5 * seed + START, number, n)
        roots = self._roots()
        own = roots[np.minimum(component, len(roots) - 1)]
        return self.parts.means[component] + np.einsum("Nij,Nj->Ni", own, z), component

    def starts(self, count: int, sigma: float, seed: int) -> np.ndarray:
        """Points of the noisy density at ``sigma``, (count, n)."""
        clean, _ = self.draws(count, seed)
        return clean + sigma * normal_rows(5 * seed + NOISE, np.arange(count), self.size[1])

    def _roots(self) -> np.ndarray:
        """Square roots of the components' covariances, (k or 1, n, n)."""
        if self.one_variance:
            return np.sqrt(self.parts.variance[0]) * np.eye(self.size[1])[None]
        values, vectors = np.linalg.eigh(covariance(self.parts))
        return vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]


def truth_of(mixture: xr.Dataset) -> Truth:
    """One mixture as arrays.

    Raises
    ------
    ValueError
        For a mixture with sweep dimensions, which are named.

    Examples
    --------
    >>> import scoreshock as ss
    >>> truth_of(ss.mixture([-1.0, 1.0])).denoise(np.array([[0.0]]), 1.0).tolist()
    [[0.0]]
    """
    own = {dim for dims in PARTS.values() for dim in dims}
    checked = checked_mixture(mixture)
    swept = [str(dim) for dim in checked.dims if dim not in own and checked.sizes[dim] > 1 and _varies(checked, str(dim))]
    if swept:
        raise ValueError(f"mixture has the sweep dimensions {listed(swept)}; allowed: one mixture, as of mixture.isel")
    single = checked.isel({dim: 0 for dim in checked.dims if dim not in own}, drop=True)
    arrays = {name: array for name, (array, _) in _labelled(single).items()}
    return Truth(components(**arrays), not is_general(single))


def _labelled(single: xr.Dataset) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    named = covariance_arguments(single)
    return {
        name: (array.transpose(*dims).values, dims)
        for name, (array, dims) in named.items()  # type: ignore[misc]
    }


def _varies(mixture: xr.Dataset, dim: str) -> bool:
    return any(dim in mixture[name].dims for name in PARTS if name in mixture)


def flowed(denoise: Callable[[np.ndarray, float], np.ndarray], x: np.ndarray, high: float, low: float) -> np.ndarray:
    """Ends (N, n) of the probability flow of any denoiser from ``x`` at ``high`` to ``low``, by adaptive steps in ln sigma.

    Examples
    --------
    The flow of N(0, 1) keeps x/sqrt(1 + sigma^2).

    >>> end = flowed(lambda x, sigma: x / (1 + sigma**2), np.array([[np.sqrt(5.0)]]), 2.0, 1.0)
    >>> round(float(end[0, 0]) ** 2, 6)
    2.0
    """

    return trajectories(denoise, x, np.array([high, low]))[-1]


def trajectories(denoise: Callable[[np.ndarray, float], np.ndarray], x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Points (S, N, n) of the probability flow at falling ``levels (S,)``, the first being the starts ``x (N, n)``."""
    centre = x.mean(axis=0)  # far from the origin positions would hide the error

    def slope(log_sigma: float, flat: np.ndarray) -> np.ndarray:
        points = flat.reshape(x.shape) + centre
        return (points - denoise(points, float(np.exp(log_sigma)))).ravel()

    times, start = np.log(levels), (x - centre).ravel()
    done = solve_ivp(slope, (times[0], times[-1]), start, "DOP853", times, rtol=RTOL, atol=RTOL * levels[-1])
    if not done.success:
        raise ArithmeticError(f"the flow from sigma {levels[0]:g} to {levels[-1]:g} cannot be followed: {done.message}")
    return np.moveaxis(done.y, -1, 0).reshape(len(levels), *x.shape) + centre


def ends_of(
    denoise: Callable[[np.ndarray, float], np.ndarray],
    x: np.ndarray,
    high: float,
    last: float,
    to_zero: bool,
    least: float = 0.0,
) -> np.ndarray:
    """Ends of the exact flow at the last level or, beyond it, at 0: the denoiser at a small level, ``least`` or above."""
    if not to_zero:
        return flowed(denoise, x, high, last)
    low = min(max(SMALL * last, least), last)
    return denoise(flowed(denoise, x, high, low), low)
