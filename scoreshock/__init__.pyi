"""Public names and the module that each lives in: type checkers read them here, and so does the package itself."""

from . import plot as plot
from .comparison.runs import compare as compare
from .densities import families as families
from .densities.bootstrap import bootstrapped as bootstrapped
from .densities.data import from_labelled as from_labelled
from .densities.data import project as project
from .densities.families.registry import family as family
from .densities.fitted_models import from_sklearn as from_sklearn
from .densities.mixtures import isotropic as isotropic
from .densities.mixtures import mixture as mixture
from .densities.refitting import refitted as refitted
from .diagnosis.convention import check_convention as check_convention
from .diagnosis.diagnose import diagnose as diagnose
from .diagnosis.scores import learned_score as learned_score
from .diagnosis.step_comparison import compare_steps as compare_steps
from .diagnosis.step_lists import save_steps as save_steps
from .diagnosis.steps import allocate_steps as allocate_steps
from .figures.description import figure as figure
from .networks.files import network_score as network_score
from .quantities.amplification import amplification as amplification
from .quantities.boundary_amplification import (
    boundary_amplification as boundary_amplification,
)
from .quantities.boundary_amplification import (
    boundary_time as boundary_time,
)
from .quantities.burgers import burgers_residual as burgers_residual
from .quantities.cascade import exact_cascade as exact_cascade
from .quantities.clocks import clock_rates as clock_rates
from .quantities.clocks import clocks as clocks
from .quantities.collapse import collapse as collapse
from .quantities.collapse import gaussian_collapse as gaussian_collapse
from .quantities.corrections import corrections as corrections
from .quantities.decisions import caustic_norm as caustic_norm
from .quantities.decisions import class_decisions as class_decisions
from .quantities.decisions import decision_windows as decision_windows
from .quantities.declaration import criterion as criterion
from .quantities.declaration import quantity as quantity
from .quantities.divergence import divergence_bound as divergence_bound
from .quantities.divergence import gaussian_divergence as gaussian_divergence
from .quantities.empirical import empirical_decisions as empirical_decisions
from .quantities.fields import (
    denoiser as denoiser,
)
from .quantities.fields import (
    denoiser_covariance as denoiser_covariance,
)
from .quantities.fields import (
    log_density as log_density,
)
from .quantities.fields import (
    responsibilities as responsibilities,
)
from .quantities.fields import (
    score as score,
)
from .quantities.fields import (
    score_jacobian as score_jacobian,
)
from .quantities.guidance import guidance_interval as guidance_interval
from .quantities.guidance import guided_generation as guided_generation
from .quantities.guidance import guided_trajectories as guided_trajectories
from .quantities.isotropy import isotropy as isotropy
from .quantities.layer import competitors as competitors
from .quantities.layer import decomposition as decomposition
from .quantities.layer import layer as layer
from .quantities.many_modes import against_density as against_density
from .quantities.many_modes import covariance_condition as covariance_condition
from .quantities.mean_jacobian import mean_jacobian as mean_jacobian
from .quantities.modes import last_merging as last_merging
from .quantities.modes import merging_tree as merging_tree
from .quantities.modes import mode_count as mode_count
from .quantities.outcomes import explain as explain
from .quantities.outcomes import valid as valid
from .quantities.plane import plane as plane
from .quantities.regions import regions as regions
from .quantities.schedule_time import schedule_time as schedule_time
from .quantities.scores import scores as scores
from .quantities.shocks import (
    facets as facets,
)
from .quantities.shocks import (
    power_cell as power_cell,
)
from .quantities.shocks import (
    rankine_hugoniot as rankine_hugoniot,
)
from .quantities.shocks import (
    triple_point as triple_point,
)
from .quantities.speciation import speciation as speciation
from .quantities.trajectories import (
    centre_growth as centre_growth,
)
from .quantities.trajectories import (
    error_growth as error_growth,
)
from .quantities.trajectories import (
    trajectories as trajectories,
)
from .quantities.vorticity import riccati as riccati
from .quantities.vorticity import vorticity as vorticity
from .quantities.vorticity import vorticity_residual as vorticity_residual
from .quantities.wells.definition import well as well
from .quantities.wells.fields import well_boundary as well_boundary
from .quantities.wells.fields import well_fields as well_fields
from .quantities.wells.speciation import well_speciation as well_speciation
from .quantities.when import when as when
from .reports.diagnosis import diagnosis_report as diagnosis_report
from .schedules.kinds import schedule_kind as schedule_kind
from .schedules.schedule import schedule as schedule
from .storage.opening import open_results as open_results
from .study.evaluation import evaluate as evaluate
from .study.study import load_study as load_study

__version__: str
