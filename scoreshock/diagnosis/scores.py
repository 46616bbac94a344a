r"""Learned scores: what a network predicts, of which variable and at which time, as a score ``s(x, tau)`` in VE coordinates.

A path is ``x_t = alpha x_0 + varsigma z``. With ``sigma = varsigma/alpha = sqrt(2 tau)`` and ``x = x_t/alpha`` the score is
``s = (E[x_0|x] - x)/sigma^2``, whatever is predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from scoreshock.checks import as_real, one_of, show, whole
from scoreshock.diagnosis import frameworks
from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.schedule import Schedule

PREDICTIONS = {
    "score": "grad ln p of the network's own variable",
    "rescaled_score": "grad ln p of x_t/alpha",
    "epsilon": "the noise z",
    "sample": "the clean data x_0",
    "v_prediction": "alpha z - varsigma x_0 (Salimans and Ho 2022)",
    "flow_prediction": "z - x_0 (flow matching)",
    "edm": "F of the denoiser c_skip x + c_out F(c_in x) (Karras et al. 2022, table 1)",
}
"""What a network predicts, in diffusers' words where it has some, and its meaning."""

INPUTS = {
    "scaled": "x_t = alpha x_0 + varsigma z",
    "unscaled": "x_t/alpha = x_0 + sigma z",
    "preconditioned": "c_in x of EDM",
}
"""Variables that a network is given."""

TIMES = {
    "tau": "diffusion time tau",
    "sigma": "noise over signal, sigma = sqrt(2 tau)",
    "noise": "noise varsigma of the network's own variable, sqrt(1 - alpha_bar) of VP",
    "log_sigma": "ln sigma",
    "c_noise": "ln(sigma)/4 (Karras et al. 2022)",
    "log_snr": "-2 ln sigma",
    "alpha_bar": "alpha^2",
    "time": "the schedule's own time; of a table its index",
}
"""What a network is told of the time."""


@dataclass(frozen=True)
class Reading:
    """How a network is read: what it predicts, of which variable, and what it is told of the time."""

    predicts: str
    takes: str
    time: str

    def __str__(self) -> str:
        return f"predicts={self.predicts!r}, takes={self.takes!r}, time={self.time!r}"


@dataclass(frozen=True)
class Score:
    """A score ``s(x, tau)`` in VE coordinates, of any model; see :func:`learned_score`.

    ``score(x, tau)`` with ``x (N, d)`` and ``tau``, a number or (N,), gives float64 (N, d).
    """

    model: Callable[..., Any] = field(repr=False)
    reading: Reading
    schedule: Schedule | None
    framework: str
    precision: str
    shape: tuple[int, ...] = ()
    time_scale: float = 1.0
    sigma_data: float = 0.5

    def __call__(self, x: Any, tau: Any) -> np.ndarray:
        """Score (N, d) at ``x (N, d)`` and ``tau``, a number or (N,)."""
        points, numbers = self._points(x, tau)
        return frameworks.evaluated(self._composed, self.framework, self.precision, points, numbers)

    def denoise(self, x: Any, sigma: Any) -> np.ndarray:
        """Posterior mean of the data by Tweedie's formula, ``x + sigma^2 s``, (N, d); of lists (L, N, d) one by one."""
        points = as_real("x", x).astype(float)
        if points.ndim == 3:
            levels = np.broadcast_to(sigma, (len(points), 1))[:, 0].tolist()
            return np.stack([self.denoise(one, level) for one, level in zip(points, levels, strict=True)])
        return points + sigma * sigma * self(points, 0.5 * sigma * sigma)

    def jacobian(self, x: Any, tau: Any) -> tuple[np.ndarray, np.ndarray]:
        """Jacobian ``ds_i/dx_j`` (N, d, d), and an estimate of its error (N,), absolute, that of the largest entry.

        By automatic differentiation of PyTorch and JAX, else by central differences at two steps.
        """
        points, numbers = self._points(x, tau)
        scale = numbers[:, 1] / numbers[:, 0]
        return frameworks.jacobian(self._composed, self.framework, self.precision_at(x, tau), points, numbers, scale)

    def precision_at(self, x: Any, tau: Any) -> str:
        """Name of the type that the model computes in; of a NumPy function that of what it returns, if coarser."""
        points, numbers = self._points(x, tau)
        returned = str(np.asarray(self._raw(points[:1], numbers[:1])).dtype) if self.framework == "numpy" else ""
        return max(self.precision, returned, key=lambda name: frameworks.ROUNDING.get(name, 0.0))

    def rounding(self, x: Any, tau: Any) -> float:
        """Half a unit in the last place, relative, of what the model computes in at such points."""
        return frameworks.ROUNDING[self.precision_at(x, tau)]

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Least and greatest noise level that the model's schedule has."""
        return (0.0, np.inf) if self.schedule is None else range_of(self.schedule)

    def read_as(self, reading: Reading) -> Score:
        """The same model, read in another way."""
        return replace(self, reading=reading)

    def _points(self, x: Any, tau: Any) -> tuple[np.ndarray, np.ndarray]:
        """Positions (N, d), and the path's numbers at each: alpha, noise, and what the network is told, (N, 3)."""
        points = as_real("x", x).astype(float)
        if points.ndim != 2 or (self.shape and points.shape[1] != prod(self.shape)):
            features = prod(self.shape) if self.shape else "features"
            raise ValueError(f"x has shape {points.shape}; allowed: (points, {features})")
        times = as_real("tau", tau).astype(float)
        if times.shape not in ((), (len(points),)) or not (times > 0).all():
            raise ValueError(f"tau = {show(tau)} is not allowed; allowed: a number > 0, or {len(points)} of them")
        alpha, noise, told = path_at(self.schedule, self.reading.time, times)
        return points, np.stack(np.broadcast_arrays(alpha, noise, told * self.time_scale, points[:, 0])[:3], axis=-1)

    def _composed(self, x: Any, numbers: Any) -> Any:
        """The score of positions (N, d) with the path's numbers (N, 3), in the arrays of the model's framework."""
        alpha, noise = numbers[:, 0:1], numbers[:, 1:2]
        out = self._raw(x, numbers)
        if tuple(out.shape) != (tuple(x.shape) if not self.shape else (x.shape[0], *self.shape)):
            raise ValueError(f"the model returns the shape {tuple(out.shape)} for x of {tuple(x.shape)}; allowed: the same")
        if self.reading.predicts == "edm":
            spread = self._spread(alpha, noise)
            return self.sigma_data * out.reshape(x.shape) * alpha / (noise * spread) - x / (spread * spread)
        return _score_of(out.reshape(x.shape), self.reading.predicts, x, alpha, noise)

    def _raw(self, x: Any, numbers: Any) -> Any:
        """What the model returns."""
        alpha, noise, told = numbers[:, 0:1], numbers[:, 1:2], numbers[:, 2]
        scales = {"scaled": alpha, "unscaled": 1.0, "preconditioned": 1 / self._spread(alpha, noise)}
        y = scales[self.reading.takes] * x
        out = self.model(y.reshape(-1, *self.shape) if self.shape else y, told)
        return getattr(out, "sample", out)

    def _spread(self, alpha: Any, noise: Any) -> Any:
        """Standard deviation of x of EDM's preconditioning."""
        return ((noise / alpha) ** 2 + self.sigma_data**2) ** 0.5


def _score_of(out: Any, predicts: str, x: Any, alpha: Any, noise: Any) -> Any:
    """The score in VE coordinates of what a network predicts at ``x = x_t/alpha``."""
    sigma = noise / alpha
    if predicts == "score":
        return alpha * out
    if predicts == "rescaled_score":
        return out
    if predicts == "epsilon":
        return -out / sigma
    if predicts == "sample":
        return (out - x) / (sigma * sigma)
    # x_0 = (alpha x_t - noise v)/(alpha^2 + noise^2), or (x_t - noise v)/(alpha + noise) of flow matching; less x, exactly:
    if predicts == "v_prediction":
        return -alpha * (out + noise * x) / (sigma * (alpha * alpha + noise * noise))
    return -alpha * (out + x) / (sigma * (alpha + noise))


def range_of(schedule: Schedule) -> tuple[float, float]:
    """Least and greatest noise level of a schedule."""
    return float(schedule.sigma(schedule.start)), float(schedule.sigma(schedule.end))


def path_at(schedule: Schedule | None, time: str, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal and noise coefficients of a path at diffusion times, and what a network is told there.

    Examples
    --------
    >>> [float(value) for value in path_at(None, "log_snr", np.array(0.5))]
    [1.0, 1.0, -0.0]
    """
    sigma = np.sqrt(2 * tau)
    if schedule is None:
        alpha, noise, own = np.ones_like(sigma), sigma, tau
    else:
        alpha, noise, own = schedule.alpha_at(tau), schedule.noise_at(tau), schedule.time(tau)
        if np.isnan(own).any():
            least, most = range_of(schedule)
            outside = sigma[np.isnan(own)].flat[0]
            raise ValueError(f"sigma = {outside:g} is outside of the schedule; allowed: {least:g} to {most:g}")
    told = {
        "tau": tau,
        "sigma": sigma,
        "noise": noise,
        "log_sigma": np.log(sigma),
        "c_noise": np.log(sigma) / 4,
        "log_snr": -2 * np.log(sigma),
        "alpha_bar": alpha * alpha,
        "time": own,
    }[time]
    return alpha, noise, told


def learned_score(
    model: Callable[..., Any],
    predicts: str = "rescaled_score",
    schedule: Any = None,
    takes: str | None = None,
    time: str | None = None,
    framework: str | None = None,
    shape: tuple[int, ...] = (),
    time_scale: float = 1.0,
    sigma_data: float = 0.5,
) -> Score:
    r"""The score ``s(x, tau)`` of any model, in VE coordinates: a function of NumPy, PyTorch or JAX, or a network.

    .. math:: s(x, \tau) = \frac{E[x_0|x] - x}{2\tau}, \qquad x = x_t/\alpha

    Parameters
    ----------
    model
        ``model(x (N, d), time (N,)) -> (N, d)``, in the arrays of its framework. A torch module computes in the type of its
        parameters; what it returns may have the attribute ``sample``, as networks of diffusers do.
    predicts
        ``epsilon``, ``sample``, ``v_prediction``, ``flow_prediction`` (diffusers' words), ``score`` of the network's own
        variable x_t, ``rescaled_score`` of x_t/alpha, or ``edm``, the network inside EDM's preconditioning.
    schedule
        The path that the model is trained on: anything that stands for one schedule. Without it x_t = x_0 + sigma z.
    takes
        ``scaled`` (x_t, the default), ``unscaled`` (x_t/alpha) or ``preconditioned`` (the default of ``edm``).
    time
        What the model is told: ``time`` of the schedule (the default with one; of a table its index), ``tau`` (the default
        without), ``sigma``, ``noise``, ``log_sigma``, ``c_noise`` (the default of ``edm``), ``log_snr`` or ``alpha_bar``.
    framework
        ``numpy``, ``torch`` or ``jax``; by default ``torch`` for its modules, else ``numpy``.
    shape
        Shape of one sample as the model takes it, such as (1, 28, 28); by default (d,).
    time_scale
        Factor of the time, such as 1000 of flow matching in diffusers.
    sigma_data
        Of EDM's preconditioning.

    Returns
    -------
    Score
        ``score(x, tau)`` of shape (N, d), in inverse units of x; ``score.denoise(x, sigma)``, ``score.jacobian(x, tau)``;
        all float64.

    Raises
    ------
    ValueError
        For words that are not allowed, more than one schedule, or a prediction that is not that of the scheduler.
    ModuleNotFoundError
        Where the framework is missing; the message says what to install.

    References
    ----------
    arXiv:2604.07404, (81); Karras et al. 2022, arXiv:2206.00364; Salimans and Ho 2022, arXiv:2202.00512.

    Examples
    --------
    The noise prediction of N(0, 1) on a variance-preserving path.

    >>> import numpy as np, scoreshock as ss
    >>> vp = ss.schedule("vp-linear")
    >>> score = ss.learned_score(lambda x, t: np.asarray(vp.noise(t))[:, None] * x, "epsilon", vp)
    >>> score(np.array([[3.0]]), 1.0).round(12).tolist()  # -x/(1 + 2 tau)
    [[-1.0]]
    """
    if not callable(model):
        raise ValueError(f"model = {show(model)} is not allowed; allowed: a function of x and time")
    one_of("predicts", predicts, PREDICTIONS)
    path = _one_path(schedule)
    usual = ("preconditioned", "c_noise") if predicts == "edm" else ("scaled", "tau" if path is None else "time")
    given, told = (word if asked is None else asked for word, asked in zip(usual, (takes, time), strict=True))
    one_of("takes", given, INPUTS)
    one_of("time", told, TIMES)
    own = path.parameters.get("prediction_type") if path is not None else None
    if own is not None and own != predicts and predicts in ("epsilon", "sample", "v_prediction", "flow_prediction"):
        raise ValueError(f"predicts = {predicts!r} is not what the scheduler says; allowed: {own!r}, or another schedule")
    kind = frameworks.framework_of(model, framework)
    reading = Reading(predicts, given, told)
    numbers = {"time_scale": positive("time_scale", time_scale), "sigma_data": positive("sigma_data", sigma_data)}
    return Score(model, reading, path, kind, frameworks.precision_of(model, kind), _shape(shape), **numbers)


def _one_path(schedule: Any) -> Schedule | None:
    chosen = list(as_schedules(schedule).values())
    if len(chosen) > 1:
        raise ValueError(f"schedule stands for {len(chosen)} schedules; allowed: one")
    return chosen[0] if chosen else None


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple | list):
        raise ValueError(f"shape = {show(shape)} is not allowed; allowed: whole numbers such as (1, 28, 28)")
    return tuple(whole("shape", length, 1) for length in shape)


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = as_real(name, value)
    if number.ndim or not 0 < number < np.inf:
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: a finite number > 0")
    return float(number)
