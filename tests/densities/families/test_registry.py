"""What the registry knows of each family, and how it refuses arguments."""

import json
import re

import numpy as np
import pytest

from scoreshock.densities.families import FAMILIES, build


def test_registry_follows_the_signatures():
    assert FAMILIES["pair"].axes == ("separation", "variance", "weight", "dimension")
    assert FAMILIES["pair"].required_axes == ("separation",)
    assert FAMILIES["pair"].parameters == {"scaling": "fixed"}
    mixtures = ["pair", "collinear", "polygon", "simplex", "hierarchy", "random", "custom", "data"]
    assert FAMILIES.builtin() == (*mixtures, "quartic", "tilted-quartic", "networks")
    assert {FAMILIES[name].density for name in mixtures} == {"mixture"}
    assert FAMILIES["tilted-quartic"].axes == ("quartic_coefficient", "half_distance", "tilt")
    assert FAMILIES["quartic"].density == "wells"


@pytest.mark.parametrize("name", FAMILIES)
def test_defaults_are_plain_json(name):
    defaults = dict(FAMILIES[name].parameters)
    assert json.loads(json.dumps(defaults)) == defaults


@pytest.mark.parametrize("name", ["pair", "collinear", "polygon", "simplex", "hierarchy", "random"])
def test_a_build_with_the_resolved_defaults_is_the_build_without(name):
    axes = {"separation": np.array([1.0, 2.0])}
    assert build(name, axes, FAMILIES[name].parameters).identical(build(name, axes))


@pytest.mark.parametrize(
    ("family", "axes", "parameters", "message"),
    [
        ("piar", {}, {}, "family = 'piar' is not known (did you mean 'pair'?); allowed: pair, collinear"),
        ("pair", {"seperation": 1.0}, {}, "family 'pair' takes no axis 'seperation' (did you mean 'separation'?)"),
        ("pair", {"separation": 1.0, "ratio": 0.5}, {}, "takes no axis 'ratio'; allowed: separation, variance, weight"),
        ("pair", {"separation": 1.0}, {"scalling": "fixed"}, "takes no parameter 'scalling' (did you mean 'scaling'?)"),
        ("pair", {}, {}, "family 'pair' needs separation"),
        ("pair", {"separation": 1.0}, {"scaling": "fixd"}, "scaling = 'fixd' is not allowed (did you mean 'fixed'?)"),
        ("pair", {"separation": 1.0}, {"scaling": ["fixed"]}, "scaling = ['fixed'] is not allowed"),
        ("pair", {"separation": -1.0}, {}, "separation = -1.0 is not allowed; allowed: a finite number >= 0"),
        ("pair", {"separation": np.nan}, {}, "separation = nan is not allowed"),
        ("pair", {"separation": True}, {}, "separation: True is not numeric; allowed: a finite number >= 0"),
        ("pair", {"separation": "1e-3"}, {}, "separation: '1e-3' is not numeric; allowed: a finite number >= 0"),
        ("pair", {"separation": None}, {}, "separation: None is not numeric"),
        ("pair", {"separation": [[1], [1, 2]]}, {}, "separation = [[1], [1, 2]] is not allowed"),
        ("pair", {"separation": []}, {}, "separation is empty"),
        ("pair", {"separation": [1.0, 1.0]}, {}, "separation has the value 1.0 more than once"),
        ("pair", {"separation": 1.0, "weight": 0.0}, {}, "weight = 0.0 is not allowed; allowed: a number strictly between"),
        ("pair", {"separation": 1.0, "weight": 1.2}, {}, "weight = 1.2 is not allowed"),
        ("pair", {"separation": 1.0, "variance": -0.1}, {}, "variance = -0.1 is not allowed"),
        ("pair", {"separation": 1.0, "dimension": 0}, {}, "dimension = 0 is not allowed"),
        ("collinear", {"separation": 1.0}, {"positions": []}, "positions is empty"),
        ("collinear", {"separation": 1.0}, {"positions": [[1.0]]}, "positions = [[1.0]] is not allowed"),
        (
            "collinear",
            {"separation": 1.0, "weight": 0.5},
            {"marked": 3},
            "marked = 3 is not allowed; allowed: a whole number",
        ),
        ("collinear", {"separation": 1.0, "weight": 0.5}, {"positions": [1]}, "weight is given for one component"),
        ("collinear", {"separation": 1.0}, {"weights": [1, 1]}, "weights has sizes {'component': 2}; allowed: 3 weights"),
        ("polygon", {"separation": 1.0, "dimension": 1}, {}, "dimension = 1 is not allowed; allowed: a whole number >= 2"),
        ("polygon", {"separation": 1.0}, {"vertices": 2}, "vertices = 2 is not allowed; allowed: a whole number from 3"),
        ("polygon", {"separation": 1.0}, {"vertices": 3.5}, "vertices = 3.5 is not allowed"),
        ("polygon", {"separation": 1.0}, {"radii": [1, 2]}, "radii = [1, 2] has shape (2,); allowed: 3 numbers"),
        ("polygon", {"separation": 1.0}, {"radii": [1, 2, -1]}, "radii has the value -1.0; allowed: numbers >= 0"),
        ("polygon", {"separation": 1.0}, {"angles": [0, 1, "x"]}, "angles"),
        ("simplex", {"separation": 1.0, "dimension": 2}, {}, "dimension = 2 is not allowed; allowed: a whole number >= 3"),
        ("hierarchy", {"separation": 1.0, "ratio": 1.0}, {}, "ratio = 1.0 is not allowed"),
        ("hierarchy", {"separation": 1.0}, {"levels": 12, "branching": 3}, "make 531441 components; allowed: at most 4096"),
        ("random", {"realization": -1}, {}, "realization = -1 is not allowed"),
        ("random", {}, {"components": 0}, "components = 0 is not allowed"),
        ("random", {}, {"seed": -1}, "seed = -1 is not allowed; allowed: a whole number >= 0"),
        ("random", {}, {"concentration": 0}, "concentration = 0 is not allowed; allowed: a finite number > 0"),
        ("random", {}, {"concentration": 1, "weights": [1] * 4}, "weights and concentration are both given"),
        ("custom", {}, {}, "custom needs either means or file, and not both"),
        ("custom", {}, {"means": [1, 2], "file": "x.nc"}, "custom needs either means or file, and not both"),
        (
            "custom",
            {"dimension": 1},
            {"means": [[0, 1], [1, 0]]},
            "dimension = 1 is not allowed; allowed: a whole number >= 2",
        ),
        ("custom", {}, {"file": "nowhere.nc"}, "file nowhere.nc does not exist"),
        ("custom", {}, {"file": "means.txt"}, "file means.txt has the suffix '.txt'; allowed: .nc"),
        ("data", {}, {}, "data needs either source or file, and not both"),
        ("data", {}, {"source": "cifar"}, "source = 'cifar' is not known; allowed: digits, wine, iris, breast_cancer"),
        ("data", {}, {"source": "iris", "scaling": "unit"}, "scaling = 'unit' is not allowed; allowed: raw, unit-range"),
    ],
)
def test_errors_name_the_argument_that_is_not_allowed(family, axes, parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(family, axes, parameters)
