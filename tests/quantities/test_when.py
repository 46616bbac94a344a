"""Moments of generation: the same numbers as of the quantities by themselves, in one clock, and the calls in the window."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status

PAIR = ss.families.pair(separation=[1.0, 2.0], variance=0.25)
MOMENTS = ["decision begins", "half decided", "decided"]


@pytest.mark.slow
def test_moments_are_those_of_the_quantities_by_themselves():
    found = ss.when(PAIR, criteria=["exact", "merging"], training_samples=100)
    assert found.moment.values.tolist() == ["exact", "merging", *MOMENTS, "collapse"]
    criteria, windows = ss.speciation(PAIR, criteria=["exact", "merging"]), ss.decision_windows(PAIR)
    np.testing.assert_array_equal(found.tau_moment[..., :2], criteria.tau_star)
    np.testing.assert_array_equal(found.tau_moment.sel(moment=MOMENTS), windows.tau_decision[..., ::-1])
    np.testing.assert_array_equal(found.tau_moment.sel(moment="collapse"), ss.collapse(PAIR, None, 100).tau_collapse)
    np.testing.assert_allclose(found.sigma**2 / 2, found.tau_moment, rtol=1e-15)
    xr.testing.assert_identical(found.sigma_pair, windows.sigma_pair)


def test_of_labelled_data_the_collapse_has_their_number():
    x = np.random.default_rng(0).standard_normal((40, 3)) + 4 * (np.arange(40) % 2)[:, None]
    mixture = ss.from_labelled(x, np.arange(40) % 2)
    own = ss.when(mixture).tau_moment.sel(moment="collapse")
    np.testing.assert_array_equal(own, ss.when(mixture, training_samples=40).tau_moment.sel(moment="collapse"))
    assert "collapse" not in ss.when(PAIR).moment


def test_calls_inside_are_those_of_the_window_and_steps_those_of_the_moments():
    schedules = {"edm": "edm", "cosine": ss.schedule("vp-cosine", steps=250)}
    found = ss.when(PAIR, schedules)
    for label in schedules:
        one = found.sel(schedule=label).isel(separation=1).squeeze()
        low, high = (float(one.sigma.sel(moment=name)) for name in ("decided", "decision begins"))
        inside = np.flatnonzero((one.sigma_call > low) & (one.sigma_call <= high))
        steps = one.sampling_step.sel(moment=["decision begins", "decided"]).values
        assert (int(one.n_calls), inside[-1] - inside[0] + 1) == (len(inside), len(inside))
        assert steps[0] <= inside[0] < steps[0] + 1
        assert inside[-1] <= steps[1] < inside[-1] + 1


def test_a_schedule_that_begins_at_infinite_noise_counts_that_call_too():
    cosine = ss.when(PAIR, ss.schedule("vp-cosine", steps=10)).squeeze()
    assert np.isinf(cosine.sigma_call[0])
    first = int(cosine.first_call.isel(separation=1))
    sigma = cosine.sigma.isel(separation=1).sel(moment="decision begins")
    assert cosine.sigma_call[first] <= sigma < cosine.sigma_call[first - 1]


def test_each_call_of_a_second_order_solver_counts():
    single = {"kind": "edm", "spacing": "levels", "levels": [8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.0]}
    double = single | {"levels": [8.0, 4.0, 4.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.0]}
    one, two = (ss.when(PAIR, each).isel(separation=1).squeeze() for each in (single, double))
    first, last = int(one.first_call), int(one.last_call)
    assert (int(two.first_call), int(two.last_call), int(two.n_calls)) == (2 * first - 1, 2 * last, 2 * int(one.n_calls))


def test_the_guidance_interval_of_edm2_holds_six_of_its_32_calls():
    levels = ss.schedule("edm", steps=32)
    found = ss.when(PAIR, levels)
    assert found.sizes["call"] == 32
    assert int(ss.guidance_interval(0.19, 1.61, found.sigma_call.squeeze().values).n_calls) == 6


def test_what_the_data_leave_open_has_a_status_and_no_call():
    wide = ss.when(ss.families.pair(1.0, variance=1.0, weight=0.3), "edm").squeeze()
    assert int(wide.moment_status.sel(moment="decided")) == Status.below_data_variance
    assert np.isnan(wide.tau_moment.sel(moment="decided"))
    assert int(wide.calls_status) != Status.ok
    assert int(wide.first_call) == -1


def test_lazy_and_eager_are_the_same():
    lazy = ss.when(PAIR.chunk(separation=1), "edm")
    xr.testing.assert_identical(lazy.compute(), ss.when(PAIR, "edm"))


@pytest.mark.slow
@pytest.mark.parametrize("covariance", [np.diag([0.4, 0.2]), np.array([np.diag([0.4, 0.2]), np.diag([0.1, 0.3])])])
def test_moments_of_covariances_are_those_of_the_quantities_and_the_rest_has_a_status(covariance):
    mixture = ss.mixture([[0.0, 0.0], [4.0, 0.0]], covariance=covariance)
    found = ss.when(mixture, "edm", training_samples=50)
    np.testing.assert_array_equal(found.tau_moment.sel(moment=MOMENTS), ss.decision_windows(mixture).tau_decision[::-1])
    np.testing.assert_array_equal(found.tau_moment.sel(moment="collapse"), ss.collapse(mixture, None, 50).tau_collapse)
    assert found.n_calls.item() > 0
    assert (found.eigenmode_status == Status.not_applicable).all()
    lacking = found.moment_status.sel(moment="first")
    assert int(lacking) == Status.not_applicable


def test_replicates_of_one_variance_do_not_go_with_covariances():
    x = np.random.default_rng(0).standard_normal((40, 3)) + 4 * (np.arange(40) % 2)[:, None]
    full, replicates = ss.from_labelled(x, np.arange(40) % 2, covariance="full"), ss.bootstrapped(x, np.arange(40) % 2)
    with pytest.raises(ValueError, match="replicates have one variance, the mixture has own covariances; allowed"):
        ss.when(full, replicates=replicates)
