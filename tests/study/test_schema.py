"""The schema in the repository is that of the models, and explains every key."""

import copy
import json

import jsonschema
import yaml

from scoreshock.densities import families
from scoreshock.study.schema import schema
from scoreshock.study.vocabulary import vocabulary

from .test_study import DEFAULT, ROOT, WELLS

QUANTITIES = vocabulary().quantity_names


def test_the_schema_in_the_repository_is_the_models_schema():
    assert (ROOT / "workflow" / "schemas" / "config.schema.json").read_text() == schema()


def test_the_schema_accepts_the_default_study_and_completes_its_names():
    result = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(result)
    validator = jsonschema.Draft202012Validator(result)
    config = yaml.safe_load(DEFAULT.read_text())
    assert not list(validator.iter_errors(config))
    config["sweeps"]["wells"] = copy.deepcopy(WELLS) | {"quantities": ["modes"], "criteria": ["exact"]}
    refused = [error.message for error in validator.iter_errors(config)]
    assert [any(word in message for message in refused) for word in ("modes", "exact", "boundary")] == [True, True, True]
    config["sweeps"]["pair"]["axes"]["ratio"] = [0.5]
    assert any("ratio" in error.message for error in validator.iter_errors(config))
    definitions = result["$defs"]
    assert definitions["SweepEntry"]["properties"]["family"]["enum"] == list(families.FAMILIES.builtin())
    assert list(definitions["Axes"]["properties"]) == [
        "separation",
        "variance",
        "weight",
        "dimension",
        "ratio",
        "realization",
        "quartic_coefficient",
        "half_distance",
        "tilt",
        "schedule",
    ]
    assert definitions["SweepEntry"]["properties"]["quantities"]["items"]["enum"] == list(QUANTITIES)


def test_every_key_is_explained():
    text = (ROOT / "config" / "README.md").read_text()
    definitions = json.loads(schema())["$defs"]
    keys = {key for part in definitions.values() for key in part.get("properties", {})}
    assert not {key for key in keys if f"`{key}`" not in text}
    assert not {name for name in families.FAMILIES.builtin() if f"`{name}`" not in text}


def test_the_default_study_points_editors_to_the_schema():
    first = DEFAULT.read_text().splitlines()[0]
    relative = first.removeprefix("# yaml-language-server: $schema=")
    assert (DEFAULT.parent / relative).resolve() == ROOT / "workflow" / "schemas" / "config.schema.json"
