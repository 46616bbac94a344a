"""The registry of schedules: each kind's definition, parameters, defaults and path, and how samplers space it.

A kind is a function with the decorator `schedule_kind` beside its formulas, in ``scoreshock.schedules.formulas``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from scoreshock.checks import repeated, shortened, show, suggestion
from scoreshock.options import Choice, Number, Option, Options, Positive, Whole
from scoreshock.plugins import Registry

ALIASES = {"alpha_bar": "alphas_cumprod", "alphas_bar": "alphas_cumprod"}
"""Other names of the same columns, ours of results among them."""

RATES_PER_STEP = (
    "diffusers' rates per step: kind table with betas: {start, end, num, scale: linear, or sqrt for scaled_linear}; "
    "vp-linear has rates per unit time, beta_min and beta_max"
)
MEANINGS = {
    **dict.fromkeys(("beta_start", "beta_end", "num_train_timesteps", "beta_schedule"), RATES_PER_STEP),
    **dict.fromkeys(
        ("beta", "betas", "trained_betas"),
        "of a list give alphas_cumprod, the cumulative product of 1 - beta",
    ),
    "alphas": "alpha is the signal coefficient and alphas_cumprod its square; diffusers' alphas are 1 - betas",
    "sigmas": "noise/alpha, as of EDM, is sigma_n; the noise standard deviation beside alpha is sigma",
    "shift": "a flow shifted by s has the noise s t/(1 + (s - 1) t): give it as kind table with alpha = 1 - sigma and sigma",
}
"""What parameters and columns of other programs are called here, where it is not one name for another."""

MAX_STEPS = 1_000_000
"""Most steps that a sampler or a chain of rates may have: a slip of the pen must not fill the memory."""


class Path(NamedTuple):
    """A kind with its parameters filled in: clock, its inverse, gauge, last time, whether its tau = inf is left out.

    ``completed`` are parameters that are known only now, such as the digest of a file.
    """

    variance: Callable[[np.ndarray], np.ndarray]
    time: Callable[[np.ndarray], np.ndarray]
    gauge: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    end: float
    end_open: bool = False
    completed: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Kind:
    """A named family of schedules: definition, own parameters, path, and the defaults of its sampler."""

    definition: str
    parameters: Options
    build: Callable[[dict[str, Any]], Path]
    spacing: str = "uniform"
    steps: int = 1000


KINDS: Registry[Kind] = Registry("kind of schedule", "schedules")


def schedule_kind(
    definition: str,
    parameters: Options | None = None,
    *,
    name: str = "",
    spacing: str = "uniform",
    steps: int = 1000,
) -> Callable[[Callable[..., Path]], Callable[..., Path]]:
    """Declare the decorated function as a kind of schedule.

    Parameters
    ----------
    definition
        Its coefficients as formulas, for readers.
    parameters
        What a study may write; the function takes them by name, checked, and returns the `Path`.
    name
        As a study writes it; by default that of the function, with ``-`` for ``_``.
    spacing, steps
        Defaults of its sampler.

    Examples
    --------
    >>> import scoreshock as ss
    >>> @ss.schedule_kind("alpha = 1, sigma = rate t, t in [0, 1]", {"rate": Positive("last noise level", 2.0)})
    ... def straight(rate):
    ...     return Path(lambda t: (rate * t) ** 2, lambda q: np.sqrt(q) / rate, lambda q: (np.ones_like(q), np.sqrt(q)), 1.0)
    >>> float(ss.schedule("straight").sigma(0.5))
    1.0
    """

    def declare(function: Callable[..., Path]) -> Callable[..., Path]:
        own = dict(parameters or {})
        key = name or function.__name__.replace("_", "-")
        KINDS.add(key, Kind(definition, own, partial(_built, function, own), spacing, steps), function)
        return function

    return declare


def _built(function: Callable[..., Path], own: Options, resolved: Mapping[str, Any]) -> Path:
    return function(**{name: resolved[name] for name in own if name in resolved})


def meaning(name: object, known: Iterable[str]) -> str:
    """Meaning of an unknown name here, else a suggestion of the closest known one, if any."""
    if name in MEANINGS:
        return f"; {MEANINGS[str(name)]}"
    return suggestion(str(name), known)


def renamed(stored: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Columns by the names that they have here."""
    names = [ALIASES.get(name, name) for name in map(str, stored)]
    if again := repeated(names):
        raise ValueError(f"{source} has {show(again[0])} more than once; allowed: each column once")
    return dict(zip(names, stored.values(), strict=True))


def resolve(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the kind that does not depend on its path, checked, with defaults, in the registry's order.

    Raises ``ValueError`` naming kind, parameter, value and what is allowed.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        near = suggestion(str(kind), KINDS)
        raise ValueError(f"schedule kind = {show(kind)} is not known{near}; allowed: {', '.join(KINDS)}")
    spec = KINDS[kind]
    rules: dict[str, Option] = dict(spec.parameters)
    rules["spacing"] = Choice("spacing of the sampler's times", spec.spacing, known=spacings(kind))
    spacing = _checked(kind, "spacing", rules["spacing"], parameters.get("spacing", spec.spacing))
    rules |= {name: rule for name, rule in SPACINGS[spacing].items() if name not in rules}
    parameters = renamed(parameters, "schedule table:") if kind == "table" else parameters
    for name in parameters:
        if name not in rules:
            homes = [home for home in spacings(kind) if name in SPACINGS[home]]
            hint = f"; it belongs to spacing {homes[0]!r}" if homes else meaning(name, rules)
            known = shortened(", ".join(sorted(rules)), 50 if name in MEANINGS else 160)
            described = f"{shortened(name, 40)} = {show(parameters[name])}"
            raise ValueError(f"schedule {kind}: {described} is no parameter of it; allowed: {known}{hint}")
    resolved: dict[str, Any] = {"kind": kind}
    for name, rule in rules.items():
        default = spec.steps if name == "steps" else rule.default
        if name in parameters or default is not None:
            resolved[name] = _checked(kind, name, rule, parameters.get(name, default))
    return resolved


def spacings(kind: str) -> tuple[str, ...]:
    """Spacings that a kind can have."""
    return ("uniform", "karras", "table") if kind == "table" else ("uniform", "karras")


def _checked(kind: str, name: str, rule: Option, value: Any) -> Any:
    try:
        return rule.check(value)
    except ValueError as error:
        raise ValueError(f"schedule {kind}: {name} = {error}") from None


_STEPS = Whole("moves of the sampler; under karras its noise levels", low=1, high=MAX_STEPS)

SPACINGS: dict[str, Options] = {
    "uniform": {"steps": _STEPS},
    "karras": {
        "steps": _STEPS,
        "rho": Number("noise levels are equally spaced in sigma^(1/rho)", 7.0, low=1.0, high=100.0),
        "sigma_min": Positive("least noise level; the schedule's own, or 0.002 where that is 0"),
        "sigma_max": Positive("greatest noise level; the schedule's own, or 80 where that is infinite"),
    },
    "table": {
        "num_inference_steps": Whole("number of entries that the sampler visits; all of them", low=1, high=MAX_STEPS),
        "timestep_spacing": Choice(
            "how they are picked, in diffusers' words", "linspace", known=("linspace", "leading", "trailing")
        ),
    },
}
