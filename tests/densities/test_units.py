"""Units of data: shift, factor and range, as if the numbers themselves had been in these units."""

import re

import numpy as np
import pytest

from scoreshock import score
from scoreshock.densities import families
from scoreshock.densities.data import from_labelled, project

from .test_data import class_means, table

X, Y = table()
SCALINGS = {
    "factor of latents": ({"scale": 0.18215}, 0.18215 * X),
    "shift and factor": ({"scale": 1.5305, "shift": 0.0609}, (X - 0.0609) * 1.5305),
    "negative": ({"scale": -2, "shift": 3}, (X - 3) * -2.0),
    "range": ({"range": [-1, 1]}, 2 * (X - X.min()) / (X.max() - X.min()) - 1),
    "range of other ends": ({"range": (0.5, 0.75)}, 0.25 * (X - X.min()) / (X.max() - X.min()) + 0.5),
}


@pytest.mark.parametrize("name", SCALINGS)
def test_data_in_other_units_are_the_numbers_in_these_units(name):
    scaling, prepared = SCALINGS[name]
    result, expected = from_labelled(X, Y, scaling), from_labelled(prepared, Y)
    for variable in ("component_mean", "component_variance", "within_class_variance", "total_eigenvalue", "origin"):
        np.testing.assert_allclose(result[variable], expected[variable], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(class_means(result), [prepared[j == Y].mean(axis=0) for j in range(3)], atol=1e-12)
    at, there = project(result, X[:4]), project(expected, prepared[:4])
    np.testing.assert_allclose(at, there, atol=1e-12)
    np.testing.assert_allclose(at.perpendicular_squared, there.perpendicular_squared, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(score(result, at, 0.3), score(expected, there, 0.3), rtol=1e-9, atol=1e-12)


def test_the_range_of_images_is_that_of_their_type_whatever_their_own():
    images = np.array([[10, 20], [30, 200], [50, 60], [70, 80]], dtype="uint8")
    result = from_labelled(images, [0, 0, 1, 1], {"range": [-1, 1]})
    expected = from_labelled(images / 127.5 - 1.0, [0, 0, 1, 1])
    np.testing.assert_allclose(class_means(result), class_means(expected), atol=1e-15)
    assert result.attrs["scaling"] == "range: 0 to 255 (of the type uint8) becomes -1 to 1"
    own = from_labelled(images.astype(int), [0, 0, 1, 1], {"range": [-1, 1]})
    assert own.attrs["scaling"] == "range: 10 to 200 (of the table) becomes -1 to 1"


def test_the_result_says_its_units():
    assert from_labelled(X, Y).attrs["data_units"] == "as given"
    assert "feature_offset" not in from_labelled(X, Y)
    scaled = from_labelled(X, Y, {"scale": 0.18215})
    assert scaled.attrs["scaling"] == "scale: (x - 0) 0.18215"
    assert scaled.attrs["data_units"] == "(as given - feature_offset) / feature_scale"
    assert scaled.feature_scale.values.tolist() == [1 / 0.18215] * 7
    assert from_labelled(X, Y, {"scale": 2.0, "shift": 1.0}).feature_offset.item() == 1.0


def test_units_hold_for_moved_classes_too():
    result = families.data(source="iris", scaling={"scale": 0.5}, separation=[1.0, 2.0])
    plain = families.data(source="iris", separation=[1.0, 2.0])
    np.testing.assert_allclose(result.total_eigenvalue, plain.total_eigenvalue / 4, rtol=1e-12)
    np.testing.assert_allclose(result.component_mean, plain.component_mean / 2, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("scaling", "said"),
    [
        (
            "unit-varience",
            "scaling = 'unit-varience' is not allowed (did you mean 'unit-variance'?); allowed: raw, unit-range",
        ),
        (0.5, "scaling = 0.5 is not allowed; allowed: raw, unit-range, unit-variance, {scale: 0.18215}"),
        ({}, "scaling = {} is not allowed"),
        ({"shift": 1.0}, "scaling = {'shift': 1.0} is not allowed"),
        ({"scale": 1.0, "range": [0, 1]}, "is not allowed; allowed: raw"),
        ({"scale": 0}, "scale = 0 is not allowed; allowed: a factor other than 0"),
        ({"scale": "0.5"}, "scale = '0.5' is not allowed; allowed: a finite number"),
        ({"scale": True}, "scale = True is not allowed"),
        ({"scale": 1.0, "shift": np.nan}, "shift = nan is not allowed; allowed: a finite number"),
        ({"range": [1, -1]}, "range = [1, -1] of numbers from"),
        ({"range": [0, 1, 2]}, "range = [0, 1, 2] is not allowed; allowed: two finite numbers"),
        ({"range": 1}, "range = 1 is not allowed; allowed: two finite numbers"),
    ],
)
def test_units_that_are_none_are_refused(scaling, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        from_labelled(X, Y, scaling)


def test_a_constant_table_has_no_range():
    with pytest.raises(ValueError, match=re.escape("range = [-1, 1] of numbers from 3 to 3 is not allowed")):
        from_labelled(np.full((4, 2), 3.0), [0, 0, 1, 1], {"range": [-1, 1]})
