"""Class decisions of labelled samples by their own empirical score, without a model of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_array, as_numbers, show, whole
from scoreshock.conventions import attributes, variables
from scoreshock.kernels.information import empirical as kernel
from scoreshock.kernels.numerics.counter_rng import normals
from scoreshock.options import is_finite
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.decisions import DECISIONS
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import times

SAMPLES = 4000
"""Default of the greatest number of samples on either side."""

EMPIRICAL = (
    *(variable for variable in DECISIONS if variable.name.startswith(("cloning", "one_minus", "class_entropy"))),
    *variables(
        """
        own_class_probability, decisions_status: mean probability that a noisy sample's own class is given
            | The cloning probability where probabilities are calibrated, less where the score follows single samples.
        own_class_probability_error, decisions_status: standard error of own_class_probability | Over held-out samples.
        decisions_status: outcome of class entropy and cloning probability
        """
    ),
)


def empirical_decisions(
    features: Any,
    labels: Any,
    tau: float | np.ndarray | list,
    held_out: float = 0.5,
    samples: int = SAMPLES,
    seed: int = 0,
) -> xr.Dataset:
    """Cloning probability and class entropy of labelled samples by the empirical score: no model of the data.

    Parameters
    ----------
    features, labels
        Samples (samples, features), in the units of the noise, and the label of each.
    tau
        Diffusion times, a number or a 1D array.
    held_out
        Share of each class, drawn by the ``seed``, that gets noise and is judged by the empirical score of the others.
    samples
        Greatest number of samples on either side; time and memory grow with its square.
    seed
        Of the choice and of the noise, which is the same at all times.

    Returns
    -------
    Dataset
        ``cloning_probability``, ``one_minus_cloning``, ``class_entropy`` and ``own_class_probability (tau)``, with
        standard errors over the held-out samples, and ``decisions_status``: ``singular`` with NaN at tau = 0;
        ``unresolved`` where distances of samples round to more than the noise. Entropies in nats.

    Raises
    ------
    ValueError
        Where features and labels do not fit, or a class has fewer than two samples.

    Notes
    -----
    Below the collapse (:func:`collapse`) the score follows single samples: there ``own_class_probability`` falls below
    ``cloning_probability``.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491. Guo, Shamai and Verdu 2005, I-MMSE relation.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> labels = np.arange(8000) % 2
    >>> x = (2.0 * labels - 1 + 0.3 * np.random.default_rng(0).standard_normal(8000))[:, None]
    >>> round(float(ss.empirical_decisions(x, labels, 0.455).cloning_probability), 2)  # of the density 0.775
    0.77
    """
    x, of = as_numbers("features", features), as_array("labels", labels)
    if x.ndim != 2 or of.shape != x.shape[:1]:
        raise ValueError(f"features and labels have shapes {x.shape}, {of.shape}; allowed: (samples, features), (samples,)")
    if not is_finite(held_out) or not 0 < held_out < 1:
        raise ValueError(f"held_out = {show(held_out)} is not allowed; allowed: a number between 0 and 1")
    number = whole("seed", seed, 0)
    names, member = np.unique(of.astype(str), return_inverse=True)
    held, training = _halves(member, names, float(held_out), whole("samples", samples, 2), number)
    arguments = {
        "training": (xr.DataArray(x[training], dims=("sample", "ambient")), ("sample", "ambient")),
        "classes": (xr.DataArray(member[training], dims="sample"), ("sample",)),
        "held": (xr.DataArray(x[held], dims=("held", "ambient")), ("held", "ambient")),
        "held_classes": (xr.DataArray(member[held], dims="held"), ("held",)),
        "tau": (times(np.atleast_1d(as_numbers("tau", tau))), ("tau",)),
    }
    found = apply(kernel.empirical_decisions, arguments, [shared.along(each, "tau") for each in EMPIRICAL], seed=number)
    found = found.assign_coords(tau=("tau", arguments["tau"][0].values, attributes("tau")))
    return found if np.ndim(tau) else found.isel(tau=0)


def _halves(member: np.ndarray, names: np.ndarray, share: float, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out samples and the others, at most so many of either, each class with its share."""
    order = np.argsort(normals(seed, np.arange(member.size), 1 << 30), kind="stable")
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for index, name in enumerate(names):
        own = order[member[order] == index]
        if own.size < 2:
            raise ValueError(f"labels: class {show(str(name))} has {own.size} sample; allowed: at least 2 of each class")
        count = min(max(1, round(share * own.size)), own.size - 1)
        for side, part in zip(sides, (own[:count], own[count:]), strict=True):
            side.append(part[: max(1, int(most * own.size / member.size))])
    return np.concatenate(sides[0]), np.concatenate(sides[1])
