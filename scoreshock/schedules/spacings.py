"""How samplers space their levels: the spacings, their options, and what a sampler visits of a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoreshock.checks import as_real, show
from scoreshock.options import Choice, Number, Options, Other, Positive, Whole
from scoreshock.schedules import levels, lists
from scoreshock.schedules.kinds import MAX_STEPS, Path, Sampled

_STEPS = Whole("moves of the sampler; with levels by a formula their number", low=1, high=MAX_STEPS)
_ENDS: Options = {
    "sigma_min": Positive("least noise level; the schedule's own, or 0.002 where that is 0"),
    "sigma_max": Positive("greatest noise level; the schedule's own, or 80 where that is infinite"),
}
_LEVELS = "a list of falling noise levels sigma_n, the last where it lands; text with them; or " + ", ".join(
    levels.ALIGN_YOUR_STEPS
)

SPACINGS: dict[str, Options] = {
    "uniform": {"steps": _STEPS},
    "karras": {
        "steps": _STEPS,
        "rho": Number("noise levels are equally spaced in sigma^(1/rho)", 7.0, low=1.0, high=100.0),
        **_ENDS,
    },
    "exponential": {"steps": _STEPS, **_ENDS},
    "polyexponential": {
        "steps": _STEPS,
        "rho": Number("ln sigma falls as a power rho of the step", 1.0, low=0.01, high=100.0),
        **_ENDS,
    },
    "vp": {
        "steps": _STEPS,
        "beta_d": Positive("rise of the rate of k-diffusion's VP levels", 19.9),
        "beta_min": Positive("its rate at time 0", 0.1, or_zero=True),
        "eps_s": Positive("its last time", 1e-3, high=1.0),
    },
    "levels": {
        "levels": Other("noise levels handed in", form=_LEVELS),
        "steps": Whole("moves after interpolation of ln sigma, the last to 0; as handed in", low=1, high=MAX_STEPS),
    },
    "table": {
        "num_inference_steps": Whole("number of entries that the sampler visits; all of them", low=1, high=MAX_STEPS),
        "timestep_spacing": Choice(
            "how they are picked, in diffusers' words", "linspace", known=("linspace", "leading", "trailing")
        ),
        "timesteps": Other("the entries themselves", form="a falling list of whole numbers, entries of the table"),
    },
    "scheduler": {},
}
"""Options of each spacing."""

OF_RANGE = ("karras", "exponential", "polyexponential")
"""Spacings by a formula between two levels."""

NEAR = 1e-3
"""Levels handed in may lie this much (relatively) outside of the schedule, as rounded digits do."""


def allowed_spacings(kind: str) -> tuple[str, ...]:
    """Spacings that a kind can have."""
    of_others = {"table": kind == "table", "scheduler": kind == "diffusers"}
    return tuple(name for name in SPACINGS if of_others.get(name, True))


def sample(path: Path, options: Mapping[str, Any], limits: tuple[float, float]) -> Sampled:
    """What a sampler with these options visits of a path whose noise-to-signal variance has these limits."""
    spacing = options["spacing"]
    if spacing == "uniform":
        times = np.linspace(path.end, 0.0, options["steps"] + 1)
        return Sampled(times, sigmas_at(path, times), times[:-1])
    if path.sampled is not None and (spacing == "scheduler" or (spacing == "table" and not asked(options))):
        return path.sampled
    if spacing == "table":
        return _table_entries(path, options)
    if spacing == "levels":
        return _at_levels(path, handed(options), limits)
    low, high = level_range(options, limits)
    if spacing == "karras":
        sigmas = levels.karras_sigmas(low, high, options["rho"], options["steps"])
    elif spacing == "vp":
        sigmas = levels.vp_sigmas(options["beta_d"], options["beta_min"], options["eps_s"], options["steps"])
    else:
        sigmas = levels.polyexponential_sigmas(low, high, options.get("rho", 1.0), options["steps"])
    times = times_at(path, sigmas)
    if times[-1] > 0:
        times = np.append(times, 0.0)
        return Sampled(times, np.append(sigmas, np.sqrt(limits[0])), times[:-1])
    return Sampled(times, sigmas, times)


def sigmas_at(path: Path, times: np.ndarray) -> np.ndarray:
    """Noise levels at times of a path."""
    with np.errstate(all="ignore"):
        return np.sqrt(path.variance(times))


def times_at(path: Path, sigmas: np.ndarray) -> np.ndarray:
    """Times of noise levels, those outside of the path at its ends."""
    with np.errstate(all="ignore"):
        times = np.where(np.isinf(sigmas), path.end, path.time(sigmas * sigmas))
        return np.clip(times, 0.0, path.end)


def level_range(options: Mapping[str, Any], limits: tuple[float, float]) -> tuple[float, float]:
    """Least and greatest level of a formula, inside the schedule."""
    low, high = np.sqrt(limits)
    return max(options.get("sigma_min", 0.0), float(low)), min(options.get("sigma_max", np.inf), float(high))


def _table_entries(path: Path, options: Mapping[str, Any]) -> Sampled:
    total = int(path.end) + 1
    if "timesteps" in options:
        times = np.array(options["timesteps"], dtype=float)
    else:
        times = levels.select_steps(total, options["num_inference_steps"], options["timestep_spacing"]).astype(float)
    sigmas = sigmas_at(path, times)
    return Sampled(times, sigmas if sigmas[-1] == 0 else np.append(sigmas, 0.0), times)


def asked(options: Mapping[str, Any]) -> bool:
    """Whether the entries that a sampler visits are asked for, by their number or one by one."""
    return "num_inference_steps" in options or "timesteps" in options


def entries_of(value: Any, total: int) -> list[int]:
    """Timesteps handed in: falling entries of a table of ``total``."""
    steps = as_real("timesteps", lists.numbers("timesteps", value))
    good = steps.ndim == 1 and steps.size and (steps == np.round(steps)).all() and (np.diff(steps) < 0).all()
    if not good or steps[0] >= total or steps[-1] < 0:
        raise ValueError(f"timesteps = {show(value)} is not allowed; allowed: falling whole numbers from {total - 1} to 0")
    return [int(step) for step in steps]


def handed(options: Mapping[str, Any]) -> np.ndarray:
    """Levels handed in: a list, or some published one, interpolated where ``steps`` says so."""
    chosen = options["levels"]
    named = isinstance(chosen, str) and chosen in levels.ALIGN_YOUR_STEPS
    sigmas = np.array(levels.ALIGN_YOUR_STEPS[chosen] if named else chosen, dtype=float)
    if named or "steps" in options:
        sigmas = levels.log_linear_sigmas(sigmas, options.get("steps", len(sigmas) - 1) + 1)
        sigmas[-1] = 0.0
    return sigmas


def check_levels(options: dict[str, Any], limits: tuple[float, float]) -> None:
    """Refuse levels that rise, or that the schedule does not have; text becomes a list."""
    if "levels" not in options:
        raise ValueError(f"levels are missing; allowed: {_LEVELS}")
    if options["levels"] not in list(levels.ALIGN_YOUR_STEPS):
        options["levels"] = _numbers(options["levels"])
    if "steps" in options and 0 in np.atleast_1d(options["levels"]):
        raise ValueError(
            "levels end at 0 and cannot be interpolated; allowed: without the 0, which steps appends, or no steps"
        )
    sigmas = handed(options)
    low, high = np.sqrt(limits)
    outside = (sigmas > high * (1 + NEAR)) | ((sigmas < low * (1 - NEAR)) & (sigmas > 0))
    if outside.any():
        raise ValueError(
            f"levels has {sigmas[outside][0]:g}; allowed: the schedule's own sigma_n, {low:.6g} to {high:.6g}, and a final 0"
        )


def _numbers(value: Any) -> list[float]:
    numbers = lists.numbers("levels", value)
    lists.convention_of("levels", numbers, "sigma_n")
    sigmas = np.asarray(numbers, dtype=float)
    if not ((sigmas >= 0) & np.isfinite(sigmas)).all() or (np.diff(sigmas) > 0).any():
        raise ValueError(f"levels = {show(value)} is not allowed; allowed: falling numbers >= 0")
    return [float(sigma) for sigma in sigmas]


def _at_levels(path: Path, sigmas: np.ndarray, limits: tuple[float, float]) -> Sampled:
    """Levels handed in, the last where the sampler lands."""
    times = times_at(path, sigmas)
    has_landing = sigmas[-1] >= np.sqrt(limits[0]) * (1 - NEAR)
    return Sampled(times if has_landing else times[:-1], sigmas, times[:-1])
