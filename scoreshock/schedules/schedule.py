"""Noise schedules by name or by table: their coefficients at a time, and their time at a diffusion time tau.

A schedule is a path (``scoreshock.schedules.formulas``) on a range of times, and the times at which a sampler visits it.
Kinds with their parameters and defaults are declared by `scoreshock.schedules.kinds.schedule_kind`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, repeated, show
from scoreshock.conventions import TimeStatus
from scoreshock.schedules import formulas, tables
from scoreshock.schedules.kinds import KINDS, Path, resolve

__all__ = ["KINDS", "Schedule", "as_schedules", "schedule", "tables"]  # which declare kinds

Schedules = Any
"""Schedules as functions take them; see :func:`as_schedules`."""

EDGE = 1e-12
"""A tau this close to an end (relative) is that end: the rounding of a closed form and its inverse."""

KARRAS_SIGMA_MIN, KARRAS_SIGMA_MAX = 0.002, 80.0
"""Noise levels of Karras et al. (2022), for schedules that end at zero or infinite noise."""


@dataclass(frozen=True, repr=False)
class Schedule:
    """A noise schedule ``x_t = alpha_t x_0 + noise_t z`` on the times ``[start, end]``; see :func:`schedule`.

    Notation: ``noise`` is the standard deviation of the schedule's own variable, ``sigma = noise/alpha = sqrt(2 tau)``
    that of ``x/alpha`` (EDM's sigma), ``tau`` the effective diffusion time, (80), and the log-SNR is
    ``ln(alpha^2/noise^2) = -ln(2 tau)``. Methods take scalars, arrays or DataArrays (Dask-backed ones stay lazy) and
    return the same shape, elementwise, in float64. A time outside the range gives NaN; a tau outside gives NaN and the
    status of :meth:`locate`.

    Attributes
    ----------
    kind : str
        Name in ``KINDS``.
    parameters : dict
        All parameters, ``kind`` and defaults included; plain JSON types, and ``schedule(**parameters)`` is this schedule.
    start, end : float
        First time (least noise) and last time (most noise). ``flow-matching`` and ``vp-cosine`` end at tau = inf.
    """

    kind: str
    _parameters: dict[str, Any] = field(hash=False)
    start: float
    end: float
    _path: Path = field(compare=False)
    _limits: tuple[float, float] = field(compare=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """A copy of the resolved parameters."""
        return deepcopy(self._parameters)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self._parameters.items())
        return f"schedule({shown})"

    def alpha(self, t: Any) -> Any:
        """Signal coefficient alpha at time ``t``."""
        return self._at_time(t, lambda q: self._path.gauge(q)[0])

    def noise(self, t: Any) -> Any:
        """Noise standard deviation of the schedule's own variable at time ``t``."""
        return self._at_time(t, lambda q: self._path.gauge(q)[1])

    def sigma(self, t: Any) -> Any:
        """Noise level ``sqrt(2 tau)`` of ``x/alpha`` at time ``t``; never ``sqrt(1 - alpha_bar)``."""
        return self._at_time(t, np.sqrt)

    def tau(self, t: Any) -> Any:
        """Effective diffusion time ``noise^2/(2 alpha^2)`` at time ``t``, (80)."""
        return self._at_time(t, lambda q: q / 2)

    def log_snr(self, t: Any) -> Any:
        """Logarithm of ``alpha^2/noise^2`` at time ``t``; +inf without noise, -inf without signal."""
        return self._at_time(t, lambda q: -np.log(q))

    def alpha_bar(self, t: Any) -> Any:
        """Squared signal coefficient ``alpha^2`` at time ``t``."""
        return self._at_time(t, lambda q: self._path.gauge(q)[0] ** 2)

    def locate(self, tau: Any) -> tuple[Any, Any]:
        """Time at which the schedule reaches ``tau``, and a ``TimeStatus`` (int8).

        ``before_start``: less noise than the schedule ever has (a negative tau too); ``beyond_end``: more; ``no_tau``: NaN.
        The time is NaN wherever the status is not ``ok``.
        """
        return _elementwise(lambda value: self._located(value)[::2], tau, float, np.int8)

    def time(self, tau: Any) -> Any:
        """Time at which the schedule reaches ``tau``; NaN where it never does (:meth:`locate` says why)."""
        return self._at_tau(tau, lambda t, _: t)

    def alpha_at(self, tau: Any) -> Any:
        """Signal coefficient alpha where the schedule reaches ``tau``."""
        return self._at_tau(tau, lambda _, q: self._path.gauge(q)[0])

    def noise_at(self, tau: Any) -> Any:
        """Noise standard deviation of the schedule's own variable where the schedule reaches ``tau``."""
        return self._at_tau(tau, lambda _, q: self._path.gauge(q)[1])

    def alpha_bar_at(self, tau: Any) -> Any:
        """Squared signal coefficient ``alpha^2`` where the schedule reaches ``tau``."""
        return self._at_tau(tau, lambda _, q: self._path.gauge(q)[0] ** 2)

    def sample_times(self) -> np.ndarray:
        """Times that the sampler visits, from noise to data, strictly falling.

        ``uniform``: ``steps`` equal moves from ``end`` to ``start``, both included (``steps + 1`` times; the network is
        called at all but the last). ``karras``: ``steps`` noise levels, equally spaced in ``sigma^(1/rho)`` from
        ``sigma_max`` to ``sigma_min``, then ``start`` if that is less noisy. ``table``: the entries picked by
        ``num_inference_steps`` and ``timestep_spacing`` (diffusers' names); the last move, from the least noisy entry
        to clean data, is outside the table.
        """
        options = self._parameters
        if options["spacing"] == "uniform":
            return np.linspace(self.end, self.start, options["steps"] + 1)
        if options["spacing"] == "table":
            total = int(self.end) + 1
            return formulas.select_steps(total, options["num_inference_steps"], options["timestep_spacing"]).astype(float)
        low, high = self._karras_range()
        sigmas = formulas.karras_sigmas(low, high, options["rho"], options["steps"])
        with np.errstate(all="ignore"):
            times = np.clip(self._path.time(sigmas**2), self.start, self.end)
        return np.append(times, self.start) if times[-1] > self.start else times

    def sampling_step(self, tau: Any) -> Any:
        """Number of moves (fractional) that the sampler has left at ``tau``: its position among the sampling times.

        0 is the last time of :meth:`sample_times`; between two times the position is linear in t. Noisier than the first
        sampling time all moves are left, below the last none. NaN where the schedule never reaches ``tau``.
        """
        rising = np.ascontiguousarray(self.sample_times()[::-1])
        return self._at_tau(tau, lambda t, _: formulas.position(t, rising))

    def _karras_range(self) -> tuple[float, float]:
        low, high = np.sqrt(self._limits)
        return max(self._parameters["sigma_min"], float(low)), min(self._parameters["sigma_max"], float(high))

    def _at_time(self, t: Any, formula: Callable[[np.ndarray], np.ndarray]) -> Any:
        def compute(value: np.ndarray) -> tuple[np.ndarray]:
            inside = (value >= self.start) & (value <= self.end)
            q = self._path.variance(np.where(inside, value, self.start))
            return (np.where(inside, formula(q), np.nan),)

        return _elementwise(compute, t, float)

    def _at_tau(self, tau: Any, formula: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
        def compute(value: np.ndarray) -> tuple[np.ndarray]:
            t, q, status = self._located(value)
            return (np.where(status == TimeStatus.ok, formula(np.where(np.isnan(t), self.start, t), q), np.nan),)

        return _elementwise(compute, tau, float)

    def _located(self, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Time, noise-to-signal variance and status of ``tau``; the variance is a harmless one where tau is outside."""
        low, high = self._limits
        q = 2 * tau
        status = np.full(tau.shape, TimeStatus.ok, dtype=np.int8)
        status[q < low * (1 - EDGE)] = TimeStatus.before_start
        status[(q > high * (1 + EDGE)) | (self._path.end_open & np.isposinf(q))] = TimeStatus.beyond_end
        status[np.isnan(q)] = TimeStatus.no_tau
        ok = status == TimeStatus.ok
        q = np.where(ok, np.clip(q, low, high), low)
        t = np.where(q >= high, self.end, np.where(q <= low, self.start, self._path.time(q)))
        t = np.where(ok, np.clip(t, self.start, self.end), np.nan)
        return t, q, status


def schedule(kind: str, **parameters: Any) -> Schedule:
    r"""Noise schedule of a named kind.

    .. math:: x_t = \alpha_t x_0 + \varsigma_t z, \qquad \tau_{\rm eff} = \varsigma_t^2 / (2\alpha_t^2)

    Every affine path is a change of clock of the heat flow in ``tau`` (Lemma 8.4, (80)): variance exploding, variance
    preserving, EDM and flow matching differ in ``alpha`` and in the clock only.

    Parameters
    ----------
    kind : str
        ``ve``, ``ve-geometric``, ``edm``, ``vp-constant``, ``vp-linear``, ``vp-cosine``, ``sub-vp``, ``flow-matching``
        or ``table``.
    **parameters
        The kind's own (``KINDS[kind].parameters``: meaning, default, allowed values), and

        spacing : ``uniform`` in t, ``karras`` (noise levels spaced by rho) or, for tables, ``table``.
        steps : moves of the sampler, >= 1 (default 1000, ``edm`` 18; under ``karras`` the number of noise levels).
        rho, sigma_min, sigma_max : of ``karras``; defaults 7 and the schedule's own ends (0.002 where that is 0, 80
        where it is infinite).
        num_inference_steps, timestep_spacing : of ``table``; defaults all entries and ``linspace`` (or ``leading``,
        ``trailing``).

    Returns
    -------
    Schedule
        Dimensionless throughout; ``parameters`` holds every default.

    Raises
    ------
    ValueError
        Unknown kind or parameter (with the nearest known one), a value that is not allowed, a table that is not strictly
        monotone or cannot be read.

    Notes
    -----
    A table gives ``alphas_cumprod``; ``alpha`` and ``sigma`` (the noise standard deviation); ``sigma_n`` (the ratio,
    alpha = 1); ``betas: {start, end, num, scale: linear | sqrt}``; or ``file`` (.csv, .nc, .yaml, relative to the
    working folder) with those columns. Its time is the step, the first entry at 0 (a descending table, noisy first, is
    reversed: ``order``), and the log-SNR is linear between steps. An entry of zero noise (or zero signal) ends the
    table; between it and its neighbour the ratio noise/alpha (or alpha/noise) is linear.

    References
    ----------
    K. Sarkar (2026), arXiv:2604.07404, section 8, (80), (83). Song et al. (2021), arXiv:2011.13456. Karras et al. (2022),
    arXiv:2206.00364. Nichol and Dhariwal (2021), arXiv:2102.09672.

    Examples
    --------
    Constant rate beta = 2 is the Ornstein-Uhlenbeck process, ``tau = (e^{2t} - 1)/2``:

    >>> ou = schedule("vp-constant", beta=2.0)
    >>> round(float(ou.time(1.5)), 12)
    0.69314718056
    """
    resolved = resolve(kind, parameters)
    try:
        path = KINDS[kind].build(resolved)
        resolved.update(path.completed or {})
        with np.errstate(all="ignore"):
            low, high = path.variance(np.array([0.0, path.end])).tolist()
        result = Schedule(kind, resolved, 0.0, path.end, path, (low, high))
        _resolve_spacing(result)
    except ValueError as error:
        raise ValueError(f"schedule {kind}: {error}") from None
    return result


def as_schedules(schedules: Any) -> dict[str, Schedule]:
    """Schedules by label, from what stands for them: no schedule, one, or several.

    Parameters
    ----------
    schedules
        A name of a kind, a `Schedule`, a mapping of parameters with ``kind``, a list of these, or a mapping from labels to
        these. Without labels the kinds are the labels. None and what is empty stand for no schedule.

    Raises
    ------
    ValueError
        For anything else, unknown kinds, and two schedules of one label.

    Examples
    --------
    >>> list(as_schedules("edm")), list(as_schedules(["edm", schedule("ve")])), list(as_schedules({"fine": "edm"}))
    (['edm'], ['edm', 've'], ['fine'])
    """
    if schedules is None:
        return {}
    if isinstance(schedules, Mapping) and not isinstance(schedules.get("kind"), str):
        return {str(label): _as_schedule(one, f"schedules[{show(label)}]") for label, one in schedules.items()}
    several = schedules if isinstance(schedules, list | tuple) else [schedules]
    result = [_as_schedule(one) for one in several]
    kinds = [each.kind for each in result]
    if again := repeated(kinds):
        raise ValueError(
            f"schedules = {show(schedules)} has kind {again[0]!r} more than once; "
            "allowed: a mapping from labels to schedules"
        )
    return dict(zip(kinds, result, strict=True))


def _as_schedule(one: Any, name: str = "schedules") -> Schedule:
    if isinstance(one, Schedule):
        return one
    if isinstance(one, str):
        return schedule(one)
    if isinstance(one, Mapping) and "kind" in one:
        return schedule(**{str(name): value for name, value in one.items()})
    raise ValueError(
        f"{name} = {show(one)} is not allowed; allowed: a name such as 'edm', a schedule of ss.schedule, a mapping "
        "with kind, a list of these, or a mapping from labels to these"
    )


def _resolve_spacing(new: Schedule) -> None:
    """Fill in the sampler's parameters that depend on the path, and check them against it."""
    options = new._parameters
    if options["spacing"] == "table":
        total = int(new.end) + 1
        if options.setdefault("num_inference_steps", total) > total:
            chosen = options["num_inference_steps"]
            raise ValueError(f"num_inference_steps = {chosen} is not allowed; allowed: at most {total}, the table's entries")
    if options["spacing"] != "karras":
        return
    low, high = (float(limit) for limit in np.sqrt(new._limits))
    options.setdefault("sigma_min", low if low > 0 else KARRAS_SIGMA_MIN)
    options.setdefault("sigma_max", high if np.isfinite(high) else _last_finite_sigma(new))
    for name in {"sigma_min", "sigma_max"} - set(KINDS[new.kind].parameters):
        if not low * (1 - EDGE) <= options[name] <= high * (1 + EDGE):
            raise ValueError(
                f"{name} = {options[name]} is not allowed; allowed: {low:.6g} to {high:.6g}, the schedule's own"
            )
    least, greatest = new._karras_range()
    if least >= greatest:
        raise ValueError(
            f"sigma_min = {options['sigma_min']} is not allowed; allowed: below sigma_max = {options['sigma_max']} "
            "and below the schedule's last noise level"
        )


def _last_finite_sigma(new: Schedule) -> float:
    return float(new.sigma(new.end - 1)) if new.kind == "table" else KARRAS_SIGMA_MAX


def _elementwise(function: Callable[[np.ndarray], tuple[np.ndarray, ...]], value: Any, *dtypes: type) -> Any:
    """Result of ``function``, or results if there are several ``dtypes``, in the shape (and with the labels) of ``value``.

    The function always sees one contiguous axis, so that an element's bits do not depend on the shape that it came in.
    """

    def flat(array: Any) -> Any:
        values = as_real("t or tau", array, "real numbers")
        with np.errstate(all="ignore"):
            results = function(np.ascontiguousarray(values.reshape(-1)))
        shaped = tuple(result.reshape(values.shape)[()] for result in results)
        return shaped if len(shaped) > 1 else shaped[0]

    if not isinstance(value, xr.DataArray):
        return flat(value)
    result = xr.apply_ufunc(
        flat,
        value,
        output_core_dims=[()] * len(dtypes),
        dask="parallelized",
        output_dtypes=list(dtypes),
        keep_attrs=False,
    )
    return tuple(one.rename(None) for one in result) if isinstance(result, tuple) else result.rename(None)
