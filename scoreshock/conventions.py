"""The vocabulary: names of axes and results, their meaning and units, criteria and status flags.

Each name is said once, here; every file carries it through ``long_name`` and ``units``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from scoreshock.checks import as_array, show

CF_VERSION = "CF-1.11"
REFERENCE = "arXiv:2604.07404"

DEFAULT_CRITERIA = ("leading", "first", "quadratic", "exact", "boundary", "merging", "spectral")
MIXTURE_CRITERIA = (*DEFAULT_CRITERIA, "drift", "cloning", "entropic")
"""Criteria of a mixture; those that are not computed by default answer other questions, or cost a quadrature a point."""

WELL_CRITERIA = ("boundary", "merging", "matched-gaussian")
"""Criteria of a density with two wells."""

CRITERIA = tuple(dict.fromkeys((*MIXTURE_CRITERIA, *WELL_CRITERIA)))

QUANTITIES = (
    "scores",
    "speciation",
    "corrections",
    "amplification",
    "boundary_amplification",
    "layer",
    "burgers",
    "trajectories",
    "divergence",
    "regions",
    "modes",
    "cascade",
    "neighbours",
)

FORMS = ("score", "burgers", "physical", "physical-burgers", "vp", "cole-hopf", "conservation", "log-density")
"""Forms of the score's equation."""

PLACES = ("everywhere", "layer", "outside")
"""Where a score error acts."""


class Status(IntEnum):
    """Outcome of a criterion at one point; anything but ``ok`` says why a number is missing or void."""

    missing = -1
    ok = 0
    no_transition = 1
    no_real_root = 2
    below_floor = 3
    diverged = 4
    singular = 5
    not_applicable = 6
    failed = 7
    unresolved = 8  # what decides is below rounding


class TimeStatus(IntEnum):
    """Outcome of placing a diffusion time in a schedule's own clock."""

    missing = -1
    ok = 0
    before_start = 1
    beyond_end = 2
    no_tau = 3


@dataclass(frozen=True)
class Axis:
    """An axis that a sweep can run over: its meaning, and the values that it may take."""

    long_name: str
    allowed: str
    low: float
    high: float = np.inf
    low_open: bool = False
    high_open: bool = True
    integer: bool = False

    def accepts(self, values: np.ndarray) -> np.ndarray:
        """Which of ``values`` are allowed, element by element (NaN never is)."""
        above = values > self.low if self.low_open else values >= self.low
        below = values < self.high if self.high_open else values <= self.high
        whole = values == np.floor(values) if self.integer else np.isfinite(values)
        return above & below & whole


AXES = {
    "separation": Axis(
        "half-distance a of a pair (means at -a and +a); scale of the means in other families",
        "a finite number >= 0",
        0.0,
    ),
    "variance": Axis("component variance sigma0^2 at data time", "a finite number >= 0", 0.0),
    "weight": Axis(
        "weight of the component at +separation (pair), of the marked component of other families",
        "a number strictly between 0 and 1",
        0.0,
        1.0,
        low_open=True,
    ),
    "dimension": Axis("ambient dimension d of the data", "a whole number >= 1", 1, 2.0**53, integer=True),
    "ratio": Axis(
        "ratio of the scales of successive levels of a hierarchy",
        "a number strictly between 0 and 1",
        0.0,
        1.0,
        low_open=True,
    ),
    "realization": Axis("index of a random draw of the means", "a whole number >= 0", 0, 2.0**53, integer=True),
    "quartic_coefficient": Axis(
        "coefficient c of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number > 0", 0.0, low_open=True
    ),
    "half_distance": Axis(
        "half the distance b of the wells of the potential c (x^2 - b^2)^2 without tilt", "a finite number >= 0", 0.0
    ),
    "tilt": Axis("tilt h of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number", -np.inf, low_open=True),
}


def check_axis(name: str, values: np.ndarray) -> np.ndarray:
    """Return ``values`` as a float (or integer) array, or raise ``ValueError`` naming axis, value and what is allowed."""
    axis = AXES[name]
    array = as_array(name, values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name}: {show(values)} is not numeric; allowed: {axis.allowed}")
    good = axis.accepts(array.astype(float))
    if not good.all():
        raise ValueError(f"{name} = {array[~good].flat[0]!s} is not allowed; allowed: {axis.allowed}")
    return array.astype(np.int64) if axis.integer else array.astype(float)


@dataclass(frozen=True)
class Variable:
    """A variable of a result: its meaning, its dimensions besides the sweep's, and why a value may be missing.

    Attributes
    ----------
    name, long_name
        As in files; units are 1, since data are in the model's own units.
    dims
        Own dimensions, which come last.
    status
        Name of the flag variable that says why a value is missing or void.
    description, references
        A sentence more, and the source of the formula; a source that begins with a number in brackets, or with the name of a
        statement, is the paper's. Neither counts in the digest of the code.
    dtype
        By default int8 for flags, else float64.
    flags
        Meanings of a flag variable's values; by default `Status` where the name ends in ``status``.
    """

    name: str
    long_name: str
    dims: tuple[str, ...] = ()
    status: str = ""
    description: str = ""
    references: str = ""
    dtype: Any = None
    flags: type[IntEnum] | None = None

    def __post_init__(self) -> None:
        if self.flags is None and self.name.endswith("status"):
            object.__setattr__(self, "flags", Status)
        if self.dtype is None:
            object.__setattr__(self, "dtype", float if self.flags is None else np.int8)

    def attributes(self) -> dict[str, object]:
        """CF attributes: ``long_name``, ``units`` or flag values with their meanings, what is known of the rest."""
        ours = self.references.startswith(("(", "Definition", "Theorem", "Proposition", "Corollary", "Lemma", "section"))
        told = {
            "description": self.description,
            "references": f"{REFERENCE}, {self.references}" if ours else self.references,
            "ancillary_variables": self.status,
        }
        if self.flags is None:
            meaning: dict[str, object] = {"units": "1"}
        else:
            values = np.array([member.value for member in self.flags], dtype=np.int8)
            meaning = {"flag_values": values, "flag_meanings": " ".join(member.name for member in self.flags)}
        return {"long_name": self.long_name} | meaning | {key: text for key, text in told.items() if text}


# name -> (long_name, units); units "1" is dimensionless, data units are those of the features.
VARIABLES: dict[str, tuple[str, str]] = {
    # a mixture
    "component_mean": ("mean of each mixture component, in coordinates of the means' span", "1"),
    "component_weight": ("weight of each mixture component", "1"),
    "component_variance": ("common component variance sigma0^2 at data time", "1"),
    "ambient_dimension": ("ambient dimension d of the data", "1"),
    "basis": ("orthonormal basis of the means' span in the data's own coordinates", "1"),
    "origin": ("origin of the span's coordinates in the data's own coordinates", "1"),
    "perpendicular_squared": ("squared distance of the point from the means' span", "1"),
    "feature_scale": ("what each feature of the data was divided by", "1"),
    "label": ("label of the class", "1"),
    "within_class_variance": ("variance within each class, mean over the features", "1"),
    "within_class_anisotropy": (
        "largest eigenvalue of the within-class covariance over the mean variance: 1 where isotropic",
        "1",
    ),
    "total_eigenvalue": ("largest eigenvalue of the total covariance of the data", "1"),
    # points
    "x": ("position along the line through the layer", "1"),
    "x_scaled": ("position along the line through the layer, in natural units", "1"),
    "tau": ("diffusion time tau, p_tau = p_0 * N(0, 2 tau I)", "1"),
    "tau_status": ("outcome of the diffusion time", "1"),
    "tau_scaled": ("diffusion time in units of the leading speciation time (wells: of their matched Gaussians)", "1"),
    "start": ("position along the line through the layer from which a trajectory starts", "1"),
    "start_scaled": ("position along the line through the layer from which a trajectory starts, in natural units", "1"),
    "point": ("index of the point", "1"),
    "position": ("coordinates of the point at which the score is given", "1"),
    "component": ("index of the mixture component", "1"),
    "feature": ("index of the coordinate in the means' span", "1"),
    "ambient": ("index of the coordinate in the data's own space", "1"),
    "criterion": ("name of the speciation criterion", "1"),
    "schedule": ("label of the noise schedule", "1"),
    "mode": ("index of the eigenvalue of the between-class covariance, largest first", "1"),
    "root": ("index of the root of the exact criterion, ascending in tau", "1"),
    "event": ("index of the merging event, ascending in tau", "1"),
    "order": ("order of the correction series in the inverse noise variance", "1"),
    "step": ("index of the schedule's sampling time", "1"),
    "centre": ("point of the line through the layer at position 0", "1"),
    "direction": ("unit vector along the line through the layer", "1"),
    "extent": ("half the extent of the means along the line through the layer", "1"),
    # scores
    "score": ("score, the gradient of the log density", "1"),
    "score_along": ("component of the score along the line through the layer", "1"),
    "log_density": ("natural logarithm of the density p_tau", "1"),
    "score_status": ("outcome of the score", "1"),
    "score_jacobian": ("Jacobian of the score, the Hessian of the log density", "1"),
    "responsibilities": ("posterior probability of each component at x", "1"),
    "denoiser": ("posterior mean of the clean data, E[x_0 | x_tau = x]", "1"),
    "denoiser_covariance": ("posterior covariance of the clean data, Cov[x_0 | x_tau = x]", "1"),
    # speciation
    "tau_star": ("speciation time by criterion", "1"),
    "status": ("outcome of each criterion", "1"),
    "n_roots": ("number of roots of the exact criterion above the floor (wells: of the boundary criterion)", "1"),
    "tau_root": ("roots of the exact criterion, ascending", "1"),
    "root_status": ("outcome of each root's place", "1"),
    "root_mode": ("eigen-direction of the between-class covariance nearest to each root's direction (-1: none)", "1"),
    "root_truncated": ("whether more roots exist than places to hold them", "1"),
    "cascade": ("leading-order speciation time of each eigenvalue of the between-class covariance", "1"),
    "cascade_status": ("outcome of each level of the cascade", "1"),
    "eigenvalue": ("eigenvalue of the between-class covariance", "1"),
    "tau_event": ("diffusion time at which modes of the density merge (two components, or one feature)", "1"),
    "event_status": ("outcome of each merging event's place", "1"),
    "x_event": (
        "position at which modes merge; for two components in several features, from their midpoint to the second mean",
        "1",
    ),
    "n_events": ("number of merging events", "1"),
    "modes_before": ("number of modes just below the event's tau", "1"),
    "modes_after": ("number of modes just above the event's tau", "1"),
    # speciation in a schedule's clock
    "time": ("schedule time of the speciation time", "1"),
    "time_status": ("outcome of placing the speciation time in the schedule", "1"),
    "sigma": ("noise level sigma_n = sqrt(2 tau) of x/alpha, as in EDM", "1"),
    "noise": ("noise standard deviation of the schedule's own variable", "1"),
    "alpha_bar": ("squared signal coefficient alpha^2", "1"),
    "log_snr": ("logarithm of the signal-to-noise ratio alpha^2/noise^2", "1"),
    "sampling_step": ("sampling step at the speciation time, counted from data (fractional)", "1"),
    # corrections
    "tau_order": ("speciation time of the series through each order", "1"),
    "coefficient": ("term that each order adds to the variance v* of the series", "1"),
    "error": ("difference of the series through each order from the exact criterion", "1"),
    "error_relative": ("difference of the series from the exact criterion, relative to the exact variance v*", "1"),
    "order_status": ("outcome of the series through each order", "1"),
    "error_status": ("outcome of the comparison with the exact criterion", "1"),
    "smallest_term": ("order of the term of least magnitude: a hint at where the series stops improving", "1"),
    "covariance_coefficient": ("correction coefficient C = -Cov_w(D, y^2) (Definition 9.6)", "1"),
    "weighted_mean": ("weighted mean of the components' means", "1"),
    "jacobian_term": ("coefficient of v^-(order + 2) of the score Jacobian at the weighted mean", "1"),
    "jacobian_through": ("score Jacobian at the weighted mean by its expansion through each order", "1"),
    "eigenvalue_term": ("coefficient of v^-order of the leading eigenvalue of the means' posterior covariance", "1"),
    # amplification
    "exponent": ("amplification exponent Lambda of a pair in closed form", "1"),
    "exponent_quadrature": ("amplification exponent Lambda by quadrature of the growth rate", "1"),
    "exponent_quadrature_error": ("estimate of the error of the quadrature", "1"),
    "exponent_kind": ("what the exponent means", "1"),
    "log10_factor": ("decimal logarithm of the amplification factor exp(Lambda)", "1"),
    "snr": ("signal-to-noise ratio R of the layer of a pair at tau_min", "1"),
    "lyapunov": ("growth rate of a perturbation of the probability flow at the layer's centre", "1"),
    "amplification_status": ("outcome of the amplification exponent in closed form", "1"),
    "quadrature_status": ("outcome of the exponent by quadrature, and of the factor", "1"),
    "lyapunov_status": ("outcome of the growth rate", "1"),
    "exponent_boundary": ("integral over tau of the positive growth rate on the moving boundary", "1"),
    "exponent_boundary_error": ("estimated error of the integral of the growth rate on the moving boundary", "1"),
    "exponent_boundary_status": ("outcome of the integral of the growth rate on the moving boundary", "1"),
    "n_exponent_breaks": ("number of breaks (jumps, vanishings) of the moving boundary inside the integral", "1"),
    "boundary_rate": ("growth rate on the moving boundary, the normal second derivative of the log density", "1"),
    "boundary_rate_status": ("outcome of the growth rate on the moving boundary", "1"),
    "tau_boundary": ("diffusion time at which growth on the moving boundary ends", "1"),
    "tau_boundary_status": ("outcome of the boundary criterion", "1"),
    "boundary_end": ("what ends the growth on the moving boundary", "1"),
    "n_boundary_roots": ("number of roots of the growth rate on the moving boundary above the floor", "1"),
    "n_boundary_breaks": ("number of breaks (jumps, vanishings) of the moving boundary above the floor", "1"),
    # Burgers structure
    "burgers_velocity": ("Burgers velocity u = -2 s, or -2 nu s where the viscosity is nu", "1"),
    "rate_term": ("time derivative, the left-hand side of the equation", "1"),
    "diffusion_term": ("term with the Laplacian, on the right-hand side of the equation", "1"),
    "advection_term": ("nonlinear term, on the right-hand side of the equation", "1"),
    "growth_term": ("term with the field itself, on the right-hand side of the equation", "1"),
    "transport_term": ("term (x . grad) of the field, on the right-hand side of the equation", "1"),
    "stretching_term": ("term of products of Jacobians, on the right-hand side of the vorticity equation", "1"),
    "largest_term": ("length of the longest term of the equation at the point", "1"),
    "residual": ("left-hand side minus right-hand side of the equation", "1"),
    "residual_relative": ("length of the residual over that of the longest term at the point", "1"),
    "residual_error": ("bound on the length of the residual's numerical error, by estimate", "1"),
    "residual_status": ("outcome of the residual", "1"),
    "form": ("name of the form of the score's equation", "1"),
    "vorticity": ("vorticity omega_ij = d_i s_j - d_j s_i", "1"),
    "vorticity_largest": ("largest entry of the vorticity in magnitude", "1"),
    "vorticity_relative": ("largest entry of the vorticity over the largest of the Jacobian, in magnitude", "1"),
    "vorticity_error": ("bound on the error of the vorticity's entries, by estimate", "1"),
    "jacobian_eigenvalue": ("eigenvalue of the score Jacobian at the weighted mean, largest first", "1"),
    "inviscid_eigenvalue": ("eigenvalue of the score Jacobian along an inviscid characteristic", "1"),
    "tau_divergence": ("diffusion time at which the inviscid evolution of the eigenvalue diverges", "1"),
    "divergence_error": ("divergence time of the inviscid eigenvalue minus the leading speciation time", "1"),
    # layer
    "group": ("group of each component: 0 the first, 1 the second, 2 neither", "1"),
    "line_start": ("midpoint of the weighted means of both groups", "1"),
    "line_direction": ("unit vector from the first group's weighted mean to the second's", "1"),
    "boundary": ("point of the boundary between the two groups, where their densities are equal", "1"),
    "normal": ("unit normal of the boundary, into the region of the first group", "1"),
    "width": ("width of the layer, 2/|grad phi|, v/a for a pair", "1"),
    "jump": ("jump of the normal score across the boundary, |grad phi|", "1"),
    "background_curvature": ("slope along the normal of the background score on the boundary", "1"),
    "interfacial_curvature": ("slope along the normal of the interfacial score on the boundary", "1"),
    "normal_hessian": ("second derivative of the log density across the boundary", "1"),
    "speed": ("speed of the boundary along its normal, per unit of diffusion time as it grows", "1"),
    "speed_rankine_hugoniot": ("speed of the boundary by the Rankine-Hugoniot condition, -(s_L + s_R)", "1"),
    "score_behind": ("one-sided normal score on the side from which the normal comes", "1"),
    "score_ahead": ("one-sided normal score on the side to which the normal points", "1"),
    "lax": ("whether the one-sided scores satisfy the Lax condition: 1 yes, 0 no, -1 no boundary", "1"),
    "crossing": ("places at which the line crosses the boundary, from its start, ascending", "1"),
    "crossing_status": ("outcome of each place of a crossing", "1"),
    "crossing_index": ("index of the crossing of the line with the boundary", "1"),
    "n_boundaries": ("number of crossings of the line with the boundary", "1"),
    "layer_status": ("outcome of the boundary's place", "1"),
    "feature_other": ("index of the coordinate in the means' span", "1"),
    "log_ratio": ("log ratio phi of the densities of the two groups", "1"),
    "log_ratio_gradient": ("gradient of the log ratio", "1"),
    "log_ratio_hessian": ("Hessian of the log ratio", "1"),
    "log_ratio_rate": ("derivative of the log ratio in diffusion time, from the densities", "1"),
    "log_ratio_laplacian": ("Laplacian of the log ratio", "1"),
    "log_ratio_advection": ("advection 2 sbar . grad phi of the log ratio", "1"),
    "log_ratio_residual": ("residual of the log-ratio equation relative to its largest term", "1"),
    "background": ("background score, the mean of the scores of the two groups", "1"),
    "background_jacobian": ("Jacobian of the background score", "1"),
    "interfacial": ("interfacial part of the score, tanh(phi/2) grad phi / 2", "1"),
    "decomposition_residual": ("residual of the binary decomposition relative to its largest term", "1"),
    "epsilon": ("density of the competitors over that of both groups", "1"),
    "log_epsilon": ("natural logarithm of the competitors' density over that of both groups", "1"),
    "epsilon_normal": ("first derivative of epsilon along the normal", "1"),
    "epsilon_normal_normal": ("second derivative of epsilon along the normal", "1"),
    "score_difference": ("what the competitors add to the score", "1"),
    "normal_difference": ("what the competitors add to the normal derivative of the normal score", "1"),
    "binary_score": ("score of both groups without their competitors", "1"),
    "competitor_residual": ("residual of the competitors' part of the score relative to the largest term", "1"),
    "competitor_normal_residual": ("residual of the competitors' normal derivative relative to the largest term", "1"),
    "r": ("distance from the boundary along its normal, in widths", "1"),
    "profile_interfacial": ("interfacial part of the normal score along the normal", "1"),
    "profile_tanh": ("hyperbolic tangent that it is compared with", "1"),
    "profile_score": ("normal score along the normal", "1"),
    "profile_local": ("local form of the normal score: linear background plus hyperbolic tangent", "1"),
    "profile_difference": ("interfacial part minus hyperbolic tangent, relative to half the jump", "1"),
    # shocks
    "shock_position": ("position of the boundary of a pair from the midpoint of its means", "1"),
    "shock_speed": ("speed of the boundary of a pair as diffusion time grows", "1"),
    "shock_speed_generation": ("speed of the boundary of a pair in generation, as diffusion time falls", "1"),
    "score_left": ("one-sided score on the left of the boundary", "1"),
    "score_right": ("one-sided score on the right of the boundary", "1"),
    "minus_sum": ("speed by the Rankine-Hugoniot condition, -(s_L + s_R)", "1"),
    "shock_residual": ("residual of the Rankine-Hugoniot condition as diffusion time grows, relative", "1"),
    "shock_residual_generation": ("residual of the Rankine-Hugoniot condition read in generation time, relative", "1"),
    "between_means": ("whether the boundary lies between the means: 1 yes, 0 no", "1"),
    "shock_status": ("outcome of the boundary of a pair", "1"),
    "velocity": ("background-subtracted Burgers velocity -2(s + x/v)", "1"),
    "stationary_residual": ("residual of u u_x = u_xx at frozen diffusion time, relative", "1"),
    "frozen_burgers_residual": ("residual of the Burgers equation of the background-subtracted velocity, relative", "1"),
    "full_residual": ("residual of the Burgers equation of the full velocity -2s, relative", "1"),
    "transformation_residual": ("residual of u = 2x/v + U(x/v)/v with the stationary shock U, relative", "1"),
    "owner": ("component of largest responsibility, the cell of the power diagram (-1: none)", "1"),
    "face_point": ("point of equal responsibility on the line of two means", "1"),
    "face_normal": ("unit vector from the first mean of a pair to the second", "1"),
    "face_offset": ("distance of the face from the midpoint of two means", "1"),
    "first_component": ("first component of the pair", "1"),
    "second_component": ("second component of the pair", "1"),
    "triple_point": ("point of equal responsibility of three components in the plane of their means", "1"),
    "triple_point_status": ("outcome of the triple point", "1"),
    "triple_point_owner": ("component that owns the triple point in the whole mixture (-1: none)", "1"),
    # wells
    **{f"well_{name}": (AXES[name].long_name, "1") for name in ("quartic_coefficient", "half_distance", "tilt")},
    "well_split": ("barrier between the wells, at which the density is split", "1"),
    "well_low": ("left well of the potential", "1"),
    "well_high": ("right well of the potential", "1"),
    "well_share": ("probability on the left of the split at data time", "1"),
    "log_normalisation": ("natural logarithm of the integral of exp(-U)", "1"),
    "well_status": ("outcome of the search for two wells", "1"),
    "potential": ("the potential U, p0 ~ exp(-U)", "1"),
    "table_x": ("place of the table of the density", "1"),
    "table_log_density": ("natural logarithm of the tabulated density, up to a constant", "1"),
    "table_split": ("place at which the tabulated density is split", "1"),
    "log_density_error": ("estimated error of the quadrature in the logarithm of either part's density", "1"),
    "boundary_velocity": ("derivative of the boundary's position in diffusion time", "1"),
    "x_boundary": ("position of the boundary where its criterion vanishes", "1"),
    "score_boundary": ("score on the boundary (in speciation where its criterion vanishes)", "1"),
    "x_merging": ("position at which the two modes merge", "1"),
    "merging_status": ("outcome of the merging of the two modes", "1"),
    # trajectories and errors of the score
    "trajectory": ("position along a trajectory between noise and data", "1"),
    "trajectory_error": ("estimate of the integration's error of the trajectory", "1"),
    "trajectory_exact": ("position along the probability flow by its exact quantiles", "1"),
    "trajectory_exact_error": ("what rounding moves the trajectory by quantiles by, an estimate", "1"),
    "trajectory_status": ("outcome of the trajectory", "1"),
    "exact_status": ("outcome of the trajectory by quantiles", "1"),
    "log_tail": ("logarithm of the smaller tail of the density beyond the trajectory, which the flow keeps", "1"),
    "trajectory_difference": ("trajectory under the wrong score minus that under the exact score, from equal starts", "1"),
    "difference_size": ("length of the difference of trajectories", "1"),
    "difference_precision": ("estimate of the integration's error in the difference of trajectories", "1"),
    "trajectory_difference_status": ("outcome of the difference of trajectories", "1"),
    "log_growth": ("logarithm of the growth of an infinitesimal perturbation of the start", "1"),
    "log_bound": ("logarithm of the Gronwall bound of the linearised error, for a score error of size one", "1"),
    "gronwall_bound": ("Gronwall bound of the linearised error of the trajectory", "1"),
    "growth_error": ("estimate of the integration's error in log_growth and log_bound, so relative of the bound", "1"),
    "growth_status": ("outcome of the growth along the trajectory", "1"),
    "log_error": ("logarithm of the linearised error at the centre over the score bias", "1"),
    "error_linear": ("linearised error at the centre by a constant score bias", "1"),
    # divergences of the generated density
    "kl": ("Kullback-Leibler divergence of the generated density from the true one, reverse SDE", "1"),
    "generated_mean": ("mean of the density generated by the reverse SDE", "1"),
    "generated_variance": ("variance of the density generated by the reverse SDE", "1"),
    "kl_ode": ("Kullback-Leibler divergence of the generated density from the true one, probability flow", "1"),
    "generated_mean_ode": ("mean of the density generated by the probability flow", "1"),
    "generated_variance_ode": ("variance of the density generated by the probability flow", "1"),
    "tv": ("total variation between the generated density and the true one, reverse SDE", "1"),
    "score_error_integral": ("integral over tau of the mean squared score error under the true density", "1"),
    "kl_start": ("Kullback-Leibler divergence of the density that generation starts from", "1"),
    "kl_bound": ("bound of the Kullback-Leibler divergence of the generated density", "1"),
    "tv_bound": ("bound of the total variation of the generated density", "1"),
    "divergence_status": ("outcome of the divergences", "1"),
    "tv_status": ("outcome of the total variation", "1"),
    # neighbouring criteria
    "cloning_probability": ("probability that two reverse paths from one noisy point end in the same class", "1"),
    "class_entropy": ("entropy of the class given the noisy point, in nats", "1"),
    "entropy_rate": ("rate of the class entropy per tau", "1"),
    "entropy_log_rate": ("rate of the class entropy per log-SNR -ln(2 tau)", "1"),
    "neighbours_status": ("outcome of cloning probability and class entropy", "1"),
    # regions
    "interface": ("index of the boundary between neighbouring components, ascending in position", "1"),
    "distance": ("distance from the boundary in widths v/a of its layer", "1"),
    "interface_position": ("position of the boundary between neighbouring components", "1"),
    "interface_half_gap": ("half the distance of the means on both sides of the boundary", "1"),
    "interface_width": ("width v/a of the layer at the boundary", "1"),
    "n_interfaces": ("number of boundaries between neighbouring components", "1"),
    "interfacial_probability": ("probability of the interfacial region, nearer than v/a to a boundary", "1"),
    "gradient": ("score gradient across the boundary in units of 1/v", "1"),
    "region_status": ("outcome of the regions", "1"),
    "interface_status": ("outcome of each place of a boundary between neighbouring components", "1"),
    # comparison
    "reference_criterion": ("name of the criterion that is subtracted", "1"),
    "statistic": ("smallest, middle and largest value over the points of the sweep; middle ones are right to 0.4 %", "1"),
    "outcome": ("name of an outcome", "1"),
    "time_outcome": ("name of an outcome in the schedule", "1"),
    "reason": ("name of a rule by which a criterion is trusted", "1"),
    "condition": ("name of a condition", "1"),
    "axis": ("name of an axis of the sweep", "1"),
    "n_points": ("number of points of the sweep", "1"),
    "status_count": ("number of points by outcome of the criterion", "1"),
    "tau_star_summary": ("speciation time by criterion over the sweep", "1"),
    "difference_summary": ("speciation time of the criterion minus that of the reference criterion, over the sweep", "1"),
    "difference_relative_summary": (
        "difference of the criteria relative to the reference's variance v*, over the sweep",
        "1",
    ),
    "difference_count": ("number of points by outcome of the difference of criteria", "1"),
    "difference_largest": ("index along each axis of the first point with the largest difference (-1: none)", "1"),
    "difference_step_summary": ("sampling step of the criterion minus that of the reference criterion, over the sweep", "1"),
    "difference_time_count": ("number of points by outcome of the difference of criteria in the schedule", "1"),
    "error_summary": ("error of the series through each order against the exact criterion, over the sweep", "1"),
    "error_relative_summary": ("relative error of the series through each order, over the sweep", "1"),
    "error_count": ("number of points by outcome of the error of the series", "1"),
    "error_largest": ("index along each axis of the first point with the largest error (-1: none)", "1"),
    "error_smaller_count": ("number of points where the order is nearer to the exact criterion than order 0", "1"),
    "error_step_summary": ("sampling step of the series through each order minus that of the exact criterion", "1"),
    "error_time_count": ("number of points by outcome of the error of the series in the schedule", "1"),
    "window_width": ("diffusion time between the earliest and the latest criterion", "1"),
    "window_status": ("outcome of the window between the criteria", "1"),
    "window_start_criterion": ("earliest criterion", "1"),
    "window_end_criterion": ("latest criterion", "1"),
    "window_count": ("number of points by outcome of the window", "1"),
    "window_width_summary": ("diffusion time between the earliest and the latest criterion, over the sweep", "1"),
    "window_start_count": ("number of points at which the criterion is the earliest and not all agree", "1"),
    "window_end_count": ("number of points at which the criterion is the latest and not all agree", "1"),
    "window_fraction_range": ("fraction of the schedule's time range inside the window", "1"),
    "window_fraction_steps": ("fraction of the schedule's sampling times inside the window", "1"),
    "window_steps": ("number of the schedule's sampling times inside the window (-1: no window)", "1"),
    "window_fraction_status": ("outcome of the window's share of the schedule", "1"),
    "window_fraction_range_summary": ("fraction of the schedule's time range inside the window, over the sweep", "1"),
    "window_fraction_steps_summary": ("fraction of the schedule's sampling times inside the window, over the sweep", "1"),
    "window_steps_summary": ("number of the schedule's sampling times inside the window, over the sweep", "1"),
    "trusted_criterion": ("criterion to trust at this point", "1"),
    "trust_reason": ("rule by which the criterion is trusted", "1"),
    "trust_conditions": ("conditions that hold at this point, one bit each", "1"),
    "trusted_status": ("outcome of the trusted criterion", "1"),
    "trust_count": ("number of points by rule and by outcome of the criterion that it trusts", "1"),
    "condition_count": ("number of points by rule and condition", "1"),
    # many modes
    "tau_mode": ("speciation time of each eigenvalue by the exact criterion at the weighted mean", "1"),
    "mode_status": ("outcome of the exact criterion for each eigenvalue", "1"),
    "n_mode_roots": ("number of roots of the exact criterion above the floor for each eigenvalue", "1"),
    "tau_mode_root": ("roots of the exact criterion for each eigenvalue, ascending", "1"),
    "mode_root_status": ("outcome of each root's place for each eigenvalue", "1"),
    "mode_root_truncated": ("whether an eigenvalue has more roots than places to hold them", "1"),
    "cascade_error": ("leading-order speciation time of each eigenvalue minus the exact one", "1"),
    "covariance_sign": ("sign of the correction coefficient C, 0 within rounding", "1"),
    "perpendicular_covariance": ("weighted covariance of the means' squares across and along the leading direction", "1"),
    "collinear": ("whether the means lie on a line: 1 yes, 0 no", "1"),
    "equal_distances": ("whether all means are at one distance from their weighted mean: 1 yes, 0 no", "1"),
    "condition_holds": ("whether the perpendicular covariance is not negative: 1 yes, 0 no", "1"),
    "proposition_holds": ("whether C <= 0 where the condition holds: 1 yes, 0 no, -1 where it does not", "1"),
    "maximum": ("index of the mode of the density", "1"),
    "n_modes": ("number of modes of the density (in several features: at least)", "1"),
    "mode_position": ("position of each mode of the density", "1"),
    "modes_status": ("outcome of the count of modes", "1"),
    "mode_position_status": ("outcome of each place of a mode", "1"),
    "tau_density": ("diffusion time above which the density has one mode", "1"),
    "density_status": ("outcome of the density's last change to one mode", "1"),
    "modes_before_last": ("number of modes just below the density's last change to one mode", "1"),
    "density_scanned": ("whether the last change to one mode was found by a scan: 1 yes, 0 no", "1"),
    "x_before": ("position of each mode just below the merging event", "1"),
    "x_after": ("position of each mode just above the merging event", "1"),
    "x_before_status": ("outcome of each place of a mode just below the merging event", "1"),
    "x_after_status": ("outcome of each place of a mode just above the merging event", "1"),
    "merges_into": ("index after the event of each mode before it (-1: no mode)", "1"),
    "vanishes": ("whether the mode ends at the event: 1 yes, 0 no, -1 no mode", "1"),
    "branch": ("index after the event of each mode before the first event (-1: no mode)", "1"),
    "density_difference": ("speciation time of the criterion minus the density's last change to one mode", "1"),
    "density_difference_relative": ("difference of the criterion from the density, relative to the density's variance", "1"),
    "density_difference_status": ("outcome of the difference of the criterion from the density", "1"),
    "modes_at": ("number of modes of the density at the criterion's time (-1: no time above 0)", "1"),
    # sampling times of schedules
    "sample_time": ("schedule time of each sampling step, from noise to data", "1"),
    "sample_tau": ("diffusion time of each sampling step, from noise to data", "1"),
    "n_samples": ("number of sampling times of the schedule", "1"),
    "range_start": ("first time of the schedule", "1"),
    "range_end": ("last time of the schedule", "1"),
    "range_start_tau": ("diffusion time at the schedule's first time", "1"),
    "range_end_tau": ("diffusion time at the schedule's last time", "1"),
}

FLAGS: dict[str, type[IntEnum]] = {
    "status": Status,
    "score_status": Status,
    "root_status": Status,
    "cascade_status": Status,
    "event_status": Status,
    "order_status": Status,
    "error_status": Status,
    "amplification_status": Status,
    "quadrature_status": Status,
    "lyapunov_status": Status,
    "exponent_boundary_status": Status,
    "boundary_rate_status": Status,
    "tau_boundary_status": Status,
    "trajectory_status": Status,
    "trajectory_difference_status": Status,
    "exact_status": Status,
    "growth_status": Status,
    "divergence_status": Status,
    "tv_status": Status,
    "neighbours_status": Status,
    "region_status": Status,
    "time_status": TimeStatus,
    "window_status": Status,
    "window_fraction_status": Status,
    "trusted_status": Status,
    "well_status": Status,
    "merging_status": Status,
    "layer_status": Status,
    "shock_status": Status,
    "triple_point_status": Status,
    "mode_status": Status,
    "mode_root_status": Status,
    "modes_status": Status,
    "density_status": Status,
    "density_difference_status": Status,
    "residual_status": Status,
    "tau_status": Status,
    "crossing_status": Status,
    "interface_status": Status,
    "mode_position_status": Status,
    "x_before_status": Status,
    "x_after_status": Status,
}


def attributes(name: str) -> dict[str, object]:
    """CF attributes of the variable or axis ``name``; flag variables get their values and meanings."""
    if name in AXES:
        return {"long_name": AXES[name].long_name, "units": "1"}
    long_name, units = VARIABLES[name]
    if name not in FLAGS:
        return {"long_name": long_name, "units": units}
    members = list(FLAGS[name])
    return {
        "long_name": long_name,
        "flag_values": np.array([m.value for m in members], dtype=np.int8),
        "flag_meanings": " ".join(m.name for m in members),
    }


# value -> the flag variable that says why it is missing or void, where a file holds both
ANCILLARY: dict[str, str] = {
    **dict.fromkeys(("score", "score_along", "log_density"), "score_status"),
    **dict.fromkeys(("tau_star", "sigma"), "status"),
    **dict.fromkeys(("tau_root", "root_mode"), "root_status"),
    "cascade": "cascade_status",
    **dict.fromkeys(("x_boundary", "score_boundary", "boundary", "normal", "width", "normal_hessian"), "layer_status"),
    **dict.fromkeys(("jump", "background_curvature", "interfacial_curvature"), "layer_status"),
    **dict.fromkeys(("speed", "speed_rankine_hugoniot", "score_behind", "score_ahead", "lax"), "layer_status"),
    "x_merging": "merging_status",
    **dict.fromkeys(("tau_event", "x_event", "modes_before", "modes_after"), "event_status"),
    **dict.fromkeys(("time", "noise", "alpha_bar", "log_snr", "sampling_step"), "time_status"),
    **dict.fromkeys(("tau_order", "coefficient"), "order_status"),
    **dict.fromkeys(("error", "error_relative"), "error_status"),
    **dict.fromkeys(("exponent", "snr"), "amplification_status"),
    **dict.fromkeys(("exponent_quadrature", "exponent_quadrature_error", "log10_factor"), "quadrature_status"),
    "lyapunov": "lyapunov_status",
    **dict.fromkeys(("exponent_boundary", "exponent_boundary_error", "n_exponent_breaks"), "exponent_boundary_status"),
    "boundary_rate": "boundary_rate_status",
    **dict.fromkeys(("tau_boundary", "boundary_end", "n_boundary_roots", "n_boundary_breaks"), "tau_boundary_status"),
    "window_width": "window_status",
    **dict.fromkeys(("window_fraction_range", "window_fraction_steps", "window_steps"), "window_fraction_status"),
    "tau": "tau_status",
    "boundary_velocity": "layer_status",
    "crossing": "crossing_status",
    **dict.fromkeys(("rate_term", "diffusion_term", "advection_term", "growth_term", "transport_term"), "residual_status"),
    **dict.fromkeys(("largest_term", "residual", "residual_relative", "residual_error"), "residual_status"),
    **dict.fromkeys(("trajectory", "trajectory_error"), "trajectory_status"),
    **dict.fromkeys(("trajectory_difference", "difference_size", "difference_precision"), "trajectory_difference_status"),
    **dict.fromkeys(("trajectory_exact", "trajectory_exact_error", "log_tail"), "exact_status"),
    **dict.fromkeys(("log_growth", "log_bound", "gronwall_bound", "growth_error"), "growth_status"),
    **dict.fromkeys(("log_error", "error_linear"), "growth_status"),
    **dict.fromkeys(("kl", "generated_mean", "generated_variance"), "divergence_status"),
    **dict.fromkeys(("kl_ode", "generated_mean_ode", "generated_variance_ode"), "divergence_status"),
    **dict.fromkeys(("score_error_integral", "kl_start", "kl_bound", "tv_bound"), "divergence_status"),
    "tv": "tv_status",
    **dict.fromkeys(("cloning_probability", "class_entropy", "entropy_rate", "entropy_log_rate"), "neighbours_status"),
    **dict.fromkeys(("n_interfaces", "interfacial_probability"), "region_status"),
    **dict.fromkeys(("interface_position", "interface_half_gap", "interface_width", "gradient"), "interface_status"),
    **dict.fromkeys(("tau_mode", "n_mode_roots", "cascade_error"), "mode_status"),
    "tau_mode_root": "mode_root_status",
    "n_modes": "modes_status",
    "mode_position": "mode_position_status",
    **dict.fromkeys(("tau_density", "modes_before_last", "density_scanned"), "density_status"),
    **dict.fromkeys(("merges_into", "vanishes", "branch"), "event_status"),
    "x_before": "x_before_status",
    "x_after": "x_after_status",
    **dict.fromkeys(("density_difference", "density_difference_relative"), "density_difference_status"),
}
