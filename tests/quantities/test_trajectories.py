"""Labelled trajectories, divergences, neighbouring criteria and regions: sweeps, chunks, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.kernels.flow import sampling
from scoreshock.kernels.flow.trajectory import Mixture
from scoreshock.quantities.divergence import divergence_bound
from scoreshock.quantities.regions import regions
from scoreshock.quantities.trajectories import centre_growth, error_growth, trajectories

SWEEP = ss.families.pair(separation=[0.8, 1.0, 1.5], variance=[0.09, 0.25])
STARTS = np.array([-0.4, 0.0, 0.3])
TRACK = [2.0, 0.5, 0.0]


def all_quantities(mixture: xr.Dataset) -> list[xr.Dataset]:
    levels = xr.DataArray([0.0, 0.3], dims="tau_min")
    return [
        trajectories(mixture, STARTS, TRACK),
        trajectories(mixture, STARTS, TRACK, stochastic=True, seed=3, steps=16),
        error_growth(mixture, STARTS, TRACK, 0.1, "layer"),
        centre_growth(mixture, levels, 2.0),
        divergence_bound(mixture, levels, 2.0, 0.1, "layer"),
        regions(mixture, [0.0, 0.4], [0.0, 1.0]),
    ]


@pytest.mark.slow
def test_chunks_change_nothing_and_every_name_is_in_the_vocabulary():
    for eager, lazy in zip(all_quantities(SWEEP), all_quantities(SWEEP.chunk(separation=1)), strict=True):
        assert lazy.chunks
        xr.testing.assert_identical(lazy.compute(), eager)
        for name, variable in eager.variables.items():
            assert variable.attrs["long_name"] or name in SWEEP.coords
            assert ("flag_values" in variable.attrs) == str(name).endswith("status")


@pytest.mark.slow
def test_a_member_of_a_sweep_is_itself_alone():
    alone = SWEEP.isel(separation=[1], variance=[1])
    for one, many in zip(all_quantities(alone), all_quantities(SWEEP), strict=True):
        xr.testing.assert_identical(one, many.isel(separation=[1], variance=[1]))


def test_noise_belongs_to_a_start_not_to_its_neighbours():
    whole = trajectories(SWEEP, STARTS, TRACK, stochastic=True, seed=3, steps=16)
    fewer = trajectories(SWEEP, STARTS[:2], TRACK, stochastic=True, seed=3, steps=16)
    xr.testing.assert_identical(whole.isel(x=slice(2)), fewer)
    other = trajectories(SWEEP, STARTS, TRACK, stochastic=True, seed=4, steps=16)
    assert (other.trajectory.isel(tau=-1) != whole.trajectory.isel(tau=-1)).all()


def test_times_may_differ_along_the_sweep():
    track = xr.DataArray([1.0, 0.0], dims="tau") * SWEEP.separation**2
    result = trajectories(SWEEP, STARTS, track)
    one = trajectories(SWEEP.isel(separation=2), STARTS, track.isel(separation=2).values)
    np.testing.assert_array_equal(result.trajectory.isel(separation=2).transpose(*one.trajectory.dims), one.trajectory)
    xr.testing.assert_allclose(result.times, track.astype(float))


@pytest.mark.slow
def test_a_given_field_acts_as_the_named_one():
    mixture = SWEEP.isel(separation=0, variance=0)
    values = mixture.component_mean.values, mixture.component_weight.values, mixture.component_variance.values

    def layer(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return sampling.in_layer(x, Mixture(*values), tau)

    given = error_growth(mixture, STARTS, TRACK, 0.1, layer)
    xr.testing.assert_identical(given, error_growth(mixture, STARTS, TRACK, 0.1, "layer"))


def test_several_features_take_a_bias_with_as_many():
    pair = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], variance=0.1)
    result = trajectories(pair, [[0.0, 0.0]], [1.0, 0.0], bias=[0.0, 0.1])
    assert result.trajectory.isel(tau=-1, feature=0).item() == 0
    assert result.trajectory.isel(tau=-1, feature=1).item() > 0
    with pytest.raises(ValueError, match="bias"):
        trajectories(pair, [[0.0, 0.0]], [1.0, 0.0], bias=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau": [0.0, 1.0, 0.5]}, "tau"),
        ({"tau": [0.0, 1.0], "stochastic": True}, "descending"),
        ({"tau": [1.0, -1.0]}, "tau"),
        ({"tau": 1.0}, "tau"),
        ({"tau": TRACK, "error_support": "nowhere"}, "error_support"),
        ({"tau": TRACK, "rtol": 1e-14}, "rtol: 1e-14 is not allowed; allowed: a number from 1e-12 to 0.01"),
        ({"tau": TRACK, "rtol": "fine"}, "rtol"),
        ({"tau": TRACK, "rtol": True}, "rtol"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        trajectories(SWEEP, STARTS, **arguments)
