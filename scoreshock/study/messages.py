"""Errors of pydantic as messages about a study: key path, value, allowed values, closest known key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from scoreshock.conventions import AXES
from scoreshock.densities.families import FAMILIES
from scoreshock.options import Grid
from scoreshock.study import models
from scoreshock.study.errors import did_you_mean, is_tag, key_path, nearest, path_in, show
from scoreshock.study.vocabulary import Vocabulary, vocabulary


def messages(
    error: ValidationError, raw: Any, prefix: Sequence[str | int] = (), names: Vocabulary | None = None
) -> list[str]:
    """One line for each problem that pydantic found in ``raw``, which stands at ``prefix`` in the study."""
    errors = error.errors(include_url=False)
    meant = {(*found["loc"][:-1], _meant(found["loc"], names)) for found in errors if found["type"] == "extra_forbidden"}
    lines = []
    for found in errors:
        location = found["loc"]
        if found["type"] == "missing" and location in meant:
            continue  # reported as a misspelt key
        path = path_in(raw, location)
        text = (
            _unknown_key(location, raw, path, names)
            if found["type"] == "extra_forbidden"
            else _TEXTS.get(found["type"], _other)(found)
        )
        lines.append(f"{key_path((*prefix, *path))}: {text}")
    return list(dict.fromkeys(lines))


def _meant(location: tuple[str | int, ...], names: Vocabulary | None) -> str | None:
    """The known key that an unknown one stands for."""
    known, name = known_keys(location, names), str(location[-1])
    other = OTHER_WORDS.get(name.casefold())
    return other if other in known else nearest(name, known)


OTHER_WORDS = {
    **models.RANGE_WORDS,
    **dict.fromkeys(("separations", "half_separation", "half-separation", "a", "mu"), "separation"),
    **dict.fromkeys(("var", "sigma2", "sigma_squared", "variances"), "variance"),
    **dict.fromkeys(("d", "dim", "dims", "ndim", "n_dim"), "dimension"),
    **dict.fromkeys(("params", "arguments", "args"), "parameters"),
    **dict.fromkeys(("outdir", "output_dir", "output_folder", "folder", "results"), "output"),
    **dict.fromkeys(("criterion",), "criteria"),
    **dict.fromkeys(("times", "taus", "t"), "tau"),
}
"""Other words for keys of a study."""


@cache
def places() -> dict[str, str]:
    """Sections of the study to which misplaced keys belong."""
    return {
        **dict.fromkeys(models.ours().sweep.model_fields, "a sweep: write it under sweeps and the sweep's name"),
        **{key: "the family: write it under parameters" for family in FAMILIES.values() for key in family.parameters},
        **dict.fromkeys([*AXES, "schedule"], "axes: write it there"),
        **dict.fromkeys(models.ours().study.model_fields, "the top of the study"),
    }


SQUARED = ("sigma", "sigma0", "std", "sd", "stddev", "standard_deviation")


def known_keys(location: Sequence[str | int], names: Vocabulary | None = None) -> list[str]:
    """Keys that may stand beside the last one of a pydantic location."""
    parents = location[:-1]
    if parents and is_tag(parents[-1]):
        grids = [each.options[str(parents[-2])] for each in (names or vocabulary()).takers(str(parents[-2]))]
        units = grids[0].units if grids and isinstance(grids[0], Grid) else ()
        model: type[BaseModel] = models.grid_models(units)[parents[-1] == "<range>"]
    else:
        every = models.models(names or vocabulary())
        model = (every.axes if parents[-1] == "axes" else every.sweep) if parents else every.study
    return list(model.model_fields)


def _unknown_key(location: Sequence[str | int], raw: Any, path: Sequence[str | int], names: Vocabulary | None) -> str:
    known, name = known_keys(location, names), str(location[-1])
    meant = _meant(tuple(location), names)
    if name == "step" and "num" in known:
        hint = f"; {_num_of_step(_parent(raw, path))}"
    elif meant is not None and OTHER_WORDS.get(name.casefold()) == meant:
        hint = f'; here it is called "{meant}"'
    elif name == "values" and "num" in known:
        hint = "; either values stand here, or start, stop and num"
    elif name in SQUARED and "variance" in known:
        hint = '; its square is the axis "variance"'
    elif name == "weights" and "weight" in known:
        hint = "; the weight of one component is the axis weight, those of all stand under parameters"
    elif name in places() and len(path) == len(location):
        hint = f"; it belongs to {places()[name]}"
    else:
        hint = did_you_mean(name, known)
    return f"unknown key{hint} (allowed: {', '.join(known)})"


def _parent(raw: Any, path: Sequence[str | int]) -> Any:
    for part in path[:-1]:
        raw = raw[part]
    return raw


def _num_of_step(spec: Mapping[str, Any]) -> str:
    """How a range with a step is written."""
    try:
        start, stop, step = (Fraction(repr(spec[key])) for key in ("start", "stop", "step"))
        steps = (stop - start) / step
    except (KeyError, ValueError, ZeroDivisionError):
        return "write num, the number of values, ends included"
    if spec.get("scale", "linear") != "linear" or steps < 1:
        return "write num, the number of values, ends included"
    if steps.denominator == 1:
        return f"write num: {steps + 1} for this step"
    return f"write num, the number of values; this step does not lead from {show(spec['start'])} to {show(spec['stop'])}"


def _given(found: Mapping[str, Any], wanted: str) -> str:
    return f"{show(found['input'])} is not allowed; allowed: {wanted}"


def _other(found: Mapping[str, Any]) -> str:
    message = found["msg"]
    return f"{show(found['input'])} is not allowed: {message[0].lower()}{message[1:]}"


def _list(found: Mapping[str, Any]) -> str:
    given, key = found["input"], found["loc"][-1]
    if key == "groups":
        return "two lists, such as [[0], [1]]"
    fits = isinstance(given, str) or (key == "values" and not isinstance(given, bool | Mapping))
    return f"a list, such as [{given}]" if fits and isinstance(key, str) and len(str(given)) < 40 else "a list"


_MAPPING = "a mapping (key: value)"
_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "problem": lambda found: found["msg"],
    "missing": lambda _: "missing; this key is needed",
    "model_type": lambda found: _given(found, _MAPPING),
    "model_attributes_type": lambda found: _given(found, _MAPPING),
    "dict_type": lambda found: _given(found, _MAPPING),
    "invalid_key": lambda found: f"the key {show(found['input'])} is not text: write it in quotes",
    "list_type": lambda found: _given(found, _list(found)),
    "string_type": lambda found: _given(found, "text"),
    "bool_type": lambda found: _given(found, "true or false"),
    "int_type": lambda found: _given(found, "a whole number"),
    "int_from_float": lambda found: _given(found, "a whole number"),
    "literal_error": lambda found: _given(found, found["ctx"]["expected"].replace("'", "")),
    "greater_than_equal": lambda found: _given(found, f"a whole number >= {found['ctx']['ge']}"),
    "less_than_equal": lambda found: _given(found, f"a whole number <= {found['ctx']['le']}"),
    "too_short": lambda _: "is empty; at least one is needed",
    "string_too_short": lambda _: "is empty; text is needed",
}
