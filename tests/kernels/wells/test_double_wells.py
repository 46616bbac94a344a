"""Potentials given by a formula, a callable or a table."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.wells.double_wells import potential, table
from scoreshock.kernels.wells.parts import state
from scoreshock.kernels.wells.times import boundary_time, merging_time

from .test_parts import relative, wells_of

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.slow
def test_a_callable_and_a_table_of_the_quartic_agree_with_it():
    def u(x):
        return (x * x - 1) ** 2 - 0.1 * x

    x = np.linspace(-2.5, 2.5, 41)
    places = np.linspace(-3, 3, 121)
    exact = wells_of(1.0, 1.0, 0.1)
    for each, bound in ((potential(u), 1e-11), (table(places, -u(places)), 1e-4)):
        for tau in (1e-2, 0.2, 5.0):
            got, expected = (state(w, x, np.array(tau)) for w in (each, exact))
            assert relative(got.score, expected.score) < bound
            assert relative(got.log_ratio, expected.log_ratio) < 10 * bound
        assert float(boundary_time(each).tau) == pytest.approx(float(boundary_time(exact).tau), rel=bound)
        assert float(merging_time(each).tau) == pytest.approx(float(merging_time(exact).tau), rel=bound)


def test_potentials_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not rise"):
        potential(lambda x: 0 * x)
    with pytest.raises(ValueError, match="convex"):
        potential(lambda x: np.log1p(x * x), interval=(-10.0, 10.0))
    with pytest.raises(ValueError, match="both ends"):
        table(np.arange(5.0), np.arange(5.0))
