"""What a reader of a file is told of each variable: a sentence beside the ``long_name``, and where its formula comes from.

These words stand in files and in nothing else, so that a better one makes no result stale (`scoreshock.storage.provenance`).
"""

from __future__ import annotations

from scoreshock.conventions import ANCILLARY, AXES, FLAGS
from scoreshock.storage.provenance import REFERENCE

BIROLI = "Biroli, Bonnaire, de Bortoli, Mezard 2024, arXiv:2402.18491"
RAYA = "Raya, Ambrogioni 2023, arXiv:2305.19693"
MMSE = "Guo, Shamai, Verdu 2005, I-MMSE relation"
ROBERTSON = "Robertson, Fryer 1969, modes of two normal components"

CRITERIA = {
    "leading": "largest eigenvalue of the between-class covariance equals v = sigma0^2 + 2 tau (77)",
    "first": "leading with the first correction as a series (92)",
    "quadratic": "leading with the first correction as a root (93)",
    "exact": "largest eigenvalue of the score Jacobian at the weighted mean vanishes; largest of all roots (94)",
    "boundary": "the log density turns convex across the boundary (42)-(43)",
    "merging": "the density's own modes merge for the last time",
    "spectral": f"largest eigenvalue of the total covariance against 1, depends on units ({BIROLI})",
    "drift": f"the drift of the variance-preserving reverse process loses stability ({RAYA})",
    "cloning": f"two reverse paths from one point end in one class with probability 0.775 ({BIROLI})",
    "entropic": "the class entropy changes fastest per log-SNR",
    "matched-gaussian": "boundary of two Gaussians in the place of two wells (section 10)",
}
"""What each criterion says; numbers in brackets are equations of the paper."""

# name -> a sentence, or (a sentence, its source); a source that names no work is of the paper
DESCRIPTIONS: dict[str, str | tuple[str, str]] = {
    # points
    "x": "Distance from the line's point 0 along its direction.",
    "x_scaled": "Multiples of half the extent of the means, or of the layer's width, as the option unit of x says.",
    "tau": "The component variance at tau is sigma0^2 + 2 tau; in EDM's notation 2 tau = sigma^2.",
    "tau_scaled": "tau is this multiple of the point's own leading speciation time.",
    "start": "Distance from the line's point 0, at the largest tau.",
    "start_scaled": "Multiples of half the extent of the means, or of the layer's width, as the option unit of starts says.",
    "position": "Point of the line through the layer in coordinates of the means' span.",
    "schedule": "Labels of the global attribute schedules, which defines each.",
    "criterion": "\n".join(f"{name}: {text}" for name, text in CRITERIA.items()),
    "mode": "Level of the cascade: the eigenvalue of this number speciates at this level.",
    "root": "Places that no root fills are NaN beside root_status.",
    "event": "Places that no event fills are NaN beside event_status.",
    "order": "0 is the leading order; each further one adds a term to v*.",
    "form": "The score in diffusion time, as a Burgers velocity, in physical time, variance preserving, as log density.",
    "interface": "Places that no boundary fills are NaN beside interface_status.",
    "distance": "Negative on the left of the boundary.",
    "maximum": "Places that no mode of the density fills are NaN beside a status.",
    "crossing_index": "Places that no crossing fills are NaN beside crossing_status.",
    # scores
    "score": ("Along each coordinate of the means' span; across the span it is -x/v.", "(13)-(14), (29)"),
    "score_along": ("Scalar product of the score and the unit vector of the line.", "(13)-(14), (29)"),
    "log_density": ("Normalised in all ambient dimensions, at points in the means' span.", "(13)"),
    # speciation
    "tau_star": (
        "When classes part in generation; a time <= 0 does not occur.",
        "(77), (92), (93), (94)",
    ),
    "n_roots": ("Theorem 9.10 says that there is one; there may be none, two or more, the largest of which counts.", "(94)"),
    "tau_root": ("Where the largest eigenvalue of the posterior covariance of the means equals v.", "(94)"),
    "root_mode": ("The root lies on the branch that begins at this eigenvalue; leading follows the branch of 0.", "(94)"),
    "root_truncated": "1 where more roots were found than the dimension root holds, else 0.",
    "cascade": ("(eigenvalue - sigma0^2)/2.", "(77)"),
    "eigenvalue": ("Of the covariance of the means under their weights, largest first.", "(15)"),
    "tau_event": ("Fold or pitchfork of the density's maxima; of two components in closed form.", ROBERTSON),
    "x_event": "Position along the feature, or along the line of both means, where the gradient and its slope vanish.",
    "n_events": "Changes of the number of modes above tau = 0.",
    "modes_before": "On the side of data; in one feature at least modes_after.",
    "modes_after": "On the side of noise.",
    "x_merging": "Point where gradient and curvature of the log density vanish together.",
    "x_boundary": ("Point where the densities of both parts are equal, at the time of the criterion boundary.", "(42)-(43)"),
    "score_boundary": "Zero where both parts are symmetric; elsewhere no mode begins or ends at the criterion boundary.",
    # a schedule's clock
    "time": "In the schedule's own variable t, found by inverting its effective diffusion time.",
    "sigma": "Noise over signal, whose square is 2 tau in every schedule.",
    "noise": "Standard deviation of the noise in alpha x0 + noise z.",
    "alpha_bar": ("Square of alpha in x = alpha x0 + noise z; 1/(1 + 2 tau) where variance is preserved.", "(80)"),
    "log_snr": "ln(alpha^2/noise^2) = -ln(2 tau).",
    "sampling_step": "Between sampling times by interpolation; 0 is the one nearest to data.",
    "sample_time": "In the sampler's order, NaN from n_samples on.",
    "sample_tau": "Diffusion time of sample_time, NaN from n_samples on.",
    "n_samples": "Steps of the sampler, both ends included.",
    # corrections
    "tau_order": ("(v* - sigma0^2)/2 with the terms up to this order.", "(77), (92)"),
    "coefficient": "c_n of v* = lambda_1 + c_1 + c_2 + ..., by Lagrange inversion of v = lambda(1/v).",
    "error": "tau_order minus tau_star of the criterion exact; not applicable where that follows another eigenvalue.",
    "error_relative": "The same difference of 2 tau over sigma0^2 + 2 tau_star.",
    "smallest_term": "Beyond it terms of a divergent series grow again.",
    "covariance_coefficient": (
        "D are squared distances of the means from their mean, y their places along the leading direction.",
        "Definition 9.6",
    ),
    # amplification
    "exponent": ("(R - 1 - ln R)/2 at tau_min, R = a^2/v; an error grows by its exponential. Pairs only.", "(55)"),
    "exponent_quadrature": ("Integral over tau, from tau_min up, of the positive growth rate.", "(51)"),
    "exponent_quadrature_error": "Of a pair the distance from the closed form, else that between two quadratures.",
    "exponent_kind": "A Lyapunov exponent only where trajectories stay on the boundary; elsewhere an integral of rates.",
    "log10_factor": ("Exponent over ln 10; the factor itself would overflow.", "(55)"),
    "snr": ("R = a^2/v; the layer amplifies where it exceeds 1.", "(55)"),
    "lyapunov": ("Of a pair (a^2 - v)/v^2, else the largest eigenvalue of the score Jacobian at the weighted mean.", "(51)"),
    "exponent_boundary": ("Of the normal second derivative of the log density, from tau_min up.", "(42)"),
    "exponent_boundary_error": "Difference of two quadratures on the same panels; of a pair 0, by closed form.",
    "n_exponent_breaks": "The integral is taken piece by piece between them.",
    "boundary_rate": ("n'Hn at the point where the line through the layer meets the boundary.", "(42)"),
    "tau_boundary": ("Largest tau at which n'Hn vanishes, else that at which the boundary jumps or vanishes.", "(42)-(43)"),
    "boundary_end": "A root of the rate, a jump of the boundary, or its end.",
    "n_boundary_roots": ("Roots of n'Hn that were seen above tau = 0.", "(42)-(43)"),
    "n_boundary_breaks": "Breaks that were seen above tau = 0.",
    # the score's equation
    "rate_term": ("From the density itself, not from the equation that it checks; along the line.", "(18)"),
    "diffusion_term": ("With its sign and coefficient in the form of the equation; along the line.", "(18), (24)"),
    "advection_term": ("2 (s . grad) s of the score, -(u . grad) u of the Burgers velocity; along the line.", "(18), (24)"),
    "growth_term": ("The field times its coefficient; zero in forms that have no such term.", "(78)"),
    "transport_term": ("Of forms in which the signal shrinks, zero in others; along the line.", "(78)"),
    "largest_term": "What residual_relative is relative to.",
    "residual_relative": "Rounding where the equation holds; 0 where all terms are exactly zero.",
    # layer
    "group": "By the option groups, else the two sides of the weighted mean along the line.",
    "boundary": ("The point on the line that is nearest to the line's start.", "Theorem 5.8"),
    "normal": ("Gradient of the log ratio of both groups, of length 1.", "Theorem 5.8"),
    "width": ("2 over the length of the log ratio's gradient.", "(34), (41)"),
    "jump": ("Length of the log ratio's gradient, the difference of both groups' normal scores.", "(41)"),
    "background_curvature": ("n'(grad sbar)n, sbar the mean of both groups' scores.", "(42)"),
    "interfacial_curvature": ("A quarter of the squared length of the log ratio's gradient.", "(42)"),
    "normal_hessian": ("Sum of background and interfacial curvature; positive below the boundary criterion.", "(42)-(43)"),
    "speed": ("Of the point of the boundary along its normal; in generation the sign is the opposite.", "Proposition 5.13"),
    "speed_rankine_hugoniot": ("Equal to speed for two components; in generation the sign is the opposite.", "(48)"),
    "score_behind": ("Of the group that the normal leaves, on the boundary.", "(48)"),
    "score_ahead": ("Of the group that the normal enters, on the boundary.", "(48)"),
    "lax": ("Admissible where the score rises across the boundary.", "Proposition 5.14"),
    "crossing": "Distances from the line's start at which both groups have equal densities.",
    "n_boundaries": "Number of crossings that are not NaN.",
    "boundary_velocity": ("As diffusion time grows; in generation the sign is the opposite.", "Proposition 5.13"),
    # trajectories
    "trajectory": ("Of the probability flow dx/dtau = -s, run from the largest tau toward data.", "(11), (49)"),
    "trajectory_error": "Of the flow the integrator's own estimate; where it exceeds rtol the status is unresolved.",
    "trajectory_exact": "In one dimension the flow keeps the share of probability on either side of a trajectory.",
    "trajectory_exact_error": "From the rounding of the quantile.",
    "log_tail": "Constant along a trajectory of the exact flow in one dimension.",
    "trajectory_difference": "Actual, not linearised, effect of the score error of size bias.",
    "difference_size": "Euclidean length of trajectory_difference.",
    "difference_precision": "The status is unresolved where it exceeds the tolerance rtol.",
    "log_growth": ("Integral of the growth rate along the exact trajectory.", "(50)"),
    "log_bound": ("Its exponential times the size of the score error bounds the error of the trajectory.", "(52)"),
    "gronwall_bound": ("Of the trajectory's error where that of the score is at most bias; inf where it overflows.", "(52)"),
    "growth_error": "Absolute for both logarithms.",
    # divergences
    "score_error_integral": ("Part of kl_bound that generation adds, from tau_max down to tau_min.", "(58)"),
    "kl_bound": ("Of the reverse SDE: the integral of the score error, and what the start of generation adds.", "(58)"),
    "tv_bound": ("Of the reverse SDE: min(1, sqrt(kl_bound/2)).", "(59)"),
    # neighbouring criteria
    "cloning_probability": ("Mean over noisy points of the sum of squared class probabilities.", BIROLI),
    "class_entropy": "From that of the weights, at large tau, down to that which the data leave.",
    "entropy_rate": ("Derivative of class_entropy in tau, never negative.", MMSE),
    "entropy_log_rate": ("-tau times entropy_rate; most negative at the criterion entropic.", MMSE),
    # regions
    "interface_position": ("Where neighbouring cells of the power diagram meet.", "(74)"),
    "interface_half_gap": ("a of the boundary, as for a pair.", "(60)"),
    "interface_width": ("The interfacial region is nearer than this to the boundary.", "(34), (60)"),
    "n_interfaces": ("Components of no cell have no boundary.", "(74)"),
    "interfacial_probability": ("Share of the density at tau that lies nearer than its width to a boundary.", "(60)"),
    "gradient": ("v times the slope of the score; R - 1 on a pair's boundary and -1 only far from it.", "Proposition 6.8"),
    # modes of the density
    "tau_mode": ("Largest root of lambda_j = v, lambda_j that eigenvalue of the means' posterior covariance.", "(94)"),
    "n_mode_roots": ("Roots of lambda_j = v above the floor.", "(94)"),
    "tau_mode_root": ("All roots of lambda_j = v that the dimension root has room for.", "(94)"),
    "mode_root_truncated": "1 where more roots were found than the dimension root holds, else 0.",
    "cascade_error": ("cascade - tau_mode; zero where all means are equally far from their mean.", "(77), Corollary 9.3"),
    "n_modes": "Local maxima of the density at tau.",
    "mode_position": "In one feature ascending.",
    "tau_density": "Of two components in closed form, else the last event.",
    "modes_before_last": "2 unless symmetry makes more of them merge at once.",
    "density_scanned": "A scan may miss modes that come and go between two of its times.",
    "x_before": "Ascending, as places along maximum.",
    "x_after": "Ascending, as places along maximum.",
    "merges_into": "Two modes with one index are one after the event.",
    "vanishes": "Of two modes in a saddle-node the one that is no longer there.",
    "branch": "The tree of modes from data to noise, one column an event.",
    # comparison
    "window_width": "Latest minus earliest tau_star of the criteria whose status is ok.",
    "window_start_criterion": "The first of those with one time.",
    "window_end_criterion": "The first of those with one time.",
    "window_fraction_range": "In the schedule's own time.",
    "window_fraction_steps": "Steps inside over all steps of the sampler.",
    "window_steps": "Steps of the sampler at which the criteria do not agree whether classes have parted.",
    "trusted_criterion": "By the first rule that holds; trust_reason says which.",
    "trust_reason": ("The first of the rules that holds.", "Corollary 9.3"),
    "trust_conditions": "What may differ from the assumptions of a criterion, whichever rule chose it.",
    "n_points": "Densities of the sweep, in all of its axes.",
    "reference_criterion": "As criterion, whose description says what each is.",
    "statistic": "min and max are exact; median is counted in bins.",
    "outcome": "As flag_meanings of the status that is counted.",
    "time_outcome": "As flag_meanings of time_status.",
    "reason": "As flag_meanings of trust_reason.",
    "condition": "As flag_meanings of trust_conditions.",
    "axis": "Those along which some result varies.",
}


COUNTED = {
    "summary": "Of the points whose outcome is ok.",
    "count": "Of the n_points of the sweep.",
    "largest": "First in the order of the sweep's dimensions.",
}
"""What is said of a comparison's statistics, by the last word of their names."""


def attributes(name: str) -> dict[str, str]:
    """Return ``description`` and ``references`` of a variable, those of them that are known.

    Examples
    --------
    >>> attributes("width")
    {'description': "2 over the length of the log ratio's gradient.", 'references': 'arXiv:2604.07404, (34), (41)'}
    """
    if name in AXES:
        return {"description": f"Parameter of the density, and axis of the sweep; allowed is {AXES[name].allowed}."}
    if name in FLAGS:
        told = [variable for variable, flag in ANCILLARY.items() if flag == name]
        return {"description": f"ok where {' and '.join(told) or 'the result'} can be relied on, else the reason why not."}
    if name not in DESCRIPTIONS and (kind := name.rpartition("_")[2]) in COUNTED:
        return {"description": COUNTED[kind]}
    entry = DESCRIPTIONS.get(name, "")
    text, source = (entry, "") if isinstance(entry, str) else entry
    ours = source.startswith(("(", "Definition", "Theorem", "Proposition", "Corollary", "Lemma", "section"))
    said = {"description": text, "references": f"{REFERENCE}, {source}" if ours else source}
    return {key: value for key, value in said.items() if value}
