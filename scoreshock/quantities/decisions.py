"""When classes are decided: class entropy and its rate, decision windows, pairs of classes, and in which order they part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show, switch
from scoreshock.conventions import Status, attributes, variables
from scoreshock.kernels.gaussian.mixture import denoiser_covariance
from scoreshock.kernels.information import decisions as kernel
from scoreshock.kernels.information.classes import Method, paired, paired_along, pairs_of
from scoreshock.kernels.information.covariances import Along
from scoreshock.kernels.information.partings import partings
from scoreshock.options import SEED, TAU, Number, is_finite
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.class_map import (
    CLASSES,
    DRAWS,
    ClassMap,
    class_arguments,
    class_map,
    method_of,
    of_classes,
    unfit_classes,
)
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import apply, isotropic_only, mixture_arguments
from scoreshock.quantities.points import GridSpec, Numbers, Points, diffusion_times, positions, times, with_times
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules, as_schedules

MOST_CLASSES = 64
"""Largest number of classes of which pairs are computed: 2,016 pairs."""

SHARE = 0.05
"""Our default of the share of the class entropy that remains where classes count as decided."""

DECIDED = Number("share of the class entropy that remains where classes count as decided", SHARE, low=1e-6, high=0.4)

DECISIONS = variables(
    """
    cloning_probability, decisions_status: cloning probability
        | That two reverse paths from one noisy point end in the same class. Mean over noisy points of the sum of squared
        class probabilities. | Biroli, Bonnaire, de Bortoli, Mezard 2024,
        arXiv:2402.18491
    one_minus_cloning, decisions_status: one minus the cloning probability
        | With its digits where classes hardly overlap. | Biroli, Bonnaire, de Bortoli, Mezard 2024, arXiv:2402.18491
    one_minus_cloning_error, decisions_status: estimate of the error of one_minus_cloning
        | Of quadrature, or the standard error of Monte Carlo.
    class_entropy, decisions_status: entropy of the class given the noisy point, in nats
        | From that of the weights, at large tau, down to that which the data leave.
    class_entropy_error, decisions_status: estimate of the error of class_entropy
        | Of quadrature, or the standard error of Monte Carlo.
    class_information_density, decisions_status: rate at which information on the class is gained
        | Per gamma, which is 1/(2 tau). Minus the derivative of class_entropy in gamma; half of mmse less mmse_of_class. |
        Guo, Shamai, Verdu 2005, I-MMSE
        relation
    class_information_density_error, decisions_status: estimate of the error of class_information_density
        | Of quadrature, or the standard error of Monte Carlo.
    mmse, decisions_status: mean squared error of the denoiser
        | Mean squared distance of data from their posterior mean, over all dimensions of the data.
    mmse_of_class, decisions_status: mean squared error of the denoiser that knows the class
        | Mean squared distance of data from their posterior mean given the class too.
    mmse_error, decisions_status: estimate of the error of mmse | Of quadrature, or the standard error of Monte Carlo.
    decisions_status: outcome of the decisions
        | Of class entropy, cloning probability and mean squared errors.
    """
)
WINDOW = variables(
    """
    tau_decision(remaining), decision_status: diffusion time at this share of the class entropy
        | At which it remains. Between the least and the greatest share classes are being decided.
    sigma_decision(remaining), decision_status: noise level at which this share of the class entropy remains
        | sqrt(2 tau); the entropy rises with it.
    sigma_decision_error(remaining), decision_status: estimate of the error of sigma_decision
        | Of quadrature, or the standard error of Monte Carlo.
    decision_status(remaining): outcome of the decision
    """
)
PAIRS = variables(
    """
    tau_pair(pair, remaining), pair_status: diffusion time at this share of a pair's class entropy
        | At which it remains. Of the mixture of these two classes alone.
    sigma_pair(pair, remaining), pair_status: noise level at this share of a pair's class entropy
        | At which it remains. Of the mixture of these two classes alone.
    sigma_pair_error(pair, remaining), pair_status: estimate of the error of sigma_pair
        | Of quadrature, or the standard error of Monte Carlo.
    pair_status(pair, remaining): outcome of the decision between two classes
    tau_parting(parting), parting_status: diffusion time at which a set of classes parts in two
        | Where half of the class entropy of the last pair between the two remains.
    sigma_parting(parting), parting_status: noise level at which a set of classes parts in two
        | Two classes are together where undecided pairs connect them: single linkage of sigma_pair at half the entropy.
    parting_pair(parting) int16, parting_status: index of the pair that decides the parting (-1: none)
        | The last undecided one between both sides.
    parting_first(parting) int16, parting_status: first class on one side of the parting (-1: none)
        | In the order of class_first; less than parting_second.
    parting_second(parting) int16, parting_status: first class on the other side of the parting (-1: none)
        | In the order of class_second.
    parting_status(parting): outcome of the parting
    """
)
CAUSTIC, CAUSTIC_STATUS = variables(
    """
    caustic_norm, caustic_status: Frobenius norm of the denoiser's Jacobian
        | Norm of Cov(x0 given x)/(2 tau) in all dimensions d of the data: large where trajectories part, about sqrt(d) at
        small tau elsewhere.
    caustic_status: outcome of the denoiser's Jacobian
    """
)


def _few_classes(sweep: Any) -> Problems:
    given = sweep.options["classes"]
    if wrong := unfit_classes(sweep):
        yield ("classes",), wrong
    elif not 2 <= (count := len(set(given)) if given else sweep.components) <= MOST_CLASSES:
        keys = ("classes",) if given else ("quantities", sweep.quantities.index("decisions"))
        yield keys, f"'decisions' compares 2 to {MOST_CLASSES} classes; here are {count}"


@quantity(
    (*DECISIONS, *WINDOW, *PAIRS, shared.TAU, shared.TAU_STATUS),
    {
        "tau": TAU,
        "classes": CLASSES,
        "decided": DECIDED,
        "draws": DRAWS,
        "seed": SEED,
    },
    name="decisions",
    seconds=(1e-3, 8e-3),
    problems=_few_classes,
    covariances=(0.1, 0.05),
)
def _of_study(
    mixture: xr.Dataset,
    tau: GridSpec,
    schedules: Schedules = None,
    classes: list[int] | None = None,
    decided: float = SHARE,
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    """Class entropy and its rate at each diffusion time; when classes are decided, in pairs and in which order."""
    moments = diffusion_times(mixture, tau)
    along = with_times(class_decisions(mixture, moments, classes, draws=draws, seed=seed), moments, "decisions_status")
    windows = decision_windows(mixture, schedules, decided, classes, draws=draws, seed=seed)
    return xr.merge([along, windows], join="exact", compat="no_conflicts")


def class_decisions(
    mixture: xr.Dataset,
    tau: Numbers,
    classes: Any = None,
    pairs: bool = False,
    method: str = "auto",
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    r"""What a noisy point says of its class: cloning probability, class entropy, its rate, and mean squared errors.

    .. math:: D_Z = -\frac{dH(Z|x)}{d\gamma} = \tfrac12(\mathrm{mmse} - \mathrm{mmse}_Z), \qquad \gamma = \frac1{2\tau}

    Parameters
    ----------
    mixture
        A mixture, of isotropic components or with covariances; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    classes
        A class for each component, or the name of a coordinate with them; by default each component is one.
    pairs
        Whether for each pair of classes by itself, dimension ``pair``, instead of all classes.
    method, draws, seed
        ``auto``: quadrature where responsibilities depend on at most two coordinates (those of the means' span, and the
        radius across it where variances differ; of different covariances all features), else Monte Carlo with so many
        ``draws`` of each component, the same at all tau.
        ``quadrature`` in up to three coordinates, and ``monte-carlo``, where they are asked for.

    Returns
    -------
    Dataset
        ``cloning_probability``, ``one_minus_cloning``, ``class_entropy`` (nats), ``class_information_density``
        (D_Z), ``mmse``, ``mmse_of_class``, each with the estimate ``..._error``, and ``decisions_status``:
        ``singular`` with NaN where a component has no variance; ``unresolved``, with the numbers, where quadrature
        misses a relative error of 1e-9; ``not_applicable`` where quadrature was asked for in too many coordinates.
        All ``(...)``, with the dimensions of ``tau``; entropies in nats, squared errors in units of the data
        squared.

    Raises
    ------
    ValueError
        For classes that do not fit the components.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491; Guo, Shamai and Verdu 2005.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.class_decisions(ss.families.pair(separation=1.0, variance=0.09), 0.455).squeeze()
    >>> round(float(found.cloning_probability), 4), round(float(found.class_entropy), 4)
    (0.7752, 0.3563)
    """
    known, way = class_map(mixture, classes), method_of(method, draws, seed)
    arguments = class_arguments(mixture) | {"tau": times(tau)}
    if not switch("pairs", pairs):
        return apply(of_classes(kernel.class_decisions), arguments, DECISIONS, groups=known.groups, method=way)
    each = [shared.along(variable, "pair") for variable in DECISIONS]
    sizes = {"pair": len(_pair_names(known)[0])}
    found = apply(of_classes(_of_pairs), arguments, each, sizes, groups=known.groups, method=way)
    return found.assign_coords(_pair_coordinates(known))


def decision_windows(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    decided: float = SHARE,
    classes: Any = None,
    method: str = "auto",
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    """When classes are decided: times at which a share of the class entropy remains, for all classes and for each pair.

    Parameters
    ----------
    mixture, classes, method, draws, seed
        As for :func:`class_decisions`; at most 64 classes.
    schedules
        Noise schedules; with them ``tau_decision`` is also given in each schedule's clock.
    decided
        Share q of the entropy of the classes' weights that remains where classes count as decided.

    Returns
    -------
    Dataset
        ``tau_decision, sigma_decision (..., remaining)`` at the shares ``remaining`` q, 1/2 and 1 - q of the
        entropy: in generation the end of the decision window, its middle and its begin; ``tau_pair, sigma_pair (...,
        pair, remaining)``, with coordinates ``class_first`` and ``class_second``; ``sigma_parting (..., parting)``
        in the order of generation, with ``parting_first`` and ``parting_second``, the first class on either side.
        Errors and statuses beside them: ``below_data_variance`` with NaN where data leave more of the entropy;
        ``no_transition`` with NaN where no noise tells classes apart. Times have the unit of the data squared, noise
        levels that of the data.

    Raises
    ------
    ValueError
        For more than 64 classes or only one, and a share that is not between 1e-6 and 0.4.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491. Guo, Shamai and Verdu 2005, I-MMSE relation.
    Kynkäänniemi et al. 2024, arXiv:2404.07724.

    Examples
    --------
    Of three classes the two near ones part last.

    >>> import scoreshock as ss
    >>> found = ss.decision_windows(ss.mixture([0.0, 1.0, 4.0], variance=0.01))
    >>> found.sigma_decision.round(3).values.tolist()
    [0.25, 1.091, 4.985]
    >>> list(zip(found.parting_first.values.tolist(), found.parting_second.values.tolist()))
    [(0, 2), (0, 1)]
    """
    known, way, clocks = class_map(mixture, classes), method_of(method, draws, seed), as_schedules(schedules)
    if not 2 <= len(known.names) <= MOST_CLASSES:
        raise ValueError(f"classes: there are {len(known.names)}; allowed: 2 to {MOST_CLASSES} classes")
    if not is_finite(decided) or not 1e-6 <= decided <= 0.4:
        raise ValueError(f"decided = {show(decided)} is not allowed; allowed: a number from 1e-06 to 0.4")
    remaining = np.array([decided, 0.5, 1 - decided])
    first, _ = _pair_names(known)
    sizes = {"remaining": 3, "pair": len(first), "parting": len(known.names) - 1}
    named = {"groups": known.groups, "method": way, "share": remaining}
    found = apply(of_classes(_windows), class_arguments(mixture), (*WINDOW, *PAIRS), sizes, **named)
    found = found.assign_coords(
        {
            "remaining": ("remaining", remaining, attributes("remaining")),
            **_pair_coordinates(known),
            **counted(found, "parting"),
        }
    )
    return found.merge(schedule_time(found.tau_decision, clocks), join="exact") if clocks else found


def caustic_norm(mixture: xr.Dataset, x: Points, tau: Numbers) -> xr.Dataset:
    r"""Caustic detector: the Frobenius norm of the denoiser's Jacobian, :math:`\|\mathrm{Cov}[x_0|x]\|_F/(2\tau)`.

    Parameters
    ----------
    mixture
        A mixture with a common variance.
    x, tau
        Points and diffusion times, as for :func:`score`.

    Returns
    -------
    Dataset
        ``caustic_norm`` and ``caustic_status``: ``singular`` with NaN at tau = 0. Each ``(...)`` and dimensionless.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    Notes
    -----
    An eigenvalue of the Jacobian exceeds 1 where the log density is convex in some direction.

    References
    ----------
    Denoiser's Jacobian by Tweedie's formula; Efron 2011, Tweedie's formula and selection bias.

    Examples
    --------
    Midway between two point masses the denoiser expands, on either side it does not.

    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.0)
    >>> ss.caustic_norm(pair, np.array([0.0, 1.0]), 0.1).caustic_norm.squeeze().round(3).values.tolist()
    [5.0, 0.001]
    """
    points = positions(isotropic_only(mixture), x)
    arguments = mixture_arguments(mixture, tau=times(tau), x=(points, ("feature",)), dimension=mixture.ambient_dimension)
    return apply(_caustic, arguments, (CAUSTIC, CAUSTIC_STATUS))


def _caustic(
    x: np.ndarray, means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, dimension: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    noise = np.where(tau > 0, 2 * tau, np.nan)
    entries = denoiser_covariance(x, means, weights, variance, tau) / noise[..., None, None]
    rows = np.moveaxis(entries.reshape(*entries.shape[:-2], -1), -1, 0)
    square = np.cumsum(rows * rows, axis=0)[-1] + (dimension - x.shape[-1]) * (variance / (variance + noise)) ** 2
    return np.sqrt(square), np.where(np.isnan(square), np.int8(Status.singular), np.int8(Status.ok))


def _of_pairs(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    dimension: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    method: Method,
    along: Along | None,
) -> kernel.Decisions:
    mean, weight, spread, sides = paired(means, weights, variance, groups)
    moments = tau[..., None], dimension[..., None]
    return kernel.class_decisions(mean, weight, spread, *moments, sides, method, paired_along(along, groups))


def _windows(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    method: Method,
    share: np.ndarray,
    along: Along | None,
) -> Mapping[str, np.ndarray]:
    """Windows of all classes and of each pair, and the order in which classes part."""
    every = kernel.decision_windows(means, weights, variance, share, groups, dimension, method, along=along)
    mean, weight, spread, sides = paired(means, weights, variance, groups)
    both = paired_along(along, groups)
    pairs = kernel.decision_windows(mean, weight, spread, share, sides, dimension[..., None], method, along=both)
    tree = partings(pairs.sigma[..., 1], pairs.status[..., 1], len(groups))
    found = {"decision_status": every.status, "pair_status": pairs.status, **tree._asdict()}
    found["tau_parting"] = tree.sigma_parting**2 / 2
    for name, at in (("decision", every), ("pair", pairs)):
        found |= {f"tau_{name}": at.sigma**2 / 2, f"sigma_{name}": at.sigma, f"sigma_{name}_error": at.sigma_error}
    return found


def _pair_names(known: ClassMap) -> tuple[list[str], list[str]]:
    one, other = ([known.names[i] for i in side] for side in pairs_of(len(known.names)))
    return one, other


def _pair_coordinates(known: ClassMap) -> dict[str, Any]:
    first, second = _pair_names(known)
    return {
        "pair": ("pair", np.arange(len(first)), attributes("pair")),
        "class_first": ("pair", first, attributes("class_first")),
        "class_second": ("pair", second, attributes("class_second")),
    }
