"""Moments of the means of a mixture, from their definitions: independent checks of the software."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr


class Moments(NamedTuple):
    """Moments of K means in d dimensions about their weighted mean."""

    centre: np.ndarray  # weighted mean (d,)
    centred: np.ndarray  # means minus the weighted mean (K, d)
    weights: np.ndarray  # (K,)
    squared: np.ndarray  # squared distances D (K,)
    between: np.ndarray  # Sigma_B (15), (d, d)
    distance_weighted: np.ndarray  # Sigma_D (87), (d, d)

    @property
    def mean_squared(self) -> float:
        """Mean squared distance."""
        return float(self.weights @ self.squared)

    @property
    def largest(self) -> float:
        """Largest eigenvalue of Sigma_B."""
        return float(np.linalg.eigvalsh(self.between)[-1])

    @property
    def leading(self) -> np.ndarray:
        """Leading eigenvector of Sigma_B."""
        return np.linalg.eigh(self.between)[1][:, -1]

    @property
    def along(self) -> np.ndarray:
        """Squared coordinates y^2 of the centred means along the leading eigenvector."""
        return (self.centred @ self.leading) ** 2

    @property
    def correction(self) -> np.ndarray:
        """``D-bar Sigma_B - Sigma_D``, the correction of the Jacobian in (88)."""
        return self.mean_squared * self.between - self.distance_weighted

    @property
    def next_order(self) -> np.ndarray:
        """Coefficient of ``v^-4`` in the expansion (88) of the Jacobian."""
        w, d, mean = self.weights, self.squared, self.mean_squared
        third = (w * d) @ self.centred
        fourth = np.einsum("k,ki,kj->ij", w * d**2, self.centred, self.centred)
        even = (fourth - 2 * mean * self.distance_weighted + (2 * mean**2 - w @ d**2) * self.between) / 8
        return even - np.outer(third, third) / 4

    def covariance(self, first: np.ndarray, second: np.ndarray) -> float:
        """Weighted covariance of two numbers per component."""
        return float(self.weights @ (first * second) - (self.weights @ first) * (self.weights @ second))

    def deviation(self, values: np.ndarray) -> float:
        """Weighted standard deviation of a number per component."""
        return float(np.sqrt(self.weights @ (values - self.weights @ values) ** 2))

    def quotient(self, v: Any) -> np.ndarray:
        """``lambda_max(Gamma(v))/v`` of (94) from the responsibilities (85) at the weighted mean, in the shape of v."""
        v = np.asarray(v)[..., None]
        share = self.weights * np.exp((self.squared.min() - self.squared) / (2 * v))
        share = share / share.sum(-1, keepdims=True)
        offset = self.centred - (share @ self.centred)[..., None, :]
        covariance = np.einsum("...k,...ki,...kj->...ij", share, offset, offset)
        return np.linalg.eigvalsh(covariance)[..., -1] / v[..., 0]


def moments(density: xr.Dataset) -> Moments:
    """Moments of one mixture."""
    means, weights = density.component_mean.values, density.component_weight.values
    centre = weights @ means
    centred = means - centre
    squared = (centred**2).sum(-1)
    between, weighted = (np.einsum("k,ki,kj->ij", each, centred, centred) for each in (weights, weights * squared))
    return Moments(centre, centred, weights, squared, between, weighted)


def moments_along(densities: xr.Dataset, dim: str) -> list[Moments]:
    """Moments of each mixture along a dimension."""
    return [moments(densities.isel({dim: index})) for index in range(densities.sizes[dim])]
