"""The diagnosis of many networks as data: the quantity ``diagnosis`` of a study, of checkpoints, seeds and damages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.checks import show, whole
from scoreshock.conventions import Status, variables
from scoreshock.densities.component_covariances import PARTS
from scoreshock.densities.families.learned import networks
from scoreshock.diagnosis.boundary_slices import POINTS, places_of
from scoreshock.diagnosis.diagnose import DIAGNOSIS, OF_TEXT, coordinates, diagnosed, levels_of
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.steps import checked_share
from scoreshock.diagnosis.truth import NOISE, Truth, truth_of
from scoreshock.kernels.numerics.counter_rng import normal_rows
from scoreshock.networks.architecture import architecture_of, check_fit
from scoreshock.networks.perceptron import Architecture, score_of
from scoreshock.options import Grid, Number, Whole
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import Argument, apply

GAIN = variables(
    """
    training_gain(sigma), training_gain_status: gain of the denoiser on the training samples over the exact one
        | 1 - E|D(x + sigma z) - x|^2/E|D_exact(x + sigma z) - x|^2 over training samples x: 0 or less unless the network
        knows them, 1 if it returns them.
    training_gain_error(sigma), training_gain_status: standard error of training_gain | Over the training samples.
    training_gain_status: outcome of training_gain
    """
)

VARIABLES = (*DIAGNOSIS, *GAIN)
"""What is found of each network."""


class Asked(NamedTuple):
    """What is asked of each network: noise levels (S,), share of noise of the bound, number of samples, seed."""

    levels: np.ndarray
    eta: float
    draws: int
    seed: int


def sizes_of(levels: int, components: int) -> dict[str, int]:
    """Lengths of the dimensions of one diagnosis."""
    counts = {"sigma": levels, "component": components, "boundary_pair": places_of(components), "slice_point": POINTS}
    return counts | {name: len(values) for name, values in OF_TEXT.items()}


TOGETHER = 24
"""Most networks that are diagnosed together, which bounds the memory for their errors."""

REPEATS = 16
"""Draws of noise for each training sample."""

FURTHER = 2**20
"""Added to the index of a training sample, so that its noise is not that of the draws."""


def _unreadable(sweep: Any) -> Problems:
    """What makes the networks of a sweep's file no perceptrons that can be read."""
    try:
        _read(networks(file=sweep.parameters["file"]), f"file {sweep.parameters['file']}")
    except ValueError as error:
        yield ("parameters", "file"), str(error)


@quantity(
    VARIABLES,
    {
        "noise_levels": Grid(
            "noise levels at which networks are diagnosed; by default as many as diagnosis_levels", low=0.0, pointwise=False
        ),
        "diagnosis_levels": Whole("number of noise levels of the diagnosis, where these are not listed", low=2, high=1000),
        "diagnosis_samples": Whole("number of draws at each level, and of generated samples", low=20, high=10**7),
        "bound_noise_share": Number("share eta of noise for which the bound on KL holds", low=0.0, high=1.0),
        "diagnosis_seed": Whole("seed of the draws and of the noise of a diagnosis", 0),
    },
    density="networks",
    problems=_unreadable,
    seconds=(0.8, 0.02),
    covariances=(1.1, 0.12),
)
def diagnosis(
    learned: xr.Dataset,
    noise_levels: Any = None,
    diagnosis_levels: int = 8,
    diagnosis_samples: int = 500,
    bound_noise_share: float = 1.0,
    diagnosis_seed: int = 0,
) -> xr.Dataset:
    """Diagnosis of learned scores: what ``ss.diagnose`` finds of each network of a file, and what it learned by heart.

    Parameters
    ----------
    learned
        Of ``ss.families.networks``: a mixture, and networks with any further dimensions.
    noise_levels
        Rising noise levels, an array or the values of a study; by default ``diagnosis_levels`` of them.
    diagnosis_levels, diagnosis_samples, bound_noise_share, diagnosis_seed
        As ``sigma``, ``samples``, ``noise_share`` and ``seed`` of ``ss.diagnose``.

    Returns
    -------
    Dataset
        The variables of ``ss.diagnose`` with the dimensions of the networks before their own, and ``training_gain``.
    """
    parameters, architecture = _read(learned, "learned")
    truth = learned[[name for name in PARTS if name in learned]].compute()
    listed_levels = axes.values(noise_levels) if isinstance(noise_levels, Mapping) else noise_levels
    levels = levels_of(
        score_of(architecture, np.zeros(architecture.size)),
        truth_of(truth),
        whole("diagnosis_levels", diagnosis_levels, 2, 1000) if listed_levels is None else listed_levels,
    )
    arguments: dict[str, Argument] = {"parameters": (parameters, ("parameter",))}
    if "training_sample" in learned:
        arguments["samples"] = (learned.training_sample, ("sample", "feature"))
    found = apply(
        _diagnosed,
        arguments,
        VARIABLES,
        sizes_of(len(levels), truth.sizes["component"]),
        mixture=truth,
        architecture=architecture,
        asked=Asked(
            levels,
            checked_share(bound_noise_share),
            whole("diagnosis_samples", diagnosis_samples, 20),
            whole("diagnosis_seed", diagnosis_seed, 0),
        ),
    )
    found = found.assign_coords(coordinates(levels))
    return found.assign_coords(counted(found, "boundary_pair", "component"))


def _read(learned: Any, source: str) -> tuple[xr.DataArray, Architecture]:
    """The parameters of networks (..., parameter), and their architecture, which they fit; errors name their ``source``."""
    if not isinstance(learned, xr.Dataset) or "network_parameter" not in learned:
        raise ValueError(f"{source} = {show(learned)} has no network_parameter; allowed: of ss.families.networks")
    parameters = learned.network_parameter
    architecture = architecture_of(source, parameters.attrs, learned.sizes["feature"])
    check_fit(source, learned, parameters, architecture)
    return parameters, architecture


def _diagnosed(
    parameters: np.ndarray,
    samples: np.ndarray | None = None,
    *,
    mixture: xr.Dataset,
    architecture: Architecture,
    asked: Asked,
) -> dict[str, np.ndarray]:
    """Every variable of each network: ``parameters (..., P)``, ``samples (..., M, n)`` of its training."""
    lead = parameters.shape[:-1] if samples is None else np.broadcast_shapes(parameters.shape[:-1], samples.shape[:-2])
    rows = np.broadcast_to(parameters, (*lead, architecture.size)).reshape(-1, architecture.size)
    known: Any = [None] * len(rows)
    if samples is not None:
        known = np.broadcast_to(samples, (*lead, *samples.shape[-2:])).reshape(-1, *samples.shape[-2:])
    scores = [score_of(architecture, row) for row in rows]
    truth = truth_of(mixture)
    found = []
    for first in range(0, len(scores), TOGETHER):
        some = slice(first, first + TOGETHER)
        values, _ = diagnosed(scores[some], truth, *asked)
        gains = [_gain(score, truth, own, asked) for score, own in zip(scores[some], known[some], strict=True)]
        found += [one | gain for one, gain in zip(values, gains, strict=True)]
    sizes = sizes_of(len(asked.levels), mixture.sizes["component"])
    made = {}
    for variable in VARIABLES:
        shape = tuple(sizes[dim] for dim in variable.dims)
        made[variable.name] = np.array([np.broadcast_to(one[variable.name], shape) for one in found]).reshape(lead + shape)
    return made


def _gain(score: Score, truth: Truth, samples: np.ndarray | None, asked: Asked) -> dict[str, Any]:
    """Values of `GAIN`."""
    if samples is None:
        return dict(zip((each.name for each in GAIN), (np.nan, np.nan, Status.not_applicable), strict=True))
    clean = np.tile(samples, (REPEATS, 1))
    noise = normal_rows(5 * asked.seed + NOISE, np.arange(FURTHER, FURTHER + len(clean)), clean.shape[1])
    gains, errors = np.empty((2, len(asked.levels)))
    for row, sigma in enumerate(asked.levels.tolist()):
        noisy = clean + sigma * noise
        own, exact = (((denoise(noisy, sigma) - clean) ** 2).sum(axis=-1) for denoise in (score.denoise, truth.denoise))
        less = (exact - own).reshape(REPEATS, -1).mean(axis=0) / exact.mean()
        gains[row], errors[row] = less.mean(), less.std() / np.sqrt(len(samples))
    return {"training_gain": gains, "training_gain_error": errors, "training_gain_status": Status.ok}
