"""Layers of groups of components, and power diagrams."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.quantities import layer, shocks


def test_groups_of_more_components():
    polygon = ss.families.polygon(separation=1.0, variance=0.1)
    result = layer.layer(polygon, 0.1, ([0], [1]))
    assert result.group.values.tolist() == [0, 1, 2]
    assert result.jump > 0
    for wrong in (([0], []), ([0], [0]), ([0], [3]), ([0],)):
        with pytest.raises(ValueError, match="groups"):
            layer.layer(polygon, 0.1, wrong)
    with pytest.raises(ValueError, match="component"):
        shocks.rankine_hugoniot(polygon)


def test_power_diagram():
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.5]], [0.2, 0.3, 0.5], 0.1)
    tau = np.array([0.0, 0.2])
    grid = xr.DataArray(np.random.default_rng(0).standard_normal((50, 2)), dims=("point", "feature"))
    largest = ss.responsibilities(mixture, grid, tau).argmax("component")
    assert (shocks.power_cell(mixture, grid, tau) == largest).all()
    facets = shocks.facets(mixture, tau)
    assert facets.facet_point.dims == ("tau", "pair", "feature")
    assert facets.first_component.values.tolist() == [0, 0, 1]
    corner = shocks.triple_point(mixture, tau)
    np.testing.assert_allclose(ss.responsibilities(mixture, corner.triple_point, tau), 1 / 3, rtol=1e-12)
    assert corner.triple_point_owner.isin([0, 1, 2]).all()
