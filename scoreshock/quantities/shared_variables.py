"""Variables of results that several quantities have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scoreshock.conventions import Variable

ROBERTSON = "Robertson, Fryer 1969, modes of two normal components"

CASCADE = Variable(
    "cascade",
    "leading-order speciation time of each eigenvalue of the between-class covariance",
    ("eigenmode",),
    "cascade_status",
    "(eigenvalue - sigma0^2)/2.",
    "(77)",
)
CASCADE_STATUS = Variable("cascade_status", "outcome of each level of the cascade", ("eigenmode",))

TAU_EVENT = Variable(
    "tau_event",
    "diffusion time at which modes of the density merge (two components, or one feature)",
    ("event",),
    "event_status",
    "Fold or pitchfork of the density's maxima; of two components in closed form.",
    ROBERTSON,
)
EVENT_STATUS = Variable("event_status", "outcome of each merging event", ("event",))

SCORE_BOUNDARY = Variable(
    "score_boundary",
    "score on the boundary (in speciation where its criterion vanishes)",
    (),
    "layer_status",
    "Zero where both parts are symmetric; elsewhere no mode begins or ends at the criterion boundary.",
)
BACKGROUND_CURVATURE = Variable(
    "background_curvature",
    "slope along the normal of the background score on the boundary",
    (),
    "layer_status",
    "n'(grad sbar)n, sbar the mean of both groups' scores.",
    "(42)",
)
INTERFACIAL_CURVATURE = Variable(
    "interfacial_curvature",
    "slope along the normal of the interfacial score on the boundary",
    (),
    "layer_status",
    "A quarter of the squared length of the log ratio's gradient.",
    "(42)",
)
JUMP = Variable(
    "jump",
    "jump of the normal score across the boundary, |grad phi|",
    (),
    "layer_status",
    "Length of the log ratio's gradient, the difference of both groups' normal scores.",
    "(41)",
)
LAYER_STATUS = Variable("layer_status", "outcome of the boundary")
NORMAL_HESSIAN = Variable(
    "normal_hessian",
    "second derivative of the log density across the boundary",
    (),
    "layer_status",
    "Sum of background and interfacial curvature; positive below the boundary criterion.",
    "(42)-(43)",
)
WIDTH = Variable(
    "width",
    "width of the layer, 2/|grad phi|, v/a for a pair",
    (),
    "layer_status",
    "2 over the length of the log ratio's gradient.",
    "(34), (41)",
)
LINE_BOUNDARY = Variable(
    "boundary",
    "point of the boundary between the two groups, where their densities are equal",
    ("feature",),
    "layer_status",
    "The point on the line that is nearest to the line's start.",
    "Theorem 5.8",
)
GROUP = Variable(
    "group",
    "group of each component: 0 the first, 1 the second, 2 neither",
    ("component",),
    description="By the option groups, else the two sides of the weighted mean along the line.",
    dtype=np.int8,
)

LOG_RATIO = Variable("log_ratio", "log ratio phi of the densities of the two groups")
LOG_RATIO_RATE = Variable("log_ratio_rate", "derivative of the log ratio in diffusion time, from the densities")
DECOMPOSITION_RESIDUAL = Variable(
    "decomposition_residual", "residual of the binary decomposition relative to its largest term"
)
LOG_RATIO_RESIDUAL = Variable("log_ratio_residual", "residual of the log-ratio equation relative to its largest term")
LOG_RATIO_GRADIENT = Variable("log_ratio_gradient", "gradient of the log ratio", ("feature",))
LOG_RATIO_HESSIAN = Variable("log_ratio_hessian", "Hessian of the log ratio", ("feature", "feature_other"))
BACKGROUND = Variable("background", "background score, the mean of the scores of the two groups", ("feature",))
INTERFACIAL = Variable("interfacial", "interfacial part of the score, tanh(phi/2) grad phi / 2", ("feature",))

SCORE = Variable(
    "score",
    "score, the gradient of the log density",
    ("feature",),
    "score_status",
    "Along each coordinate of the means' span; across the span it is -x/v.",
    "(13)-(14), (29)",
)
SCORE_ALONG = Variable(
    "score_along",
    "component of the score along the line through the layer",
    (),
    "score_status",
    "Scalar product of the score and the unit vector of the line.",
    "(13)-(14), (29)",
)
LOG_DENSITY = Variable(
    "log_density",
    "natural logarithm of the density p_tau",
    (),
    "score_status",
    "Normalised in all ambient dimensions, at points in the means' span.",
    "(13)",
)
SCORE_JACOBIAN = Variable(
    "score_jacobian", "Jacobian of the score, the Hessian of the log density", ("feature", "feature_other")
)
SCORE_STATUS = Variable("score_status", "outcome of the score")
POSITION = Variable(
    "position",
    "coordinates of the point at which the score is given",
    ("feature",),
    description="Point of the line through the layer in coordinates of the means' span.",
)
TAU = Variable(
    "tau",
    "diffusion time tau, p_tau = p_0 * N(0, 2 tau I)",
    ("tau_scaled",),
    "tau_status",
    "The component variance at tau is sigma0^2 + 2 tau; in EDM's notation 2 tau = sigma^2.",
)
TAU_STATUS = Variable("tau_status", "outcome of the diffusion time")


def along(variable: Variable, *dims: str) -> Variable:
    """The variable with ``dims`` as its own dimensions."""
    return replace(variable, dims=dims)
