"""Pydantic's findings in the words of a study: key path, what was given, what is allowed, the nearest known key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from scoreshock.study import models
from scoreshock.study.errors import did_you_mean, is_tag, key_path, nearest, path_in, show


def messages(error: ValidationError, raw: Any, prefix: Sequence[str | int] = ()) -> list[str]:
    """One line for each problem that pydantic found in ``raw``, which stands at ``prefix`` in the study."""
    errors = error.errors(include_url=False)
    meant = {_meant(found["loc"]) for found in errors if found["type"] == "extra_forbidden"}
    lines = []
    for found in errors:
        location = found["loc"]
        if found["type"] == "missing" and location in meant:
            continue  # the key is there, misspelt, and that is said
        text = _unknown_key(location) if found["type"] == "extra_forbidden" else _TEXTS.get(found["type"], _other)(found)
        lines.append(f"{key_path((*prefix, *path_in(raw, location)))}: {text}")
    return list(dict.fromkeys(lines))


def _meant(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where the known key nearest to an unknown one would stand."""
    near = nearest(location[-1], known_keys(location))
    return (*location[:-1], near) if near else ()


GRIDS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "x": (models.LineValues, models.LineRange),
    "starts": (models.LineValues, models.LineRange),
    "tau": (models.TimeValues, models.TimeRange),
}
"""Models of options with a unit: values one by one, and a range."""


def known_keys(location: Sequence[str | int]) -> list[str]:
    """Keys that may stand beside the last one of a pydantic location."""
    parents = location[:-1]
    if parents and is_tag(parents[-1]):
        pair = GRIDS.get(str(parents[-2]), (models.Values, models.Range))
        model: type[BaseModel] = pair[parents[-1] == "<range>"]
    elif parents and parents[-1] == "axes":
        model = models.Axes
    else:
        model = models.SweepEntry if parents else models.StudyFile
    return list(model.model_fields)


def _unknown_key(location: Sequence[str | int]) -> str:
    known = known_keys(location)
    return f"unknown key{did_you_mean(location[-1], known)} (allowed: {', '.join(known)})"


def _given(found: Mapping[str, Any], wanted: str) -> str:
    return f"{show(found['input'])} is not allowed; allowed: {wanted}"


def _at_least(found: Mapping[str, Any]) -> str:
    return _given(found, f"a number >= {found['ctx']['ge']}")


def _at_most(found: Mapping[str, Any]) -> str:
    return _given(found, f"a number <= {found['ctx']['le']}")


def _other(found: Mapping[str, Any]) -> str:
    message = found["msg"]
    return f"{show(found['input'])} is not allowed: {message[0].lower()}{message[1:]}"


_MAPPING = "a mapping (key: value)"
_LIST = "a list, such as [one, two]"
_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "problem": lambda found: found["msg"],
    "missing": lambda _: "missing; this key is needed",
    "model_type": lambda found: _given(found, _MAPPING),
    "model_attributes_type": lambda found: _given(found, _MAPPING),
    "dict_type": lambda found: _given(found, _MAPPING),
    "list_type": lambda found: _given(found, _LIST),
    "string_type": lambda found: _given(found, "text"),
    "bool_type": lambda found: _given(found, "true or false"),
    "int_type": lambda found: _given(found, "a whole number"),
    "int_from_float": lambda found: _given(found, "a whole number"),
    "literal_error": lambda found: _given(found, found["ctx"]["expected"].replace("'", "")),
    "greater_than_equal": _at_least,
    "less_than_equal": _at_most,
    "too_short": lambda _: "is empty; at least one is needed",
    "string_too_short": lambda _: "is empty; text is needed",
}
