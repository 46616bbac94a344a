"""Errors of pydantic as messages about a study: key path, value, allowed values, closest known key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from scoreshock.checks import nearest
from scoreshock.conventions import AXES
from scoreshock.densities.families import FAMILIES
from scoreshock.options import Grid
from scoreshock.study import models
from scoreshock.study.errors import is_tag, key_path, path_in, show, unknown
from scoreshock.study.vocabulary import Vocabulary, vocabulary


def messages(
    error: ValidationError, raw: Any, prefix: Sequence[str | int] = (), names: Vocabulary | None = None
) -> list[str]:
    """One line for each problem that pydantic reports in ``raw``, which is at ``prefix`` in the study."""
    errors = error.errors(include_url=False)
    meant = {(*detail["loc"][:-1], _meant(detail["loc"], names)) for detail in errors if detail["type"] == "extra_forbidden"}
    lines = []
    for detail in errors:
        location = detail["loc"]
        if detail["type"] == "missing" and location in meant:
            continue  # reported as a misspelt key
        path = path_in(raw, location)
        is_key = detail["type"] == "extra_forbidden"
        text = _unknown_key(location, path, names) if is_key else _TEXTS.get(detail["type"], _other)(detail)
        lines.append(f"{key_path((*prefix, *path))}: {text}")
    return list(dict.fromkeys(lines))


OTHER_WORDS = {
    word: key
    for key, words in {
        "start": "from first begin min minimum low",
        "stop": "to last end max maximum high",
        "num": "n count number points size steps length step",
        "scale": "spacing",
        "separation": "separations half_separation half-separation a mu",
        "variance": "var sigma2 sigma_squared variances",
        "dimension": "d dim dims ndim n_dim",
        "parameters": "params arguments args",
        "output": "outdir output_dir output_folder folder results",
        "tau": "times taus t",
    }.items()
    for word in words.split()
}
"""Other words for keys of a study."""


@cache
def sections() -> dict[str, str]:
    """Sections of the study to which misplaced keys belong."""
    return {
        **dict.fromkeys(models.builtin().sweep.model_fields, "a sweep: write it under sweeps and the sweep's name"),
        **{key: "the family: write it under parameters" for family in FAMILIES.values() for key in family.parameters},
        **dict.fromkeys([*AXES, "schedule"], "axes: write it there"),
        **dict.fromkeys(models.builtin().study.model_fields, "the top of the study"),
    }


def _meant(location: Sequence[str | int], names: Vocabulary | None) -> str | None:
    """The known key that was probably meant."""
    name = str(location[-1])
    return nearest(OTHER_WORDS.get(name.casefold(), name), known_keys(location, names))


def known_keys(location: Sequence[str | int], names: Vocabulary | None = None) -> list[str]:
    """Keys that are allowed beside the last key of a pydantic location."""
    parents = location[:-1]
    if parents and is_tag(parents[-1]):
        grids = [each.options[str(parents[-2])] for each in (names or vocabulary()).quantities_with(str(parents[-2]))]
        units = grids[0].units if grids and isinstance(grids[0], Grid) else ()
        model: type[BaseModel] = models.grid_models(units)[parents[-1] == "<range>"]
    else:
        every = models.models(names or vocabulary())
        within = {"axes": every.axes, "figures": every.figures}
        model = within.get(str(parents[-1]), every.sweep) if parents else every.study
        if "figures" in parents[:-1]:
            model = models.FigureEntry
    return list(model.model_fields)


def _unknown_key(location: Sequence[str | int], path: Sequence[str | int], names: Vocabulary | None) -> str:
    name, meant = str(location[-1]), _meant(location, names)
    hint = f" (did you mean {meant!r}?)" if meant else ""
    if name in sections() and len(path) == len(location):
        hint = f" (it belongs to {sections()[name]})"
    return f"unknown key{hint}; allowed: {', '.join(known_keys(location, names))}"


def _not_allowed(detail: Mapping[str, Any], wanted: str) -> str:
    return f"{show(detail['input'])} is not allowed; allowed: {wanted}"


def _other(detail: Mapping[str, Any]) -> str:
    message = detail["msg"]
    return f"{show(detail['input'])} is not allowed: {message[0].lower()}{message[1:]}"


def _list(detail: Mapping[str, Any]) -> str:
    value, key = detail["input"], detail["loc"][-1]
    if key == "groups":
        return "two lists, such as [[0], [1]]"
    fits = isinstance(value, str) or (key == "values" and not isinstance(value, bool | Mapping))
    return f"a list, such as [{value}]" if fits and isinstance(key, str) and len(str(value)) < 40 else "a list"


_MAPPING = "a mapping (key: value)"
_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "problem": lambda detail: detail["msg"],
    "missing": lambda _: "missing; this key is needed",
    "model_type": lambda detail: _not_allowed(detail, _MAPPING),
    "model_attributes_type": lambda detail: _not_allowed(detail, _MAPPING),
    "dict_type": lambda detail: _not_allowed(detail, _MAPPING),
    "invalid_key": lambda detail: f"the key {show(detail['input'])} is not text; write it in quotes",
    "list_type": lambda detail: _not_allowed(detail, _list(detail)),
    "bool_type": lambda detail: _not_allowed(detail, "true or false"),
    "int_type": lambda detail: _not_allowed(detail, "a whole number"),
    "int_from_float": lambda detail: _not_allowed(detail, "a whole number"),
    "literal_error": lambda detail: unknown(detail["input"], re.findall(r"'([^']*)'", detail["ctx"]["expected"])),
    "greater_than_equal": lambda detail: _not_allowed(detail, f"a whole number >= {detail['ctx']['ge']}"),
    "less_than_equal": lambda detail: _not_allowed(detail, f"a whole number <= {detail['ctx']['le']}"),
    "too_short": lambda _: "is empty; at least one is needed",
    "string_too_short": lambda _: "is empty; text is needed",
}
