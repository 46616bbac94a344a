"""Whether the error of mode weights that a diagnosis predicts is the one that generated samples have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scoreshock.conventions import variables
from scoreshock.networks.symptoms import LABELS, trained

RESAMPLES, SEED = 2000, 0
"""Of the bootstrap of networks."""

ENDS = (0.025, 0.975)
"""Quantiles of the resampled correlations that are the ends of the interval."""

VARIABLES = variables(
    """
    predicted_mode_weight(point): predicted error of the weight of a component
        | First order in the score's error.
    mode_weight_change(point): error of the weight of a component in generated samples
        | Against samples of the exact score with the same random numbers.
    point_truth(point): data set of the network
    point_damage(point): what the network was trained wrongly on
    point_seed(point): seed of the network
    point_sampler(point): sampler that generated
    point_component(point): component whose weight it is
    correlation(truth, sampler): correlation of predicted and measured errors
        | Pearson's, over networks and components.
    correlation_low(truth, sampler): lower end of the interval of correlation | Bootstrap of networks, 95 %.
    correlation_high(truth, sampler): upper end of the interval of correlation | Bootstrap of networks, 95 %.
    slope(truth, sampler): slope of measured over predicted errors
        | Least squares through 0: 1 where the prediction is right on average.
    """
)

COMPARED = ("predicted_mode_weight", "mode_weight_change")
KEYS = ("truth", "damage", "seed", "sampler", "component")
AGREEMENT = ("correlation", "correlation_low", "correlation_high", "slope")


def weight_errors(diagnoses: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Predicted and measured errors of mode weights, a point for each network, sampler and component; and how they agree.

    ``diagnoses`` of networks by damage and seed are named by their truths.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*COMPARED, *KEYS)}
    agreed: list[list[tuple[float, ...]]] = []
    for truth, found in diagnoses.items():
        arrays = [trained(found)[name].transpose(*KEYS[1:]) for name in COMPARED]
        samplers, k = arrays[0].sampler.values.astype(str), arrays[0].sizes["component"]
        labels = [[truth], arrays[0].damage.values.astype(str), arrays[0].seed.values, samplers, np.arange(k)]
        every = [array.values for array in arrays] + [grid[0] for grid in np.meshgrid(*labels, indexing="ij")]
        for column, values in zip(columns.values(), every, strict=True):
            column.append(values.ravel())
        agreed.append(
            [_agreement(*(array.values[:, :, i].reshape(-1, k) for array in arrays)) for i in range(len(samplers))]
        )
    made = {name if name in COMPARED else f"point_{name}": np.concatenate(column) for name, column in columns.items()}
    made |= {name: np.array(agreed)[..., i] for i, name in enumerate(AGREEMENT)}
    axes = {"truth": ("truth", list(diagnoses), {"long_name": LABELS["truth"]}), "sampler": samplers}
    return xr.Dataset({v.name: (v.dims, made[v.name], v.attributes()) for v in VARIABLES}, axes)


def _agreement(predicted: np.ndarray, measured: np.ndarray) -> tuple[float, ...]:
    """Correlation, the ends of its interval, and slope, of errors (network, component).

    Both sum to 0 over the components, so that their means are 0.

    Examples
    --------
    >>> x = np.array([[0.1, -0.1], [0.3, -0.3], [-0.2, 0.2]])
    >>> [round(each, 12) for each in _agreement(x, 2 * x)]
    [1.0, 1.0, 1.0, 2.0]
    """
    sums = np.stack([(predicted**2).sum(axis=-1), (predicted * measured).sum(axis=-1), (measured**2).sum(axis=-1)])
    drawn = np.random.default_rng(SEED).integers(len(predicted), size=(RESAMPLES, len(predicted)))
    whole = sums.sum(axis=-1)
    low, high = np.quantile(_correlation(sums[:, drawn].sum(axis=-1)), ENDS)
    return float(_correlation(whole)), float(low), float(high), float(whole[1] / whole[0])


def _correlation(sums: np.ndarray) -> np.ndarray:
    """Of the sums (3, ...) of squares of one, of products, and of squares of the other; 0 where one is 0."""
    size = np.sqrt(sums[0] * sums[2])
    return np.where(size > 0, sums[1] / np.where(size > 0, size, 1.0), 0.0)
