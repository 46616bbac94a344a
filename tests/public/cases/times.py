"""Speciation times, their series and their place in schedules; modes and their merging."""

import numpy as np

import scoreshock as ss
from scoreshock.conventions import Status, TimeStatus
from tests.public.cases import meets, mixture_of, number, pair_of


@meets("exact_roots")
def _(case, sigma0, **_):
    result = ss.speciation(mixture_of(case))
    count = result.n_roots.item()
    yield "count", count
    yield "tau_star", number(result.tau_star, criterion="exact")
    yield "tau_roots", result.tau_root.values[:count]
    yield "s2_roots", sigma0**2 + 2 * result.tau_root.values[:count]
    assert (result.root_status.values[:count] == Status.ok).all()
    assert np.isnan(result.tau_root.values[count:]).all()
    assert (result.root_eigenmode.values[count:] == -1).all()
    first = ss.exact_cascade(mixture_of(case)).isel(eigenmode=0)
    yield "count", first.n_eigenmode_roots.item()
    yield "tau_star", number(first.tau_eigenmode)
    yield "tau_roots", first.tau_eigenmode_root.values[:count]


@meets("k2_roots")
def _(_case, w, L, sigma0):
    result = ss.speciation(pair_of(L / 2, sigma0, w))
    count = result.n_roots.item()
    yield "count", count
    yield "tau_star", number(result.tau_star, criterion="exact")
    yield "s2_roots", sigma0**2 + 2 * result.tau_root.values[..., :count].ravel()


@meets("corrections")
def _(case, order, sigma0, **_):
    mixture = mixture_of(case)
    result, times = ss.corrections(mixture, order=order), ss.speciation(mixture)
    branch = ss.mean_jacobian(mixture, order=order).eigenvalue_term.values
    eigenvalues = times.eigenvalue.values
    yield "lambda1", eigenvalues[0]
    yield "Dbar", eigenvalues.sum()  # the mean squared distance is the trace of the covariance
    yield "C", result.covariance_coefficient.item()
    yield "C", ss.covariance_condition(mixture).covariance_coefficient.item()
    yield "lambda_series", branch
    yield "second_order_coeff", branch[2]
    yield "s2_series", result.coefficient.values
    yield "s2_partial_sums", sigma0**2 + 2 * result.tau_order.values
    for position, name in enumerate(("tau_leading", "tau_first", "tau_second")):
        yield name, result.tau_order.values[position]
    for name in ("leading", "first", "quadratic"):
        yield f"tau_{name}", number(times.tau_star, criterion=name)
    yield "quadratic_real", times.status.sel(criterion="quadratic").item() != Status.no_real_root


@meets("corrections_degenerate")
def _(case, **_):
    mixture = mixture_of(case)
    result, times = ss.corrections(mixture, order=1), ss.speciation(mixture)
    terms = ss.mean_jacobian(mixture, order=1).jacobian_term.values
    values, vectors = np.linalg.eigh(terms[0])
    space = vectors[:, values >= values[-1] * (1 - 1e-10)]
    yield "lambda1", times.eigenvalue.values[0]
    yield "C_values", np.linalg.eigvalsh(space.T @ (2 * terms[1]) @ space)[::-1]
    yield "C", result.covariance_coefficient.item()
    yield "tau_leading", result.tau_order.values[0]
    yield "tau_first", result.tau_order.values[1]
    yield "tau_leading", number(times.tau_star, criterion="leading")
    yield "tau_first", number(times.tau_star, criterion="first")


@meets("fold_two_component")
def _(_case, wL, wR, a, sigma0):
    pair = pair_of(a, sigma0, wR / (wL + wR))
    result = ss.speciation(pair)
    tau = number(result.tau_star, criterion="merging")
    yield "tau_fold", tau
    yield "s2_fold", sigma0**2 + 2 * tau
    yield "tau_star_at_mean", number(result.tau_star, criterion="exact")
    yield "x_fold", result.x_event.item()
    yield "tau_fold", ss.last_merging(pair).tau_density.item()


@meets("folds_1d")
def _(case, **_):
    mixture = mixture_of(case)
    result, tree = ss.speciation(mixture), ss.merging_tree(mixture)
    count = result.n_events.item()
    yield "tau_merge", result.tau_event.values[:count]
    yield "tau_merge", tree.tau_event.values[tree.event_status.values == Status.ok]
    yield "x_merge", result.x_event.values[:count]
    yield "tau_last_merge", number(result.tau_star, criterion="merging")
    yield "tau_last_merge", ss.last_merging(mixture).tau_density.item()
    yield "tau_star_at_mean", number(result.tau_star, criterion="exact")
    yield "n_modes_at_start", int(result.modes_before.values[0])
    assert result.modes_after.values[count - 1] == 1


@meets("modes_1d")
def _(case, tau, **_):
    result = ss.mode_count(mixture_of(case), tau)
    count = result.n_modes.item()
    yield "n_modes", count
    yield "modes", result.mode_position.values[:count, 0]


NAMES = {"vp_linear": "vp-linear", "subvp_linear": "sub-vp", "cosine": "vp-cosine", "edm": "edm"}


@meets("schedule_tstar")
def _(case, schedule, params, a, sigma0, t_query, **_):
    clock = ss.schedule(NAMES[schedule], **params)
    yield "tau_eff_at_t_query", float(clock.tau(t_query))
    result = ss.speciation(pair_of(a, sigma0), {"it": clock}, criteria=["exact"])
    exists = result.status.item() == Status.ok
    yield "tau_star", result.tau_star.item() if exists else None
    yield "t_star", number(result.time)
    placed = result.time_status.item()
    if case["expected"]["t_star"] is not None:
        assert placed == TimeStatus.ok
    else:
        assert placed in ((TimeStatus.beyond_end,) if exists else (TimeStatus.no_tau, TimeStatus.before_start))


@meets("vp_constant")
def _(_case, beta, a, sigma0, t, x):
    clock, pair = ss.schedule("vp-constant", beta=beta), pair_of(a, sigma0)
    alpha, tau = float(clock.alpha(t)), float(clock.tau(t))
    yield "alpha", alpha
    yield "tau_eff", tau
    yield "marginal_component_variance", alpha**2 * sigma0**2 + float(clock.noise(t)) ** 2
    yield "s_vp", ss.score(pair, np.array([x / alpha]), tau).item() / alpha
    yield "s_vp_x_at_0", ss.score_jacobian(pair, np.array([0.0]), tau).item() / alpha**2
    yield "width_x", alpha * ss.layer(pair, tau).width.item()
    yield "t_star", ss.speciation(pair, {"it": clock}, criteria=["leading"]).time.item()


@meets("schedules")
def _(case, scheduler, config, num_inference_steps, call):
    config = {"_class_name": scheduler, **config}
    result = ss.schedule("diffusers", config=config, num_inference_steps=num_inference_steps, **call)
    expected = case["expected"]
    levels = result.sample_noise() if scheduler.startswith("FlowMatch") else result.sample_sigmas()
    yield "timesteps", result.timesteps()
    yield "sigmas", levels[: len(expected["sigmas"])]
    if "alpha_bar" in expected:
        yield "alpha_bar", result.alpha_bar(result.timesteps())
    if "table_steps" in expected:
        yield "table_steps", expected["table_steps"]
        yield "table_alpha_bar", result.alpha_bar(np.array(expected["table_steps"], dtype=float))
