"""Scores, densities, Jacobians and vorticity at given points."""

import numpy as np
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from tests.public.cases import meets, mixture_of, named, number, pair_of, point, score_function


@meets("sym1d_score")
def _(_case, a, sigma0, tau, x):
    pair, x = pair_of(a, sigma0), np.array([x])
    yield "s", ss.score(pair, x, tau).item()
    yield "s_x", ss.score_jacobian(pair, x, tau).item()
    yield "u", ss.burgers_residual(pair, x, tau, form="burgers").burgers_velocity.item()
    yield "s_bg", ss.decomposition(pair, x, tau).interfacial.item()
    yield "s2", ss.layer(pair, tau).width.item() * a


@meets("sym1d_midpoint")
def _(_case, a, sigma0, tau):
    pair = pair_of(a, sigma0)
    yield "s_x0", ss.score_jacobian(pair, np.array([0.0]), tau).item()
    rate = ss.amplification(pair, tau_min=tau, tau=xr.DataArray(tau))
    yield from named(rate.squeeze(), {"lyapunov": "lyapunov", "snr": "snr"})
    layer = ss.layer(pair, tau)
    yield from named(layer.squeeze(), {"width": "width", "s_x0": "normal_hessian"})
    yield "s2", layer.width.item() * a
    shock = ss.rankine_hugoniot(pair, tau)  # at the midpoint the one-sided scores are the asymptotic ones
    for side in ("left", "right"):
        yield f"s_bg_{side}", shock[f"score_{side}"].item()
        yield f"u_bg_{side}", -2 * shock[f"score_{side}"].item()
    times = ss.speciation(pair)
    for criterion in ("leading", "exact", "boundary", "merging"):
        exists = times.status.sel(criterion=criterion).item() == Status.ok
        tau_star = number(times.tau_star, criterion=criterion)
        yield "exists", exists
        yield "tau_star", tau_star if exists else None
        yield "tau_star_formula", tau_star


@meets("pde_nd")
def _(case, x, tau, **_):
    mixture, x = mixture_of(case), point(x)
    yield "logp", ss.log_density(mixture, x, tau).item()
    yield "s", ss.score(mixture, x, tau).values
    yield "J", ss.score_jacobian(mixture, x, tau).values
    result = ss.burgers_residual(mixture, x, tau)
    names = {"s": "score", "s_tau": "rate_term", "lap_s": "diffusion_term", "adv_2s_grad_s": "advection_term"}
    yield from named(result, names)
    velocity = ss.burgers_residual(mixture, x, tau, form="burgers")
    yield "u", velocity.burgers_velocity.values
    yield "u_tau", velocity.rate_term.values


@meets("gmm_score")
def _(case, x, tau, **_):
    mixture, x = mixture_of(case), point(x)
    score = ss.score(mixture, x, tau).values
    yield "s", score
    yield "s_first", score[:5]
    yield "score_norm", np.linalg.norm(score)
    yield "logp", ss.log_density(mixture, x, tau).item()
    yield "div_s", np.trace(ss.score_jacobian(mixture, x, tau).values)
    yield "responsibilities", ss.responsibilities(mixture, x, tau).values


@meets("tweedie")
def _(case, x, tau, **_):
    at = mixture_of(case), point(x), tau
    yield "denoised", ss.denoiser(*at).values
    yield "posterior_cov", ss.denoiser_covariance(*at).values
    yield "score", ss.score(*at).values


@meets("mean_jacobian")
def _(case, sigma0, tau, **_):
    mixture = mixture_of(case)
    result = ss.mean_jacobian(mixture, tau, order=2)
    mean, jacobian = result.weighted_mean, result.score_jacobian.values
    v = (mixture.component_variance + 2 * tau).item()
    responsibilities = ss.responsibilities(mixture, mean, tau)
    yield "s2", v
    yield "mubar", mean.values
    yield "max_D", float(((mixture.component_mean - mean) ** 2).sum("feature").max())
    yield "responsibilities", responsibilities.values
    yield "max_resp_shift", float(abs(responsibilities - mixture.component_weight).max())
    clean = np.linalg.eigvalsh(ss.denoiser_covariance(mixture, mean, tau))[-1]
    yield "lambda_max_cov", (clean - 2 * tau * sigma0**2 / v) * (v / (2 * tau)) ** 2
    for matrix in (jacobian, ss.score_jacobian(mixture, mean, tau).values):
        yield "J", matrix
        yield "trace_J", np.trace(matrix)
        yield "lambda_max_J", np.linalg.eigvalsh(matrix)[-1]
    yield "lambda_max_J", ss.riccati(mixture, tau).jacobian_eigenvalue.values[0]
    yield "trace_J_truncated", np.trace(result.jacobian_through.values, axis1=1, axis2=2)
    for order, name in enumerate(("Sigma_B", "J_coeff_s2^-3", "J_coeff_s2^-4")):
        yield name, result.jacobian_term.values[order]


@meets("curl_perturbed")
def _(case, tau, x, Omega, **_):
    score, score_jacobian = score_function(mixture_of(case))
    x, turn = np.array(x), np.array(Omega)

    def field(x, tau):
        return score(x, tau) + x @ turn.T

    def jacobian(x, tau):
        return score_jacobian(x, tau) + turn

    yield "field", ss.burgers_residual(field, x, tau).score.values
    for each in (ss.vorticity(field, x, tau, jacobian), ss.vorticity(field, x, tau, length=0.1)):
        yield "vorticity", each.vorticity.values
        yield "jacobian", each.score_jacobian.values
        yield "max_abs_vorticity", each.vorticity_largest.item()
        yield "max_abs_jacobian", (each.vorticity_largest / each.vorticity_relative).item()


@meets("vorticity_linear")
def _(_case, M0, t, x):
    matrix, x = np.array(M0), np.array(x)

    def jacobian(_, t):
        return matrix @ np.linalg.inv(np.eye(2) + t[..., None, None] * matrix)

    def velocity(x, t):
        return (jacobian(x, t) @ x[..., None])[..., 0]

    of_velocity = ss.burgers_residual(lambda x, t: -velocity(x, t) / 2, x, t, form="burgers")
    yield "u", of_velocity.burgers_velocity.values
    yield "u_t", of_velocity.rate_term.values
    result = ss.vorticity_residual(velocity, x, t, jacobian, form="burgers")
    yield "omega", result.vorticity.values
    yield "omega_t", result.rate_term.values
    yield "stretching", -result.stretching_term.values
    assert float(abs(result.residual).max()) <= float(result.residual_error)
    assert result.residual_status == Status.ok


@meets("vorticity_colehopf")
def _(case, tau, x, A, k, B, l, **_):  # noqa: E741 (the file's name)
    """``u = (-2 s(x), theta/p)``, theta and p solutions of the heat equation in x."""
    mixture = mixture_of(case)
    score, score_jacobian = score_function(mixture)

    def carried(x, tau):
        """The second velocity and its slope along x."""
        grown, fallen = A * np.exp(-k * k * tau), B * np.exp(-l * l * tau)
        theta = grown * np.cos(k * x) + fallen * np.sin(l * x)
        slope = -k * grown * np.sin(k * x) + l * fallen * np.cos(l * x)
        dims = tuple(f"axis {i}" for i in range(np.ndim(x)))
        places = xr.DataArray(x[..., None], dims=(*dims, "feature")), xr.DataArray(tau, dims=dims)
        density = np.exp(ss.log_density(mixture, *places).values)
        return theta / density, (slope - theta * score(x[..., None], tau)[..., 0]) / density

    def velocity(x, tau):
        along = x[..., 0]
        return np.stack([-2 * score(along[..., None], tau)[..., 0], carried(along, tau)[0]], axis=-1)

    def jacobian(x, tau):
        along = x[..., 0]
        slope, zero = carried(along, tau)[1], np.zeros_like(along)
        first = -2 * score_jacobian(along[..., None], tau)[..., 0, 0]
        return np.stack([np.stack([first, zero], axis=-1), np.stack([slope, zero], axis=-1)], axis=-2)

    at = np.array([x, 0.4]), tau
    u = ss.burgers_residual(lambda x, tau: -velocity(x, tau) / 2, *at, form="burgers").burgers_velocity.values
    yield "u", u
    yield "div_u", np.trace(ss.vorticity(velocity, *at, jacobian).score_jacobian.values)
    result = ss.vorticity_residual(velocity, *at, jacobian, form="burgers", length=0.2).isel(feature=0, feature_other=1)
    yield "omega", result.vorticity.item()
    yield "omega_t", result.rate_term.item()
    yield "omega_xx", result.diffusion_term.item()
    yield "omega_x", -result.advection_term.item() / u[0]
    assert float(abs(result.residual)) <= float(result.residual_error)
