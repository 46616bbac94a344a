"""Class decisions by the empirical score: class probabilities of noisy held-out samples from a softmax over others.

It takes no model of the data. At noise below the collapse it follows single samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.information.expectations import entropy_and_doubt
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.counter_rng import normal_rows
from scoreshock.kernels.numerics.posterior import softmax

ROOM = 1 << 22
"""Numbers of products of samples that are held at a time."""


FINE = 1e-4
"""Rounding of squared distances, over the noise variance, up to which logits are right."""


class Empirical(NamedTuple):
    """At each time (t,): means over held-out samples, and their standard errors.

    ``own_class_probability``: what the class of the sample is given; it is the cloning probability where that is calibrated.
    """

    cloning_probability: np.ndarray
    one_minus_cloning: np.ndarray
    one_minus_cloning_error: np.ndarray
    class_entropy: np.ndarray
    class_entropy_error: np.ndarray
    own_class_probability: np.ndarray
    own_class_probability_error: np.ndarray
    decisions_status: np.ndarray


def empirical_decisions(
    training: np.ndarray, classes: np.ndarray, held: np.ndarray, held_classes: np.ndarray, tau: np.ndarray, seed: int
) -> Empirical:
    """Cloning probability and class entropy of noisy ``held`` samples by the empirical score of the ``training`` samples.

    Parameters
    ----------
    training, held
        Samples (N, d) and (M, d), M at least 2.
    classes, held_classes
        Index of the class of each, (N,) and (M,).
    tau : (t,)
        Diffusion times.
    seed
        Of the noise, which is the same at all times.

    Returns
    -------
    Empirical
        ``singular`` with NaN at tau = 0; ``unresolved`` where the rounding of squared distances is not far below the noise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> classes = np.arange(8000) // 2 % 2
    >>> x = (2.0 * classes - 1 + 0.3 * rng.standard_normal(8000))[:, None]
    >>> found = empirical_decisions(x[::2], classes[::2], x[1::2], classes[1::2], np.array([0.455]), 0)
    >>> round(found.cloning_probability.item(), 2)  # of the density 0.7752
    0.77
    """
    count = max(classes.max(), held_classes.max()) + 1
    order = np.argsort(classes, kind="stable")
    rows, bounds = training[order] - training.mean(axis=0), np.searchsorted(classes[order], np.arange(count + 1))
    centred = held - training.mean(axis=0)
    squares = np.einsum("nd,nd->n", rows, rows)
    sums, squared = np.zeros((2, 3, tau.size))
    for part in slices(len(held), ROOM // len(rows)):
        number = np.arange(len(held))[part]
        z = normal_rows(seed, number, rows.shape[1])
        still, moving = rows @ centred[part].T, rows @ z.T  # (N, B) each
        for i, noise in enumerate(2 * tau):
            values = _values(still, moving, squares, noise, bounds, held_classes[part])
            sums[:, i] += values.sum(axis=1)
            squared[:, i] += (values * values).sum(axis=1)
    mean = sums / len(held)
    error = np.sqrt(np.maximum(squared / len(held) - mean * mean, 0.0) / (len(held) - 1))
    void = ~(tau > 0)
    mean[:, void] = error[:, void] = np.nan
    rough = np.finfo(float).eps * squares.max() > FINE * 2 * tau
    status = np.where(void, np.int8(Status.singular), np.where(rough, np.int8(Status.unresolved), np.int8(Status.ok)))
    return Empirical(1 - mean[1], mean[1], error[1], mean[0], error[0], mean[2], error[2], status)


def _values(
    still: np.ndarray, moving: np.ndarray, squares: np.ndarray, noise: float, bounds: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Entropy, doubt and the probability of the own class of each held-out sample, (3, B); NaN without noise."""
    with np.errstate(all="ignore"):
        logits = (still + np.sqrt(noise) * moving - 0.5 * squares[:, None]) / noise
    r = softmax(logits)[0]
    shares = np.zeros((len(bounds) - 1, len(own)))
    for share, low, high in zip(shares, bounds, bounds[1:], strict=False):
        share[:] = total(r[low:high]) if high > low else 0.0
    return np.stack([*entropy_and_doubt(shares[:, None, :]), shares[own, np.arange(len(own))][None]])[:, 0]
