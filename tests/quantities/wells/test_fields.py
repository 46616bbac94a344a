"""Labelled fields of wells."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.quantities.declaration import criteria_of
from scoreshock.quantities.wells import well, well_boundary, well_fields, well_speciation

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.slow
def test_labelled_results_broadcast_and_chunks_give_the_same_numbers():
    eager = well("tilted-quartic", quartic_coefficient=[0.5, 1.0], half_distance=[1.0, 2.0, 3.0], tilt=[0.0, 0.1])
    assert eager.well_split.sizes == {"quartic_coefficient": 2, "half_distance": 3, "tilt": 2}
    fields = well_fields(eager, x=[-1.0, 0.0, 2.0], tau=[0.0, 0.1])
    assert set(fields.score.dims) == {"quartic_coefficient", "half_distance", "tilt", "tau", "x"}
    assert np.all(fields.layer_status.sel(tau=0.0) == Status.singular)
    chunked = eager.chunk({"quartic_coefficient": 1, "half_distance": 2})
    xr.testing.assert_identical(well_fields(chunked, x=[-1.0, 0.0, 2.0], tau=[0.0, 0.1]).compute(), fields)
    times = well_speciation(eager.isel(half_distance=[0, 1]))
    xr.testing.assert_identical(well_speciation(chunked.isel(half_distance=[0, 1])).compute(), times)
    assert times.criterion.values.tolist() == list(criteria_of("wells"))
    assert np.all(np.isnan(times.tau_star.values) <= (times.status.values != Status.ok))
    edge = well_boundary(eager.isel(half_distance=[0, 1]), times.tau_star.sel(criterion="boundary", drop=True))
    assert float(np.abs(edge.normal_hessian).max()) < 1e-12
