"""Collapse, labelled: the noise below which a score fitted perfectly to n samples would memorise them."""

from __future__ import annotations

import xarray as xr

from scoreshock.conventions import variables
from scoreshock.kernels.information import collapse as kernel
from scoreshock.options import SEED, Whole
from scoreshock.quantities.class_map import DRAWS, class_arguments, method_of, of_classes
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, checked_mixture
from scoreshock.quantities.points import Numbers, at_least, labelled_numbers
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules, as_schedules

COLLAPSE = variables(
    """
    tau_collapse, collapse_status: diffusion time of the collapse on single samples
        | Where the information of the noisy point on its sample is the logarithm of their number. | Biroli, Bonnaire, de
        Bortoli, Mezard 2024, arXiv:2402.18491
    sigma_collapse, collapse_status: noise level of the collapse | sqrt(2 tau).
    sigma_collapse_error, collapse_status: estimate of the error of sigma_collapse
        | Of quadrature, or the standard error of Monte Carlo.
    time_collapse, collapse_status: time of the collapse in the Ornstein-Uhlenbeck process
        | ln(1 + 2 tau)/2, of dx = -x dt + sqrt(2) dW. | Biroli, Bonnaire, de Bortoli, Mezard 2024, arXiv:2402.18491
    collapse_status: outcome of the collapse
    """
)


@quantity(
    COLLAPSE,
    {
        "training_samples": Whole("number of samples that a score is fitted to", 10_000, low=2),
        "draws": DRAWS,
        "seed": SEED,
    },
    seconds=(1e-3, 1.3e-2),
    covariances=(0.1, 0.02),
)
def collapse(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    training_samples: Numbers | None = None,
    method: str = "auto",
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    r"""Noise at which the empirical score of n samples of ``mixture`` collapses on single samples, from its own entropy.

    .. math:: I(x_0; x_\sigma) = \ln n

    Parameters
    ----------
    mixture
        A model of the data: a mixture of any number of components; its sweep dimensions carry over.
    schedules
        Noise schedules; with them the collapse is also given in each schedule's clock.
    training_samples
        Number n of samples, at least 2; an array becomes the axis ``training_samples``. By default that of the labelled data
        that the mixture is of.
    method, draws, seed
        As for :func:`class_decisions`.

    Returns
    -------
    Dataset
        ``tau_collapse``, ``sigma_collapse`` with its error, ``time_collapse`` (Ornstein-Uhlenbeck) and
        ``collapse_status``: ``no_real_root`` with NaN where the data are points that cannot tell n samples apart.
        All ``(...)``; ``sigma_collapse`` has the unit of the data, ``time_collapse`` none.

    Raises
    ------
    ValueError
        For numbers of samples below 2, and without one.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.collapse(ss.mixture([0.0], variance=1.0, dimension=1024), training_samples=20000)
    >>> round(float(found.time_collapse), 4)
    1.9775
    """
    chosen = as_schedules(schedules)
    if training_samples is None:
        training_samples = checked_mixture(mixture).attrs.get("n_samples")
    arguments = class_arguments(mixture) | {"samples": _samples(training_samples)}
    found = apply(of_classes(kernel.collapse), arguments, COLLAPSE, method=method_of(method, draws, seed))
    return found.merge(schedule_time(found.tau_collapse, chosen), join="exact") if chosen else found


def gaussian_collapse(variance: Numbers, dimension: Numbers, training_samples: Numbers) -> xr.Dataset:
    r"""Collapse of n samples of a Gaussian, in closed form: :math:`t_C = \frac12\ln(1 + \sigma_0^2/(n^{2/d} - 1))`.

    Parameters
    ----------
    variance, dimension, training_samples
        Variance in each of so many dimensions, and number of samples, at least 2; a 1D array becomes an axis of its name.

    Returns
    -------
    Dataset
        As of :func:`collapse`; ``no_transition`` with NaN for a variance of 0. All ``(...)``, with the axes of the
        arguments; ``tau`` has the unit of the data squared.

    Raises
    ------
    ValueError
        For a negative variance, a dimension below 1, and fewer than 2 samples.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.gaussian_collapse(1.0, [256, 1024, 4096], 20000).time_collapse.round(4).values.tolist()
    [1.2988, 1.9775, 2.6671]
    """
    spread, size = (labelled_numbers(*each, infinite=True) for each in (("variance", variance), ("dimension", dimension)))
    sizes = {"variance": at_least("variance", spread), "dimension": at_least("dimension", size, 1)}
    arguments = sizes | {"samples": _samples(training_samples)}
    return apply(kernel.gaussian_collapse, arguments, COLLAPSE)


def _samples(training_samples: Numbers | None) -> xr.DataArray:
    if training_samples is None:
        raise ValueError("training_samples = None is not allowed; allowed: numbers >= 2, where data do not say them")
    return at_least("training_samples", labelled_numbers("training_samples", training_samples, infinite=True), 2)
