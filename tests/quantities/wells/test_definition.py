"""Wells with labelled parameters, potentials and tables."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.quantities.wells import well, well_fields, well_speciation

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.slow
def test_labelled_potential_and_table():
    places = np.linspace(-3, 3, 121)
    inputs = [
        well("potential", potential=lambda x: (x * x - 1) ** 2, interval=(-3.0, 3.0)),
        well("table", x=places, log_density=-((places**2 - 1) ** 2)),
    ]
    for one in inputs:
        tau = well_speciation(one).tau_star
        assert tau.sel(criterion="boundary").item() == pytest.approx(0.269102819666421, rel=1e-6)
        assert tau.sel(criterion="merging").item() == pytest.approx(0.269102819666421, rel=1e-6)
        assert well_fields(one, x=0.3, tau=0.1, error=True).log_density_error.item() < 1e-12


def test_labelled_arguments_are_checked():
    with pytest.raises(ValueError, match="coefficient"):
        well("quartic", quartic_coefficient=0.0)
    with pytest.raises(ValueError, match="tilted-quartic"):
        well("quartic", tilt=0.1)
    with pytest.raises(ValueError, match="kind"):
        well("cubic")
    with pytest.raises(ValueError, match="takes no x"):
        well("quartic", x=[0.0])
    with pytest.raises(ValueError, match="needs potential"):
        well("potential")
    with pytest.raises(ValueError, match="criteria"):
        well_speciation(well(), criteria=["leading"])
