"""Mixtures of many modes: the sign of their first correction, and each criterion against the density's own modes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.conventions import Variable, variables
from scoreshock.kernels.modes import mode_counts
from scoreshock.kernels.speciation import covariance_condition as condition
from scoreshock.quantities.corrections import COVARIANCE_COEFFICIENT
from scoreshock.quantities.labelled import (
    apply,
    isotropic_only,
    means_and_weights,
    mixture_arguments,
    number_of_components,
)
from scoreshock.quantities.modes import last_merging
from scoreshock.quantities.speciation import DEFAULT_CRITERIA, speciation

CONDITION = (
    COVARIANCE_COEFFICIENT,
    Variable(
        "perpendicular_covariance",
        "covariance of the means' squares across and along",
        description="Weighted; of the leading direction.",
    ),
    Variable("covariance_sign", "sign of the correction coefficient C, 0 within rounding", dtype=np.int8),
    Variable("collinear", "whether the means lie on a line: 1 yes, 0 no", dtype=np.int8),
    Variable(
        "equal_distances",
        "whether all means are equally far from their mean (1, 0)",
        description="Their weighted mean.",
        dtype=np.int8,
    ),
    Variable(
        "condition_holds",
        "whether the condition holds (1, 0)",
        description="The perpendicular covariance is not negative.",
        dtype=np.int8,
    ),
    Variable(
        "proposition_holds",
        "whether the proposition holds (1, 0; -1: says nothing)",
        description="C <= 0 where the condition holds; else it says nothing.",
        dtype=np.int8,
    ),
)
CRITERION = ("criterion",)
AGAINST = variables(
    """
    density_difference(criterion), density_difference_status: criterion minus the density's last change to one mode
        | Difference of diffusion times.
    density_difference_relative(criterion), density_difference_status: relative difference of the criterion from the density
        | Relative to the density's variance.
    density_difference_status(criterion): outcome of the difference of the criterion from the density
    modes_at(criterion) int32: number of modes at the criterion's time (-1: no time)
        | Of the density; no time is none above 0.
    """
)


def covariance_condition(mixture: xr.Dataset) -> xr.Dataset:
    """The sign of the correction coefficient C and the condition under which Proposition 9.8 says that it is not positive.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.

    Returns
    -------
    Dataset
        ``covariance_coefficient`` C = -Cov_w(D, y²), ``covariance_sign`` (-1, 0, 1; 0 within rounding);
        ``perpendicular_covariance``, ``Cov_w(|mu_perp|², y²)``, of the means' parts across and along the
        leading direction; ``collinear``, ``equal_distances``: 1 where the means lie on a line, or all at one distance from
        their mean; ``condition_holds``: 1 where the perpendicular covariance is not negative; ``proposition_holds``:
        1 where then C <= 0, 0 where it is positive all the same, -1 where nothing is said. All ``(...)``;
        covariances have the unit of the data to the fourth power.

    Raises
    ------
    ValueError
        For what is no mixture, or a mixture of one component.

    Notes
    -----
    ``C = -Var_w(y²) - Cov_w(|mu_perp|², y²)``: the condition suffices and is not necessary. Where the leading eigenvalue is
    degenerate, the direction is the one for which C is largest (and where C ties too, that of the line of `scores`).

    References
    ----------
    arXiv:2604.07404, Definition 9.6, Proposition 9.8.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import covariance_condition
    >>> line = ss.families.custom(means=[[-3.0], [0.0], [1.0]])
    >>> found = covariance_condition(line)
    >>> int(found.covariance_sign), int(found.collinear), int(found.proposition_holds)
    (-1, 1, 1)
    """
    number_of_components(mixture)
    return apply(condition.covariance_condition, means_and_weights(isotropic_only(mixture)), CONDITION)


def against_density(mixture: xr.Dataset, criteria: Sequence[str] = DEFAULT_CRITERIA) -> xr.Dataset:
    """Each criterion's time against the last change of the density to one mode.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    criteria
        Which criteria to compare, as for :func:`scoreshock.speciation`.

    Returns
    -------
    Dataset
        What :func:`last_merging` gives; ``tau_star(..., criterion)`` and ``status``; ``density_difference``, tau of
        the criterion minus that of the density, ``density_difference_relative`` to the density's ``v = sigma0² + 2
        tau``, and ``density_difference_status``: the first reason, of the criterion or of the density, for which
        there is none; ``modes_at(..., criterion)``, the number of modes that the density has at the criterion's time
        (-1: no time > 0). Times have the unit of the data squared.

    Raises
    ------
    ValueError
        For an unknown criterion, or a mixture of one component.

    References
    ----------
    arXiv:2604.07404, (77), (92)-(94). Robertson and Fryer 1969, modes of two normal components.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import against_density
    >>> found = against_density(ss.families.polygon(1.0, variance=0.0, vertices=3)).squeeze()
    >>> round(float(found.density_difference.sel(criterion="exact")), 5), int(found.modes_at.sel(criterion="exact"))
    (-0.02316, 4)
    """
    found = speciation(mixture, criteria=criteria)[["tau_star", "status"]]
    density = last_merging(mixture)
    arguments = mixture_arguments(mixture, tau=(found.tau_star, CRITERION), status=(found.status, CRITERION))
    arguments |= {"tau_density": density.tau_density, "density_status": density.density_status}
    compared = apply(mode_counts.against_density, arguments, AGAINST)
    result = found.merge(density, join="exact")
    return result.assign({name: array.transpose(*found.tau_star.dims) for name, array in compared.data_vars.items()})
