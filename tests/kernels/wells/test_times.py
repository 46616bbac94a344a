"""Times of wells against references, published values and the number of modes."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.wells.double_wells import quartic
from scoreshock.kernels.wells.parts import state
from scoreshock.kernels.wells.times import boundary_time, matched_gaussian, merging_time
from tests.reference import cases, check, identify

from .test_parts import wells_of

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("case", cases("quartic_symmetric") + cases("quartic_tilted"), ids=identify)
def test_reference_times(case):
    i, expected = case["inputs"], case["expected"]
    wells = wells_of(i["c"], i["b"], i.get("h", 0.0))
    result = boundary_time(wells)
    merged = merging_time(wells, result)
    check(case, "tau_star" if "tau_star" in expected else "tau_boundary", result.tau)
    check(case, "sbar_x", result.background_curvature)
    check(case, "grad_phi_abs", result.jump)
    check(case, "interfacial_term", result.interfacial_curvature)
    if "tau_star" in expected:
        check(case, "tau_star", merged.tau)
        return
    check(case, "split", wells.split[0])
    check(case, "x_boundary", result.x_boundary)
    check(case, "score_at_boundary", result.score_boundary)
    check(case, "tau_mode_merge", merged.tau)
    check(case, "x_mode_merge", merged.x_merging)


@pytest.mark.parametrize(
    ("c", "b", "tau"),
    [(1.0, 1.0, 0.269102819666421), (0.25, 2.0, 1.67004938118059), (0.1, 3.0, 4.18557261091395)],
)
def test_published_times_of_the_symmetric_quartic(c, b, tau):
    assert float(boundary_time(wells_of(c, b)).tau) == pytest.approx(tau, rel=1e-13)
    assert float(matched_gaussian(wells_of(c, b))[0]) == pytest.approx((b**2 - 1 / (8 * c * b**2)) / 2, rel=1e-14)


@pytest.mark.slow
def test_times_do_not_depend_on_their_batch():
    c, b, h = np.array([1.0, 0.1, 30.0, 2.0]), np.array([1.0, 3.0, 2.0, 0.1]), np.array([0.1, 0.0, -0.4, 1.0])
    wells = quartic(c, b, h)
    for time in (boundary_time, merging_time):
        whole = time(wells)
        one = [time(quartic(c[i], b[i], h[i])) for i in range(4)]
        for name in whole._fields:
            assert np.array_equal(np.stack([getattr(o, name) for o in one]), getattr(whole, name), equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters", [(1.0, 1.0, 0.1), (1.0, 1.0, -1.0), (0.1, 3.0, 1e-6), (10.0, 0.3, 0.3), (140.0, 9.0, -5e4)]
)
def test_the_number_of_modes_falls_at_the_merging_time(parameters):
    wells = wells_of(*parameters)
    merged = merging_time(wells)
    assert merged.merging_status == Status.ok
    b = parameters[1]
    x = np.unique(np.concatenate([np.linspace(-1.5 * b, 1.5 * b, 601), merged.x_merging + b * np.linspace(-0.1, 0.1, 801)]))
    counts = []
    for tau in (0.99 * merged.tau, 1.01 * merged.tau):
        s = state(wells, x, tau).score
        counts.append(int(((s[:-1] > 0) & (s[1:] <= 0)).sum()))
    assert counts == [2, 1]
