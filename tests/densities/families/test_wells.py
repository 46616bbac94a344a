"""Double wells are their parameters."""

import numpy as np
import pytest

from scoreshock.densities import families
from scoreshock.densities.families import build


def test_wells_are_their_parameters():
    result = build("tilted-quartic", {"half_distance": [1.0, 2.0], "tilt": np.array([-0.1, 0.0, 0.1])})
    assert dict(result.sizes) == {"half_distance": 2, "tilt": 3}
    assert result.well_tilt.values.tolist() == [-0.1, 0.0, 0.1]
    assert result.well_quartic_coefficient.item() == 1.0
    assert build("quartic", {"half_distance": [1.0, 2.0]}).well_tilt.item() == 0.0
    with pytest.raises(ValueError, match="quartic_coefficient = 0"):
        families.quartic(quartic_coefficient=0.0)
