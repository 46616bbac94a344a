r"""Whether a network is read as it was trained: the error of denoising known data, in every reading.

Of all functions the posterior mean has the least ``E|D(x_0 + sigma z) - x_0|^2`` (Tweedie). A wrong reading has more, and
the reading that has least is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, astuple
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show, whole
from scoreshock.conventions import attributes, variables
from scoreshock.diagnosis.scores import INPUTS, PREDICTIONS, TIMES, Reading, Score
from scoreshock.diagnosis.truth import CHECK
from scoreshock.kernels.numerics.counter_rng import normal_rows

LOSSES = variables(
    """
    denoising_error(reading, sigma): mean squared error of denoising over that of the data's mean
        | E|D(x_0 + sigma z) - x_0|^2/E|x_0 - mean|^2; inf where a reading gives no number. | Tweedie's formula
    denoising_standard_error(reading, sigma): standard error of denoising_error | Over the samples.
    """
)
LEVELS = 7
"""Noise levels at which readings are compared."""

SPAN = (0.1, 4.0)
"""Their range in units of the data's standard deviation."""

WORSE = 1.1
"""A stated reading is refused where another has less than its error over this, by more than three standard errors of both
errors' difference."""


def check_convention(score: Score, data: Any, samples: int = 1000, seed: int = 0) -> xr.Dataset:
    """The error of denoising known data, as the score is read and as it could be read otherwise.

    Parameters
    ----------
    score
        Of :func:`learned_score`.
    data
        Samples (N, d) that the model was trained on, or such as them.
    samples
        At most so many are used.
    seed
        Of the choice of samples and of the noise, which is the same for all readings.

    Returns
    -------
    Dataset
        ``denoising_error`` of shape (reading, sigma), dimensionless, with its standard error, at noise levels from a tenth
        to four times the data's standard deviation, as far as the schedule has them; the stated reading first, then
        others from the least mean error on.

    Raises
    ------
    ValueError
        Where another reading denoises better, which the message names: ``sigma`` for ``sqrt(1 - alpha_bar)``, scaled for
        unscaled positions, another prediction. A bad model may denoise better in a reading that is wrong, too. And where no
        reading denoises better than the mean of the data does.

    References
    ----------
    Efron 2011, Tweedie's formula and selection bias; Vincent 2011, a connection between score matching and denoising
    autoencoders.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> data = np.random.default_rng(0).normal(size=(500, 1))
    >>> vp = ss.schedule("vp-linear")
    >>> def model(x, t):  # the noise prediction of N(0, 1)
    ...     return np.asarray(vp.noise(t))[:, None] * x
    >>> found = ss.check_convention(ss.learned_score(model, "epsilon", vp), data)
    >>> bool(found.denoising_error[0].max() < 1.1)
    True
    >>> try:
    ...     ss.check_convention(ss.learned_score(model, "epsilon", vp, takes="unscaled"), data)
    ... except ValueError as error:
    ...     print(str(error).split("better ")[1])
    with takes='scaled'; allowed: as it was trained
    """
    if not isinstance(score, Score):
        raise ValueError(f"score = {show(score)} is not allowed; allowed: what ss.learned_score returns")
    clean = _some(data, samples, whole("seed", seed, 0))
    spread = float(np.sqrt(clean.var(axis=0).sum()))
    if not spread > 0:
        raise ValueError(f"data = {show(data)} are all one point; allowed: samples that differ")
    sigma = _levels(score, spread / np.sqrt(clean.shape[1]))
    count, d = clean.shape
    noise = normal_rows(5 * seed + CHECK, np.arange(count), d)
    readings = [score.reading, *_others(score)]
    errors = np.array([[_losses(score.read_as(each), clean, noise, level) for level in sigma] for each in readings])
    errors /= spread**2
    with np.errstate(invalid="ignore"):
        mean, deviation = errors.mean(axis=-1), errors.std(axis=-1) / np.sqrt(count)
    with np.errstate(all="ignore"):
        rounded = np.round(np.log(mean[1:].mean(axis=1)), 6)  # so that of equal readings the first stays first
    order = [0, *(1 + np.argsort(rounded, kind="stable"))]
    names = [str(readings[i]) for i in order]
    found = xr.Dataset(
        {
            "denoising_error": (("reading", "sigma"), mean[order], LOSSES[0].attributes()),
            "denoising_standard_error": (("reading", "sigma"), deviation[order], LOSSES[1].attributes()),
        },
        {"reading": ("reading", names, attributes("reading")), "sigma": ("sigma", sigma)},
    )
    _refuse(errors[order].mean(axis=1), [readings[i] for i in order])
    return found


def _refuse(errors: np.ndarray, readings: list[Reading]) -> None:
    """``ValueError`` where another reading is better, or none is good; ``errors (readings, samples)`` of the same noise."""
    mean = errors.mean(axis=1)
    best = int(np.argmin(mean))
    if not mean.min() < 1:
        raise ValueError(
            f"the model denoises no better than the data's mean does ({mean.min():.3g} times its error), however it is "
            "read; allowed: a model of these data, in these units"
        )
    with np.errstate(invalid="ignore"):
        worse_by = errors[0] - errors[best]
        uncertain = worse_by.std() / np.sqrt(len(worse_by)) if np.isfinite(mean[0]) else 0.0
    if best and mean[0] > WORSE * mean[best] and mean[0] - mean[best] > 3 * uncertain:
        stated, other = asdict(readings[0]), asdict(readings[best])
        changed = [name for name in stated if stated[name] != other[name]]
        better, worse = (", ".join(f"{name}={each[name]!r}" for name in changed) for each in (other, stated))
        times = f"{mean[0] / mean[best]:.3g} times" if np.isfinite(mean[0]) else "infinitely"
        raise ValueError(f"{worse}: the model denoises {times} better with {better}; allowed: as it was trained")


def _losses(score: Score, clean: np.ndarray, noise: np.ndarray, sigma: float) -> np.ndarray:
    """Squared error of denoising each sample at one level, (N,); inf where a reading gives no number."""
    with np.errstate(all="ignore"):
        try:
            square = ((score.denoise(clean + sigma * noise, sigma) - clean) ** 2).sum(axis=1)
        except (ValueError, RuntimeError):
            return np.full(len(clean), np.inf)
    return square if np.isfinite(square).all() else np.full(len(clean), np.inf)


def _others(score: Score) -> Iterator[Reading]:
    """All other readings, those that differ least from the stated one first."""
    stated = astuple(score.reading)
    every = [each for each in product(PREDICTIONS, INPUTS, TIMES) if each != stated]
    yield from (Reading(*each) for each in sorted(every, key=lambda each: sum(map(str.__ne__, each, stated))))


def _levels(score: Score, spread: float) -> np.ndarray:
    least, most = score.sigma_range
    low, high = max(SPAN[0] * spread, least), min(SPAN[1] * spread, most)
    if not low < high:
        raise ValueError(
            f"the schedule has sigma from {least:g} to {most:g}, the data a spread of {spread:g}; "
            "allowed: data in the schedule's units"
        )
    return np.geomspace(low, high, LEVELS)


def _some(data: Any, samples: int, seed: int) -> np.ndarray:
    """At most so many rows of the data, chosen by the seed."""
    rows = as_real("data", data).astype(float)
    if rows.ndim != 2 or len(rows) < 2:
        raise ValueError(f"data has shape {rows.shape}; allowed: (samples, features)")
    most = whole("samples", samples, 2)
    return rows if len(rows) <= most else rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])]
