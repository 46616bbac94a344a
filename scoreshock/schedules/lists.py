"""Lists of numbers that stand for noise by step: their text, and the conventions that a list fits.

``sigma`` has three meanings in use: noise over signal (EDM, k-diffusion, ComfyUI), the noise of a flow with
``alpha = 1 - sigma``, and ``sqrt(1 - alpha_bar)``. A list that fits several is refused unless the convention is stated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from scoreshock.checks import as_array, shortened, show

CONVENTIONS = {
    "sigma_n": "noise/signal, EDM's",
    "flow": "alpha = 1 - sigma",
    "vp": "sqrt(1 - alpha_bar)",
    "alphas_cumprod": "alpha^2",
    "betas": "rates per step",
    "log_snr": "ln(alpha^2/noise^2)",
}
"""Conventions of a list, and their meanings."""

SIGMAS = ("sigma_n", "flow", "vp")


def numbers(name: str, value: Any) -> Any:
    """A list of numbers from text such as ``"14.6, 10.2, 0.0"`` or ``[14.6 10.2]``; anything else as it is.

    Examples
    --------
    >>> numbers("sigmas", "14.6, 10.2, 0.0")
    [14.6, 10.2, 0.0]
    """
    if not isinstance(value, str):
        return value
    words = re.split(r"[,;\s]+", value.strip().strip("[]()").strip(" ,;\n\t"))
    try:
        return [float(word) for word in words]
    except ValueError:
        raise ValueError(
            f"{name} = {show(value)} is not allowed; allowed: numbers with commas or blanks between them"
        ) from None


LARGE = 100
"""A list of whole numbers up to this and more may be the timesteps of another table, and no noise."""


def fitting(values: np.ndarray, among: Sequence[str] = tuple(CONVENTIONS)) -> list[str]:
    """Conventions that a list fits by its values.

    Examples
    --------
    >>> fitting(np.array([14.6, 2.0, 0.0])), fitting(np.array([1.0, 0.5, 0.001]), SIGMAS)
    (['sigma_n'], ['sigma_n', 'flow', 'vp'])
    """
    steps = np.diff(values)
    falls, rises = bool((steps <= 0).all()), bool((steps >= 0).all())
    share = bool(((values >= 0) & (values <= 1)).all()) and (falls or rises)
    fits = {
        "sigma_n": bool((values >= 0).all()) and (falls or rises),
        "flow": share,
        "vp": share,
        "alphas_cumprod": share,
        "betas": bool(((values >= 0) & (values < 1)).all()),
        "log_snr": bool((values < 0).any()) and (falls or rises),
    }
    return [name for name in among if fits[name]]


def convention_of(name: str, values: Any, stated: str | None, among: Sequence[str] = tuple(CONVENTIONS)) -> str:
    """The stated convention of a list, or the only one that it fits; ``ValueError`` naming those that it fits."""
    array = as_array(name, values)
    if array.ndim != 1 or array.dtype.kind not in "iuf" or array.size < 2:
        raise ValueError(f"{name} = {show(values)} is not allowed; allowed: a list of 2 or more numbers")
    if stated is not None:
        if stated not in among:
            raise ValueError(f"convention = {stated!r} is not allowed for {name}; allowed: {', '.join(among)}")
        return stated
    fits = fitting(array.astype(float), among)
    if "sigma_n" in fits and array.max() >= LARGE and (array == np.round(array)).all():
        raise ValueError(
            f"{name} = {show(array)} has 2 readings: sigma_n, and timesteps of another table (give it timesteps); "
            "say convention: sigma_n for the first"
        )
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise ValueError(
            f"{name} = {show(values)} fits no convention; allowed: numbers that rise or fall, of {', '.join(among)}"
        )
    readings = "; ".join(f"{each} ({CONVENTIONS[each]})" for each in fits)
    numbers = shortened(show(array), 30)
    raise ValueError(f"{name} = {numbers} has {len(fits)} readings: {readings}; say which by convention: {fits[0]}, ...")
