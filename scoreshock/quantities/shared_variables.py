"""Variables of results that several quantities have."""

from __future__ import annotations

from dataclasses import replace

from scoreshock.conventions import SHARED, Variable, variables

TIMES = CASCADE, CASCADE_STATUS, TAU_EVENT, EVENT_STATUS = variables(
    """
    cascade(eigenmode), cascade_status: leading-order speciation time of each eigenvalue
        | Of the between-class covariance. (eigenvalue - sigma0^2)/2. | (77)
    cascade_status(eigenmode): outcome of each level of the cascade
    tau_event(event), event_status: diffusion time at which modes of the density merge
        | Of two components, or in one feature. Fold or pitchfork of the density's maxima; of two components in closed form.
        | Robertson, Fryer 1969, modes of
        two normal components
    event_status(event): outcome of each merging event
    """
)

LAYER = (
    LINE_BOUNDARY,
    WIDTH,
    JUMP,
    BACKGROUND_CURVATURE,
    INTERFACIAL_CURVATURE,
    NORMAL_HESSIAN,
    SCORE_BOUNDARY,
    LAYER_STATUS,
    GROUP,
) = variables(
    """
    boundary(feature), layer_status: point of the boundary between the two groups
        | Where their densities are equal. The point on the line that is nearest to the line's start. | Theorem 5.8
    width, layer_status: width of the layer, 2/|grad phi|, v/a for a pair
        | 2 over the length of the log ratio's gradient. | (34), (41)
    jump, layer_status: jump of the normal score across the boundary, |grad phi|
        | Length of the log ratio's gradient, the difference of both groups' normal scores. | (41)
    background_curvature, layer_status: slope of the background score along the normal
        | On the boundary. n'(grad sbar)n, sbar the mean of both groups' scores. | (42)
    interfacial_curvature, layer_status: slope of the interfacial score along the normal
        | On the boundary. A quarter of the squared length of the log ratio's gradient. | (42)
    normal_hessian, layer_status: second derivative of the log density across the boundary
        | Sum of background and interfacial curvature; positive below the boundary criterion. | (42)-(43)
    score_boundary, layer_status: score on the boundary
        | In speciation where its criterion vanishes. Zero where both parts are symmetric; elsewhere no mode begins or ends
        at the criterion boundary.
    layer_status: outcome of the boundary
    group(component) int8: group of each component (0, 1; 2: neither)
        | By the option groups, else the two sides of the weighted mean along the line.
    """
)

DECOMPOSITION = (
    LOG_RATIO,
    LOG_RATIO_RATE,
    LOG_RATIO_GRADIENT,
    LOG_RATIO_HESSIAN,
    BACKGROUND,
    INTERFACIAL,
    DECOMPOSITION_RESIDUAL,
    LOG_RATIO_RESIDUAL,
) = variables(
    """
    log_ratio: log ratio phi of the densities of the two groups
    log_ratio_rate: derivative of the log ratio in diffusion time
        | From the densities.
    log_ratio_gradient(feature): gradient of the log ratio
    log_ratio_hessian(feature, feature_other): Hessian of the log ratio
    background(feature): background score, the mean of the scores of the two groups
    interfacial(feature): interfacial part of the score, tanh(phi/2) grad phi / 2
    decomposition_residual: relative residual of the binary decomposition
        | Relative to its largest term.
    log_ratio_residual: relative residual of the log-ratio equation
        | Relative to its largest term.
    """
)

SCORE, SCORE_ALONG, LOG_DENSITY, SCORE_JACOBIAN, SCORE_STATUS, TAU_STATUS = variables(
    """
    score(feature), score_status: score, the gradient of the log density
        | Along each coordinate of the means' span; across the span it is -x/v. | (13)-(14), (29)
    score_along, score_status: component of the score along the line through the layer
        | Scalar product of the score and the unit vector of the line. | (13)-(14), (29)
    log_density, score_status: natural logarithm of the density p_tau
        | Normalised in all ambient dimensions, at points in the means' span. | (13)
    score_jacobian(feature, feature_other): Jacobian of the score, the Hessian of the log density
    score_status: outcome of the score
    tau_status: outcome of the diffusion time
    """
)

POSITION = replace(SHARED["position"], dims=("feature",))
TAU = replace(SHARED["tau"], dims=("tau_scaled",), status="tau_status")


def along(variable: Variable, *dims: str) -> Variable:
    """The variable with ``dims`` as its own dimensions."""
    return replace(variable, dims=dims)
