"""Tests of a module stand where the module stands in the package, under its name."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from scoreshock.storage.provenance import PACKAGE

TESTS = Path(__file__).parents[1]

THROUGH_OTHERS: dict[str, tuple[str, ...]] = {
    "every_quantity/test_studies.py": ("conventions", "quantities/declaration"),
    "plugins/test_session.py": ("options", "plugins"),
    "public/test_arguments.py": ("checks",),
    "public/test_cancellation.py": ("kernels/numerics/log_odds",),
    "public/test_decision_cases.py": ("quantities/clocks", "quantities/collapse"),
    "public/test_reference_cases.py": (
        *("quantities/amplification", "quantities/corrections", "quantities/fields", "quantities/points"),
        *("quantities/scores", "quantities/speciation", "kernels/gaussian/line", "kernels/speciation/corrections"),
    ),
    "public/test_types.py": ("quantities/labelled",),
    "accessor/test_accessors.py": ("accessor/card", "accessor/content", "accessor/tidy"),
    "cli/test_cli.py": tuple(
        f"cli/{name}" for name in ("clean", "export", "merge", "plan", "schema", "status", "studies", "validate")
    ),
    "cli/test_open.py": ("cli/results",),
    "cluster/test_dask.py": ("running/cluster",),
    "comparison/test_summaries.py": ("comparison/variables",),
    "densities/families/test_registry.py": ("densities/families/arguments",),
    "densities/tables/test_reading.py": ("densities/tables/table",),
    "diagnosis/test_diagnose.py": ("diagnosis/findings", "diagnosis/score_error"),
    "diagnosis/test_scores.py": ("diagnosis/frameworks",),
    "diagnosis/test_steps.py": ("diagnosis/step_rules",),
    "figures/test_curves.py": ("figures/captions", "figures/selection"),
    "figures/test_figures.py": tuple(
        f"figures/{name}" for name in ("decisions", "description", "files", "layers", "page", "picture", "style")
    ),
    "figures/test_planes.py": ("figures/annotation",),
    "networks/test_diagnosis.py": ("densities/families/learned",),
    "networks/test_files.py": ("networks/architecture",),
    "kernels/burgers/test_terms.py": ("kernels/numerics/double_double_posterior",),
    "kernels/covariances/test_class_information.py": ("kernels/covariances/averages",),
    "kernels/covariances/test_criteria.py": ("kernels/covariances/pencil", "kernels/covariances/shared_pair"),
    "kernels/covariances/test_exact.py": ("kernels/covariances/reduction", "kernels/numerics/root_search"),
    "kernels/covariances/test_fields.py": tuple(
        f"kernels/covariances/{name}" for name in ("components", "points", "posterior_moments")
    ),
    "kernels/covariances/test_merging.py": ("kernels/covariances/stationary", "kernels/covariances/switches"),
    "kernels/flow/test_trajectory.py": ("kernels/numerics/runge_kutta",),
    "kernels/flow/test_generation.py": ("kernels/flow/generated",),
    "kernels/information/test_decisions.py": ("kernels/information/classes", "kernels/information/expectations"),
    "kernels/gaussian/test_mixture.py": (
        *("kernels/gaussian/pair", "kernels/numerics/batching", "kernels/numerics/blocks", "kernels/numerics/posterior"),
        "kernels/numerics/vectors",
    ),
    "kernels/layer/test_decomposition.py": ("kernels/gaussian/groups",),
    "kernels/layer/test_amplification.py": ("kernels/layer/panels",),
    "kernels/layer/test_moving_boundary.py": ("kernels/layer/continuation",),
    "networks/test_step_study.py": (
        "networks/plans",
        "networks/step_files",
        "networks/step_findings",
        "networks/step_winners",
    ),
    "kernels/modes/test_mode_counts.py": ("kernels/modes/ascent", "kernels/modes/mode_merging"),
    "kernels/modes/test_modes.py": ("kernels/modes/inflections", "kernels/numerics/root_isolation"),
    "kernels/speciation/test_alternatives.py": ("kernels/gaussian/expectations",),
    "kernels/speciation/test_criteria.py": ("kernels/numerics/statuses",),
    "kernels/speciation/test_roots.py": (*("kernels/speciation/eigenvalue_counts", "kernels/speciation/nearest"),),
    "kernels/wells/test_parts.py": tuple(
        f"kernels/wells/{name}" for name in ("convolution", "derivatives", "landscape", "potentials")
    ),
    "pages/test_shell.py": ("pages/templates",),
    "reports/test_sweep.py": ("reports/study",),
    "paper/test_table.py": tuple(
        f"paper/{name}"
        for name in (
            *("asymmetry", "boundary", "burgers", "configuration", "contents", "criterion", "dimensions", "drawing"),
            *("expansion", "growth", "interface", "models", "moments", "motion", "page", "pictures", "reduction"),
            *("regions", "typesetting"),
        )
    ),
    "quantities/test_burgers.py": ("kernels/burgers/forms",),
    "quantities/test_decisions.py": ("quantities/class_map",),
    "kernels/information/test_empirical.py": ("quantities/empirical",),
    "quantities/test_layer.py": ("quantities/shared_variables",),
    "quantities/test_many_modes.py": ("kernels/speciation/covariance_condition", "quantities/counting_axes"),
    "quantities/test_mean_jacobian.py": ("kernels/speciation/mean_jacobian",),
    "quantities/test_trajectories.py": ("quantities/divergence", "quantities/regions"),
    "quantities/test_vorticity.py": ("kernels/burgers/rotation",),
    "quantities/wells/test_wells.py": ("quantities/wells/layer", "quantities/wells/scores"),
    "schedules/test_inputs.py": tuple(f"schedules/{name}" for name in ("files", "lists", "recognition", "spacings")),
    "schedules/test_kinds.py": ("schedules/parameters",),
    "schedules/test_schedule.py": ("quantities/schedule_time",),
    "schedules/test_diffusers.py": ("schedules/scheduler_config", "schedules/scheduler_steps"),
    "storage/test_store.py": ("storage/netcdf_lock",),
    "workflow/test_networks.py": ("networks/workflow", "running/networks"),
    "study/test_models.py": ("study/layers", "study/limits", "study/resolve"),
}
"""Modules without a test file of their own, by the one that tests them with others."""


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").as_posix()


MODULES = {name_of(path) for path in PACKAGE.rglob("*.py") if path.stem not in ("__init__", "__main__")}
PACKAGES = {name_of(path.parent) for path in PACKAGE.rglob("*/__init__.py")}
NAMED = {
    path.relative_to(TESTS).with_name(f"{path.stem.removeprefix('test_')}.py").with_suffix("").as_posix()
    for path in TESTS.rglob("test_*.py")
}
"""What each test file is called after, in a folder of the package or in one of the tests alone."""


def test_a_test_file_in_a_folder_of_the_package_is_called_after_a_module_there_or_the_folder() -> None:
    of_rooms = {name for name in NAMED if name.partition("/")[0] in PACKAGES or "/" not in name}
    assert of_rooms <= MODULES | {f"{package}/{package.rpartition('/')[2]}" for package in PACKAGES}


def test_a_module_has_its_test_file_or_is_listed_once_under_that_of_another() -> None:
    assert sorted(chain(*THROUGH_OTHERS.values())) == sorted(MODULES - NAMED)


def test_the_listed_test_files_exist() -> None:
    assert all((TESTS / file).exists() for file in THROUGH_OTHERS)
