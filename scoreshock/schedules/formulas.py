"""Noise paths ``x_t = alpha_t x_0 + noise_t z`` as formulas: schedule time to noise, and back.

Two things make a path. Its clock is the noise-to-signal variance ``q(t) = (noise/alpha)^2 = 2 tau`` (the square of EDM's
sigma), which rises with ``t``; each ``*_variance(t)`` has its inverse ``*_time(q)``. Its gauge says how ``q`` is shared
between the two coefficients; each gauge maps ``q`` to ``(alpha, noise)``. ``tau = q/2`` is the effective time of the paper's
(80), for any affine path.

All functions are elementwise, exact at both ends (``q = 0`` and ``q = inf``) and keep the digits of tiny arguments; NumPy's
warnings there are for the caller to ignore. ``B`` is the integral of the rate beta from 0 to t: ``alpha^2 = exp(-B)``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from scoreshock.options import Choice, Positive
from scoreshock.schedules.kinds import RATES_PER_STEP, Path, schedule_kind

TINY = np.finfo(float).tiny

MAX_EXPONENT = 700.0
"""Largest integral of beta: beyond it the noise-to-signal variance overflows double precision (e^709)."""


def exploding(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``alpha = 1``: variance exploding, EDM."""
    return np.ones_like(q), np.sqrt(q)


def preserving(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``alpha^2 + noise^2 = 1``: variance preserving, (5) and (80)."""
    return 1 / np.sqrt(1 + q), 1 / np.sqrt(1 + 1 / q)


def sub_preserving(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``noise = 1 - alpha^2``: the sub-VP SDE of Song et al. (2021)."""
    h = np.sqrt(q) / 2
    return 1 / (h + np.sqrt(1 + h * h)), 1 / (0.5 + np.sqrt(1 / q + 0.25))


def interpolant(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``alpha + noise = 1``: flow matching, rectified flow."""
    return 1 / (1 + np.sqrt(q)), 1 / (1 + 1 / np.sqrt(q))


def heat_variance(t: np.ndarray) -> np.ndarray:
    """``tau = t``."""
    return 2 * t


def heat_time(q: np.ndarray) -> np.ndarray:
    return q / 2


@schedule_kind(
    "alpha = 1, tau = t, t in [0, t_end]",
    {"t_end": Positive("last time; the default is sqrt(2 tau) = 80, where edm ends", 3200.0)},
)
def ve(t_end: float) -> Path:
    return Path(heat_variance, heat_time, exploding, t_end)


def edm_variance(t: np.ndarray) -> np.ndarray:
    """``sqrt(2 tau) = t`` (Karras et al. 2022)."""
    return t * t


def edm_time(q: np.ndarray) -> np.ndarray:
    return np.sqrt(q)


@schedule_kind(
    "alpha = 1, sqrt(2 tau) = t, t in [0, sigma_max]",
    {"sigma_max": Positive("last time and noise level (Karras et al. 2022)", 80.0)},
    spacing="karras",
    steps=18,
)
def edm(sigma_max: float) -> Path:
    return Path(edm_variance, edm_time, exploding, sigma_max)


def geometric_variance(t: np.ndarray, sigma_min: float, sigma_max: float, added: bool) -> np.ndarray:
    """``sigma(t) = sigma_min (sigma_max/sigma_min)^t``; ``added``: only the noise added since t = 0 (Song et al. 2021)."""
    growth = 2 * np.log(sigma_max / sigma_min) * t
    return sigma_min**2 * (np.expm1(growth) if added else np.exp(growth))


def geometric_time(q: np.ndarray, sigma_min: float, sigma_max: float, added: bool) -> np.ndarray:
    growth = np.log1p(q / sigma_min**2) if added else np.log(q / sigma_min**2)
    return growth / (2 * np.log(sigma_max / sigma_min))


@schedule_kind(
    "alpha = 1, sigma(t) = sigma_min (sigma_max/sigma_min)^t, t in [0, 1]",
    {
        "sigma_min": Positive("sigma(0) (Song et al. 2021)", 0.01),
        "sigma_max": Positive("sigma(1) (Song et al. 2021, CIFAR-10)", 50.0),
        "variant": Choice(
            "2 tau = sigma(t)^2 - sigma_min^2, the noise added since t = 0 (sde), or sigma(t)^2 (sigma)",
            "sde",
            known=("sde", "sigma"),
        ),
    },
)
def ve_geometric(sigma_min: float, sigma_max: float, variant: str) -> Path:
    if sigma_min >= sigma_max:
        raise ValueError(f"sigma_min = {sigma_min} is not allowed; allowed: below sigma_max = {sigma_max}")
    known: dict[str, Any] = {"sigma_min": sigma_min, "sigma_max": sigma_max, "added": variant == "sde"}
    return Path(partial(geometric_variance, **known), partial(geometric_time, **known), exploding, 1.0)


def constant_variance(t: np.ndarray, beta: float) -> np.ndarray:
    """``B = beta t``, so ``q = e^B - 1``, (80); its inverse at ``tau*`` is (83)."""
    return np.expm1(beta * t)


def constant_time(q: np.ndarray, beta: float) -> np.ndarray:
    return np.log1p(q) / beta


@schedule_kind(
    "alpha^2 = exp(-beta t), noise^2 = 1 - alpha^2, t in [0, t_end]",
    {
        "beta": Positive("rate; beta = 2 is the Ornstein-Uhlenbeck process dx = -x dt + sqrt(2) dW", 1.0),
        "t_end": Positive("last time; the default gives beta t_end = 10, about that of vp-linear", 10.0),
    },
)
def vp_constant(beta: float, t_end: float) -> Path:
    _check_exponent("beta t_end", beta * t_end)
    return Path(partial(constant_variance, beta=beta), partial(constant_time, beta=beta), preserving, t_end)


def _check_exponent(name: str, value: float) -> None:
    if value > MAX_EXPONENT:
        raise ValueError(f"{name} = {value:g} is not allowed; allowed: at most {MAX_EXPONENT:g} (alpha^2 underflows)")


_SONG_RATES = {
    "beta_min": Positive("rate at t = 0 (Song et al. 2021)", 0.1, or_zero=True),
    "beta_max": Positive("rate at t = 1 (Song et al. 2021)", 20.0),
}


def _linear_exponent(t: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    return t * (beta_min + 0.5 * (beta_max - beta_min) * t)


def _linear_exponent_time(B: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    # The root in the form without cancellation; the floor only serves B = 0 with beta_min = 0.
    root = np.sqrt(np.maximum(beta_min**2 + 2 * (beta_max - beta_min) * B, 0))
    return 2 * B / np.maximum(beta_min + root, TINY)


def linear_variance(t: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    """Rate linear in t, ``B = beta_min t + (beta_max - beta_min) t^2 / 2``, variance preserving."""
    return np.expm1(_linear_exponent(t, beta_min, beta_max))


def linear_time(q: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    return _linear_exponent_time(np.log1p(q), beta_min, beta_max)


@schedule_kind("alpha^2 = exp(-beta_min t - (beta_max - beta_min) t^2/2), noise^2 = 1 - alpha^2, t in [0, 1]", _SONG_RATES)
def vp_linear(**rates: float) -> Path:
    return _linear_rate(rates, linear_variance, linear_time, preserving)


def _linear_rate(rates: dict[str, float], clock: Callable, inverse: Callable, gauge: Callable) -> Path:
    if rates["beta_min"] + rates["beta_max"] < 2:
        raise ValueError(
            f"beta_min = {rates['beta_min']:g}, beta_max = {rates['beta_max']:g} are no rates per unit time: alpha^2 would "
            f"stay above 1/e; {RATES_PER_STEP}"
        )
    _check_exponent("(beta_min + beta_max)/2", (rates["beta_min"] + rates["beta_max"]) / 2)
    return Path(partial(clock, **rates), partial(inverse, **rates), gauge, 1.0)


def sub_linear_variance(t: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    """The same rate with noise ``1 - alpha^2``: ``tau = 2 sinh^2(B/2)``."""
    h = 2 * np.sinh(_linear_exponent(t, beta_min, beta_max) / 2)
    return h * h


def sub_linear_time(q: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    return _linear_exponent_time(2 * np.arcsinh(np.sqrt(q) / 2), beta_min, beta_max)


@schedule_kind("alpha as vp-linear, noise = 1 - alpha^2, t in [0, 1]", _SONG_RATES)
def sub_vp(**rates: float) -> Path:
    return _linear_rate(rates, sub_linear_variance, sub_linear_time, sub_preserving)


def cosine_variance(t: np.ndarray, s: float) -> np.ndarray:
    """``alpha^2 = cos^2(theta)/cos^2(theta_0)``, ``theta = pi/2 (t + s)/(1 + s)``, unclipped (Nichol and Dhariwal 2021).

    ``cos^2 theta_0 - cos^2 theta = sin(theta - theta_0) sin(theta + theta_0)`` keeps tiny t,
    ``cos theta = sin(pi/2 - theta)`` keeps ``t`` near 1.
    """
    unit = np.pi / (2 * (1 + s))
    return np.sin(unit * t) * np.sin(unit * (t + 2 * s)) / np.sin(unit * (1 - t)) ** 2


def cosine_time(q: np.ndarray, s: float) -> np.ndarray:
    """``tan theta`` from ``1 + tan^2 theta = (1 + q)/cos^2 theta_0``; t by the tangent of a difference, or from t = 1."""
    unit = np.pi / (2 * (1 + s))
    sin0, cos0 = np.sin(unit * s), np.cos(unit * s)
    root = np.sqrt(q + sin0**2)
    rise = q / np.maximum(cos0 * (root + sin0), TINY) / (1 + root * sin0 / cos0**2)
    return np.where(q < 1, np.arctan(rise) / unit, 1 - np.arctan(cos0 / root) / unit)


@schedule_kind(
    "alpha = cos(theta)/cos(theta_0), theta = pi/2 (t + s)/(1 + s), noise^2 = 1 - alpha^2, t in [0, 1), unclipped",
    {"s": Positive("offset (Nichol and Dhariwal 2021)", 0.008, or_zero=True, high=1.0)},
)
def vp_cosine(s: float) -> Path:
    return Path(partial(cosine_variance, s=s), partial(cosine_time, s=s), preserving, 1.0, end_open=True)


def flow_variance(t: np.ndarray, shift: float = 1.0) -> np.ndarray:
    """``noise/alpha = shift t/(1 - t)``."""
    ratio = shift * (t / (1 - t))
    return ratio * ratio


def flow_time(q: np.ndarray, shift: float = 1.0) -> np.ndarray:
    return 1 / (1 + shift / np.sqrt(q))


@schedule_kind(
    "alpha = 1 - noise, noise = shift t/(1 + (shift - 1) t), t in [0, 1)",
    {"shift": Positive("factor of noise/alpha at a time (Esser et al. 2024: 3 for Stable Diffusion 3)", 1.0)},
)
def flow_matching(shift: float) -> Path:
    return Path(partial(flow_variance, shift=shift), partial(flow_time, shift=shift), interpolant, 1.0, end_open=True)


class Table(NamedTuple):
    """A path known at whole steps: ``log_snr (n,)`` strictly falling, ``log_norm (n,)`` = ``ln sqrt(alpha^2 + noise^2)``.

    The first log-SNR may be +inf (``q = 0``) and the last -inf (``q = inf``), with a finite one between.
    """

    log_snr: np.ndarray
    log_norm: np.ndarray


def linear_betas(start: float, end: float, num: int) -> np.ndarray:
    """Rates of DDPM (Ho et al. 2020), (num,)."""
    return np.linspace(start, end, num)


def scaled_linear_betas(start: float, end: float, num: int) -> np.ndarray:
    """Rates linear in their square root (Rombach et al. 2022), (num,)."""
    return np.linspace(np.sqrt(start), np.sqrt(end), num) ** 2


def log_snr_of_betas(betas: np.ndarray) -> np.ndarray:
    """``ln(abar/(1 - abar))`` of ``abar = cumprod(1 - beta)``; sums of logarithms keep the first steps' digits."""
    log_abar = np.cumsum(np.log1p(-betas))
    return log_abar - np.log(-np.expm1(log_abar))


def log_snr_of_abar(abar: np.ndarray) -> np.ndarray:
    return np.log(abar) - np.log1p(-abar)


def log_snr_of_pair(alpha: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return 2 * (np.log(alpha) - np.log(noise))


def table_variance(t: np.ndarray, table: Table) -> np.ndarray:
    """Log-SNR linear between steps; next to ``q = 0`` the ratio noise/alpha is linear, next to ``q = inf`` its inverse."""
    log_snr = table.log_snr
    i = np.clip(np.floor(t), 0, len(log_snr) - 2).astype(np.intp)
    f = t - i
    low, high = log_snr[i], log_snr[i + 1]
    from_zero, to_infinity = np.isposinf(low), np.isneginf(high)
    inner = np.exp(-(low + f * (high - low)))
    first = f * f * np.exp(-high)
    last = np.exp(-low) / ((1 - f) * (1 - f))
    # At a whole step the entry itself: low + 1 (high - low) need not be high.
    inner = np.where(f == 1, np.exp(-high), inner)
    return np.where(from_zero, first, np.where(to_infinity, last, inner))


def table_time(q: np.ndarray, table: Table) -> np.ndarray:
    log_snr = table.log_snr
    x = -np.log(q)
    i = np.clip(np.searchsorted(-log_snr, -x, side="right") - 1, 0, len(log_snr) - 2)
    low, high = log_snr[i], log_snr[i + 1]
    inner = (low - x) / (low - high)
    first = np.exp(0.5 * (high - x))
    last = 1 - np.exp(0.5 * (x - low))
    f = np.where(np.isposinf(low), first, np.where(np.isneginf(high), last, inner))
    return i + np.clip(f, 0, 1)


def table_gauge(q: np.ndarray, table: Table) -> tuple[np.ndarray, np.ndarray]:
    """The preserving gauge times the table's own norm, whose logarithm is linear between steps."""
    t = table_time(q, table)
    i = np.clip(np.floor(t), 0, len(table.log_norm) - 2).astype(np.intp)
    low, high = table.log_norm[i], table.log_norm[i + 1]
    norm = np.exp(low + (t - i) * (high - low))
    alpha, noise = preserving(q)
    return norm * alpha, norm * noise


def sigma_table_variance(t: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """``sigma_n`` linear between whole steps, as diffusers' Euler reads a table; ``sigmas (n,)`` rise."""
    sigma = np.interp(t, np.arange(len(sigmas)), sigmas)
    return sigma * sigma


def sigma_table_time(q: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    return np.interp(np.sqrt(q), sigmas, np.arange(len(sigmas)))
