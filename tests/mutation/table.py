"""Single mistakes in formulas, each with the check that has to notice it.

A check is the number of a statement of the paper's page, whose verdict has to change, or the name of a test, which has to
fail. Every statement of the page is named at least once: a verdict that no mistake changes says nothing.
"""

from typing import NamedTuple


class Mutation(NamedTuple):
    """One mistake: ``text``, which occurs once in the file at ``path`` in the package, becomes ``wrong``."""

    check: str
    path: str
    text: str
    wrong: str


PATHS = "tests/schedules/test_formulas.py::"
LEVELS = "tests/schedules/test_levels.py::"
CONFIGURATIONS = "tests/schedules/test_diffusers.py::"
SERIES = "tests/kernels/speciation/test_series.py::"
COVARIANCES = "tests/kernels/covariances/"
AMPLIFICATION = "tests/kernels/layer/test_amplification.py::"
UNITS = "tests/densities/test_units.py::"
CLASSES = "tests/densities/test_class_covariances.py::"
COMPONENTS = "tests/densities/test_component_covariances.py::"
ISOTROPY = "tests/kernels/covariances/test_isotropy.py::"
PLANE = "tests/kernels/layer/test_plane.py::"
VERDICTS = "tests/paper/test_statement.py::"
DECISIONS = "tests/kernels/information/test_decisions.py::"
OF_COVARIANCES = "tests/kernels/information/test_covariances.py::"
DIAGNOSIS = "tests/diagnosis/"
NETWORKS = "tests/networks/"
CASES = "tests/public/test_decision_cases.py::test_case_is_met_in_every_field"

MUTATIONS = (
    # Section 4
    Mutation("Theorem 4.1", "kernels/numerics/double_double_posterior.py", "moved - 2.0 * y", "moved - y"),
    Mutation(
        "Theorem 4.1", "kernels/numerics/double_double_posterior.py", "number * fraction, power", "number / fraction, power"
    ),
    Mutation("Statement 4.2", "kernels/burgers/terms.py", "z * (z_squared - 3.0 / p.v)", "z * (z_squared - 2.0 / p.v)"),
    Mutation("Theorem 4.3", "kernels/burgers/forms.py", "rescaled(terms, -2.0)", "rescaled(terms, 2.0)"),
    Mutation("Remark 4.4", "kernels/burgers/terms.py", "of_field * np.asarray(time", "of_field / np.asarray(time"),
    Mutation(
        "Corollary 4.5", "kernels/burgers/forms.py", "return 0.0, coefficient if form", "return 0.0, 2 * coefficient if form"
    ),
    # Section 5
    Mutation("Proposition 5.1", "kernels/gaussian/pair.py", "shifted[1] * b.inverse\n", "shifted[1] / b.inverse\n"),
    Mutation("Proposition 5.2", "kernels/gaussian/mixture.py", "(4 * (e[0] / e_sum)", "(2 * (e[0] / e_sum)"),
    Mutation("Definition 5.3", "kernels/speciation/roots.py", "half = 0.5 * (means", "half = 1.0 * (means"),
    Mutation("Proposition 5.4", "paper/frozen_shock.py", "u_tau = (4 * mean + 4 *", "u_tau = (4 * mean - 4 *"),
    Mutation("Proposition 5.4", "paper/frozen_shock.py", "np.tanh(a * (x / v)) / v", "np.tanh(2 * a * (x / v)) / v"),
    Mutation("Proposition 5.4", "paper/frozen_shock.py", "means[..., 0, 0]) / 2", "means[..., 0, 0])"),
    Mutation("Remark 5.5", "kernels/layer/boundary.py", "2 / slope,", "1 / slope,"),
    Mutation("Theorem 5.6", "kernels/layer/decomposition.py", "0.5 * np.tanh(0.5 * phi)", "0.5 * np.tanh(phi)"),
    Mutation("Theorem 5.6", "kernels/gaussian/pair.py", "log_ratio = 0.5 *", "log_ratio = 1.0 *"),
    Mutation(
        "Proposition 5.7", "kernels/layer/decomposition.py", "advection = 2 * dot(background", "advection = dot(background"
    ),
    Mutation(
        "Theorem 5.8", "kernels/layer/boundary.py", "interfacial = 0.25 * slope * slope", "interfacial = 0.5 * slope * slope"
    ),
    Mutation("Theorem 5.8", "kernels/wells/times.py", "0.5 * (0.25 * (wells.high", "0.5 * (0.5 * (wells.high"),
    Mutation("Theorem 5.8", "kernels/wells/parts.py", "0.25 * jump * jump", "0.5 * jump * jump"),
    Mutation("Remark 5.9", "kernels/gaussian/groups.py", "0.5 * ((one.offset", "1.0 * ((one.offset"),
    Mutation("Proposition 5.10", "kernels/layer/competitors.py", "curvature / v / v", "curvature / v"),
    Mutation(
        "Proposition 5.10", "kernels/layer/competitors.py", "share[..., None] * gradient", "complement[..., None] * gradient"
    ),
    Mutation("Theorem 5.11", "kernels/speciation/criteria.py", "((eigenvalue + variance if", "((eigenvalue - variance if"),
    Mutation("Theorem 5.11", "kernels/speciation/criteria.py", "half_distance(means) ** 2", "half_distance(means) ** 3"),
    Mutation("Remark 5.12", "kernels/gaussian/mixture.py", "_diagonal(hessian)[...] -= 1", "_diagonal(hessian)[...] += 1"),
    Mutation("Proposition 5.13", "kernels/burgers/shock.py", "minus_sum = 2 * position / v", "minus_sum = position / v"),
    Mutation(
        "Proposition 5.13", "kernels/layer/boundary.py", "-parts.log_ratio_rate / slope", "parts.log_ratio_rate / slope"
    ),
    Mutation("Proposition 5.13", "kernels/layer/boundary.py", "-2 * dot(parts.background", "2 * dot(parts.background"),
    Mutation(
        "Proposition 5.14",
        "kernels/burgers/shock.py",
        "left, right = (-a - position) / v",
        "left, right = (-a + position) / v",
    ),
    # Section 6
    Mutation(
        "Proposition 6.1", "kernels/layer/amplification.py", "variance, tau) / safe, shape)", "variance, tau) * safe, shape)"
    ),
    Mutation("Theorem 6.2", "kernels/flow/growth.py", "fall = q * rise / (1 + rise)", "fall = q * rise"),
    Mutation("Theorem 6.3", "kernels/layer/amplification.py", "u - np.log1p(u)) / 2", "u - np.log1p(u))"),
    Mutation("Theorem 6.3", "kernels/layer/amplification.py", "a**2 / (variance + 2 *", "a**2 / (variance +"),
    Mutation("Corollary 6.4", "paper/growth.py", "law = (ratio - np.log(ratio)) / 2", "law = (ratio + np.log(ratio)) / 2"),
    Mutation("Remark 6.5", "kernels/flow/growth.py", "q, width = a**2 / 2 / v", "q, width = a**2 / v"),
    Mutation("Proposition 6.6", "kernels/flow/divergence.py", "integral = 0.5 * (d *", "integral = 50.0 * (d *"),
    Mutation("Proposition 6.6", "kernels/flow/divergence.py", "+ mean**2 / wide)", "+ mean / wide)"),
    Mutation("Proposition 6.6", "kernels/flow/divergence.py", "np.sqrt(kl / 2)", "np.sqrt(kl)"),
    Mutation(
        "Proposition 6.6",
        "kernels/flow/divergence.py",
        "return lambda nodes: (ambiguity(nodes.shares) ** 2,)",
        "return lambda nodes: (ambiguity(nodes.shares),)",
    ),
    Mutation(
        "Definition 6.7", "kernels/layer/regions.py", "np.fmax(start, reached), b + w", "np.fmax(start, reached), b + 2 * w"
    ),
    Mutation("Definition 6.7", "kernels/layer/regions.py", "-v * (log_w[j]", "v * (log_w[j]"),
    Mutation("Proposition 6.8", "kernels/layer/regions.py", "return v * slope[..., 0, 0]", "return slope[..., 0, 0]"),
    # Section 7
    Mutation("Theorem 7.1", "kernels/numerics/double_double_posterior.py", "(ratio * ratio * ratio)", "(ratio * ratio)"),
    Mutation(
        "Remark 7.2",
        "kernels/burgers/terms.py",
        "spread / (p.v * p.v) - loss",
        "spread / (p.v * p.v) + loss",
    ),
    Mutation(
        "Definition 7.3",
        "kernels/burgers/vorticity.py",
        "jacobian.swapaxes(-1, -2) - jacobian",
        "jacobian - jacobian.swapaxes(-1, -2)",
    ),
    Mutation(
        "Theorem 7.4",
        "kernels/burgers/vorticity.py",
        "residual = rate - laplacian - advection",
        "residual = rate - laplacian + advection",
    ),
    Mutation("Theorem 7.4", "kernels/burgers/vorticity.py", "vorticity(square) * factor", "vorticity(square) / factor"),
    Mutation(
        "Theorem 7.5",
        "kernels/burgers/vorticity.py",
        "jacobian.swapaxes(-1, -2) - jacobian",
        "jacobian.swapaxes(-1, -2) - 2 * jacobian",
    ),
    Mutation("Corollary 7.6", "kernels/burgers/differences.py", "(ahead - behind) / (2 * h)", "(ahead - behind) / (3 * h)"),
    Mutation(
        "Proposition 7.7",
        "kernels/layer/power_diagram.py",
        "offset = v * log_odds(",
        "offset = -v * log_odds(",
    ),
    Mutation(
        "Proposition 7.7",
        "kernels/layer/power_diagram.py",
        "- 2 * v * log_odds(weights[j]",
        "- v * log_odds(weights[j]",
    ),
    Mutation(
        "Proposition 7.8",
        "kernels/speciation/criteria.py",
        "tau = (critical - variance) / 2",
        "tau = (critical + variance) / 2",
    ),
    Mutation(
        "Remark 7.9",
        "kernels/burgers/riccati.py",
        "factor = 1 - 2 * eigenvalue * elapsed",
        "factor = 1 - eigenvalue * elapsed",
    ),
    Mutation(
        "Remark 7.9",
        "kernels/burgers/riccati.py",
        "return 0.5 / np.asarray(eigenvalue",
        "return 1.0 / np.asarray(eigenvalue",
    ),
    # Section 8
    Mutation("Theorem 8.1", "kernels/burgers/terms.py", "0.5 * (laplacian(p) * g2)", "(laplacian(p) * g2)"),
    Mutation("Remark 8.2", "kernels/burgers/terms.py", "growth, transport = p.s * -f", "growth, transport = p.s * f"),
    Mutation("Definition 8.3", "schedules/formulas.py", "return np.expm1(beta * t)", "return np.expm1(2 * beta * t)"),
    Mutation("Lemma 8.4", "schedules/formulas.py", "return 1 / (h + np.sqrt(1 + h * h))", "return 1 / (h + np.sqrt(1 + h))"),
    Mutation("Theorem 8.5", "schedules/formulas.py", "return 1 / (1 + np.sqrt(q)), 1", "return 1 / (1 + q), 1"),
    Mutation("Corollary 8.6", "schedules/formulas.py", "return np.log1p(q) / beta", "return np.log1p(2 * q) / beta"),
    Mutation(
        "Corollary 8.7",
        "schedules/formulas.py",
        "1 / np.sqrt(1 + q), 1 / np.sqrt(1 + 1 / q)",
        "1 / np.sqrt(1 + q), 1 / np.sqrt(2 + 1 / q)",
    ),
    # Section 9
    Mutation(
        "Definition 9.1",
        "kernels/numerics/posterior.py",
        "log_weights - b.by_point.half_squares * b.inverse",
        "log_weights - 2 * b.by_point.half_squares * b.inverse",
    ),
    Mutation(
        "Proposition 9.2",
        "kernels/numerics/posterior.py",
        "own = b.by_point.log_weights -",
        "own = -b.by_point.log_weights -",
    ),
    Mutation("Corollary 9.3", "kernels/gaussian/geometry.py", "(distances[j] - distances)", "(distances[j] + distances)"),
    Mutation(
        "Definition 9.4", "kernels/gaussian/mixture.py", "total(weighted * deviations[j])", "total(weighted * deviations[i])"
    ),
    Mutation("Theorem 9.5", "paper/expansion.py", "correction / (2 * v**3)", "correction / (3 * v**3)"),
    Mutation("Definition 9.6", "kernels/speciation/criteria.py", "total = wd[0] * y[0, 0] ** 2", "total = wd[0] * y[0, 0]"),
    Mutation(
        "Theorem 9.7",
        "kernels/speciation/criteria.py",
        "discriminant = eigenvalue**2 + 2 *",
        "discriminant = eigenvalue**2 + 4 *",
    ),
    Mutation("Theorem 9.7", "kernels/speciation/series.py", "numerator[-1] * half / n", "numerator[-1] * half"),
    Mutation(
        "Theorem 9.7", "kernels/speciation/corrections.py", "error / (variance / 2 + exact", "error / (variance + exact"
    ),
    Mutation(
        "Proposition 9.8", "kernels/speciation/criteria.py", "total += wd[j] * y[j, 0] ** 2", "total -= wd[j] * y[j, 0] ** 2"
    ),
    Mutation(
        "Remark 9.9",
        "kernels/speciation/criteria.py",
        "_coefficient(unit, weights) / (2 *",
        "_coefficient(unit, weights) / (4 *",
    ),
    Mutation("Remark 9.9", "kernels/speciation/roots.py", "np.ldexp(0.5 / y,", "np.ldexp(0.4 / y,"),
    Mutation("Theorem 9.10", "kernels/speciation/roots.py", "np.ldexp(0.5 / y,", "np.ldexp(0.4 / y,"),
    Mutation("Theorem 9.10", "kernels/speciation/roots.py", "two = f_min < -TOUCH", "two = f_min > -TOUCH"),
    Mutation("Remark 9.11", "kernels/speciation/roots.py", "z[m == 0] = (1.0, np.nan)", "z[m == 0] = (2.0, np.nan)"),
    # Schedules, the series and the exponent beyond what the page looks at
    Mutation(f"{PATHS}test_cosine_follows_the_published_form", "schedules/formulas.py", "(t + 2 * s))", "(t + s))"),
    Mutation(
        f"{PATHS}test_linear_rate_integrates_to_alpha",
        "schedules/formulas.py",
        "0.5 * (beta_max - beta_min) * t",
        "(beta_max - beta_min) * t",
    ),
    Mutation(
        f"{LEVELS}test_karras_levels_follow_equation_5_and_keep_both_ends",
        "schedules/levels.py",
        "(bottom - top)) ** rho",
        "(bottom - top)) ** 2",
    ),
    Mutation(
        f"{PATHS}test_geometric_sigma_is_a_geometric_mean_at_half_time",
        "schedules/formulas.py",
        "growth = 2 * np.log(sigma_max / sigma_min) * t",
        "growth = np.log(sigma_max / sigma_min) * t",
    ),
    Mutation(
        f"{LEVELS}test_selected_steps_are_those_of_table_2_of_lin_et_al",
        "schedules/levels.py",
        ".astype(np.int64) - 1",
        ".astype(np.int64)",
    ),
    Mutation(
        f"{PATHS}test_a_shifted_flow_has_the_noise_of_esser_et_al", "schedules/formulas.py", "shift * (t / (1", "(t / (1"
    ),
    Mutation(
        f"{PATHS}test_a_table_of_sigma_is_linear_between_its_entries",
        "schedules/formulas.py",
        "return np.interp(np.sqrt(q), sigmas,",
        "return np.interp(q, sigmas,",
    ),
    Mutation(
        f"{LEVELS}test_equal_ratios_and_powers_of_them_follow_k_diffusion",
        "schedules/levels.py",
        "np.linspace(1, 0, num) ** rho",
        "np.linspace(1, 0, num)",
    ),
    Mutation(
        f"{LEVELS}test_vp_levels_are_those_of_the_linear_rate_at_equal_times",
        "schedules/levels.py",
        "beta_d * t * t / 2",
        "beta_d * t * t",
    ),
    Mutation(
        f"{LEVELS}test_beta_levels_are_quantiles", "schedules/levels.py", "betaincinv(0.6, 0.6,", "betaincinv(0.6, 0.5,"
    ),
    Mutation(
        f"{LEVELS}test_log_linear_interpolation_keeps_a_list_of_its_own_length_and_halves_ratios",
        "schedules/levels.py",
        "np.exp(np.interp(np.linspace(0, 1, num), np.linspace(0, 1, len(levels)), np.log(levels)))",
        "np.interp(np.linspace(0, 1, num), np.linspace(0, 1, len(levels)), levels)",
    ),
    Mutation(
        f"{LEVELS}test_position_is_linear_between_times_first_of_repeated_ones_and_clamped_outside",
        "schedules/levels.py",
        'side="left"',
        'side="right"',
    ),
    Mutation(
        f"{CONFIGURATIONS}test_configurations_meet_the_reference_and_the_published_formulas",
        "schedules/scheduler_steps.py",
        "least if dynamic else shifted(least, shift)",
        "least",
    ),
    Mutation(
        f"{CONFIGURATIONS}test_cogview4_shifts_its_ten_levels_linearly",
        "schedules/scheduler_steps.py",
        "return shift / (shift + (1 / sigma - 1))",
        "return shift / (1 + (1 / sigma - 1))",
    ),
    Mutation(
        f"{CONFIGURATIONS}test_levels_of_a_table_follow_the_solvers_own_reading_of_linspace",
        "schedules/scheduler_steps.py",
        "np.linspace(0, last - 1, num + 1))[::-1][:-1]",
        "np.linspace(0, last - 1, num))[::-1]",
    ),
    Mutation(
        f"{CONFIGURATIONS}test_zero_snr_ends_without_signal_or_where_sigma_based_solvers_put_it",
        "schedules/diffusers.py",
        "(alpha - alpha[-1]) * (alpha[0] / (alpha[0] - alpha[-1]))",
        "(alpha - alpha[-1])",
    ),
    Mutation(
        f"{SERIES}test_eigenvalue_series_is_the_taylor_series_of_the_branch",
        "kernels/speciation/series.py",
        "total[1:] -= values[j] * vectors[n - j]",
        "total[1:] += values[j] * vectors[n - j]",
    ),
    Mutation(
        f"{SERIES}test_convergent_series_reaches_the_exact_root",
        "kernels/speciation/series.py",
        "(i * (power + 1) - j)",
        "(i * (power - 1) - j)",
    ),
    Mutation(
        f"{AMPLIFICATION}test_pair_meets_the_references",
        "kernels/layer/amplification.py",
        "x = -v / (2 * a) * log_odds",
        "x = v / (2 * a) * log_odds",
    ),
    # Data
    Mutation(
        f"{UNITS}test_data_in_other_units_are_the_numbers_in_these_units",
        "densities/units.py",
        "offset = least - start * divisor",
        "offset = least + start * divisor",
    ),
    Mutation(
        f"{UNITS}test_data_in_other_units_are_the_numbers_in_these_units",
        "densities/units.py",
        "divisor, words = 1.0 / factor,",
        "divisor, words = factor,",
    ),
    Mutation(
        "tests/densities/tables/test_rows.py::test_bounds_and_deviations_are_those_of_numpy_to_the_bit_whatever_the_slices",
        "densities/tables/rows.py",
        "mean = total / n",
        "mean = total / (n - 1)",
    ),
    Mutation(
        "tests/densities/test_fitting.py::test_the_fit_is_that_of_scikit_learn_in_any_units",
        "densities/fitting.py",
        "(x[0] - units.offset) / units.divisor",
        "x[0] / units.divisor",
    ),
    # Covariances
    Mutation(
        f"{COVARIANCES}test_fields.py::test_density_is_scipys",
        "kernels/covariances/points.py",
        "np.broadcast_to(p.log_weights - 0.5 * form",
        "np.broadcast_to(p.log_weights - form",
    ),
    Mutation(
        f"{COVARIANCES}test_fields.py::test_score_and_jacobian_are_slopes_of_the_density",
        "kernels/covariances/posterior_moments.py",
        "return g - over_components(r * g)[:, :, None]",
        "return g",
    ),
    Mutation(
        f"{COVARIANCES}test_fields.py::test_all_the_noise_leaves_the_prior",
        "kernels/covariances/fields.py",
        "p.noise / at.along * p.eigenvalues",
        "p.noise / at.along",
    ),
    Mutation(
        f"{COVARIANCES}test_exact.py::test_eigenvalue_is_zero_at_the_roots_and_that_of_the_jacobian",
        "kernels/covariances/exact.py",
        "np.log(np.maximum(value, TINY))",
        "np.log(np.maximum(2 * value, TINY))",
    ),
    Mutation(
        f"{COVARIANCES}test_criteria.py::test_concentric_classes_part_as_the_law_in_the_theory",
        "kernels/covariances/pencil.py",
        "value = 0.5 * total(point.gradient**2",
        "value = 0.25 * total(point.gradient**2",
    ),
    Mutation(
        f"{COVARIANCES}test_criteria.py::test_both_boundaries_of_the_example_in_the_theory",
        "kernels/covariances/pencil.py",
        "square * square / (2 * pressed)",
        "square * square / pressed",
    ),
    Mutation(
        f"{COVARIANCES}test_merging.py::test_two_components_with_three_modes",
        "kernels/covariances/merging.py",
        "return (phi - u) / size[points]",
        "return (phi - 2 * u) / size[points]",
    ),
    Mutation(
        f"{COVARIANCES}test_class_information.py::test_reference_pairs",
        "kernels/covariances/averages.py",
        "total(rest * (1 - rest))",
        "total(rest * rest)",
    ),
    Mutation(
        f"{COVARIANCES}test_growth.py::test_reference_pairs",
        "kernels/covariances/growth.py",
        "RADAU * (0.5 * ratio.T)",
        "RADAU * ratio.T",
    ),
    # Covariances of data, and the isotropic score beside them
    Mutation(
        f"{CLASSES}test_directions_that_are_kept_and_the_variance_of_the_others",
        "densities/class_covariances.py",
        "0.0) / (d - r)",
        "0.0) / d",
    ),
    Mutation(
        f"{CLASSES}test_covariances_of_a_table_are_those_of_numpy",
        "densities/class_covariances.py",
        "eigenpairs(product / count, rank)",
        "eigenpairs(product / (count - 1), rank)",
    ),
    Mutation(
        "tests/densities/test_bootstrap.py::test_replicates_are_weighted_statistics_with_exponential_weights",
        "densities/bootstrap.py",
        ' - np.einsum("bkd,bkd->bk", shift, shift)',
        "",
    ),
    Mutation(
        "tests/densities/test_bootstrap.py::test_the_total_eigenvalue_is_that_of_each_replicate_to_first_order",
        "densities/bootstrap.py",
        " - mean[:, :, None] * mean[:, None]",
        "",
    ),
    Mutation(
        "tests/quantities/test_when_errors.py::test_draws_have_no_part_in_the_error",
        "kernels/information/covariances.py",
        "geometry.coordinates @ (u @ v)",
        "geometry.coordinates @ u",
    ),
    Mutation(
        "tests/quantities/test_when_errors.py::test_pairs_are_those_of_the_decision_windows_of_each_replicate",
        "kernels/information/decisions.py",
        "* alone - variance[..., None, None]",
        "* alone",
    ),
    Mutation(
        "tests/quantities/test_when_errors.py::test_differences_are_paired",
        "quantities/when_errors.py",
        "(values - values.sel(moment=reference, drop=True)).std",
        "values.std",
    ),
    Mutation(
        f"{COMPONENTS}test_directions_with_the_variance_of_all_others",
        "densities/component_covariances.py",
        '(d - eigenvalues.sizes["direction"]) * floor',
        "d * floor",
    ),
    Mutation(
        f"{ISOTROPY}test_one_gaussian_has_the_error_of_its_closed_form",
        "kernels/covariances/isotropy.py",
        "2 * gammaincinv(",
        "gammaincinv(",
    ),
    Mutation(
        f"{ISOTROPY}test_the_standard_error_is_the_scatter_of_independent_draws",
        "kernels/covariances/isotropy.py",
        "below / (2 * root)",
        "below / root",
    ),
    # Class decisions, clocks, collapse, guidance
    Mutation(
        f"{DECISIONS}test_numbers_are_those_of_a_sum_over_a_line",
        "kernels/information/expectations.py",
        "slope = noise * (points.variance - points.variance[j])",
        "slope = noise * (points.variance + points.variance[j])",
    ),
    Mutation(
        f"{DECISIONS}test_class_entropy_falls_in_gamma_at_the_information_density",
        "kernels/information/expectations.py",
        "(0.5 * points.dimension * np.log1p(excess))",
        "(0.5 * (points.dimension - 1) * np.log1p(excess))",
    ),
    Mutation(
        f"{DECISIONS}test_at_an_end_of_the_window_the_share_of_the_entropy_is_left",
        "kernels/information/decisions.py",
        "goal = share * points.weight_entropy",
        "goal = share**2 * points.weight_entropy",
    ),
    Mutation(
        f"{DECISIONS}test_draws_agree_with_quadrature_within_their_standard_error",
        "kernels/information/classes.py",
        "(count * (count - 1))",
        "(count - 1)",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_one_covariance_is_unit_variance_after_whitening",
        "kernels/information/covariances.py",
        "part / np.sqrt(v) for part",
        "part / v for part",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_class_entropy_falls_in_gamma_at_the_information_density",
        "kernels/information/covariances.py",
        "part * (noise[:, None, None] / v)",
        "part * (1 / v)",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_two_gaussians_of_different_variance_on_a_line_are_adaptive_quadratures",
        "kernels/information/covariances.py",
        "0.5 * (log_determinants[i] - log_determinants[j])",
        "(log_determinants[i] - log_determinants[j])",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_listed_directions_are_those_of_the_whole_matrix_and_outside_counts_the_radius",
        "kernels/information/covariances.py",
        "(radius * across)[:, 0]",
        "(radius * radius)[:, 0]",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_few_directions_and_a_floor_are_the_matrices_that_they_stand_for",
        "kernels/information/covariances.py",
        "pulled + rest / self.floor",
        "pulled",
    ),
    Mutation(
        f"{OF_COVARIANCES}test_collapse_of_one_gaussian_is_where_its_information_is_the_logarithm",
        "kernels/information/collapse.py",
        "return 0.5 * total(np.exp(points.log_w) * points.over",
        "return total(np.exp(points.log_w) * points.over",
    ),
    Mutation(
        "tests/kernels/speciation/test_eigenmodes.py::test_shares_and_ends_are_those_of_the_between_class_covariance",
        "kernels/speciation/eigenmodes.py",
        "values / total",
        "np.sqrt(values / total)",
    ),
    Mutation(
        "tests/reports/test_empirical.py::test_the_level_is_where_the_share_of_the_entropy_remains",
        "reports/empirical.py",
        "goal = share * whole",
        "goal = share**2 * whole",
    ),
    Mutation(
        "tests/densities/test_refitting.py::test_components_in_another_order_are_brought_into_that_of_the_fit",
        "densities/refitting.py",
        "one.weights[order]",
        "one.weights",
    ),
    Mutation(CASES, "kernels/information/clocks.py", "value / sigma]", "value / sigma**3]"),
    Mutation(CASES, "kernels/information/collapse.py", "- found.entropy + within", "+ within"),
    Mutation(CASES, "kernels/flow/guided.py", "(sigma > self.low) & ", ""),
    Mutation(
        "tests/kernels/flow/test_guided.py::test_marginals_are_those_of_the_class_at_any_share_of_noise",
        "kernels/flow/guided.py",
        "np.sqrt(-np.expm1(h * square)) * draws",
        "np.sqrt(-np.expm1(h)) * draws",
    ),
    Mutation(
        "tests/kernels/flow/test_guided_calls.py::test_the_interval_of_edm2_holds_six_of_32_steps",
        "kernels/flow/guided_calls.py",
        "np.maximum(after - first, 0)",
        "np.maximum(after - first + 1, 0)",
    ),
    # Power diagram in a plane
    Mutation(
        f"{PLANE}test_walls_are_where_neighbouring_points_of_a_fine_grid_have_different_cells",
        "kernels/layer/plane.py",
        "past_midpoint(x, near, far)) - 2 * v * odds",
        "past_midpoint(x, near, far)) - v * odds",
    ),
    Mutation(
        f"{PLANE}test_cells_meet_where_three_walls_end",
        "kernels/layer/plane.py",
        "point = one + step / 2 + (v",
        "point = one + step / 2 - (v",
    ),
    # How a verdict follows
    Mutation(
        f"{VERDICTS}test_nan_neither_confirms_nor_contradicts",
        "paper/statement.py",
        "self.bound < self.largest < np.inf",
        "not self.largest <= self.bound",
    ),
    Mutation(
        f"{VERDICTS}test_a_verdict_follows_from_the_numbers",
        "paper/statement.py",
        "self.largest <= self.bound\n",
        "self.largest >= 0\n",
    ),
    # Diagnosis of learned scores
    Mutation(
        f"{DIAGNOSIS}test_mode_weights.py::test_prediction_and_measurement_are_the_closed_forms_of_a_pair",
        "diagnosis/mode_weights.py",
        "noisy = 2 * _through_layers",
        "noisy = _through_layers",
    ),
    Mutation(
        f"{DIAGNOSIS}test_mode_weights.py::test_prediction_and_measurement_are_the_closed_forms_of_a_pair",
        "diagnosis/mode_weights.py",
        "found[open_] -= rest",
        "found[open_] += rest",
    ),
    Mutation(
        f"{DIAGNOSIS}test_mode_weights.py::test_the_divergence_of_an_error_is_that_of_its_jacobian",
        "diagnosis/mode_weights.py",
        "rows = np.sqrt(n) * _units(",
        "rows = _units(",
    ),
    Mutation(
        f"{DIAGNOSIS}test_measured_divergence.py::test_of_gaussians_the_flow_has_the_known_divergence",
        "diagnosis/measured_divergence.py",
        "(levels[-1]))) - log_volume",
        "(levels[-1]))) + log_volume",
    ),
    Mutation(
        f"{DIAGNOSIS}test_measured_divergence.py::test_of_gaussians_the_reverse_sde_has_the_known_divergence",
        "diagnosis/measured_divergence.py",
        "density, 2 * sigma**2",
        "density, sigma**2",
    ),
    Mutation(
        f"{DIAGNOSIS}test_wasserstein_bound.py::test_of_a_shift_it_is_the_distance_and_a_rotation_beside_it_adds_nothing",
        "diagnosis/wasserstein_bound.py",
        "levels**2 * each",
        "levels * each",
    ),
    Mutation(
        f"{DIAGNOSIS}test_wasserstein_bound.py::test_it_is_not_below_the_distance_where_modes_part",
        "diagnosis/wasserstein_bound.py",
        "[:, -1].max()",
        "[:, -1].min()",
    ),
    Mutation(
        "tests/networks/test_step_study.py::test_no_rule_wins_where_the_interval_has_zero_in_it",
        "networks/step_winners.py",
        "lead > error",
        "lead > 0",
    ),
    Mutation(
        f"{DIAGNOSIS}test_equation_residuals.py::test_of_a_rotating_field_both_are_closed_forms",
        "diagnosis/equation_residuals.py",
        "-laplacian, -2 * advection",
        "-laplacian, -advection",
    ),
    Mutation(
        f"{DIAGNOSIS}test_equation_residuals.py::test_of_an_exact_score_it_is_0_within_its_error",
        "diagnosis/equation_residuals.py",
        "gradient = mixed + 2 *",
        "gradient = mixed +",
    ),
    Mutation(
        f"{DIAGNOSIS}test_boundary_slices.py::test_of_the_exact_score_of_a_pair_they_are_the_closed_forms",
        "diagnosis/boundary_slices.py",
        "2 / length, status)",
        "1 / length, status)",
    ),
    Mutation(
        f"{DIAGNOSIS}test_boundary_slices.py::test_of_the_exact_score_of_a_pair_they_are_the_closed_forms",
        "diagnosis/boundary_slices.py",
        "(rate * sigma**2)",
        "(rate * sigma)",
    ),
    Mutation(
        f"{DIAGNOSIS}test_boundary_slices.py::test_a_layer_the_wrong_way_round_fails_the_lax_condition",
        "diagnosis/boundary_slices.py",
        "-2 * behind > -(",
        "-2 * behind < -(",
    ),
    Mutation(
        f"{DIAGNOSIS}test_gradient_part.py::test_in_the_plane_both_bounds_meet",
        "diagnosis/gradient_part.py",
        "along = gradients + values",
        "along = gradients - values",
    ),
    Mutation(
        f"{DIAGNOSIS}test_solenoidal_part.py::test_of_both_together_it_is_above_and_the_fit_of_a_gradient_below",
        "diagnosis/solenoidal_part.py",
        "(0.5 * (blocks - blocks.swapaxes(0, 2)))",
        "(0.5 * (blocks + blocks.swapaxes(0, 2)))",
    ),
    # Networks
    Mutation(
        "tests/networks/test_diagnosis.py::test_only_a_denoiser_that_knows_the_samples_gains_on_them",
        "networks/diagnosis.py",
        "(exact - own)",
        "(own - exact)",
    ),
    Mutation(
        "tests/networks/test_symptoms.py::test_no_network_sets_the_threshold_that_it_is_held_against",
        "networks/symptoms.py",
        "np.delete(good, seed, axis=0)",
        "good",
    ),
    Mutation(
        "tests/networks/test_symptoms.py::test_weights_are_changed_where_sampling_does_not_explain_it",
        "networks/symptoms.py",
        "found.mode_weight_change / error.where(error > 0, np.inf)",
        "found.mode_weight_change",
    ),
    Mutation(
        f"{DIAGNOSIS}test_wasserstein_bound.py::test_of_a_shift_it_is_the_distance_and_a_rotation_beside_it_adds_nothing",
        "diagnosis/diagnose.py",
        'np.sqrt(made["gradient_square_upper"])',
        'made["score_error"]',
    ),
    Mutation(
        f"{DIAGNOSIS}test_step_comparison.py::test_lists_of_levels_that_are_sampled_in_parts_are_those_of_one_go",
        "diagnosis/step_comparison.py",
        "for part in parts])",
        "for part in parts[::-1]])",
    ),
    Mutation(
        "tests/kernels/flow/test_solvers.py::test_several_lists_are_sampled_as_each_alone",
        "kernels/flow/solvers.py",
        "levels[..., j, None] if several",
        "levels[:1, j, None] if several",
    ),
    Mutation(
        "tests/networks/test_symptoms.py::test_exceedance_is_the_statistic_of_mann_and_whitney",
        "networks/symptoms.py",
        "every[:, None] > good",
        "every[:, None] < good",
    ),
    Mutation(
        "tests/networks/test_mode_weights.py::test_the_correlation_is_that_of_numpy",
        "networks/mode_weights.py",
        "whole[1] / whole[0]",
        "whole[1] / whole[2]",
    ),
    # Figures
    Mutation(
        "tests/figures/test_amplification.py::test_all_points_of_a_sweep_are_on_the_closed_form",
        "figures/amplification.py",
        "(ratio - np.log(ratio)) / 2",
        "(ratio + np.log(ratio)) / 2",
    ),
    Mutation(
        "tests/figures/test_phases.py::test_the_front_of_the_exact_criterion_ends_at_its_last_weight",
        "figures/phases.py",
        "np.where(absent, -typical, tau)",
        "np.where(absent, typical, tau)",
    ),
    Mutation(
        "tests/figures/test_branches.py::test_a_line_is_interrupted_where_another_root_takes_its_place",
        "figures/branches.py",
        "if earlier >= count",
        "if earlier > count",
    ),
    Mutation(
        f"{NETWORKS}test_perceptron.py::test_the_jacobian_is_that_of_differences",
        "networks/perceptron.py",
        "gate * (1 + z * (1 - gate))",
        "gate * (1 + z * gate)",
    ),
    Mutation(
        f"{NETWORKS}test_perceptron.py::test_the_jacobian_of_the_score_agrees_with_its_differences_within_both_errors",
        "networks/perceptron.py",
        "(self.sigma_data / (sigma * square))",
        "(self.sigma_data / square)",
    ),
    Mutation(
        f"{NETWORKS}test_damages.py::test_the_layer_of_a_pair_is_moved_by_a_quarter_of_its_width_at_every_level",
        "networks/damages.py",
        "np.exp(SHIFT * factor(seed) * sign)",
        "np.exp(2 * SHIFT * factor(seed) * sign)",
    ),
    Mutation(
        f"{NETWORKS}test_damages.py::test_one_level_is_that_of_the_spread_and_pushes_from_class_to_class",
        "networks/damages.py",
        "exact.means.shape[1] + exact.variance)",
        "exact.means.shape[1])",
    ),
)
