"""Public names and the module that each lives in: type checkers read them here, and so does the package itself."""

from .comparison.runs import compare as compare
from .densities import families as families
from .densities.data import from_labelled as from_labelled, from_sklearn as from_sklearn, project as project
from .densities.mixtures import mixture as mixture
from .quantities.amplification import amplification as amplification
from .quantities.boundary_amplification import (
    boundary_amplification as boundary_amplification,
    boundary_time as boundary_time,
)
from .quantities.burgers import burgers_residual as burgers_residual
from .quantities.cascade import exact_cascade as exact_cascade
from .quantities.corrections import corrections as corrections
from .quantities.divergence import divergence_bound as divergence_bound, gaussian_divergence as gaussian_divergence
from .quantities.fields import (
    denoiser as denoiser,
    denoiser_covariance as denoiser_covariance,
    log_density as log_density,
    responsibilities as responsibilities,
    score as score,
    score_jacobian as score_jacobian,
)
from .quantities.layer import competitors as competitors, decomposition as decomposition, layer as layer
from .quantities.many_modes import against_density as against_density, covariance_condition as covariance_condition
from .quantities.mean_jacobian import mean_jacobian as mean_jacobian
from .quantities.modes import last_merging as last_merging, merging_tree as merging_tree, mode_count as mode_count
from .quantities.neighbours import neighbouring_times as neighbouring_times, neighbours as neighbours
from .quantities.regions import regions as regions
from .quantities.schedule_time import clock as clock
from .quantities.scores import scores as scores
from .quantities.shocks import (
    faces as faces,
    owner as owner,
    rankine_hugoniot as rankine_hugoniot,
    triple_point as triple_point,
)
from .quantities.speciation import speciation as speciation
from .quantities.trajectories import (
    centre_growth as centre_growth,
    error_growth as error_growth,
    trajectories as trajectories,
)
from .quantities.vorticity import riccati as riccati, vorticity as vorticity, vorticity_residual as vorticity_residual
from .quantities.wells.definition import well as well
from .quantities.wells.fields import well_boundary as well_boundary, well_fields as well_fields
from .quantities.wells.speciation import well_speciation as well_speciation
from .schedules.schedule import schedule as schedule
from .storage.opening import open_results as open_results
from .study.evaluation import evaluate as evaluate
from .study.study import load_study as load_study

__version__: str
