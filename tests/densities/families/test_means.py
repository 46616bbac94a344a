"""Means that a user gives, as numbers or in a file."""

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import families
from scoreshock.kernels.gaussian.geometry import decompose
from tests import reference


@pytest.mark.parametrize("case", reference.cases("corrections"), ids=reference.identify)
def test_custom_means_keep_their_leading_eigenvalue(case):
    dataset = families.custom(means=case["inputs"]["means"], weights=case["inputs"]["weights"])
    geometry = decompose(dataset.component_mean.values, dataset.component_weight.values)
    reference.check(case, "lambda1", geometry.eigenvalues[0])


def test_custom_reduces_many_features_and_leads_back():
    drawn = np.random.default_rng(0).normal(size=(3, 20))
    dataset = families.custom(separation=[1.0, 2.0], means=drawn.tolist(), weights=[1, 2, 1])
    assert dataset.component_mean.sizes == {"separation": 2, "component": 3, "feature": 2}
    assert dataset.ambient_dimension.item() == 20
    back = dataset.component_mean.dot(dataset.basis, dim="feature") + dataset.origin
    np.testing.assert_allclose(
        back.transpose("separation", "component", "ambient"), np.stack([drawn, 2 * drawn]), atol=1e-13
    )


@pytest.mark.parametrize("names", [("component_mean", "component_weight"), ("means", "weights")])
def test_custom_reads_a_file(tmp_path, names):
    stored = xr.Dataset(
        {
            names[0]: (("component", "feature"), [[0.0, 1.0], [2.0, 3.0]]),
            names[1]: ("component", [1.0, 3.0]),
            "variance": 0.25,
        }
    )
    stored.to_netcdf(tmp_path / "mixture.nc", engine="netcdf4")
    dataset = families.custom(file=str(tmp_path / "mixture.nc"))
    assert dataset.component_mean.values.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert dataset.component_weight.values.tolist() == [0.25, 0.75]
    assert dataset.component_variance.item() == 0.25


def test_a_mixture_file_without_means_is_named_with_what_it_has(tmp_path):
    xr.Dataset({"centre": ("component", [1.0, 2.0])}).to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    with pytest.raises(ValueError, match=r"bad\.nc has no means; variables found: centre; allowed"):
        families.custom(file=str(tmp_path / "bad.nc"))
