"""Merging trees of sweeps."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.quantities import modes


@pytest.mark.slow
def test_tree_of_a_chunked_sweep():
    mixture = ss.families.collinear(separation=np.linspace(1, 2, 5), variance=0.01, positions=[-1.0, -0.2, 0.5, 1.3])
    eager, lazy = modes.merging_tree(mixture), modes.merging_tree(mixture.chunk(separation=2))
    xr.testing.assert_identical(eager, lazy.compute())
    assert eager.merges_into.dims[-2:] == ("event", "mode")
