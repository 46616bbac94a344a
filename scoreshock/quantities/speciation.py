"""Speciation times of a mixture by every criterion, and these times in a schedule's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import variables
from scoreshock.kernels.covariances import class_information
from scoreshock.kernels.covariances import criteria as general
from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.covariances.exact import exact as general_exact
from scoreshock.kernels.covariances.merging import merging as general_merging
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.modes import modes
from scoreshock.kernels.speciation import alternatives, roots
from scoreshock.kernels.speciation import criteria as closed
from scoreshock.options import Names
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.criteria import (
    BIROLI,
    RAYA,
    STATUS,
    TAU_STAR,
    Outcome,
    chosen_criteria,
    outcomes,
    stacked,
    with_criteria,
)
from scoreshock.quantities.declaration import Criterion, criterion, names_of, quantity
from scoreshock.quantities.labelled import (
    apply,
    covariance_arguments,
    is_general,
    mixture_arguments,
    number_of_components,
    of_components,
    without_variance,
)
from scoreshock.schedules.inputs import Schedules, as_schedules


def _exact(exact: roots.ExactRoots) -> Outcome:
    return exact.tau_star, exact.status


def _merging(merging: modes.Merging) -> Outcome:
    return merging.tau_star, merging.status


criterion(
    "leading",
    "largest eigenvalue of the between-class covariance equals v = sigma0^2 + 2 tau (77)",
    by_default=True,
    covariances=general.leading,
)(closed.leading)
criterion("first", "leading with the first correction as a series (92)", by_default=True)(closed.first)
criterion("quadratic", "leading with the first correction as a root (93)", by_default=True)(closed.quadratic)
criterion(
    "exact",
    "largest eigenvalue of the score Jacobian at the weighted mean vanishes; largest of all roots (94)",
    by_default=True,
    covariances=_exact,
)(_exact)
criterion(
    "boundary",
    "the log density turns convex across the boundary (42)-(43); with covariances in some direction",
    by_default=True,
    covariances=general.boundary,
)(closed.boundary)
criterion("merging", "the density's own modes merge for the last time", by_default=True, covariances=general_merging)(
    _merging
)
criterion(
    "spectral",
    f"largest eigenvalue of the total covariance against 1, depends on units ({BIROLI})",
    by_default=True,
    covariances=general.spectral,
)(closed.spectral)
criterion(
    "boundary-normal",
    "the log density turns convex along the normal of the boundary (42)-(43); isotropic: boundary",
    covariances=general.boundary_normal,
)(closed.boundary)
criterion("drift", f"the drift of the variance-preserving reverse process loses stability ({RAYA})")(alternatives.drift)
criterion(
    "cloning",
    f"two reverse paths from one point end in one class with probability 0.775 ({BIROLI})",
    covariances=class_information.cloning,
)(alternatives.cloning)
criterion("entropic", "the class entropy changes fastest per log-SNR")(alternatives.entropic)

DEFAULT_CRITERIA = names_of("mixture", default=True)

VARIABLES = variables(
    """
    tau_star
    status
    cascade
    cascade_status
    tau_root(root), root_status: roots of the exact criterion, ascending
        | Where the largest eigenvalue of the posterior covariance of the means equals v. | (94)
    root_status(root): outcome of each root
    root_eigenmode(root) int16, root_status: eigenvalue whose branch the root is on (-1: none)
        | Its eigenvector of the between-class covariance is nearest to the root's direction. The root lies on the branch
        that begins at this eigenvalue; leading follows the branch of 0. | (94)
    n_roots int16: number of roots of the exact criterion
        | Above the data variance. Theorem 9.10 states that there is one; there may be none, two or more, the largest of
        which counts. | (94)
    root_truncated int8: whether more roots exist than the dimension root holds | 1 where roots are left out, else 0.
    tau_event
    event_status
    x_event(event), event_status: position at which modes merge
        | Of two components in several features from their midpoint to the second mean. Position along the feature, or along
        the line of both means, where the gradient and its slope vanish. |
        Robertson, Fryer 1969, modes of two normal components
    modes_before(event) int16, event_status: number of modes just below the event's tau
        | On the side of data; in one feature at least modes_after.
    modes_after(event) int16, event_status: number of modes just above the event's tau | On the side of noise.
    n_events int16: number of merging events | Changes of the number of modes above tau = 0.
    eigenvalue(eigenmode): eigenvalue of the between-class covariance
        | Of the covariance of the means under their weights, largest first. | (15)
    """,
    TAU_STAR,
    STATUS,
    *shared.TIMES,
)


@quantity(
    VARIABLES,
    {"criteria": Names("criteria of speciation, listed below", DEFAULT_CRITERIA, known=names_of("mixture"))},
    seconds=(4e-6, 3e-6),
    covariances=(2e-3, 1e-4),
)
def speciation(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    criteria: Sequence[str] = DEFAULT_CRITERIA,
) -> xr.Dataset:
    """Speciation times of ``mixture`` by each criterion, with their statuses, all roots and all merging events.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    schedules
        Noise schedules by label, or a name, a schedule, parameters with ``kind``, or a list of these, which their kinds
        label; with them each ``tau_star`` is also given in each schedule's clock.
    criteria
        Which criteria to report: by default ``leading, first, quadratic, exact, boundary, merging, spectral``; further
        ``boundary-normal, drift, cloning, entropic`` (of these the last two cost about a millisecond a point).

    Returns
    -------
    Dataset
        ``tau_star(..., criterion)`` and ``status(..., criterion)``; ``n_roots``, ``tau_root(..., root)`` ascending
        with ``root_eigenmode``; ``cascade(..., eigenmode)``; ``tau_event(..., event)`` ascending with
        ``modes_before`` and ``modes_after``; with schedules ``time, time_status, sigma, noise, alpha_bar, log_snr,
        sampling_step (..., criterion, schedule)``. NaN stands only beside a status that is not ``ok``. Times have
        the unit of the data squared.

    Raises
    ------
    ValueError
        For an unknown criterion or a mixture of one component.

    Notes
    -----
    ``exact`` is the largest root of ``lambda_max(Gamma(v)) = v`` at the weighted mean (94); that root need not be unique
    (Theorem 9.10 says it is), and need not lie on the branch of ``leading`` (77), ``first`` (92) and ``quadratic`` (93).
    ``boundary`` is (42)-(43) for a pair, ``merging`` the density's own last merging of modes. ``spectral`` takes the largest
    eigenvalue of the total covariance: of a mixture from data the data's own, ``total_eigenvalue``.

    With covariances: ``leading`` is the largest eigenvalue of Sigma_B - S over 2, of a shared S; ``boundary`` is where the
    largest eigenvalue of the score Jacobian vanishes on the boundary of a pair, at its densest point, ``boundary-normal``
    where the second derivative along its normal does, at a smaller time. ``first, quadratic, drift, entropic`` are
    ``not_applicable``, and so is what depends on the structure (``leading`` with own covariances); ``cascade``, events and
    ``root_eigenmode`` are left out.

    References
    ----------
    arXiv:2604.07404, (42)-(43), (77), (92)-(94), Theorem 9.10. Robertson and Fryer 1969, modes of two normal
    components. Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.speciation(pair).tau_star.sel(criterion="exact")), 12)
    0.455
    """
    chosen, clocks = chosen_criteria(criteria, "mixture"), as_schedules(schedules)
    k = number_of_components(mixture)
    if is_general(mixture):
        times = _of_covariances(mixture, k, chosen)
        return with_criteria(times, chosen, clocks, **counted(times, "eigenmode", "root"))
    rank = max(1, min(k - 1, mixture.sizes["feature"]))
    arguments = mixture_arguments(mixture)
    if "total_eigenvalue" in mixture:
        arguments["total_eigenvalue"] = mixture.total_eigenvalue
    sizes = {"criterion": len(chosen), "eigenmode": rank, "root": 2 * k - 1, "event": k - 1}
    times = apply(_times, arguments, VARIABLES, sizes, criteria=chosen)
    times["eigenvalue"] = without_variance(mixture, times.eigenvalue)
    return with_criteria(times, chosen, clocks, **counted(times, "eigenmode", "root", "event"))


def _times(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    total_eigenvalue: np.ndarray | None = None,
    *,
    criteria: Sequence[Criterion],
) -> Mapping[str, Any]:
    """All variables at each point: the criteria, and the roots and events that they share."""
    shape = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], variance.shape)
    spectrum = geometry.decompose(means, weights)
    exact = roots.exact(means, weights, variance)
    merging = modes.merging(means, weights, variance)
    inputs: dict[str, Any] = {"means": means, "weights": weights, "variance": variance, "total_eigenvalue": total_eigenvalue}
    inputs |= {"spectrum": spectrum, "exact": exact, "merging": merging}
    cascade, cascade_status = closed.cascade(spectrum, variance)
    own = outcomes(criteria, inputs, shape) | {"cascade": cascade, "cascade_status": cascade_status}
    return exact._asdict() | merging._asdict() | own | {"eigenvalue": spectrum.eigenvalues}


def _of_covariances(mixture: xr.Dataset, k: int, criteria: Sequence[Criterion]) -> xr.Dataset:
    """The variables that components with covariances have."""
    arguments = covariance_arguments(mixture, dimension=mixture.ambient_dimension)
    if "total_eigenvalue" in mixture:
        arguments["total_eigenvalue"] = mixture.total_eigenvalue
    named = {variable.name: variable for variable in VARIABLES}
    own = [named[name] for name in ("tau_star", "status", *EXACT_ROOTS, "eigenvalue")]
    sizes = {"criterion": len(criteria), "root": 2 * k + 3, "eigenmode": max(1, min(k - 1, mixture.sizes["feature"]))}
    return apply(of_components(_general_times), arguments, own, sizes, criteria=criteria)


EXACT_ROOTS = ("tau_root", "root_status", "n_roots", "root_truncated")


def _general_times(
    c: Components, dimension: np.ndarray, total_eigenvalue: np.ndarray | None = None, *, criteria: Sequence[Criterion]
) -> Mapping[str, Any]:
    shape = np.broadcast_shapes(c.lead, dimension.shape)
    exact = general_exact(c, dimension, places=2 * c.means.shape[-2] + 3)
    known = {"c": c, "dimension": dimension, "total_eigenvalue": total_eigenvalue, "exact": exact}
    tau, status = zip(*(each.of_covariances(**known) for each in criteria), strict=True)
    found = {"tau_star": stacked(tau, shape), "status": stacked(status, shape)}
    return exact._asdict() | found | {"eigenvalue": geometry.decompose(c.means, c.weights).eigenvalues}
