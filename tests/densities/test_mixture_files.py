"""Files of mixtures: covariances by any of their names, and a saved mixture read back."""

import re

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture

from .test_component_covariances import drawn, matrices

MEANS = [[0.0, 1.0, 0.0], [2.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    "made",
    [
        lambda: mixture(MEANS, [1, 3], covariance=drawn(2)),
        lambda: mixture(MEANS, [1, 3], covariance=drawn()),
        lambda: mixture(MEANS, [1, 3], covariance=xr.DataArray([1.0, 2.0, 3.0], dims="feature")),
        lambda: mixture(
            MEANS, [1, 3], xr.DataArray([0.0, 0.2], dims="component"), 7,
            {"eigenvalues": [[2.0], [3.0]], "directions": [[0.0, 0.6, 0.8]]},
        ),
        lambda: mixture([[0.0], [2.0]], variance=xr.DataArray([0.5, 1.0], dims="component")),
        lambda: families.data(source="iris", covariance="full"),
        lambda: families.data(source="digits", covariance="full", rank=3),
    ],
    ids=["full", "shared", "diagonal", "low rank", "variances", "data", "data of low rank"],
)  # fmt: skip
def test_a_saved_mixture_is_read_as_it_was(tmp_path, made):
    saved, path = made(), tmp_path / "mixture.nc"
    saved.to_netcdf(path, engine="netcdf4")
    read = families.custom(file=str(path))
    for name in ("component_mean", "component_weight", "component_variance", "ambient_dimension"):
        xr.testing.assert_equal(
            read[name].drop_vars("label", errors="ignore"), saved[name].drop_vars("label", errors="ignore")
        )
    for name in ("covariance_eigenvalue", "covariance_direction"):
        assert (name in read) == (name in saved)
        if name in saved:
            assert (read[name].values == saved[name].values).all()


@pytest.mark.parametrize("other", ["feature_2", "feature_", "feature_other", "column"])
@pytest.mark.parametrize("name", ["covariance", "covariances"])
def test_matrices_are_read_whatever_their_second_dimension_is_called(tmp_path, name, other):
    given, path = drawn(2), tmp_path / "mixture.nc"
    stored = {"means": (("component", "feature"), MEANS), name: (("component", "feature", other), given)}
    xr.Dataset(stored).to_netcdf(path, engine="netcdf4")
    np.testing.assert_allclose(matrices(families.custom(file=str(path))), given, rtol=1e-13, atol=1e-13)


def test_a_sweep_of_covariances_is_an_axis(tmp_path):
    given, path = drawn(3, 2), tmp_path / "mixture.nc"
    stored = xr.Dataset(
        {
            "means": (("component", "feature"), MEANS),
            "covariances": (("angle", "component", "feature", "feature_2"), given),
        },
        {"angle": [0.0, 0.5, 1.0]},
    )
    stored.to_netcdf(path, engine="netcdf4")
    read = families.custom(file=str(path))
    np.testing.assert_allclose(matrices(read), given, rtol=1e-13, atol=1e-13)
    one = families.custom(file=str(path), select={"angle": [0.5]})
    assert (one.covariance_direction.values == read.covariance_direction.sel(angle=[0.5]).values).all()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"variance": 1.0, "component_variance": 1.0}, "both 'variance' and 'component_variance', which are the same"),
        ({"covariances": (("component", "feature"), -np.ones((2, 3)))}, "covariance has the variance -1"),
        (
            {"covariances": (("component", "row"), np.ones((2, 4)))},
            "has the dimension 'row' without a coordinate of numbers",
        ),
        ({"covariance_direction": (("direction", "feature"), np.eye(3))}, "covariance has the keys directions; allowed"),
        ({"stds": ("component", [1.0, 1.0])}, "has stds, which would be ignored"),
        (
            {"covariances": (("feature", "f2"), np.eye(3)), "covariance_eigenvalue": ("direction", np.ones(3))},
            "covariance is given twice",
        ),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path, variables, message):
    path = tmp_path / "mixture.nc"
    xr.Dataset({"means": (("component", "feature"), MEANS)} | variables).to_netcdf(path, engine="netcdf4")
    with pytest.raises(ValueError, match=re.escape(message)):
        families.custom(file=str(path))


def test_variances_and_covariances_of_a_study_are_lists():
    read = families.custom(means=MEANS, covariance=drawn().tolist(), separation=2.0)
    np.testing.assert_allclose(matrices(read), [drawn()] * 2, rtol=1e-13, atol=1e-13)
    assert (read.component_mean.values == 2 * np.array(MEANS)).all()
    several = families.custom(means=MEANS, variances=[0.5, 1.0])
    assert several.component_variance.values.tolist() == [0.5, 1.0]
    with pytest.raises(ValueError, match=re.escape("variances = [0.5, 1.0] beside the axis variance; allowed: one of them")):
        families.custom(means=MEANS, variances=[0.5, 1.0], variance=1.0)
