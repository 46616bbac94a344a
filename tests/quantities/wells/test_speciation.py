"""Labelled speciation times of wells."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.quantities.wells import well, well_speciation

pytestmark = pytest.mark.filterwarnings("error")


def test_speciation_is_placed_in_schedules():
    result = well_speciation(well("quartic"), {"vp": ss.schedule("vp-constant", beta=1.0)})
    expected = np.log1p(2 * 0.269102819666421)
    assert result.time.sel(criterion="boundary", schedule="vp").item() == pytest.approx(expected, rel=1e-12)
