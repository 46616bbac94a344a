"""Files of networks: the exact truth, a mixture, and beside it the parameters of perceptrons trained on it.

A file of networks is NetCDF: the variables of one mixture, and ``network_parameter (..., parameter)`` with all weights and
biases of each network, layer after layer, weights (in, out) row by row before biases. Its other dimensions are axes with
coordinates: numbers such as ``training_step``, ``checkpoint`` and ``seed``, or the names of ``damage``. Attributes
``network_...`` say the architecture. Optional is ``training_sample (..., sample, feature)``: samples that networks may have
learned by heart.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.checks import listed, show, suggestion
from scoreshock.conventions import words_of
from scoreshock.densities.component_covariances import PARTS
from scoreshock.densities.families.learned import networks
from scoreshock.densities.sources import existing_netcdf
from scoreshock.diagnosis.scores import Score
from scoreshock.networks.architecture import NUMBERS, WORDS, architecture_of, check_fit
from scoreshock.networks.perceptron import Architecture, score_of
from scoreshock.storage import store

PARAMETER, SAMPLE = "network_parameter", "training_sample"
DESCRIBED = {
    PARAMETER: "weights and biases of the perceptron, layer after layer",
    "parameter": "index of the weight or bias",
    "training_step": "number of steps of the training",
    "checkpoint": "index of the checkpoint of the training",
    "seed": "seed of the training",
    "damage": "what the network was trained wrongly on",
}
"""Long names of what a file of networks has beside a mixture."""


class Networks(NamedTuple):
    """The truth, one mixture; parameters (..., parameter) of networks, labelled; and what all of them are like."""

    mixture: xr.Dataset
    parameters: xr.DataArray
    architecture: Architecture

    def score(self, **selection: Any) -> Score:
        """The score of one network in double precision, by its labels."""
        return score_of(self.architecture, _one_of(self.parameters, selection).values.astype(float))


def write(
    path: str | Path,
    truth: xr.Dataset,
    parameters: xr.DataArray,
    architecture: Architecture,
    attributes: Mapping[str, Any] | None = None,
    samples: xr.DataArray | None = None,
) -> None:
    """Write a file of networks, atomically, with global ``attributes`` beside those of the architecture.

    ``samples (..., sample, feature)`` are those that networks, of the same labels, may have learned by heart.

    Raises
    ------
    ValueError
        Where the parameters do not fit the architecture, the architecture not the mixture, or an axis has no labels.
    """
    check_fit(str(path), truth, parameters, architecture)
    held = xr.Dataset({name: truth[name] for name in PARTS if name in truth}, truth.coords)
    held[PARAMETER] = parameters.astype(np.float32)
    if samples is not None:
        held[SAMPLE] = samples
    for name, text in DESCRIBED.items():
        if name in held.variables:
            held[name].attrs = {"long_name": text} | ({} if held[name].dtype.kind in "OSU" else {"units": "1"})
    least, most = architecture.sigma_range
    about = {f"network_{name}": kind(getattr(architecture, name)) for name, kind in NUMBERS.items()}
    about |= {"network_sigma_min": float(least), "network_sigma_max": float(most)}
    store.write(held, path, {**(attributes or {}), **about, **WORDS})


def read(path: str | Path) -> Networks:
    """The truth, the parameters and the architecture of a file of networks.

    Raises
    ------
    ValueError
        Where something is missing, does not fit or would be ignored; the message names it.
    """
    held = networks(file=str(existing_netcdf(path)))
    parameters = held[PARAMETER].transpose(..., "parameter")
    architecture = architecture_of(f"file {path}", parameters.attrs, held.sizes["feature"])
    check_fit(str(path), held, parameters, architecture)
    labels = {name: worded(parameters[name]) for name in parameters.dims[:-1]}
    truth = held.drop_dims([str(dim) for dim in (*parameters.dims, "sample") if dim in held.dims])
    return Networks(truth, parameters.assign_coords(labels), architecture)


def worded(coordinate: xr.DataArray) -> xr.DataArray:
    """A coordinate with the words that its numbers stand for, if they do."""
    words = words_of(coordinate.values, coordinate.attrs)
    told = {name: text for name, text in coordinate.attrs.items() if words.dtype.kind != "U" or name == "long_name"}
    return xr.DataArray(words, dims=coordinate.dims, attrs=told)


def network_score(file: str | Path, **selection: Any) -> Score:
    """The score of one network of a file of networks, as ``snakemake networks`` trains them; it takes no PyTorch.

    Parameters
    ----------
    file
        NetCDF file of networks.
    selection
        Label of the network along each axis of the file that has more than one, such as ``damage="none", seed=0``.

    Returns
    -------
    Score
        Of :func:`learned_score`: ``score(x, tau)`` of shape (N, d) in inverse units of the data, float64, with the exact
        Jacobian; its range of noise levels is that of the training.

    Raises
    ------
    ValueError
        Where the file is no such file, or the selection is not of exactly one network.

    References
    ----------
    Karras et al. 2022, arXiv:2206.00364, table 1.

    Examples
    --------
    >>> import tempfile, numpy as np, xarray as xr, scoreshock as ss
    >>> from scoreshock.networks.files import write
    >>> from scoreshock.networks.perceptron import Architecture
    >>> shape = Architecture(features=1, hidden=4, layers=1, sigma_data=1.0)
    >>> zeros = xr.DataArray(np.zeros((2, shape.size)), {"seed": [0, 1]}, ("seed", "parameter"))
    >>> file = tempfile.mkdtemp() + "/untrained.nc"
    >>> write(file, ss.mixture([-1.0, 1.0]), zeros, shape)
    >>> ss.network_score(file, seed=1)(np.array([[2.0]]), 0.5).round(12).tolist()  # -x/(sigma^2 + sigma_data^2)
    [[-1.0]]
    """
    return read(file).score(**selection)


def _one_of(parameters: xr.DataArray, selection: Mapping[str, Any]) -> xr.DataArray:
    """The parameters (parameter) of one network."""
    for name, label in selection.items():
        if name not in parameters.dims or name == "parameter":
            axes = [str(dim) for dim in parameters.dims[:-1]]
            raise ValueError(f"{name} is no axis of the networks{suggestion(name, axes)}; allowed: {listed(axes)}")
        labels = parameters[name].values
        match = np.flatnonzero(labels == label) if np.ndim(label) == 0 else np.zeros(0, int)
        if len(match) != 1:
            raise ValueError(f"{name} = {show(label)} is not in the file; allowed: {listed(labels.tolist())}")
        parameters = parameters.isel({name: int(match[0])})
    if several := [str(dim) for dim in parameters.dims[:-1] if parameters.sizes[dim] > 1]:
        raise ValueError(f"the selection leaves more than one network, along {listed(several)}; allowed: a label of each")
    return parameters.squeeze(drop=True) if parameters.ndim > 1 else parameters
