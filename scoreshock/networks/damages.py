r"""What makes networks bad: data or targets that are changed, so that the damage is in the weights of the network.

A training draws points of a mixture with noise, and has for target the posterior mean of that mixture, the minimiser of the
denoising loss, to which a damage may add an error :math:`\sigma^2 e(x, \sigma)`; the network then learns the score
:math:`s + e`. The sizes are those of the seed 0; those of other seeds are `factor` times as large, so that a symptom is
seen at several sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from scoreshock.diagnosis.truth import truth_of
from scoreshock.networks.truths import classes

SHIFT = 0.25
"""Of ``layer``: how far boundaries are moved, in widths v/a of their layers."""

TURN = 0.3
"""Of ``rotation``: the share omega of the score that is added across it."""

PUSH, WIDTH = 0.5, 0.3
"""Of ``one-level``: the error in units of 1/sigma at its level, and its standard deviation in ln sigma."""

EARLY = 20
"""Of ``undertrained``: the steps of the training over those that it had."""

SAMPLES = 10**6
"""What is added to the seed for the samples that are memorised, so that a diagnosis never draws them."""


class Task(NamedTuple):
    """What one network is trained on: a mixture, and the errors of ``rotation`` and of ``one-level``."""

    means: np.ndarray  # (K, d)
    weights: np.ndarray  # (K,)
    variance: float
    turn: float = 0.0
    push: float = 0.0
    level: float = 1.0
    direction: np.ndarray | None = None  # (d,), of unit length


def factor(seed: int) -> float:
    """Size of a damage over that of the seed 0, from 1/2 to 3/2, spread evenly whatever the number of seeds.

    Examples
    --------
    >>> [round(factor(seed), 2) for seed in range(4)]
    [1.0, 0.62, 1.24, 0.85]
    """
    golden = (np.sqrt(5) - 1) / 2
    return float(0.5 + (0.5 + seed * golden) % 1.0)


def none(truth: xr.Dataset, seed: int, samples: int) -> Task:  # noqa: ARG001 - all damages have the same arguments
    """No damage: the exact score, within the accuracy of the training."""
    parts = truth_of(truth).parts
    return Task(parts.means, parts.weights, float(parts.variance[0]))


def layer(truth: xr.Dataset, seed: int, samples: int) -> Task:
    r"""Boundaries between classes are moved by a quarter of the width v/a of their layers, at every noise level.

    The log weights of every other class, the first among them, are higher by 1/2: the logit of a layer, :math:`2 a x/v`, is
    shifted by twice 1/4. To first order the error is :math:`(a/4v)\,\mathrm{sech}^2(a x/v)` across the layer.

    Symptoms: the error in the layer far above that outside; a gradient, all of which acts, no curl; the layer's position off
    by the shift, its height right; and the generated weights are the changed ones: of an even pair 0.62 and 0.38.
    """
    exact = none(truth, seed, samples)
    sign = np.where(classes(truth) % 2, -1.0, 1.0)
    tilted = exact.weights * np.exp(SHIFT * factor(seed) * sign)
    return exact._replace(weights=tilted / tilted.sum())


def rotation(truth: xr.Dataset, seed: int, samples: int) -> Task:
    r"""The error :math:`\omega J s` across the score: :math:`\omega = 0.3`, and J a quarter turn in pairs of coordinates.

    It has no divergence against the density, :math:`\nabla\cdot(p J \nabla\ln p) = \nabla\cdot(J \nabla p) = 0`.

    Symptoms: curl, a share :math:`\omega^2/(1+\omega^2)` of the Jacobian's square where the Jacobian is a multiple of 1;
    error everywhere, in proportion to the score; no gradient part, so that neither density nor weights move. The bound of
    the KL divergence by the whole error is large, and what is known to act small.
    """
    return none(truth, seed, samples)._replace(turn=TURN * factor(seed))


def one_level(truth: xr.Dataset, seed: int, samples: int) -> Task:
    r"""A constant error :math:`u/2\sigma` at one noise level, that of the data's spread, 0.3 wide in :math:`\ln\sigma`.

    u is the direction from the first class to the second.

    Symptoms: error and share of the bound at that level alone; no curl; in the flow all samples move by
    :math:`0.5 \cdot 0.3 \sqrt{2\pi}\,\sigma = 0.38\,\sigma` there, which moves the weights of modes that are being decided.
    """
    exact = none(truth, seed, samples)
    number, weights = classes(truth), exact.weights[:, None]
    first, second = (np.average(exact.means[number == j], axis=0, weights=exact.weights[number == j]) for j in (0, 1))
    centre = (weights * exact.means).sum(axis=0)
    spread = np.sqrt((weights * (exact.means - centre) ** 2).sum() / exact.means.shape[1] + exact.variance)
    across = (second - first) / np.linalg.norm(second - first)
    return exact._replace(push=PUSH * factor(seed), level=float(spread), direction=across)


def memorising(truth: xr.Dataset, seed: int, samples: int) -> Task:
    """Few samples, on which the whole training is done: 32 of the plane, 16 of each class in more dimensions.

    Symptoms: error that grows towards small noise, where the score has a component for each sample; it acts, as generated
    samples collapse on those; in the layer and outside alike; weights of the modes are those of the samples.
    """
    means, _ = truth_of(truth).draws(samples, SAMPLES + seed)
    return Task(means, np.full(samples, 1.0 / samples), 0.0)


DAMAGES: dict[str, Callable[[xr.Dataset, int, int], Task]] = {
    "none": none,
    "layer": layer,
    "rotation": rotation,
    "one-level": one_level,
    "memorising": memorising,
}
"""Damages by name, but for ``undertrained``: the networks without damage after a twentieth of their steps.

Symptoms of ``undertrained``: error at all noise levels and in all regions, most where the score is sharp; part of it acts;
some curl.
"""

ALL = ("none", "undertrained", *list(DAMAGES)[1:])
"""Labels of the axis ``damage``."""
