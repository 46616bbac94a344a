"""Times at which samplers evaluate a schedule."""

import numpy as np
import pytest

from scoreshock.schedules.schedule import KINDS, schedule

from ..schedules.test_schedule import DDPM_RATES, NEEDED


@pytest.mark.parametrize("spacing", ["uniform", "karras"])
@pytest.mark.parametrize("kind", KINDS)
def test_sampling_times_fall_from_noise_to_data_inside_the_range(kind, spacing):
    result = schedule(kind, spacing=spacing, steps=25, **NEEDED.get(kind, {}))
    times = result.sample_times()
    assert np.all(np.diff(times) < 0)
    assert times[0] <= result.end
    assert times[-1] == result.start
    assert len(times) in (25, 26)


def test_uniform_times_are_equal_moves_and_the_step_is_their_index():
    vp = schedule("vp-linear", steps=4)
    np.testing.assert_array_equal(vp.sample_times(), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(vp.sampling_step(vp.tau([0.0, 0.375, 1.0])), [4, 2.5, 0], rtol=1e-12)


def test_karras_times_have_karras_noise_levels_in_any_schedule():
    vp = schedule("vp-linear", spacing="karras", sigma_max=80.0, steps=18)
    np.testing.assert_allclose(vp.sigma(vp.sample_times()), schedule("edm").sample_times(), rtol=1e-9)
    assert vp.sampling_step(vp.tau(1.0)) == 0
    default = schedule("vp-linear", spacing="karras").parameters
    assert (default["rho"], default["sigma_min"]) == (7.0, 0.002)
    assert default["sigma_max"] == pytest.approx(np.sqrt(np.expm1(10.05)), rel=1e-12)
    assert schedule("flow-matching", spacing="karras").parameters["sigma_max"] == 80.0


def test_edm_step_counts_calls_from_noise():
    edm = schedule("edm")
    levels = edm.sample_times()
    np.testing.assert_allclose(edm.sampling_step(levels**2 / 2), np.arange(19.0), atol=1e-9)


def test_table_steps_are_its_entries_unless_fewer_are_asked_for():
    table = schedule("table", betas=DDPM_RATES)
    assert table.sampling_step(table.tau(249.5)) == pytest.approx(749.5, rel=1e-12)
    fewer = schedule("table", betas=DDPM_RATES, num_inference_steps=10)
    np.testing.assert_array_equal(fewer.sample_times(), [999, 888, 777, 666, 555, 444, 333, 222, 111, 0])
    assert fewer.sampling_step(fewer.tau(499.5)) == pytest.approx(4.5, rel=1e-12)
    trailing = schedule("table", betas=DDPM_RATES, num_inference_steps=10, timestep_spacing="trailing")
    assert trailing.sampling_step(trailing.tau(50.0)) == 9
