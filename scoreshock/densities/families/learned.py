"""The family of networks: learned scores, as their weights, beside the mixture that is their truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from scoreshock.conventions import ListedAxis, attributes
from scoreshock.densities.families.means import covariance_of, selected
from scoreshock.densities.families.registry import family
from scoreshock.densities.mixture_files import NETWORKS, network_axes, read_means, read_networks
from scoreshock.densities.mixtures import mixture


def axes_of_networks(parameters: Mapping[str, Any]) -> Mapping[str, ListedAxis]:
    """Axes of the file that parameters name."""
    return {} if parameters.get("file") is None else network_axes(parameters["file"])


@family(density="networks", axes_of=axes_of_networks)
def networks(file: str | None = None, select: Mapping[str, Any] | None = None) -> xr.Dataset:
    """Learned scores of a file of networks, beside the mixture that they are held to.

    Parameters
    ----------
    file : str
        NetCDF file of one mixture, as :func:`custom` takes it, with ``network_parameter (..., parameter)``: all weights and
        biases of a multilayer perceptron, layer after layer, whose form the global attributes ``network_hidden``,
        ``network_layers`` and so on state. Its further dimensions, such as ``training_step``, ``checkpoint``, ``seed`` and
        ``damage``, are axes of a sweep. ``training_sample (..., sample, feature)``, if it is there, are samples that a
        network may have learned by heart.
    select : mapping of name to values, optional
        Values of these dimensions; all by default. Words, such as those of ``damage``, are numbered from 0 on; the attribute
        ``flag_meanings`` has them.

    Returns
    -------
    xarray.Dataset
        The mixture in the coordinates of the file, as :func:`scoreshock.mixture`, and the networks: what the quantity
        ``diagnosis`` takes.

    Raises
    ------
    ValueError
        For a file without networks, or of more than one mixture.

    Examples
    --------
    >>> import tempfile, numpy as np, scoreshock as ss
    >>> pair = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], variance=0.25)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pair["network_parameter"] = (("seed", "parameter"), np.zeros((3, 8), np.float32))
    ...     pair.assign_coords(seed=[0, 1, 2]).to_netcdf(f"{folder}/networks.nc", engine="netcdf4")
    ...     dict(ss.families.networks(f"{folder}/networks.nc", select={"seed": [0, 2]}).network_parameter.sizes)
    {'seed': 2, 'parameter': 8}
    """
    if file is None:
        raise ValueError("networks needs file, which is missing; allowed: a file of networks")
    learned = selected(read_networks(file), select)
    held = read_means(file, beside=NETWORKS)
    truth = mixture(held["means"], held.get("weights"), held.get("variance"), held.get("dimension"), covariance_of(held))
    for name, array in learned.items():
        truth[name] = array.assign_attrs(attributes(name) | array.attrs)
    return truth.set_coords([name for name in ("label",) if name in truth])
