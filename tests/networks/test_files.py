"""Files of networks: what is written is read, and what does not fit is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.networks import files
from scoreshock.networks.perceptron import Architecture, score_of

PAIR = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], weights=[0.3, 0.7], variance=0.09)
SHAPE = Architecture(features=2, hidden=4, layers=1, sigma_data=0.7, sigma_range=(0.02, 30.0))
VALUES = np.random.default_rng(0).normal(size=(2, 3, SHAPE.size)).astype(np.float32)
NETWORKS = xr.DataArray(VALUES, {"damage": ["none", "layer"], "seed": [0, 1, 5]}, ("damage", "seed", "parameter"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    files.write(tmp_path / "pair.nc", PAIR, NETWORKS, SHAPE, {"title": "networks of a pair"})
    return tmp_path / "pair.nc"


def test_what_is_read_is_what_was_written(path: Path) -> None:
    read = files.read(path)
    assert read.architecture == SHAPE
    assert read.parameters.dtype == np.float32
    xr.testing.assert_equal(read.parameters, NETWORKS)
    for name in ("component_mean", "component_weight", "component_variance", "ambient_dimension"):
        assert (read.mixture[name].values == PAIR[name].values).all()


def test_labels_of_classes_are_kept(tmp_path: Path) -> None:
    labelled = PAIR.assign_coords(label=("component", ["left", "right"]))
    files.write(tmp_path / "labelled.nc", labelled, NETWORKS, SHAPE)
    assert files.read(tmp_path / "labelled.nc").mixture.label.values.tolist() == ["left", "right"]


def test_covariances_are_kept(tmp_path: Path) -> None:
    tilted = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], covariance=[[1.0, 0.6], [0.6, 1.0]])
    along = {"eigenvalues": [2.0], "directions": [[0.6, 0.8]]}
    partial = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], variance=0.2, covariance=along)
    for truth in (tilted, partial):
        files.write(tmp_path / "tilted.nc", truth, NETWORKS, SHAPE)
        read = files.read(tmp_path / "tilted.nc").mixture
        x = np.random.default_rng(0).normal(size=(5, 2))
        np.testing.assert_allclose(ss.score(read, x, 0.3), ss.score(truth, x, 0.3), rtol=1e-13)


def test_the_score_of_a_network_is_chosen_by_its_labels(path: Path) -> None:
    x = np.array([[0.3, -0.2]])
    alone = score_of(SHAPE, VALUES[1, 2].astype(float))(x, 0.2)
    assert (ss.network_score(path, damage="layer", seed=5)(x, 0.2) == alone).all()
    assert files.read(path).score(damage="layer", seed=np.int64(5)).sigma_range == (0.02, 30.0)


def test_an_axis_of_one_label_need_not_be_chosen(tmp_path: Path) -> None:
    files.write(tmp_path / "one.nc", PAIR, NETWORKS.isel(damage=[0], seed=0, drop=True), SHAPE)
    assert np.isfinite(ss.network_score(tmp_path / "one.nc")([[0.0, 0.0]], 1.0)).all()


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"damage": "layer"}, "more than one network, along seed"),
        ({"damage": "lair", "seed": 0}, "damage = 'lair' is not in the file; allowed: none, layer"),
        ({"sed": 0}, r"sed is no axis of the networks \(did you mean 'seed'\?\); allowed: damage, seed"),
        ({"seed": [0, 1]}, "is not in the file; allowed: 0, 1, 5"),
    ],
)
def test_a_selection_of_not_one_network_is_refused(path: Path, selection: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.network_score(path, **selection)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop_vars("network_parameter"), "has no networks; variables found: component_mean"),
        (lambda d: d.assign(more=1.0), "has more, which would be ignored"),
        (lambda d: d.assign_attrs(network_hidden=5), r"sizes .* allowed: parameter: 72, of Architecture"),
        (lambda d: d.assign_attrs(network_hidden=4.5), "network_hidden = 4.5; allowed: a whole number > 0"),
        (lambda d: d.assign_attrs(network_sigma_data=-1.0), "network_sigma_data = -1.0; allowed: a number > 0"),
        (lambda d: d.assign_attrs(network_activation="relu"), "network_activation of file .* = 'relu' .* allowed: silu"),
        (lambda d: d.assign_attrs(network_predicts="epsilon"), "= 'epsilon' is not allowed.*; allowed: edm"),
        (lambda d: d.assign_attrs(network_sigma_min=50.0), "noise levels 50 to 30"),
        (lambda d: d.drop_vars("seed"), "the dimension 'seed' without a coordinate of numbers"),
        (lambda d: d.assign_coords(seed=[0, 0, 1]), "the coordinate 'seed' with a value more than once"),
        (lambda d: d.assign(network_parameter=d.network_parameter * np.nan), "values that are not finite"),
        (lambda d: d.isel(feature=[0]), "sizes .* allowed: parameter"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(path: Path, tmp_path: Path, change, message: str) -> None:
    with xr.open_dataset(path) as opened:
        changed = change(opened.load())
    for variable in changed.variables.values():
        variable.encoding = {}
    changed.to_netcdf(tmp_path / "changed.nc")
    with pytest.raises(ValueError, match=message) as raised:
        files.read(tmp_path / "changed.nc")
    assert len(str(raised.value)) < 400 + len(str(tmp_path))


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the mixture has 1 features, the networks 2"):
        files.write(tmp_path / "a.nc", ss.mixture([-1.0, 1.0]), NETWORKS, SHAPE)
    assert not list(tmp_path.iterdir())


def test_a_study_does_not_take_a_file_of_networks_for_one_of_mixtures(path: Path) -> None:
    with pytest.raises(ValueError, match=r"network_parameter.*would be ignored"):
        ss.families.custom(file=path)
