"""Noise levels and table entries that samplers visit, noisiest first, and positions among them.

Functions on arrays; ``sigma`` is the noise-to-signal ratio ``sigma_n = sqrt(2 tau)``, or the noise of a flow where a
scheduler spaces that.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

ALIGN_YOUR_STEPS = {
    "align-your-steps-sd1": (
        *(14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092),
        *(0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582),
    ),
    "align-your-steps-sdxl": (
        *(14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141),
        *(0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582),
    ),
    "align-your-steps-svd": (700.0, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}
"""Levels of ten steps for Stable Diffusion 1.5, XL and Stable Video Diffusion (Sabour et al. 2024, the authors' page)."""


def karras_sigmas(sigma_min: float, sigma_max: float, rho: float, num: int) -> np.ndarray:
    """Noise levels of Karras et al. (2022), eq. 5, from ``sigma_max`` down to ``sigma_min``, (num,)."""
    if num == 1:
        return np.array([float(sigma_max)])
    top, bottom = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    sigmas = (top + np.arange(num) / (num - 1) * (bottom - top)) ** rho
    sigmas[0], sigmas[-1] = sigma_max, sigma_min
    return sigmas


def polyexponential_sigmas(sigma_min: float, sigma_max: float, rho: float, num: int) -> np.ndarray:
    """``ln sigma`` falls from ``ln sigma_max`` as a power ``rho`` of a line, 1: equal ratios (k-diffusion), (num,)."""
    if num == 1:
        return np.array([float(sigma_max)])
    ramp = np.linspace(1, 0, num) ** rho
    sigmas = np.exp(ramp * np.log(sigma_max / sigma_min)) * sigma_min
    sigmas[0], sigmas[-1] = sigma_max, sigma_min
    return sigmas


def vp_sigmas(beta_d: float, beta_min: float, eps_s: float, num: int) -> np.ndarray:
    """Levels of the linear rate at times equally spaced from 1 to ``eps_s`` (k-diffusion's ``get_sigmas_vp``), (num,)."""
    t = np.linspace(1, eps_s, num)
    return np.sqrt(np.expm1(beta_d * t * t / 2 + beta_min * t))


def beta_sigmas(sigma_min: float, sigma_max: float, num: int) -> np.ndarray:
    """Quantiles of the beta distribution (0.6, 0.6) between the ends (Lee et al. 2024, as diffusers), (num,)."""
    return sigma_min + betaincinv(0.6, 0.6, 1 - np.linspace(0, 1, num)) * (sigma_max - sigma_min)


def log_linear_sigmas(levels: np.ndarray, num: int) -> np.ndarray:
    """``num`` levels by interpolation of ``ln sigma`` in the position in a falling list (Align Your Steps, GITS), (num,)."""
    return np.exp(np.interp(np.linspace(0, 1, num), np.linspace(0, 1, len(levels)), np.log(levels)))


def select_steps(total: int, num: int, timestep_spacing: str) -> np.ndarray:
    """``num`` of ``total`` steps, noisy first, as diffusers picks them (Lin et al. 2024, Table 2), (num,) int."""
    if timestep_spacing == "leading":
        return (np.arange(num) * (total // num))[::-1]
    if timestep_spacing == "trailing":
        return trailing_steps(total, total / num)
    return np.round(np.linspace(0, total - 1, num)).astype(np.int64)[::-1]


def trailing_steps(last: int, ratio: float) -> np.ndarray:
    """Steps from ``last - 1`` down by ``ratio``; diffusers' own expression decides ties, (about last/ratio,) int.

    Its rounding makes an entry -1 of some numbers of steps (61 of 1000), which is left out.
    """
    steps = np.round(np.arange(last, 0, -ratio)).astype(np.int64) - 1
    return steps[steps >= 0]


def position(t: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Fractional index of ``t`` among falling ``times (n,)``, the first of repeated ones, clamped to ``[0, n - 1]``."""
    if len(times) == 1:
        return np.zeros_like(t)
    rising = -times
    right = np.clip(np.searchsorted(rising, -t, side="left"), 1, len(times) - 1)
    low, high = rising[right - 1], rising[right]
    gap = np.where(high > low, high - low, 1)
    return right - 1 + np.clip((-t - low) / gap, 0, 1)
