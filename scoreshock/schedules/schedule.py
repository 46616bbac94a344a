"""Noise schedules by name or by table: their coefficients at a time, and their time at a diffusion time tau.

A schedule is a path (``scoreshock.schedules.formulas``) on a range of times, and the times at which a sampler visits it.
Kinds with their parameters and defaults are declared by `scoreshock.schedules.kinds.schedule_kind`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show
from scoreshock.conventions import TimeStatus
from scoreshock.schedules import diffusers, formulas, levels, recognition, spacings, tables
from scoreshock.schedules.kinds import KINDS, Path, Sampled
from scoreshock.schedules.parameters import resolve

__all__ = ["KINDS", "Schedule", "diffusers", "formulas", "schedule", "tables"]  # which declare kinds

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
        """Times that the sampler visits, as it runs, from noise to data: those of the calls of the network, then the end.

        The end, where the last move lands, is left out where it is outside of the schedule: clean data after a table.
        ``uniform``: ``steps`` equal moves from ``end`` to ``start``. ``karras``, ``exponential``, ``polyexponential``,
        ``vp``: ``steps`` noise levels by formula, then ``start`` if that is less noisy. ``levels``: those handed in.
        ``table``: the entries picked by ``num_inference_steps`` and ``timestep_spacing`` (diffusers' names). ``scheduler``:
        as the configured solver. Times fall; solvers of second order visit some twice.
        """
        return self._sampled().times

    def sample_sigmas(self) -> np.ndarray:
        """Noise levels ``sigma_n`` of the calls of the network, from noise to data, and of the end of the last move."""
        return self._sampled().sigmas

    def sample_noise(self) -> np.ndarray:
        """The same as noise standard deviations of the schedule's own variable: the sigmas of flow matching."""
        with np.errstate(all="ignore"):
            return self._path.gauge(self._sampled().sigmas ** 2)[1]

    def timesteps(self) -> np.ndarray:
        """What the network is told at each of its calls: the time, or as the configured scheduler has it."""
        return self._sampled().timesteps

    def sampling_step(self, tau: Any) -> Any:
        """Position (fractional) at which the sampler passes ``tau``: the 0-based index into :meth:`sample_times`.

        0 is the first and noisiest call of the network, as the sampler runs; between two times the position is linear in t.
        Noisier than the first time it is 0, below the last the last index. NaN where the schedule never reaches ``tau``.
        """
        times = self.sample_times()
        return self._at_tau(tau, lambda t, _: levels.position(t, times))

    def percent(self, tau: Any) -> Any:
        """Share of the schedule's time, from 0 at noise to 1 at data, that is over at ``tau``.

        ComfyUI's percent, whose time is the index of the training table or a flow's before its shift; ``ValueError`` of
        schedules with another time, such as EDM.
        """
        self._check_index("percent")
        return self._at_tau(tau, lambda t, _: 1 - t / self.end)

    def time_at(self, index: Any, of: str = "sampler", base: int = 0) -> Any:
        """Time at an index or share as programs state it, the inverse of `sampling_step` and `percent`.

        Parameters
        ----------
        index
            Numbers, which may be fractional.
        of
            ``sampler``: index of the sampler's times, which run from noise; ``table``: index of the training table, which
            begins at data; ``percent``: share from 0 (noise) to 1 (data), as in ComfyUI.
        base
            Index of the first: 0, or 1 where programs count from 1.

        Returns
        -------
        Time; NaN outside of the list, the table or the share.

        Examples
        --------
        >>> schedule("vp-linear", steps=4).time_at([1, 5], "sampler", base=1)
        array([1., 0.])
        """
        self._check_index(of)
        if base not in (0, 1) or (of == "percent" and base):
            raise ValueError(f"base = {show(base)} is not allowed; allowed: {0 if of == 'percent' else '0 or 1'}")
        times = self.sample_times()

        def compute(value: np.ndarray) -> tuple[np.ndarray]:
            if of == "percent":
                return (np.where((value >= 0) & (value <= 1), self.end * (1 - value), np.nan),)
            last = len(times) - 1 if of == "sampler" else self.end
            inside = (value - base >= 0) & (value - base <= last)
            found = np.interp(value - base, np.arange(len(times)), times) if of == "sampler" else value - base
            return (np.where(inside, found, np.nan),)

        return _elementwise(compute, index, float)

    def _check_index(self, of: Any) -> None:
        """Refuse an index that the schedule does not have."""
        scheduler = self.kind == "diffusers"
        has_table = self.kind == "table" or (scheduler and self._path.gauge is formulas.preserving)
        other_time = self.kind in ("ve", "ve-geometric", "edm") or (scheduler and not has_table)
        allowed = ["sampler", *["table"] * has_table, *["percent"] * (not other_time)]
        if of not in allowed:
            raise ValueError(f"index of {show(of)} is not allowed of {self.kind}; allowed: {', '.join(allowed)}")

    def _sampled(self) -> Sampled:
        return spacings.sample(self._path, self._parameters, self._limits)

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
        A path to a file with a schedule, a live scheduler, or a name: ``ve``, ``ve-geometric``, ``edm``, ``vp-constant``,
        ``vp-linear``, ``vp-cosine``, ``sub-vp``, ``flow-matching``, ``table``, or ``diffusers`` with ``config``: a path to
        ``scheduler_config.json``, its contents or a live scheduler.
    **parameters
        The kind's own (``KINDS[kind].parameters``: meaning, default, allowed values), and

        spacing : ``uniform`` in t; ``karras``, ``exponential``, ``polyexponential``, ``vp`` (noise levels by k-diffusion's
        formulas); ``levels`` (handed in); for tables ``table``; for ``diffusers`` ``scheduler``, as its solver does.
        steps : moves of the sampler, >= 1 (default 1000, ``edm`` 18; of formulas the number of noise levels).
        rho, sigma_min, sigma_max : of the formulas; defaults 7 (``polyexponential`` 1) and the schedule's own ends (0.002
        where that is 0, 80 where it is infinite).
        levels : falling noise levels ``sigma_n``, the last where the sampler lands, as a list or text (ComfyUI), or the name
        of a published list (``align-your-steps-sd1``, ``-sdxl``, ``-svd``); ``steps`` interpolates their logarithm.
        num_inference_steps, timestep_spacing : of ``table``; defaults all entries and ``linspace`` (or ``leading``,
        ``trailing``).

    Returns
    -------
    Schedule
        Dimensionless throughout; methods return the shape of their argument, and ``parameters`` holds every default.

    Raises
    ------
    ValueError
        Unknown kind or parameter (with the nearest known one), a value that is not allowed, a table that is not strictly
        monotone or cannot be read.

    Notes
    -----
    A table gives ``alphas_cumprod``; ``alpha`` and ``sigma`` (the noise standard deviation); ``sigma_n`` (the ratio,
    alpha = 1); ``sigmas`` in the ``convention`` sigma_n, flow (``alpha = 1 - sigma``) or vp (``sqrt(1 - alpha_bar)``), which
    must be stated where several fit; ``log_snr``; ``betas``, a list or ``{start, end, num, scale: linear | sqrt}``; or
    ``file`` (.csv, .nc, .yaml, .json, .npz, relative to the working folder) with those columns, or (.txt, .npy too) one list
    of numbers. Its time is the step, the first entry at 0 (a descending table, noisy first, is reversed: ``order``), and the
    log-SNR is linear between steps. An entry of zero noise (or zero signal) ends the table; between it and its neighbour
    the ratio noise/alpha (or alpha/noise) is linear. A sampler's list of sigmas may repeat levels, which are visited twice.

    ``diffusers`` takes ``num_inference_steps`` and, of flows, ``mu`` or ``image_seq_len``, and ``sigmas`` handed in. Its
    table and levels are the published formulas in double precision, from which diffusers' float32 differs by its rounding.

    References
    ----------
    K. Sarkar (2026), arXiv:2604.07404, section 8, (80), (83). Song et al. (2021), arXiv:2011.13456. Karras et al. (2022),
    arXiv:2206.00364. Nichol and Dhariwal (2021), arXiv:2102.09672.

    Examples
    --------
    Constant rate beta = 2 is the Ornstein-Uhlenbeck process, ``tau = (e^{2t} - 1)/2``:

    >>> import scoreshock as ss
    >>> ou = ss.schedule("vp-constant", beta=2.0)
    >>> round(float(ou.time(1.5)), 12)
    0.69314718056
    """
    kind, parameters = recognition.recognised(kind, parameters)
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


def _resolve_spacing(new: Schedule) -> None:
    """Fill in the sampler's parameters that depend on the path, and check them against it."""
    options = new._parameters
    if options["spacing"] == "table" and (new._path.sampled is None or spacings.asked(options)):
        total = int(new.end) + 1
        if "timesteps" in options:
            options["timesteps"] = spacings.entries_of(options["timesteps"], total)
            if options.get("num_inference_steps", len(options["timesteps"])) != len(options["timesteps"]):
                raise ValueError(
                    f"num_inference_steps is not allowed; allowed: {len(options['timesteps'])}, as timesteps say"
                )
        elif options.setdefault("num_inference_steps", total) > total:
            chosen = options["num_inference_steps"]
            raise ValueError(f"num_inference_steps = {chosen} is not allowed; allowed: at most {total}, the table's entries")
    if options["spacing"] == "levels":
        spacings.check_levels(options, new._limits)
    if options["spacing"] not in spacings.OF_RANGE:
        return
    low, high = (float(limit) for limit in np.sqrt(new._limits))
    options.setdefault("sigma_min", low if low > 0 else KARRAS_SIGMA_MIN)
    options.setdefault("sigma_max", high if np.isfinite(high) else _last_finite_sigma(new))
    for name in {"sigma_min", "sigma_max"} - set(KINDS[new.kind].parameters):
        if not low * (1 - EDGE) <= options[name] <= high * (1 + EDGE):
            raise ValueError(
                f"{name} = {options[name]} is not allowed; allowed: {low:.6g} to {high:.6g}, the schedule's own"
            )
    least, greatest = spacings.level_range(options, new._limits)
    if least >= greatest:
        raise ValueError(
            f"sigma_min = {options['sigma_min']} is not allowed; allowed: below sigma_max = {options['sigma_max']} "
            "and below the schedule's last noise level"
        )


def _last_finite_sigma(new: Schedule) -> float:
    whole = new.kind in ("table", "diffusers") and not new._path.end_open
    return float(new.sigma(new.end - 1)) if whole else KARRAS_SIGMA_MAX


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
