"""Alternative criteria: neighbouring times of a pair."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.alternatives import alternative_times

from .test_trajectories import SWEEP


def test_neighbouring_times_of_a_pair():
    result = alternative_times(ss.families.pair(separation=[1.0, 0.1], variance=0.09))
    assert result.criterion.values.tolist() == ["cloning", "drift", "entropic"]
    np.testing.assert_allclose(result.tau_star.isel(separation=0).squeeze()[:1], [0.455], rtol=1e-12)
    assert result.status.sel(criterion="cloning").isel(separation=1).item() == Status.below_data_variance
    with pytest.raises(ValueError, match="level"):
        alternative_times(SWEEP, level=1.0)
