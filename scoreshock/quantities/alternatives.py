"""Neighbouring criteria of speciation, labelled: cloning, stability of the reverse drift, entropy of the class."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show
from scoreshock.conventions import attributes, variables
from scoreshock.kernels.covariances.class_information import class_information
from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.speciation import alternatives as kernel
from scoreshock.options import TAU
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.criteria import STATUS, TAU_STAR
from scoreshock.quantities.declaration import on_a_line_or_pairs, quantity
from scoreshock.quantities.labelled import (
    apply,
    covariance_arguments,
    is_general,
    mixture_arguments,
    number_of_components,
    of_components,
)
from scoreshock.quantities.points import GridSpec, diffusion_times, times, with_times

CRITERIA = ("cloning", "drift", "entropic")

VARIABLES = CLONING_PROBABILITY, CLASS_ENTROPY, *_, ALTERNATIVES_STATUS = variables(
    """
    cloning_probability, alternatives_status: probability that two reverse paths from one noisy point end in the same
        class
        | Mean over noisy points of the sum of squared class probabilities. | Biroli, Bonnaire, de Bortoli, Mezard 2024,
        arXiv:2402.18491
    class_entropy, alternatives_status: entropy of the class given the noisy point, in nats
        | From that of the weights, at large tau, down to that which the data leave.
    entropy_rate, alternatives_status: rate of the class entropy per tau
        | Derivative of class_entropy in tau, never negative. | Guo, Shamai, Verdu 2005, I-MMSE relation
    entropy_log_rate, alternatives_status: rate of the class entropy per log-SNR -ln(2 tau)
        | -tau times entropy_rate; most negative at the criterion entropic. | Guo, Shamai, Verdu 2005, I-MMSE relation
    alternatives_status: outcome of cloning probability and class entropy
    """
)


@quantity(
    (*VARIABLES, shared.TAU, shared.TAU_STATUS),
    {"tau": TAU},
    name="alternatives",
    seconds=(1.5e-4, 1e-4),
    problems=on_a_line_or_pairs("alternatives"),
    covariances=(1e-2, 3e-2),
)
def _of_study(mixture: xr.Dataset, tau: GridSpec) -> xr.Dataset:
    """Cloning probability and class entropy at each diffusion time, with the entropy's rates."""
    moments = diffusion_times(mixture, tau)
    return with_times(alternatives(mixture, moments), moments, "alternatives_status")


def alternatives(mixture: xr.Dataset, tau: float | np.ndarray | list | xr.DataArray) -> xr.Dataset:
    """Cloning probability and class entropy at given diffusion times, with the entropy's rates.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.

    Returns
    -------
    Dataset
        ``cloning_probability`` (Biroli et al. 2024), ``class_entropy`` in nats, ``entropy_rate`` per tau,
        ``entropy_log_rate`` per log-SNR (negative: information is lost as the signal fades) and ``alternatives_status``:
        ``not_applicable`` for three or more components in several features, ``singular`` where v = 0. With covariances
        without the rates, and ``not_applicable`` where the responsibilities depend on more than two coordinates.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.alternatives import alternatives
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(alternatives(pair, 0.455).cloning_probability.squeeze()), 4)
    0.7752
    """
    number_of_components(mixture)
    if is_general(mixture):
        arguments = covariance_arguments(mixture, tau=times(tau), dimension=mixture.ambient_dimension)
        return apply(of_components(_of_covariances), arguments, (CLONING_PROBABILITY, CLASS_ENTROPY, ALTERNATIVES_STATUS))
    return apply(kernel.alternatives, mixture_arguments(mixture, tau=times(tau)), VARIABLES)


def _of_covariances(c: Components, tau: np.ndarray, dimension: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = class_information(c, tau, dimension)
    return found.cloning_probability, found.class_entropy, found.status


def alternative_times(mixture: xr.Dataset, level: float = kernel.LEVEL) -> xr.Dataset:
    """Diffusion times by neighbouring criteria: ``tau_star`` and ``status`` ``(..., criterion)``.

    ``cloning``: the cloning probability falls through ``level``, by default that of an equal pair at its speciation;
    ``drift``: the reverse drift of the VP process loses stability (Raya and Ambrogioni 2023; depends on the units of the
    data); ``entropic``: the entropy of the class changes fastest per log-SNR.

    Raises
    ------
    ValueError
        For a level not in (0, 1), or a mixture of one component.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.alternatives import alternative_times
    >>> alternative_times(ss.families.pair(separation=1.0, variance=0.0)).tau_star.squeeze().values.round(4).tolist()
    [0.5, 0.7071, 0.3315]
    """
    if as_real("level", level).ndim or not 0 < level < 1:
        raise ValueError(f"level = {show(level)} is not allowed; allowed: a number between 0 and 1")
    number_of_components(mixture)
    found = apply(
        kernel.alternative_times,
        mixture_arguments(mixture),
        (TAU_STAR, STATUS),
        sizes={"criterion": len(CRITERIA)},
        level=level,
    )
    return found.assign_coords(criterion=("criterion", list(CRITERIA), attributes("criterion")))
