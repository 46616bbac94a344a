"""Types of numbers at the border: floats of any precision are computed as float64, what is not a real number is refused."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.paper.frozen_shock import frozen_shock
from scoreshock.quantities import burgers, layer, trajectories, vorticity

X = np.array([[-0.3, 0.1], [0.2, 0.7]], dtype=np.float32)

FIELDS = {
    **{name: getattr(ss, name) for name in ("score", "log_density", "score_jacobian", "responsibilities")},
    **{name: getattr(ss, name) for name in ("denoiser", "denoiser_covariance", "power_cell", "decomposition")},
    "layer": lambda mixture, x, tau: ss.layer(mixture, tau, start=x),
    "competitors": lambda mixture, x, tau: ss.competitors(mixture, x, tau, [[0], [1]], x),
    "profile": lambda mixture, _, tau: layer.profile(mixture, np.float32([0.5, 1.5]), tau),
    "facets": lambda mixture, _, tau: ss.facets(mixture, tau),
    "triple_point": lambda mixture, _, tau: ss.triple_point(mixture, tau),
    "burgers_residual": burgers.burgers_residual,
    "vorticity": vorticity.vorticity,
    "mean_jacobian": lambda mixture, _, tau: ss.mean_jacobian(mixture, tau),
    "mode_count": lambda mixture, _, tau: ss.mode_count(mixture, tau),
    "trajectories": lambda mixture, x, tau: trajectories.trajectories(
        mixture, x, xr.DataArray(np.linspace(1, 0.1, 3, dtype=np.float32), dims="tau") * np.float32(tau)
    ),
}


def single(k):
    mixture = ss.mixture(np.random.default_rng(k).standard_normal((k, 2)), None, 0.3)
    for name in ("component_mean", "component_weight", "component_variance"):
        mixture[name] = mixture[name].astype(np.float32)
    return mixture


def wide(value):
    return value.astype(float)


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("name", FIELDS)
def test_single_precision_gives_the_bits_of_the_same_numbers_in_double(name, k):
    mixture = single(k)
    points = xr.DataArray(X, dims=("point", "feature"))
    tau = xr.DataArray(np.float32(0.2))
    result = FIELDS[name](mixture, points, tau)
    expected = FIELDS[name](mixture.map(wide), points.astype(float), tau.astype(float))
    xr.testing.assert_identical(result, expected)
    for array in result.data_vars.values() if isinstance(result, xr.Dataset) else [result]:
        assert array.dtype.kind != "f" or array.dtype == float


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.complex64(1j), np.datetime64("2026-01-01"), "0.2"], ids=["complex", "date", "text"])
@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"trajectories"}))
def test_arrays_of_what_is_no_real_number_are_refused_in_one_line(name, value):
    mixture, points, tau = single(3), xr.DataArray(X, dims=("point", "feature")), xr.DataArray(0.2)
    bad = points.copy(data=np.full(X.shape, value))
    calls = [lambda: FIELDS[name](mixture.assign(component_mean=mixture.component_mean * 1j), points, tau)]
    if name not in ("profile", "facets", "triple_point", "mean_jacobian", "mode_count"):
        calls.append(lambda: FIELDS[name](mixture, bad, tau))
    for call in calls:
        with pytest.raises(ValueError, match=r"has the type .*; allowed: real numbers$") as raised:
            call()
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [1j, True, "1", np.datetime64("2026-01-01"), [0.1, None]], ids=repr)
def test_times_of_a_schedule_are_real_numbers(value):
    edm = ss.schedule("edm")
    for method in (edm.tau, edm.time, edm.locate, edm.alpha, edm.log_snr):
        with pytest.raises(ValueError, match="real numbers"):
            method(value)


def test_frozen_shock_in_single_precision():
    pair, x, tau = ss.mixture([-1.0, 1.0], None, 0.09).astype(np.float32), xr.DataArray(X[0], dims="x"), np.float32(0.2)
    result = frozen_shock(pair, x, tau)
    xr.testing.assert_identical(result, frozen_shock(pair.astype(float), x.astype(float), float(tau)))
    assert result.velocity.dtype == float
