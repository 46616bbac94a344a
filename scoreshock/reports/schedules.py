"""Noise schedules as a command line has them: a name or a file, with parameters after a colon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scoreshock.checks import repeated, show
from scoreshock.schedules.recognition import parameters_of
from scoreshock.schedules.schedule import Schedule, schedule

FORM = "NAME or FILE, as in edm, or with parameters, as in edm:sigma_max=40,rho=5"


def schedules_of(texts: Sequence[str], steps: int | None = None) -> dict[str, Schedule]:
    """Schedules by label: the text, of a file its name without suffix; ``steps`` is the number of steps of all samplers.

    Examples
    --------
    >>> made = schedules_of(["edm", "edm:sigma_max=40,rho=5"], 12)
    >>> [(label, each.parameters["sigma_max"], each.parameters["steps"]) for label, each in made.items()]
    [('edm', 80.0, 12), ('edm:sigma_max=40,rho=5', 40.0, 12)]
    """
    parts = [_parts(text) for text in texts]
    labels = [(Path(name).stem if Path(name).suffix else name) + (rest and f":{rest}") for name, rest in parts]
    if again := repeated(labels):
        raise ValueError(f"--schedule {show(again[0])} is there more than once; allowed: each once")
    return {label: _schedule(name, rest, steps) for label, (name, rest) in zip(labels, parts, strict=True)}


def _parts(text: str) -> tuple[str, str]:
    """Name or file, and the text of the parameters."""
    if Path(text).exists():  # a file may have a colon in its name
        return text, ""
    found = re.fullmatch(r"(.+?):(\w+=.*)", text)
    return (found[1], found[2]) if found else (text, "")


def _schedule(name: str, rest: str, steps: int | None) -> Schedule:
    known = dict(parameters_of(name) or {"kind": name}) | _parameters(rest)
    if steps is None:
        return schedule(**known)
    key = "num_inference_steps" if known["kind"] in ("diffusers", "table") else "steps"
    return schedule(**(known | {key: steps}))


def _parameters(rest: str) -> dict[str, Any]:
    """Parameters ``NAME=VALUE,...``, whose values are those of YAML."""
    try:
        found = yaml.safe_load("{" + re.sub(r"(^|,)(\w+)=", r"\1 \2: ", rest) + "}")
    except yaml.YAMLError:
        raise ValueError(f"--schedule parameters {show(rest)} cannot be read; allowed: {FORM}") from None
    return {name: _number(value) for name, value in found.items()}


def _number(value: Any) -> Any:
    """Numbers that YAML takes for text, such as 1e-3, as numbers."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
