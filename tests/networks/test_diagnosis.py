"""The diagnosis of many networks: each as if alone, in studies, in pieces; what is no network is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.truth import truth_of
from scoreshock.networks import diagnosis, files
from scoreshock.networks.perceptron import Architecture
from scoreshock.study import evaluation
from scoreshock.study.errors import StudyError
from scoreshock.study.study import Study

from .. import compliance, runs

PAIR = ss.mixture([-1.0, 1.0], variance=0.25)
SHAPE = Architecture(features=1, hidden=4, layers=1, sigma_data=1.0)
LABELS = {"damage": ["none", "one-level"], "training_step": [100, 200, 400]}
SETTINGS = {"diagnosis_levels": 3, "diagnosis_samples": 40, "diagnosis_seed": 2}


@pytest.fixture
def networks() -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=(2, 3, SHAPE.size)).astype(np.float32)
    return xr.DataArray(values, LABELS, ("damage", "training_step", "parameter"))


@pytest.fixture
def file(networks: xr.DataArray, tmp_path: Path) -> str:
    files.write(tmp_path / "networks.nc", PAIR, networks, SHAPE)
    return str(tmp_path / "networks.nc")


def study(file: str, output: Path | str = "results", **changes: Any) -> Study:
    sweep = {"family": "networks", "axes": {}, "parameters": {"file": file}, "quantities": ["diagnosis"], **SETTINGS}
    return ss.load_study({"output": str(output), "sweeps": {"learned": sweep | changes}})


@pytest.mark.slow
def test_each_network_of_a_study_is_diagnosed_as_if_alone(file: str) -> None:
    made = ss.evaluate(study(file).sweeps["learned"], "diagnosis").load()
    assert list(made.score_error.dims) == ["damage", "training_step", "sigma"]
    assert made.damage.attrs["flag_meanings"] == "none one-level"
    assert made.damage.values.tolist() == made.damage.attrs["flag_values"] == [0, 1]
    score = ss.network_score(file, damage="one-level", training_step=200)
    alone = ss.diagnose(score, PAIR, sigma=3, samples=40, seed=2)
    one = made.sel(damage=1, training_step=200)
    for name in alone.data_vars:
        np.testing.assert_array_equal(one[name], alone[name], err_msg=str(name))


def test_noise_levels_may_be_listed(file: str) -> None:
    made = ss.evaluate(study(file, noise_levels=[0.5, 1.0, 2.0, 3.0]).sweeps["learned"], "diagnosis")
    assert made.sigma.values.tolist() == [0.5, 1.0, 2.0, 3.0]


@pytest.mark.slow
def test_chunks_change_no_bit(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = study(file).sweeps["learned"]
    whole = ss.evaluate(sweep, "diagnosis", chunked=False)
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 1)
    lazy = ss.evaluate(sweep, "diagnosis")
    assert len(lazy.score_error.chunksizes["training_step"]) == 3
    xr.testing.assert_identical(lazy.compute(), whole)


@pytest.mark.slow
@pytest.mark.parametrize("features", [2, 4])
def test_networks_together_are_each_as_if_alone_in_any_order(
    features: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is projected on a grid of the plane, or at samples."""
    rng = np.random.default_rng(0)
    shape = Architecture(features, hidden=4, layers=1, sigma_data=1.0)
    learned = xr.DataArray(rng.normal(size=(5, shape.size)), {"seed": np.arange(5)}, ("seed", "parameter"))
    samples = xr.DataArray(rng.normal(size=(5, 4, features)), {"seed": np.arange(5)}, ("seed", "sample", "feature"))
    truth = ss.mixture(rng.normal(size=(3, features)), variance=0.25)
    files.write(tmp_path / "networks.nc", truth, learned, shape, samples=samples)
    read = ss.families.networks(file=str(tmp_path / "networks.nc"))
    together = diagnosis.diagnosis(read, **SETTINGS)
    xr.testing.assert_identical(diagnosis.diagnosis(read.isel(seed=3), **SETTINGS), together.isel(seed=3))
    monkeypatch.setattr(diagnosis, "TOGETHER", 2)
    back = {"seed": slice(None, None, -1)}
    xr.testing.assert_identical(diagnosis.diagnosis(read.isel(back), **SETTINGS).isel(back), together)


@pytest.mark.slow
def test_a_study_of_networks_is_split_stored_joined_and_drawn(file: str, tmp_path: Path) -> None:
    made = study(file, tmp_path / "results", axes={"training_step": [100, 400]}, split=["training_step"])
    names = [Path(each).stem for each in made.sweeps["learned"].planned("diagnosis").files]
    assert names == ["training_step=100", "training_step=400"]
    runs.run(made, "plan", "compute", "join", "draw")
    result = ss.open_results(tmp_path / "results", "learned", "diagnosis")
    assert result.damage.attrs["flag_meanings"] == "none one-level"
    whole = ss.evaluate(made.sweeps["learned"], "diagnosis").load()
    for name in whole.data_vars:
        np.testing.assert_array_equal(result[name].transpose(*whole[name].dims), whole[name])
    page = (tmp_path / "results" / "learned.html").read_text()
    assert "what the network was trained wrongly on: 0 none, 1 one-level" in page
    assert "damage = none (of none, one-level)" in page or "damage = one-level (of none, one-level)" in page
    compliance.check(tmp_path / "results" / "learned" / "diagnosis.nc", tmp_path)


def test_other_weights_are_other_results(file: str, networks: xr.DataArray) -> None:
    content = study(file).sweeps["learned"].content("diagnosis")
    files.write(file, PAIR, networks + 1.0, SHAPE)
    assert study(file).sweeps["learned"].content("diagnosis")["data"] != content["data"]
    with pytest.raises(ValueError, match="has changed: sha256"):
        ss.evaluate(content)


class Known:
    """A denoiser by its function."""

    def __init__(self, denoise: Any) -> None:
        self.denoise = denoise


def test_only_a_denoiser_that_knows_the_samples_gains_on_them() -> None:
    truth = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.0]], variance=0.25))
    samples, _ = truth.draws(32, 7)
    asked = diagnosis.Asked(np.array([0.02, 1.0]), 1.0, 40, 0)

    def by_heart(x: np.ndarray, sigma: float) -> np.ndarray:  # the posterior mean where the data are the samples
        squares = -((x[:, None] - samples) ** 2).sum(axis=-1) / (2 * sigma**2)
        r = np.exp(squares - squares.max(axis=-1, keepdims=True))
        return (r / r.sum(axis=-1, keepdims=True)) @ samples

    def gain(denoise: Any, known: np.ndarray | None) -> dict[str, Any]:
        return diagnosis._gain(Known(denoise), truth, known, asked)

    exact = gain(truth.denoise, samples)
    assert exact["training_gain"].tolist() == exact["training_gain_error"].tolist() == [0.0, 0.0]
    assert exact["training_gain_status"] == Status.ok
    own, other = gain(by_heart, samples), gain(by_heart, truth.draws(32, 8)[0])
    assert own["training_gain"][0] > 0.9
    assert (own["training_gain"] > 5 * own["training_gain_error"]).any()
    assert (other["training_gain"] < 0).all()
    assert gain(by_heart, None)["training_gain_status"] == Status.not_applicable


@pytest.mark.slow
def test_training_samples_of_the_file_are_held_to(file: str, tmp_path: Path) -> None:
    with xr.open_dataset(file) as opened:
        whole = opened.load()
    whole["training_sample"] = (("training_step", "sample", "feature"), np.zeros((3, 5, 1)))
    whole.to_netcdf(tmp_path / "more.nc")
    made = diagnosis.diagnosis(ss.families.networks(file=str(tmp_path / "more.nc")), **SETTINGS)
    assert made.training_gain.sizes == {"damage": 2, "training_step": 3, "sigma": 3}
    assert np.isfinite(made.training_gain).all()
    assert (made.training_gain_status == Status.ok).all()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"family": "pair", "axes": {"separation": 1.0}, "parameters": {}},
            "'diagnosis' is unavailable for the family pair",
        ),
        ({"quantities": ["speciation"]}, "'speciation' is unavailable for the family networks; allowed: diagnosis"),
        ({"axes": {"training_step": [150]}}, "150 is not allowed; allowed: values of the file: 100, 200, 400"),
        ({"axes": {"damage": [2]}}, "2 is not allowed; allowed: values of the file: 0, 1"),
        ({"axes": {"variance": [1.0]}}, "not an axis of the family networks; allowed: damage, training_step, schedule"),
        ({"bound_noise_share": 2.0}, "a number from 0 to 1"),
        ({"parameters": {}}, "needs file"),
    ],
)
def test_what_a_study_of_networks_cannot_have_is_refused(file: str, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(StudyError, match=re.escape(line)):
        study(file, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop_vars("network_parameter"), "has no networks; variables found: comp"),
        (lambda d: d.assign_attrs(network_hidden=5), "allowed: parameter: 61, of Architecture"),
        (lambda d: d.assign_attrs(network_activation="relu"), "'relu' is not allowed"),
        (lambda d: d.assign_coords(damage=["none", "in the layer"]), "damage = 'in the layer'; allowed: words of letters"),
        (lambda d: d.assign_coords(damage=["none", "none"]), "has the coordinate 'damage' with a value more than once"),
        (lambda d: d.drop_vars("training_step"), "has the dimension 'training_step' without a coordinate of numbers"),
        (
            lambda d: d.assign(component_weight=d.component_weight.expand_dims(angle=[0, 1])),
            "has networks beside mixtures along angle; allowed: one mixture",
        ),
        (lambda d: d.assign(more=1.0), "has more, which would be ignored"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_any_work(file: str, tmp_path: Path, change: Any, message: str) -> None:
    with xr.open_dataset(file) as opened:
        changed = change(opened.load())
    for variable in changed.variables.values():
        variable.encoding = {}
    changed.to_netcdf(tmp_path / "changed.nc")
    with pytest.raises(StudyError, match=re.escape(message)):
        study(str(tmp_path / "changed.nc"))


def test_a_mixture_without_networks_is_refused() -> None:
    with pytest.raises(ValueError, match="has no network_parameter; allowed: of ss"):
        diagnosis.diagnosis(PAIR)
