"""Parameters of schedules as people write them: names of other programs, defaults, checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scoreshock.checks import listed, repeated, shortened, show, suggestion
from scoreshock.options import Choice, Option
from scoreshock.schedules.kinds import KINDS, RATES_PER_STEP
from scoreshock.schedules.spacings import SPACINGS, allowed_spacings

ALIASES = {
    **dict.fromkeys(("alpha_bar", "alphas_bar", "alpha_bars", "alpha_cumprod"), "alphas_cumprod"),
    **dict.fromkeys(("trained_betas", "beta"), "betas"),
    **dict.fromkeys(("logsnr", "logSNR", "log_snrs"), "log_snr"),
}
"""Other names of the columns of a table, ours of results among them."""

RATE_NAMES = ("beta_start", "beta_end", "num_train_timesteps", "beta_schedule")
"""Rates per step in diffusers' words, of which the last may be left out."""

SYNONYMS: dict[str, dict[str, str]] = {
    "vp-linear": {"beta_start": "beta_min", "beta_end": "beta_max"},
    "sub-vp": {"beta_start": "beta_min", "beta_end": "beta_max"},
    "flow-matching": {"flow_shift": "shift"},
    "table": ALIASES,
}
"""Names of parameters in other programs, by kind."""

MEANINGS = {
    **dict.fromkeys(RATE_NAMES, RATES_PER_STEP),
    **dict.fromkeys(("beta", "betas", "trained_betas"), "rates per step are kind table with betas, a list"),
    "alphas": "alpha is the signal coefficient and alphas_cumprod its square; diffusers' alphas are 1 - betas",
    "sigmas": "noise levels are kind table with sigmas; those that a sampler visits are spacing: levels with levels",
    "shift": "of flow matching: kind flow-matching with shift",
}
"""What parameters and columns of other programs are called here, where it is not one name for another."""


def meaning(name: object, known: Iterable[str]) -> str:
    """Meaning of an unknown name here, else a suggestion of the closest known one, if any."""
    if name in MEANINGS:
        return f"; {MEANINGS[str(name)]}"
    return suggestion(str(name), known)


def renamed(stored: Mapping[str, Any], source: str, kind: str = "table") -> dict[str, Any]:
    """Parameters of a kind, or columns, by the names that they have here."""
    synonyms = SYNONYMS.get(kind, {})
    names = [synonyms.get(name, name) for name in map(str, stored)]
    if again := repeated(names):
        raise ValueError(
            f"{source} has {show(again[0])} more than once; allowed: each {'column' if kind == 'table' else 'one'} once"
        )
    renamed = dict(zip(names, stored.values(), strict=True))
    return _with_rates(renamed) if kind == "table" else renamed


def synonyms_of(kind: str) -> list[str]:
    """Names of other programs that a kind understands."""
    return [*SYNONYMS.get(kind, {}), *(RATE_NAMES if kind == "table" else ())]


def _with_rates(parameters: dict[str, Any]) -> dict[str, Any]:
    """Rates per step in diffusers' words as those of a table."""
    rates = {name: parameters.pop(name) for name in RATE_NAMES if name in parameters}
    if not rates:
        return parameters
    scales = {"linear": "linear", "scaled_linear": "sqrt"}
    if missing := [name for name in RATE_NAMES[:3] if name not in rates]:
        raise ValueError(f"{listed(rates)} without {listed(missing)}; allowed: {', '.join(RATE_NAMES[:3])} together")
    scale = rates.get("beta_schedule", "linear")
    if "betas" in parameters or scale not in list(scales):
        raise ValueError(
            f"beta_schedule = {show(scale)}{' beside betas' * ('betas' in parameters)} is not allowed; allowed: linear, "
            "scaled_linear; others are kind diffusers with a config"
        )
    start, end, num = (rates[name] for name in RATE_NAMES[:3])
    return {**parameters, "betas": {"start": start, "end": end, "num": num, "scale": scales[scale]}}


def resolve(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the kind that does not depend on its path, checked, with defaults, in the registry's order.

    Raises ``ValueError`` naming kind, parameter, value and what is allowed.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        near = suggestion(str(kind), KINDS)
        raise ValueError(f"schedule kind = {show(kind)} is not known{near}; allowed: {', '.join(KINDS)}")
    spec, spacings = KINDS[kind], allowed_spacings(kind)
    rules: dict[str, Option] = dict(spec.parameters)
    rules["spacing"] = Choice("spacing of the sampler's times", spec.spacing, known=spacings)
    spacing = _checked(kind, "spacing", rules["spacing"], parameters.get("spacing", spec.spacing))
    rules |= {name: rule for name, rule in SPACINGS[spacing].items() if name not in rules}
    parameters = renamed(parameters, f"schedule {kind}:", kind)
    for name in parameters:
        if name not in rules:
            homes = [home for home in spacings if name in SPACINGS[home]]
            hint = f"; it belongs to spacing {homes[0]!r}" if homes else meaning(name, rules)
            known = shortened(", ".join(sorted(rules)), 50 if name in MEANINGS else 160)
            described = f"{shortened(name, 40)} = {show(parameters[name])}"
            raise ValueError(f"schedule {kind}: {described} is no parameter of it; allowed: {known}{hint}")
    resolved: dict[str, Any] = {"kind": kind}
    for name, rule in rules.items():
        default = spec.steps if name == "steps" and spacing != "levels" else rule.default
        if name in parameters or default is not None:
            resolved[name] = _checked(kind, name, rule, parameters.get(name, default))
    return resolved


def _checked(kind: str, name: str, rule: Option, value: Any) -> Any:
    try:
        return rule.check(value)
    except ValueError as error:
        raise ValueError(f"schedule {kind}: {name} = {error}") from None
