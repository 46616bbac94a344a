"""Wrong arguments of every public function: one sentence that we wrote, never a traceback from inside a library."""

import inspect
import tempfile
import traceback
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.checks import LISTED, SHOWN, listed, show
from scoreshock.quantities.sampling_times import schedule_samples
from scoreshock.storage.provenance import PACKAGE

PAIR = ss.families.pair(separation=[1.0, 2.0], variance=0.25)
LINE = ss.mixture([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
DATA = ss.from_labelled([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]], ["cat", "cat", "dog", "dog"])
WELL = ss.well("quartic")
SPECIATION = ss.speciation(PAIR, "edm")


def network(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
    return -x / (1 + 2 * tau)[..., None]


ONE = ss.mixture([-1.0, 1.0])
LEARNED = ss.learned_score(network)
ALLOCATED = ss.allocate_steps(ONE, 2, "karras")
DIAGNOSED = ss.diagnose(LEARNED, ONE, [0.5, 1.0], samples=20)
REPORT = TemporaryDirectory()
SAMPLES = np.random.default_rng(0).normal(size=(50, 2))


def jacobian(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
    return -np.eye(x.shape[-1]) / (1 + 2 * tau)[..., None, None]


VALID: dict[str, dict[str, Any]] = {
    "mixture": {"means": [-1.0, 1.0], "weights": [1, 3], "variance": 1.0, "dimension": 1, "covariance": None},
    "isotropy": {"mixture": PAIR, "tau_relative": [0.1, 1.0], "threshold": 0.05, "points": 100, "seed": 0},
    "from_labelled": {
        "features": [[0.0], [1.0], [4.0]],
        "labels": ["a", "a", "b"],
        "scaling": "raw",
        "covariance": "shared",
        "rank": None,
    },
    "bootstrapped": {"features": [[0.0], [1.0], [4.0], [5.0]], "labels": ["a", "a", "b", "b"], "replicates": 2, "seed": 0},
    "refitted": {"features": [[0.0], [1.0], [4.0], [5.0]], "components": 2, "replicates": 2, "seed": 0},
    "from_sklearn": {"gaussian_mixture": None, "covariance": "fitted"},
    "project": {"mixture": DATA, "x": [1.0, 2.0]},
    "learned_score": {
        "model": network,
        "predicts": "rescaled_score",
        "schedule": None,
        "takes": "scaled",
        "time": "tau",
        "framework": "numpy",
        "shape": (),
        "time_scale": 1.0,
        "sigma_data": 0.5,
    },
    "network_score": {"file": "networks.nc"},
    "diagnose": {
        "score": LEARNED,
        "mixture": ONE,
        "sigma": [0.5, 1.0],
        "noise_share": 1.0,
        "samples": 20,
        "seed": 0,
    },
    "diagnosis_report": {"found": DIAGNOSED, "folder": REPORT.name, "source": ""},
    "allocate_steps": {
        "mixture": ONE,
        "steps": 2,
        "rules": "karras",
        "schedules": None,
        "sigma_min": 0.1,
        "sigma_max": 2.0,
        "solver": "euler",
        "score": None,
        "to_zero": True,
        "seed": 0,
    },
    "save_steps": {"allocated": ALLOCATED, "path": str(Path(tempfile.mkdtemp()) / "levels.txt"), "rule": "karras"},
    "compare_steps": {
        "mixture": ONE,
        "calls": [2],
        "rules": "karras",
        "solvers": "euler",
        "sigma_min": 0.1,
        "sigma_max": 2.0,
        "score": None,
        "noise_share": 1.0,
        "samples": 10,
        "to_zero": True,
        "seed": 0,
    },
    "check_convention": {"score": LEARNED, "data": SAMPLES, "samples": 10, "seed": 0},
    "plane": {"mixture": ss.mixture([[0.0, 0.0], [1.0, 0.0]], variance=0.25), "tau": {"values": [0.1]}},
    "scores": {"mixture": PAIR, "x": {"values": [0.0]}, "tau": {"values": [0.1]}},
    "speciation": {"mixture": PAIR, "schedules": None, "criteria": ["leading"]},
    "schedule_time": {"tau_star": 0.5, "schedules": "edm"},
    "corrections": {"mixture": PAIR, "order": 1},
    "burgers_residual": {"field": network, "x": [1.0], "tau": 0.5, "form": "score", "coefficient": 1.0, "method": None},
    "vorticity": {"field": network, "x": [1.0, 2.0], "tau": 0.5},
    "vorticity_residual": {"field": network, "x": [1.0, 2.0], "tau": 0.5, "jacobian": jacobian, "form": "score"},
    "layer": {"mixture": LINE, "tau": 0.1, "groups": ([0], [1]), "start": [0.0, 0.0], "direction": [1.0, 0.0]},
    "competitors": {"mixture": LINE, "x": [1.0, 0.0], "tau": 0.1, "groups": ([0], [1]), "normal": [1.0, 0.0]},
    "decomposition": {"mixture": PAIR, "x": [0.0], "tau": 0.1, "groups": ([0], [1])},
    "boundary_amplification": {"mixture": PAIR, "tau_min": 0.0, "tau": 0.1, "groups": ([0], [1])},
    "boundary_time": {"mixture": PAIR, "groups": ([0], [1])},
    "well": {"kind": "quartic", "quartic_coefficient": 1.0, "half_distance": 1.0, "tilt": 0.0},
    "well_fields": {"well": WELL, "x": 0.3, "tau": 0.1},
    "well_boundary": {"well": WELL, "tau": 0.1},
    "well_speciation": {"well": WELL, "schedules": None, "criteria": ["boundary"]},
    "triple_point": {"mixture": LINE, "tau": 0.1, "components": (0, 1, 2)},
    "mode_count": {"mixture": PAIR, "tau": 0.1, "places": 2},
    "exact_cascade": {"mixture": PAIR, "places": 2},
    "against_density": {"mixture": PAIR, "criteria": ["leading"]},
    "trajectories": {
        "mixture": PAIR,
        "x": [0.1],
        "tau": [1.0, 0.1],
        "bias": None,
        "error_support": "layer",
        "seed": 0,
        "steps": 8,
        "rtol": 1e-6,
    },
    "error_growth": {
        "mixture": PAIR,
        "x": [0.1],
        "tau": [1.0, 0.1],
        "bias": 0.1,
        "error_support": "everywhere",
        "rtol": 1e-6,
    },
    "centre_growth": {"mixture": PAIR, "tau_min": 0.1, "tau_start": 1.0, "bias": 1.0},
    "gaussian_divergence": {"variance": 1.0, "variance_model": 0.5, "shift": 0.0, "tau_min": 0.0, "tau_max": 1.0},
    "divergence_bound": {
        "mixture": PAIR,
        "tau_min": 0.0,
        "tau_max": 1.0,
        "bias": 0.1,
        "error_support": "layer",
        "kl_start": 0.0,
    },
    "class_decisions": {
        "mixture": PAIR,
        "tau": 0.1,
        "classes": None,
        "pairs": True,
        "method": "auto",
        "draws": 16,
        "seed": 0,
    },
    "decision_windows": {"mixture": PAIR, "schedules": "edm", "decided": 0.05, "classes": [0, 1], "draws": 16, "seed": 0},
    "clocks": {
        "mixture": PAIR,
        "schedules": None,
        "sigma_min": 0.1,
        "sigma_max": 10.0,
        "n_steps": 2,
        "draws": 16,
        "seed": 0,
    },
    "collapse": {"mixture": PAIR, "schedules": None, "training_samples": 100, "method": "auto", "draws": 16, "seed": 0},
    "guidance_interval": {"sigma_low": 0.5, "sigma_high": 3.0, "levels": [8.0, 2.0, 1.0]},
    "guided_trajectories": {"mixture": PAIR, "x": [0.1], "tau": [1.0, 0.1], "target": 1, "weight": 2.0, "sigma_low": 0.5},
    "guided_generation": {"mixture": PAIR, "target": 1, "weight": 2.0, "sigma_high": 3.0, "samples": 4, "noise_share": 0.0},
    "empirical_decisions": {
        "features": [[0.0], [0.1], [0.2], [1.0], [1.1], [1.2]],
        "labels": [0, 0, 0, 1, 1, 1],
        "tau": 0.1,
        "held_out": 0.5,
        "seed": 0,
    },
    "when": {
        "mixture": PAIR,
        "schedules": "edm",
        "criteria": ["exact"],
        "decided": 0.05,
        "training_samples": 9,
        "draws": 16,
    },
    "riccati": {"mixture": PAIR, "tau": 0.1, "elapsed": 0.1},
    "regions": {"mixture": PAIR, "tau": 0.1, "distance": [0.0, 1.0]},
    "schedule": {"kind": "ve", "t_end": 1.0, "steps": 4},
    "evaluate": {"source": {}, "quantity": "speciation"},
    "load_study": {"path": "study.yaml"},
    "open_results": {"path": "results", "sweep": "pair", "quantity": "speciation"},
    "compare": {"first": SPECIATION, "second": SPECIATION},
    "families.custom": {
        "means": [-1.0, 1.0],
        "weights": None,
        "separation": 1.0,
        "variance": None,
        "dimension": None,
        "variances": None,
        "covariance": None,
    },
    "families.data": {
        "source": "iris",
        "separation": 1.0,
        "variance": None,
        "scaling": "raw",
        "covariance": "full",
        "rank": None,
        "missing": "refuse",
        "seed": 0,
        **dict.fromkeys(("label", "features", "ignore", "delimiter", "decimal", "components")),
    },
}
GENERAL = {"mixture": PAIR, "x": [0.1], "tau": 0.1, "tau_min": 0.0, "order": 1}
DECORATORS = {"family", "criterion", "schedule_kind", "quantity", "figure"}  # of functions, whatever these are named
PUBLIC = [name for name in ss.__all__ if name not in DECORATORS]
FUNCTIONS = {name: getattr(ss, name) for name in PUBLIC if not isinstance(getattr(ss, name), ModuleType)}
FUNCTIONS |= {f"families.{name.replace('-', '_')}": family.function for name, family in ss.families.FAMILIES.items()}
FUNCTIONS["schedule_samples"] = schedule_samples

WRONG: dict[str, Any] = {
    "None": None,
    "text": "nothing of this name",
    "number": -3.5,
    "nan": float("nan"),
    "list": [1, [2, 3]],
    "texts": ["a", "b"],
    "empty": [],
    "mapping": {"a": 1},
    "array": np.full((3, 1, 2), 1j),
    "dates": np.array(["2024-01-01", "2024-01-02"], dtype="M8[ns]"),
    "dataset": xr.Dataset({"a": ("n", [1.0, 2.0])}),
    "labelled text": xr.DataArray(["a", "b"], dims="n"),
    "object": object(),
}


def arguments_of(name: str) -> dict[str, Any]:
    """Arguments with which the function works, but for files: all that it has."""
    needed = inspect.signature(FUNCTIONS[name]).parameters
    defaults = {key: one.default for key, one in needed.items() if one.default is not inspect.Parameter.empty}
    if name in VALID:
        return {**VALID[name], **{key: value for key, value in defaults.items() if key not in VALID[name]}}
    return {**defaults, **{key: GENERAL.get(key, 1.0) for key in needed if key in GENERAL or key not in defaults}}


ALLOWED = {
    ("schedule_time", "number"),
    ("gaussian_divergence", "number"),
    ("families.custom", "None"),
    ("families.data", "None"),
    ("explain", "dataset"),
    ("valid", "dataset"),
}
"""First arguments that are not wrong: any number is a time, of two arguments one may be left out, and a
dataset may have no flags."""

PLACES = [(name, argument) for name in FUNCTIONS for argument in arguments_of(name)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "argument"), PLACES, ids=lambda one: one)
def test_a_wrong_argument_gives_a_result_or_one_sentence_of_ours(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what, wrong in WRONG.items():
        with warnings.catch_warnings(action="ignore"):
            error = refusal(FUNCTIONS[name], {**arguments_of(name), argument: wrong})
        if error is None:
            continue
        raised, message = traceback.extract_tb(error.__traceback__)[-1].filename, str(error)
        assert isinstance(error, ValueError | FileNotFoundError), f"{what}: {error!r}"
        assert Path(raised).is_relative_to(PACKAGE), f"{what}: from {raised}: {error}"
        assert "\n" not in message or name == "load_study", f"{what}: {message}"
        assert len(message) <= 300, f"{what}: {message}"
        assert "np.float64(" not in message


def refusal(function, arguments: dict[str, Any]) -> Exception | None:
    try:
        function(**arguments)
    except Exception as error:
        return error
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("wrong", ["None", "number", "list", "dataset", "object"])
def test_a_wrong_first_argument_is_refused_by_its_name(name, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = next(iter(arguments_of(name)))
    if (name, wrong) in ALLOWED:
        pytest.skip("has a meaning")
    with pytest.raises(ValueError, match=r"allowed|missing") as caught:
        FUNCTIONS[name](**{**arguments_of(name), first: WRONG[wrong]})
    assert first in str(caught.value) or wrong == "dataset"


@pytest.mark.parametrize(
    "value",
    [
        np.eye(60) + 1j,
        [np.float64(0.1)] * 1000,
        "x" * 10**6,
        {"a": {"b": {"c": [1] * 1000}}},
        xr.Dataset({f"variable_{j}": 1.0 for j in range(1000)}),
        np.array(["2024-01-01"] * 99, dtype="M8[ns]"),
        type("Loud", (), {"__repr__": lambda _: "line\n" * 1000})(),
    ],
    ids=["complex", "numpy numbers", "text", "nested", "dataset", "dates", "loud"],
)
def test_any_value_is_shown_on_one_short_line(value):
    assert len(show(value)) <= SHOWN
    assert "\n" not in show(value)
    assert "float64(" not in show(value)


def test_plain_values_are_shown_as_python_writes_them():
    assert [show(value) for value in (None, True, 0.1, np.float64(0.1), np.int8(3), "edm", [1, 2], np.arange(3))] == [
        "None", "True", "0.1", "0.1", "3", "'edm'", "[1, 2]", "[0, 1, 2]"
    ]  # fmt: skip
    assert len(listed(f"column {j}" for j in range(10**4))) <= LISTED
