"""The isotropic theory beside covariances: the error of its score, the noise from which it may be used, and its times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import Status, Variable, attributes, attributes_among, variables
from scoreshock.densities.component_covariances import mean_variance, structure
from scoreshock.densities.mixtures import isotropic
from scoreshock.kernels.covariances import isotropy as kernel
from scoreshock.options import SEED, Grid, Number, Whole
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import (
    Arguments,
    apply,
    checked_mixture,
    covariance_arguments,
    number_of_components,
    of_components,
)
from scoreshock.quantities.points import GridSpec, axis, labelled_numbers
from scoreshock.quantities.speciation import speciation

TAU_RELATIVE = Grid(
    "diffusion times in units of the mean component variance",
    {"start": 0.1, "stop": 100.0, "num": 13, "scale": "log"},
    low=0.0,
)
THRESHOLD = Number("relative error of the isotropic score up to which it may be used", 0.05, low=0.0)
POINTS = Whole("points at which scores are compared, drawn from the density", 2000, low=100, high=10**7)

STRUCTURES = ("isotropic", "shared", "own")
"""Structures of covariances: one variance, one matrix, and those of the mixture."""

VARIABLES = variables(
    """
    isotropic_error(tau_relative), isotropic_error_status: relative root mean square error of the isotropic score
        | Root of E|s_iso - s|^2 over E|s|^2 under the density with covariances, in all dimensions.
    isotropic_error_uncertainty(tau_relative), isotropic_error_status: standard error of isotropic_error
        | From the scatter of the draws.
    isotropic_error_status(tau_relative): outcome of the error of the isotropic score
    """
)
TAU_AT = replace(shared.TAU, dims=("tau_relative",), status="")

VARIABLES_AT = tuple(replace(each, dims=()) for each in (*VARIABLES, TAU_AT))
"""The same, at one time."""

FROM = variables(
    """
    tau_isotropic, tau_isotropic_status: diffusion time from which the isotropic score may be used
        | Last crossing of the error through the threshold between the values of tau_relative, by interpolation of both
        logarithms; the smallest tau where all errors are below.
    tau_isotropic_status: outcome of tau_isotropic
    """
)
EXACT = variables(
    """
    tau_exact(structure), exact_status: exact speciation time by structure of the covariances
        | Largest tau at which the largest eigenvalue of the score Jacobian at the weighted mean vanishes. | (94)
    exact_status(structure): outcome of each exact time
    """
)


@quantity(
    (*VARIABLES, TAU_AT, *FROM, *EXACT),
    {"tau_relative": TAU_RELATIVE, "threshold": THRESHOLD, "points": POINTS, "seed": SEED},
    name="isotropy",
    seconds=(3e-3, 5e-5),
    covariances=(3e-3, 5e-5),
)
def _of_study(
    mixture: xr.Dataset, tau_relative: GridSpec, threshold: float = 0.05, points: int = 2000, seed: int = 0
) -> xr.Dataset:
    """Error of the isotropic score against that with covariances, and exact speciation times of both."""
    return isotropy(mixture, axis(tau_relative, "tau_relative"), threshold, points, seed)


def isotropy(
    mixture: xr.Dataset,
    tau_relative: Any = None,
    threshold: float = 0.05,
    points: int = 2000,
    seed: int = 0,
) -> xr.Dataset:
    r"""How far the isotropic mixture of the same means and weights is from a mixture with covariances.

    .. math:: \epsilon(\tau) = \sqrt{\frac{E|s_{iso}(x, \tau) - s(x, \tau)|^2}{E|s(x, \tau)|^2}}, \qquad x \sim p_\tau,
              \qquad \sigma_0^2 = \sum_k w_k \operatorname{tr} S_k / d

    Parameters
    ----------
    mixture
        A mixture of at least two components, with covariances (of an isotropic one the error is 0).
    tau_relative : list of numbers >= 0, optional
        Diffusion times in units of :math:`\sigma_0^2`; by default 13 values from 0.1 to 100.
    threshold : number
        Relative error up to which the isotropic score may be used; 5 % by default, which is ours.
    points, seed : int
        Points at which scores are compared, and seed of the draws.

    Returns
    -------
    Dataset
        ``isotropic_error (..., tau_relative)``, its standard error ``isotropic_error_uncertainty`` and diffusion
        times ``tau``; ``tau_isotropic``, from which the error is within the threshold (``no_real_root`` where it is
        not at the largest time); ``tau_exact (..., structure)``, the exact speciation time by the isotropic
        variance, by the covariance that is the mean of all, and by the mixture's own; each with its status. Errors
        are dimensionless.

    Raises
    ------
    ValueError
        For anything that is not allowed.

    References
    ----------
    arXiv:2604.07404, (13), (29), (94).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> digits = ss.families.data(source="digits", scaling="unit-range", covariance="full")
    >>> found = ss.isotropy(digits, [0.1, 1.0, 10.0])
    >>> found.isotropic_error.values.round(2).tolist(), found.tau_exact.values.round(3).tolist()
    ([0.84, 0.45, 0.08], [0.161, 0.114, 0.158])
    """
    number_of_components(mixture)
    scaled = axis(TAU_RELATIVE.default, "tau_relative") if tau_relative is None else _ascending(tau_relative)
    limit = THRESHOLD.check(threshold)
    spread = mean_variance(checked_mixture(mixture))
    tau = spread * scaled
    arguments = covariance_arguments(
        mixture, tau=tau, mean_variance=spread, dimension=mixture.ambient_dimension
    )  # fmt: skip
    found = apply(
        of_components(kernel.score_error), arguments, VARIABLES_AT, samples=POINTS.check(points), seed=SEED.check(seed)
    )
    found = found.transpose(..., "tau_relative")
    along = ("tau_relative",)
    line: Arguments = {"tau": (found.tau, along), "error": (found.isotropic_error, along)}
    begin = apply(_from, line, FROM, threshold=limit)
    return xr.merge([found, begin, _exact_times(mixture)], join="exact", compat="override")


def _ascending(tau_relative: Any) -> xr.DataArray:
    values = labelled_numbers("tau_relative", tau_relative, infinite=True)
    if values.dims != ("tau_relative",) or (np.diff(values) <= 0).any() or not (values >= 0).all():
        raise ValueError(f"tau_relative = {show(tau_relative)} is not allowed; allowed: a list of numbers >= 0, ascending")
    return values


def _from(tau: np.ndarray, error: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Time (...) of the last crossing of errors (..., m) at times (..., m) through the threshold, and its status."""
    tau, error = np.broadcast_arrays(tau, error)
    above = ~(error <= threshold)
    m = tau.shape[-1]
    last = m - 1 - np.argmax(above[..., ::-1], axis=-1)
    place = np.minimum(last, m - 2)[..., None] if m > 1 else np.zeros((*last.shape, 1), dtype=int)
    after = np.minimum(place + 1, m - 1)
    t, t_after, e, e_after = (
        np.log(np.take_along_axis(a, at, axis=-1)[..., 0]) for a in (tau, error) for at in (place, after)
    )
    crossing = np.exp(t + (t_after - t) * (np.log(threshold) - e) / (e_after - e))
    crossing = np.where(np.isfinite(crossing), crossing, np.exp(t_after))  # beside tau = 0 or an error of 0
    found = np.where(above.any(axis=-1), crossing, tau[..., 0])
    status = np.where(above[..., -1], Status.no_real_root, Status.ok)
    return np.where(status == Status.ok, found, np.nan), status.astype(np.int8)


def _exact_times(mixture: xr.Dataset) -> xr.Dataset:
    """Exact times with each structure of the covariances, (..., structure)."""
    each = [speciation(kind, criteria=["exact"]) for kind in (isotropic(mixture), _pooled(mixture), mixture)]
    named = {"tau_star": EXACT[0], "status": EXACT[1]}
    times = {
        variable.name: xr.concat([one[name].isel(criterion=0, drop=True) for one in each], "structure")
        .transpose(..., "structure")
        .assign_attrs(attributes_among(variable, EXACT))
        for name, variable in named.items()
    }
    labels = ("structure", list(STRUCTURES), attributes("structure"))
    return xr.Dataset(times).assign_coords(structure=labels)


POOLED = {
    "component_variance": Variable("pooled_variance", "mean variance in all other directions"),
    "covariance_eigenvalue": Variable("pooled_eigenvalue", "variances of the mean covariance", ("pooled",)),
    "covariance_direction": Variable("pooled_direction", "directions of the mean covariance", ("pooled", "feature")),
}
"""Variables of the mean covariance, by those of a mixture."""


def _pooled(mixture: xr.Dataset) -> xr.Dataset:
    """The mixture whose components all have the mean of its covariances, under its weights."""
    if structure(mixture) != "own":
        return mixture
    outputs = {name: variable for name, variable in POOLED.items() if name in mixture}
    n = mixture.sizes["feature"]
    found = apply(of_components(kernel.pooled), covariance_arguments(mixture), list(outputs.values()), sizes={"pooled": n})
    found = found.rename_dims(pooled="direction") if "pooled" in found.dims else found
    rest = mixture.drop_dims("direction", errors="ignore").drop_vars(outputs, errors="ignore")
    return rest.assign({name: found[variable.name] for name, variable in outputs.items()})
