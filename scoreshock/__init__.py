"""scoreshock: labelled parameter sweeps over the Burgers structure of diffusion scores.

A mixture is a labelled dataset, and a sweep is broadcasting: every dimension that a mixture carries besides its own is
a sweep dimension, and every quantity carries it on. Formulas and numbers of theorems: arXiv:2604.07404.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("scoreshock")

_HOME = {
    "mixture": "densities.mixtures",
    "from_labelled": "densities.data",
    "from_sklearn": "densities.data",
    "project": "densities.data",
    "families": "densities.families",
    "score": "quantities.fields",
    "log_density": "quantities.fields",
    "score_jacobian": "quantities.fields",
    "responsibilities": "quantities.fields",
    "denoiser": "quantities.fields",
    "denoiser_covariance": "quantities.fields",
    "scores": "quantities.scores",
    "speciation": "quantities.speciation",
    "clock": "quantities.schedule_time",
    "corrections": "quantities.corrections",
    "mean_jacobian": "quantities.mean_jacobian",
    "amplification": "quantities.amplification",
    "boundary_amplification": "quantities.boundary_amplification",
    "boundary_time": "quantities.boundary_amplification",
    "burgers_residual": "quantities.burgers",
    "vorticity": "quantities.vorticity",
    "vorticity_residual": "quantities.vorticity",
    "riccati": "quantities.vorticity",
    "layer": "quantities.layer",
    "decomposition": "quantities.layer",
    "competitors": "quantities.layer",
    "well": "quantities.wells",
    "well_fields": "quantities.wells",
    "well_boundary": "quantities.wells",
    "well_speciation": "quantities.wells",
    "rankine_hugoniot": "quantities.shocks",
    "owner": "quantities.shocks",
    "faces": "quantities.shocks",
    "triple_point": "quantities.shocks",
    "exact_cascade": "quantities.cascade",
    "covariance_condition": "quantities.many_modes",
    "mode_count": "quantities.modes",
    "merging_tree": "quantities.modes",
    "last_merging": "quantities.modes",
    "against_density": "quantities.many_modes",
    "trajectories": "quantities.trajectories",
    "error_growth": "quantities.trajectories",
    "centre_growth": "quantities.trajectories",
    "gaussian_divergence": "quantities.divergence",
    "divergence_bound": "quantities.divergence",
    "neighbours": "quantities.neighbours",
    "neighbouring_times": "quantities.neighbours",
    "regions": "quantities.regions",
    "schedule": "schedules.schedule",
    "evaluate": "study.evaluation",
    "load_study": "study.study",
    "open_results": "storage.opening",
    "compare": "comparison.runs",
}
"""Public names and the module that each lives in: imported on first use, so that a job loads only what it needs."""

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'scoreshock' has no attribute {name!r}")
    module = import_module(f"scoreshock.{_HOME[name]}")
    value = getattr(module, name, module)  # a name that its module lacks is the module itself
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
