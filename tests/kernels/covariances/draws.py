"""Random components with covariances, and reference cases of pairs with one covariance."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.covariances.components import Components, components, covariance, from_covariances
from tests.reference import weights_of


def drawn(k, n, seed=0, size=(), smallest=0.05, spread=0.5):
    """Components with random means, weights and covariances, whose smallest variances are about ``smallest``."""
    rng = np.random.default_rng([seed, k, n])
    factors = spread * rng.standard_normal((*size, k, n, n))
    w = rng.uniform(0.2, 1.0, (*size, k))
    matrices = factors @ factors.swapaxes(-1, -2) + smallest * np.eye(n)
    return from_covariances(rng.standard_normal((*size, k, n)), w / w.sum(axis=-1, keepdims=True), matrices)


def shared_pair(case, own=False):
    """The pair of a reference case; ``own``: the same covariance given for each component."""
    inputs = case["inputs"]
    m = np.array(inputs["m"])
    return from_covariances([-m, m], weights_of(case), [inputs["covariance"]] * (2 if own else 1))


def isotropic(means, weights, variance, own=False):
    """Components of one variance."""
    return components(means, weights, np.full(len(weights), variance) if own else variance)


def rotated(c: Components, seed=0) -> Components:
    """The same components turned about the origin, as full covariances."""
    n = c.means.shape[-1]
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    return from_covariances(c.means @ turn.T, c.weights, turn @ covariance(c) @ turn.T)


def scaled(c: Components, factor: float) -> Components:
    """The same components in other units of length."""
    along = None if c.eigenvalues is None else factor**2 * c.eigenvalues
    return c._replace(means=factor * c.means, variance=factor**2 * c.variance, eigenvalues=along)


def shared_and_repeated(k, n, size):
    """Components of one covariance, and the same given once for each component, which takes the routes of own ones."""
    c = drawn(k, n, seed=3, size=size, smallest=1e-4, spread=0.15).flat()
    assert c.eigenvalues is not None
    assert c.directions is not None
    shared = c._replace(eigenvalues=c.eigenvalues[:, :1], directions=c.directions[:, :1])
    repeated = [np.repeat(a[:, :1], k, axis=1) for a in (c.eigenvalues, c.directions)]
    return shared, c._replace(eigenvalues=repeated[0], directions=repeated[1])
