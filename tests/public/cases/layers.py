"""Layers between groups and between wells, and what errors of the score do there."""

import numpy as np
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from tests.public.cases import meets, mixture_of, named, number, pair_of, point


@meets("binary_decomposition")
def _(case, group1, group2, tau, x, **_):
    result = ss.decomposition(mixture_of(case), point(x), tau, (group1, group2))
    names = {"phi": "log_ratio", "grad_phi": "log_ratio_gradient", "sbar": "background", "score": "score"}
    names |= {"interfacial": "interfacial", "phi_tau": "log_ratio_rate", "lap_phi": "log_ratio_laplacian"}
    names |= {"adv": "log_ratio_advection"}
    yield from named(result, names)
    assert max(result.decomposition_residual, result.log_ratio_residual) < 1e-14


@meets("binary_boundary")
def _(case, group1, group2, tau, point, direction, **_):
    start, toward = (xr.DataArray(values, dims="feature") for values in (point, direction))
    result = ss.layer(mixture_of(case), tau, (group1, group2), start=start, direction=toward)
    assert result.layer_status == Status.ok
    yield "x_boundary", result.boundary.values
    yield "normal", result.normal.values
    names = {"grad_phi_norm": "jump", "n_grad_sbar_n": "background_curvature", "normal_speed": "speed"}
    yield from named(result.squeeze(), names | {"interfacial_term": "interfacial_curvature", "nHn": "normal_hessian"})
    yield "nHn_positive", result.normal_hessian.item() > 0


@meets("nonbinary_remainder")
def _(case, group1, group2, tau, x, normal, **_):
    result = ss.competitors(mixture_of(case), point(x), tau, (group1, group2), point(normal))
    names = {"eps": "epsilon", "log_eps": "log_epsilon", "eps_n": "epsilon_normal", "eps_nn": "epsilon_normal_normal"}
    names |= {"normal_derivative_diff": "normal_difference", "score_diff": "score_difference"}
    names |= {"s_full": "score", "s12": "binary_score"}
    yield from named(result, names)


@meets("rankine_hugoniot")
def _(_case, a, sigma0, tau, wL, wR):
    pair = pair_of(a, sigma0, wR / (wL + wR))
    result = ss.rankine_hugoniot(pair, tau)
    names = {"x_b": "shock_position", "dxb_dtau": "shock_speed", "sL": "score_left", "sR": "score_right"}
    yield from named(result.squeeze(), names | {"jump": "jump", "minus_sum": "minus_sum"})
    yield "lax", bool(result.lax)
    yield "boundary_between_means", bool(result.between_means)
    layer = ss.layer(pair, tau)
    yield "x_b", layer.boundary.item()
    yield "dxb_dtau", (layer.speed * layer.normal).item()
    yield "lax", bool(layer.lax)


@meets("amplification")
def _(_case, a, sigma0, tau_min):
    pair = pair_of(a, sigma0)
    result = ss.amplification(pair, tau_min=tau_min, tau=xr.DataArray(tau_min))
    names = {"Lambda": "exponent", "snr": "snr", "log10_factor": "log10_factor", "lyapunov_at_tau_min": "lyapunov"}
    yield from named(result.squeeze(), names)
    yield "Lambda", result.exponent_quadrature.item()
    yield "Lambda_without_constant", result.exponent.item() + 0.5
    yield "tau_star", number(ss.speciation(pair).tau_star, criterion="exact")


@meets("gronwall_center")
def _(case, a, sigma0, tau_min, tau0, bias):
    pair = pair_of(a, sigma0)
    linear = ss.centre_growth(pair, tau_min, tau0, bias)
    names = {"e_linear": "error_linear", "log_e_over_bias": "log_error", "log_growth_tau0_to_taumin": "log_growth"}
    yield from named(linear.squeeze(), names)
    # The bound is integrated along the trajectory: its own error is 8e-8 at 256 steps, and falls as their fourth power.
    bound = ss.error_growth(pair, np.zeros(1), [tau0, tau_min], bias).gronwall_bound.isel(tau=-1)
    yield "bound_equals_linear", abs(bound.item() / linear.error_linear.item() - 1) <= case["rtol"]


@meets("gronwall_nonlinear")
def _(_case, a, sigma0, tau_min, tau0, bias):
    pair = pair_of(a, sigma0)
    linear = ss.centre_growth(pair, tau_min, tau0, bias).error_linear.item()
    actual = ss.error_growth(pair, np.zeros(1), [tau0, tau_min], bias).isel(tau=-1)
    yield "x_end", actual.trajectory_difference.item()
    yield "x_end", ss.trajectories(pair, np.zeros(1), [tau0, tau_min], bias).trajectory.isel(tau=-1).item()
    yield "e_linear", linear
    assert actual.difference_size <= actual.gronwall_bound
    yield "ratio_le_1", actual.difference_size.item() <= abs(linear)


@meets("pf_ode_quantile")
def _(case, tau_start, tau_end, x_start, **_):
    result = ss.trajectories(mixture_of(case), np.array([x_start]), [tau_start, tau_end]).squeeze()
    yield "x_end", result.trajectory.isel(tau=-1).item()
    yield "x_end", result.trajectory_exact.isel(tau=-1).item()
    yield "log_tail", result.log_tail.item()


@meets("kl_gaussian")
def _(_case, A, B, tau_min, tau_max, d, init):
    start = {"prior_2tau": 2 * tau_max, "exact": None}[init]
    result = ss.gaussian_divergence(A, B, 0.0, tau_min, tau_max, d, variance_start=start)
    names = {"kl_true": "kl", "kl_ode": "kl_ode", "kl_init": "kl_start", "kl_bound": "kl_bound", "tv_bound": "tv_bound"}
    names |= {"score_error_integral": "score_error_integral", "variance_generated": "generated_variance"}
    yield from named(result.squeeze(), names | {"variance_generated_ode": "generated_variance_ode"})


@meets("kl_mean_shift")
def _(_case, A, dm, tau_min, tau_max):
    result = ss.gaussian_divergence(A, None, dm, tau_min, tau_max)
    names = {"kl_true": "kl", "tv_true": "tv", "mean_generated": "generated_mean", "kl_bound": "kl_bound"}
    yield from named(result.squeeze(), names | {"tv_bound": "tv_bound"})


@meets("quartic_symmetric")
def _(_case, c, b):
    result = ss.well_speciation(ss.well("quartic", c, b)).squeeze()
    tau_star = result.tau_star.sel(criterion=["boundary", "merging"]).values
    yield from (("tau_star", tau) for tau in tau_star)
    for at in (result, ss.well_boundary(ss.well("quartic", c, b), tau_star[0])):
        yield from named(at.squeeze(), {"sbar_x": "background_curvature", "grad_phi_abs": "jump"})
        yield "interfacial_term", at.interfacial_curvature.item()


@meets("quartic_tilted")
def _(_case, c, b, h):
    well = ss.well("tilted-quartic", c, b, h)
    yield "split", well.well_split.item()
    result = ss.well_speciation(well).squeeze()
    tau = result.tau_star.sel(criterion="boundary").item()
    yield "tau_boundary", tau
    names = {"sbar_x": "background_curvature", "grad_phi_abs": "jump", "interfacial_term": "interfacial_curvature"}
    yield from named(result.squeeze(), names | {"x_boundary": "x_boundary", "score_at_boundary": "score_boundary"})
    boundary = ss.well_boundary(well, tau)
    yield from named(boundary.squeeze(), names | {"x_boundary": "boundary", "score_at_boundary": "score"})
    yield "tau_mode_merge", result.tau_star.sel(criterion="merging").item()
    yield "x_mode_merge", result.x_merging.item()


@meets("quartic_state")
def _(_case, c, b, h, x, tau):
    well = ss.well("tilted-quartic", c, b, h)
    yield "split", well.well_split.item()
    names = {"phi": "log_ratio", "phi_x": "log_ratio_gradient", "phi_xx": "log_ratio_hessian", "phi_tau": "log_ratio_rate"}
    names |= {"sbar": "background", "sbar_x": "background_jacobian", "score": "score", "score_x": "score_jacobian"}
    yield from named(ss.well_fields(well, x, tau), names)
