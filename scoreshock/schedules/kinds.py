"""The registry of schedules: each kind's definition, parameters, defaults and path, and how samplers space it.

``KINDS`` is the one place where a kind is described; a new one is an entry here and its formulas in
``scoreshock.schedules.formulas``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from scoreshock.checks import shortened, show
from scoreshock.schedules import formulas, tables

MAX_EXPONENT = 700.0
"""Largest integral of beta: beyond it the noise-to-signal variance overflows double precision (e^709)."""

LEAST, GREATEST = 1e-60, 1e60
"""Magnitudes of parameters: squares and ratios of squares of such numbers stay inside double precision."""


class Path(NamedTuple):
    """A kind with its parameters filled in: clock, its inverse, gauge, last time, whether its tau = inf is left out."""

    variance: Callable[[np.ndarray], np.ndarray]
    time: Callable[[np.ndarray], np.ndarray]
    gauge: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    end: float
    end_open: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter: its meaning, its default (None: derived or absent), and what it may be.

    ``form`` names what is no number and no option; the table's own reader checks it.
    """

    meaning: str
    default: Any = None
    low: float = 0.0
    low_open: bool = True
    high: float = GREATEST
    integer: bool = False
    options: tuple[str, ...] = ()
    form: str = ""

    @property
    def allowed(self) -> str:
        """What the parameter may be, in words."""
        number = f"a finite number {'>' if self.low_open else '>='} {self.low:g}, of magnitude {LEAST:g} to {GREATEST:g}"
        if self.high < GREATEST:
            number = f"a number from {self.low:g} to {self.high:g}"
        if self.integer:
            number = f"a whole number from 1 to {tables.MAX_STEPS}"
        return self.form or ", ".join(self.options) or number

    def check(self, value: Any) -> Any:
        """Return ``value`` as a plain Python object, or raise ``ValueError`` saying what is wrong with it."""
        if self.form:
            return _plain_text(value, self.allowed) if self.form.startswith("text") else _copy(value, self.allowed)
        if self.options:
            if isinstance(value, str) and value in self.options:
                return value
            raise ValueError(f"= {show(value)} is not allowed; allowed: {self.allowed}{nearest(value, self.options)}")
        number = tables.number(value, self.allowed)
        good = (number > self.low if self.low_open else number >= self.low) and number <= self.high
        good = good and (number == 0 or number >= LEAST)
        if self.integer:
            good = 1 <= number <= tables.MAX_STEPS and number == np.floor(number)
        if not good:
            raise ValueError(f"= {show(value)} is not allowed; allowed: {self.allowed}")
        return int(number) if self.integer else number


@dataclass(frozen=True)
class Kind:
    """A named family of schedules: definition, own parameters, path, and the defaults of its sampler."""

    definition: str
    parameters: Mapping[str, Parameter]
    build: Callable[[dict[str, Any]], Path]
    spacing: str = "uniform"
    steps: int = 1000


def nearest(name: object, known: Iterable[str]) -> str:
    """A did-you-mean, or nothing."""
    close = difflib.get_close_matches(shortened(name), list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def resolve(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the kind that does not depend on its path, checked, with defaults, in the registry's order.

    Raises ``ValueError`` naming kind, parameter, value and what is allowed.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"schedule kind = {show(kind)} is not known; allowed: {', '.join(KINDS)}{nearest(kind, KINDS)}")
    spec = KINDS[kind]
    rules = dict(spec.parameters)
    rules["spacing"] = Parameter("spacing of the sampler's times", spec.spacing, options=spacings(kind))
    spacing = _checked(kind, "spacing", rules["spacing"], given.get("spacing", spec.spacing))
    rules |= {name: rule for name, rule in SPACINGS[spacing].items() if name not in rules}
    given = tables.renamed(given, "schedule table:") if kind == "table" else given
    for name in given:
        if name not in rules:
            homes = [home for home in spacings(kind) if name in SPACINGS[home]]
            hint = f"; it belongs to spacing {homes[0]!r}" if homes else tables.meaning(name, rules)
            known = shortened(", ".join(sorted(rules)), 50 if name in tables.MEANINGS else 160)
            given_as = f"{shortened(name, 40)} = {show(given[name])}"
            raise ValueError(f"schedule {kind}: {given_as} is no parameter of it; allowed: {known}{hint}")
    resolved: dict[str, Any] = {"kind": kind}
    for name, rule in rules.items():
        default = spec.steps if name == "steps" else rule.default
        if name in given or default is not None:
            resolved[name] = _checked(kind, name, rule, given.get(name, default))
    return resolved


def spacings(kind: str) -> tuple[str, ...]:
    """Spacings that a kind can have."""
    return ("uniform", "karras", "table") if kind == "table" else ("uniform", "karras")


def _checked(kind: str, name: str, rule: Parameter, value: Any) -> Any:
    try:
        return rule.check(value)
    except ValueError as error:
        raise ValueError(f"schedule {kind}: {name} {error}") from None


def _copy(value: Any, allowed: str) -> Any:
    try:
        return deepcopy(value)
    except TypeError:  # generators and the like
        raise ValueError(f"= {show(value)} is not allowed; allowed: {allowed}") from None


def _plain_text(value: Any, allowed: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"= {show(value)} is not allowed; allowed: {allowed}")
    return value


def _ve(p: dict[str, Any]) -> Path:
    return Path(formulas.heat_variance, formulas.heat_time, formulas.exploding, p["t_end"])


def _ve_geometric(p: dict[str, Any]) -> Path:
    low, high = p["sigma_min"], p["sigma_max"]
    if low >= high:
        raise ValueError(f"sigma_min = {low} is not allowed; allowed: below sigma_max = {high}")
    known = {"sigma_min": low, "sigma_max": high, "added": p["variant"] == "sde"}
    clock, inverse = partial(formulas.geometric_variance, **known), partial(formulas.geometric_time, **known)
    return Path(clock, inverse, formulas.exploding, 1.0)


def _edm(p: dict[str, Any]) -> Path:
    return Path(formulas.edm_variance, formulas.edm_time, formulas.exploding, p["sigma_max"])


def _vp_constant(p: dict[str, Any]) -> Path:
    _check_exponent("beta t_end", p["beta"] * p["t_end"])
    clock, inverse = partial(formulas.constant_variance, beta=p["beta"]), partial(formulas.constant_time, beta=p["beta"])
    return Path(clock, inverse, formulas.preserving, p["t_end"])


def _linear_rate(p: dict[str, Any], clock: Callable, inverse: Callable, gauge: Callable) -> Path:
    _check_exponent("(beta_min + beta_max)/2", (p["beta_min"] + p["beta_max"]) / 2)
    known = {"beta_min": p["beta_min"], "beta_max": p["beta_max"]}
    return Path(partial(clock, **known), partial(inverse, **known), gauge, 1.0)


def _vp_linear(p: dict[str, Any]) -> Path:
    return _linear_rate(p, formulas.linear_variance, formulas.linear_time, formulas.preserving)


def _sub_vp(p: dict[str, Any]) -> Path:
    return _linear_rate(p, formulas.sub_linear_variance, formulas.sub_linear_time, formulas.sub_preserving)


def _vp_cosine(p: dict[str, Any]) -> Path:
    clock, inverse = partial(formulas.cosine_variance, s=p["s"]), partial(formulas.cosine_time, s=p["s"])
    return Path(clock, inverse, formulas.preserving, 1.0, end_open=True)


def _flow_matching(_: dict[str, Any]) -> Path:
    return Path(formulas.flow_variance, formulas.flow_time, formulas.interpolant, 1.0, end_open=True)


def _table(p: dict[str, Any]) -> Path:
    table, gauge = tables.build(p)
    clock, inverse = partial(formulas.table_variance, table=table), partial(formulas.table_time, table=table)
    return Path(clock, inverse, gauge, float(len(table.log_snr) - 1))


def _check_exponent(name: str, value: float) -> None:
    if value > MAX_EXPONENT:
        raise ValueError(f"{name} = {value:g} is not allowed; allowed: at most {MAX_EXPONENT:g} (alpha^2 underflows)")


_SONG_RATES = {
    "beta_min": Parameter("rate at t = 0 (Song et al. 2021)", 0.1, low_open=False),
    "beta_max": Parameter("rate at t = 1 (Song et al. 2021)", 20.0),
}

KINDS: dict[str, Kind] = {
    "ve": Kind(
        "alpha = 1, tau = t, t in [0, t_end]",
        {"t_end": Parameter("last time; the default is sqrt(2 tau) = 80, where edm ends", 3200.0)},
        _ve,
    ),
    "ve-geometric": Kind(
        "alpha = 1, sigma(t) = sigma_min (sigma_max/sigma_min)^t, t in [0, 1]",
        {
            "sigma_min": Parameter("sigma(0) (Song et al. 2021)", 0.01),
            "sigma_max": Parameter("sigma(1) (Song et al. 2021, CIFAR-10)", 50.0),
            "variant": Parameter(
                "2 tau = sigma(t)^2 - sigma_min^2, the noise added since t = 0 (sde), or sigma(t)^2 (sigma)",
                "sde",
                options=("sde", "sigma"),
            ),
        },
        _ve_geometric,
    ),
    "edm": Kind(
        "alpha = 1, sqrt(2 tau) = t, t in [0, sigma_max]",
        {"sigma_max": Parameter("last time and noise level (Karras et al. 2022)", 80.0)},
        _edm,
        spacing="karras",
        steps=18,
    ),
    "vp-constant": Kind(
        "alpha^2 = exp(-beta t), noise^2 = 1 - alpha^2, t in [0, t_end]",
        {
            "beta": Parameter("rate; beta = 2 is the Ornstein-Uhlenbeck process dx = -x dt + sqrt(2) dW", 1.0),
            "t_end": Parameter("last time; the default gives beta t_end = 10, about that of vp-linear", 10.0),
        },
        _vp_constant,
    ),
    "vp-linear": Kind(
        "alpha^2 = exp(-beta_min t - (beta_max - beta_min) t^2/2), noise^2 = 1 - alpha^2, t in [0, 1]",
        _SONG_RATES,
        _vp_linear,
    ),
    "vp-cosine": Kind(
        "alpha = cos(theta)/cos(theta_0), theta = pi/2 (t + s)/(1 + s), noise^2 = 1 - alpha^2, t in [0, 1), unclipped",
        {"s": Parameter("offset (Nichol and Dhariwal 2021)", 0.008, low_open=False, high=1.0)},
        _vp_cosine,
    ),
    "sub-vp": Kind("alpha as vp-linear, noise = 1 - alpha^2, t in [0, 1]", _SONG_RATES, _sub_vp),
    "flow-matching": Kind("alpha = 1 - t, noise = t, t in [0, 1)", {}, _flow_matching),
    "table": Kind(
        "entries by step, t in [0, n - 1]; log-SNR linear between them",
        {
            "alphas_cumprod": Parameter("alpha^2 by step, noise^2 = 1 - alpha^2", form="a list of numbers from 0 to 1"),
            "alpha": Parameter("signal coefficient by step, with sigma", form="a list of finite numbers >= 0"),
            "sigma": Parameter("noise standard deviation by step, with alpha", form="a list of finite numbers >= 0"),
            "sigma_n": Parameter("noise/alpha by step, alpha = 1", form="a list of finite numbers >= 0"),
            "betas": Parameter("rates of a DDPM chain", form="{start, end, num, scale: linear | sqrt}"),
            "file": Parameter("file with one of these as columns", form="text: a path to .csv, .nc or .yaml"),
            "digest": Parameter("sha256 of the file", form="text: 64 hexadecimal digits"),
            "order": Parameter("which end comes first (found, not chosen)", options=("data-first", "noisy-first")),
        },
        _table,
        spacing="table",
    ),
}

_STEPS = Parameter("moves of the sampler; under karras its noise levels", integer=True)

SPACINGS: dict[str, Mapping[str, Parameter]] = {
    "uniform": {"steps": _STEPS},
    "karras": {
        "steps": _STEPS,
        "rho": Parameter("noise levels are equally spaced in sigma^(1/rho)", 7.0, low=1.0, low_open=False, high=100.0),
        "sigma_min": Parameter("least noise level; the schedule's own, or 0.002 where that is 0"),
        "sigma_max": Parameter("greatest noise level; the schedule's own, or 80 where that is infinite"),
    },
    "table": {
        "num_inference_steps": Parameter("number of entries that the sampler visits; all of them", integer=True),
        "timestep_spacing": Parameter(
            "how they are picked, in diffusers' words", "linspace", options=("linspace", "leading", "trailing")
        ),
    },
}
