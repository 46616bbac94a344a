"""The JSON schema of a study for editors, generated from the models and registries."""

from __future__ import annotations

import json
from typing import Any

from scoreshock.densities.families import FAMILIES, REQUIRED
from scoreshock.schedules.files import READERS
from scoreshock.schedules.kinds import KINDS
from scoreshock.schedules.parameters import synonyms_of
from scoreshock.schedules.spacings import SPACINGS
from scoreshock.study.models import EXTRA, builtin
from scoreshock.study.vocabulary import Vocabulary, vocabulary

DIALECT = "https://json-schema.org/draft/2020-12/schema"


_RECOGNISED: list[dict[str, Any]] = [
    {"type": "string", "pattern": f"({'|'.join(READERS)})$".replace(".", "\\."), "description": "a file with a schedule"},
    {"type": "object", "required": ["_class_name"], "description": "contents of diffusers' scheduler_config.json"},
]
"""What stands for a schedule without its kind."""


def schema() -> str:
    """The JSON schema of a study file, as text that ends in a newline.

    Examples
    --------
    >>> import json
    >>> json.loads(schema())["properties"]["output"]["default"]
    'results'
    """
    result = {"$schema": DIALECT, **builtin().study.model_json_schema()}
    result["title"] = "scoreshock study"
    result["patternProperties"] = {f"^{EXTRA}": {}}
    definitions = result["$defs"]
    for part in ("Axes", "SweepEntry"):
        for key in definitions[part]["properties"].values():
            if key.get("default", ...) is None:
                del key["default"]
    known = vocabulary()
    definitions["Axes"]["additionalProperties"] = definitions["Axes"]["properties"]["separation"]  # as of files
    definitions["SweepEntry"]["allOf"] = [_of_family(name, known) for name in known.families]
    definitions["ScheduleEntry"]["allOf"] = [_of_kind(name) for name in known.kinds]
    schedules = result["properties"]["schedules"]["patternProperties"]
    for pattern, entry in schedules.items():
        schedules[pattern] = {"anyOf": [entry, *_RECOGNISED]}
    return json.dumps(result, indent=2) + "\n"


def _of_family(name: str, known: Vocabulary) -> dict[str, Any]:
    """What a sweep of this family may hold: axes, parameters with their defaults, quantities and criteria."""
    family = FAMILIES[name]
    quantities = known.of(family.density)
    parameters = {
        key: {} if value is REQUIRED or value is None else {"default": value} for key, value in family.parameters.items()
    }
    axes: dict[str, Any] = {} if family.of_files else {"propertyNames": {"enum": [*family.axes, "schedule"]}}
    if family.required_axes:
        axes["required"] = list(family.required_axes)
    holds = {
        "axes": axes,
        "parameters": {"properties": parameters, "additionalProperties": False},
        "quantities": {"items": {"enum": list(quantities)}},
    }
    if "speciation" in quantities:
        default = list(quantities["speciation"].default("criteria"))
        holds["criteria"] = {"items": {"enum": list(known.criteria_of(family.density))}, "default": default}
    return {"if": {"properties": {"family": {"const": name}}}, "then": {"properties": holds}}


def _of_kind(name: str) -> dict[str, Any]:
    """What a schedule of this kind may hold."""
    rules = {key: rule for rules in SPACINGS.values() for key, rule in rules.items()} | dict(KINDS[name].parameters)
    parameters = {key: {"description": f"{rule.meaning}; allowed: {rule.allowed}"} for key, rule in rules.items()}
    holds = {"kind": {}, "spacing": {"enum": list(SPACINGS)}, **parameters}
    return {
        "if": {"properties": {"kind": {"const": name}}},
        "then": {"properties": holds, "propertyNames": {"enum": [*holds, *synonyms_of(name)]}},
    }
