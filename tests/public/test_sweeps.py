"""The public names over sweeps: chunked results and statuses, dimensions, branches and criteria."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.declaration import criteria_of


def sweeps():
    """Mixtures with sweep dimensions, of each path through the kernels."""
    a = np.linspace(0.5, 6.0, 9)
    yield "pair", ss.families.pair(separation=a, variance=[0.0, 0.25, 1.0], weight=[0.1, 0.4, 0.5])
    yield "collinear", ss.families.collinear(separation=a, variance=[0.25, 1.0], positions=[-1.0, 0.2, 1.0])
    yield "polygon", ss.families.polygon(separation=a, variance=[0.25, 1.0], vertices=3, radii=[1.0, 1.0, 0.5])
    yield "random", ss.families.random(realization=[0, 1, 2], separation=a, dimension=8, components=9)


@pytest.mark.slow
@pytest.mark.parametrize("mixture", [mixture for _, mixture in sweeps()], ids=[name for name, _ in sweeps()])
@pytest.mark.parametrize("chunk", [1, 4])
def test_chunked_and_eager_results_are_the_same_to_the_bit(mixture, chunk):
    mixture = mixture.isel(separation=slice(None, None, 2))
    chunked = mixture.chunk({dim: chunk for dim in mixture.dims if dim not in ("component", "feature", "ambient")})
    schedules = {"ddpm": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}
    grid, times = {"start": -2, "stop": 2, "num": 7, "unit": "separation"}, {"values": [0.3, 1.0], "unit": "speciation"}
    for quantity in (
        lambda m: ss.speciation(m, schedules),
        lambda m: ss.corrections(m, order=6),
        lambda m: ss.amplification(m, tau_min=0.01),
        lambda m: ss.scores(m, grid, times),
    ):
        lazy = quantity(chunked)
        assert all(v.chunks is not None for v in lazy.data_vars.values())
        xr.testing.assert_identical(quantity(mixture), lazy.compute(scheduler="threads", num_workers=2))


@pytest.mark.slow
@pytest.mark.parametrize("mixture", [mixture for _, mixture in sweeps()], ids=[name for name, _ in sweeps()])
def test_no_number_is_missing_without_a_status_that_says_why(mixture):
    result = ss.speciation(mixture, {"vp": ss.schedule("vp-linear"), "cosine": ss.schedule("vp-cosine")})
    for number, status in (
        ("tau_star", "status"),
        ("cascade", "cascade_status"),
        ("tau_root", "root_status"),
        ("tau_event", "event_status"),
        ("time", "time_status"),
    ):
        assert not (np.isnan(result[number]) & (result[status] == 0)).any(), number
    series = ss.corrections(mixture)
    assert not (np.isnan(series.tau_order) & (series.order_status == 0)).any()
    assert not (np.isnan(series.error) != (series.error_status != 0)).any()
    factor = ss.amplification(mixture)
    assert not (np.isnan(factor.exponent) & (factor.amplification_status == 0)).any()


def test_only_a_pair_has_an_exponent_in_closed_form():
    triangle = ss.families.polygon(separation=[1.0, 2.0], variance=0.09)
    result = ss.amplification(triangle)
    assert (result.amplification_status == Status.not_applicable).all()
    assert np.isnan(result[["exponent", "snr"]].to_dataarray()).all()
    ratio = result.separation**2 / 2 / 0.09  # lambda_1 = a^2/2 is the only root, at any v
    expected = (ratio - 1 - np.log(ratio)) / 2
    np.testing.assert_allclose(result.exponent_quadrature.squeeze(), expected, rtol=1e-12)
    np.testing.assert_allclose(result.log10_factor.squeeze(), expected / np.log(10), rtol=1e-12)
    assert (result.quadrature_status == Status.ok).all()


def test_a_sweep_equals_its_points_one_by_one():
    mixture = ss.families.polygon(separation=[1.0, 2.0, 5.0], variance=[0.1, 1.0], radii=[1.0, 0.8, 0.4])
    whole = ss.speciation(mixture)
    for i in range(3):
        for j in range(2):
            xr.testing.assert_identical(
                whole.isel(separation=i, variance=j).drop_vars(["separation", "variance"]),
                ss.speciation(mixture.isel(separation=i, variance=j).drop_vars(["separation", "variance"])),
            )


def test_results_carry_only_the_dimensions_that_they_depend_on():
    pair = ss.families.pair(separation=[1.0, 2.0], variance=[0.1, 0.2], dimension=[1, 64])
    result = ss.speciation(pair, {"ve": ss.schedule("ve")})
    assert result.tau_star.dims == ("separation", "variance", "criterion")
    assert result.eigenvalue.dims == ("separation", "eigenmode")
    assert result.time.dims == ("separation", "variance", "criterion", "schedule")


def test_unknown_criterion_is_named():
    with pytest.raises(ValueError, match=r"'exat'.*did you mean 'exact'\?\); allowed: leading"):
        ss.speciation(ss.families.pair(separation=1.0), criteria=["exat"])


def test_the_direction_of_the_root_shows_a_branch_crossing():
    means = [[3, 0], [-3, 0], [0, 0.8], [0, -0.8], [0, 0.8], [0, -0.8]]
    mixture = ss.mixture(np.array(means, dtype=float), [0.04, 0.04, 0.21, 0.21, 0.25, 0.25], 0.0)
    result = ss.speciation(mixture)
    root = result.n_roots.item() - 1
    # On e2: Gamma_22 = 0.64 (1 - r), r the share of the components at +-3 e1.
    on_e2 = brentq(lambda v: 0.64 * 0.92 / (0.92 + 0.08 * np.exp(-(9 - 0.64) / (2 * v))) - v, 0.6, 0.64, xtol=1e-15)
    assert 2 * result.tau_root.values[root] == pytest.approx(on_e2, rel=1e-12)
    assert result.root_eigenmode.values[root] == 1
    assert result.eigenvalue.values[0] == pytest.approx(0.72, rel=1e-12)
    assert (ss.corrections(mixture).error_status == Status.not_applicable).all()


def test_seven_criteria_are_reported_by_default():
    assert list(ss.speciation(ss.families.pair(separation=1.0)).criterion.values) == list(criteria_of(default=True))


def test_neighbouring_criteria_are_further_values_of_criterion():
    point_masses = ss.families.pair(separation=1.0, variance=0.0)
    schedule = ss.schedule("vp-constant", beta=2.0)
    result = ss.speciation(point_masses, {"ou": schedule}, criteria=["drift", "exact"])
    alpha = np.sqrt(result.alpha_bar.sel(schedule="ou")).values
    # Raya and Ambrogioni 2023: the reverse drift turns unstable at alpha = sqrt(sqrt 2 - 1), the density at 1/sqrt 2.
    np.testing.assert_allclose(alpha, [np.sqrt(np.sqrt(2) - 1), 1 / np.sqrt(2)], rtol=1e-12)
    pair = ss.families.pair(separation=1.0, variance=0.09)
    others = ss.speciation(pair, criteria=["cloning", "entropic"])
    assert (others.status == Status.ok).all()
    # Cloning at its default level is speciation itself for an equal pair.
    assert others.tau_star.sel(criterion="cloning").item() == pytest.approx(0.455, rel=1e-9)
