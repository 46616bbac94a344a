"""Dimensions, chunks and types of evaluated sweeps."""

from __future__ import annotations

import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from scoreshock.quantities import schedule_time, speciation
from scoreshock.study.evaluation import POINTS_PER_CHUNK, evaluate, template
from scoreshock.study.study import Study

AXES: dict[str, Any] = {
    "variance": {"values": [0.1, 1.0]},
    "weight": {"values": [0.2, 0.5]},
    "separation": {"start": 0.5, "stop": 4.0, "num": 5},
}


def content(
    quantity: str, axes: dict[str, Any] = AXES, family: str = "pair", options: dict | None = None, **parameters: Any
) -> dict[str, Any]:
    return {
        "family": family,
        "parameters": parameters,
        "axes": axes,
        "schedules": {},
        "quantity": quantity,
        "options": options or {},
    }


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["absolute", "separation", "layer"])
@pytest.mark.parametrize("clock", ["absolute", "speciation"])
@pytest.mark.parametrize("chunked", [True, False])
def test_scores_have_the_axes_then_tau_then_x_then_feature(unit: str, clock: str, chunked: bool) -> None:
    options = {"x": {"values": [-1.0, 0.0, 1.0], "unit": unit}, "tau": {"values": [0.5, 1.0], "unit": clock}}
    result = evaluate(content("scores", options=options), chunked=chunked)
    tau, x = "tau" if clock == "absolute" else "tau_scaled", "x" if unit == "absolute" else "x_scaled"
    order = ["variance", "weight", "separation", tau, x, "feature"]
    for variable in result.data_vars.values():
        assert list(variable.dims) == [dim for dim in order if dim in variable.dims]
    assert result.score.dims == tuple(order)
    assert result.log_density.dims == tuple(order[:-1])


@pytest.mark.parametrize("quantity", ["speciation", "corrections", "amplification"])
def test_axes_come_in_the_order_of_the_content(quantity: str) -> None:
    for names in (("variance", "separation", "weight"), ("separation", "variance", "weight")):
        result = evaluate(content(quantity, {name: AXES[name] for name in names}))
        for variable in result.data_vars.values():
            assert list(variable.dims[: len(names)]) == [name for name in names if name in variable.dims] + [
                dim for dim in variable.dims[: len(names)] if dim not in names
            ]


def test_a_chunk_holds_at_most_so_many_points_and_every_variance() -> None:
    axes = {
        "variance": {"start": 0.1, "stop": 2.0, "num": 300},
        "weight": {"start": 0.1, "stop": 0.9, "num": 50},
        "separation": {"start": 0.5, "stop": 4.0, "num": 60},
    }
    tau = evaluate(content("speciation", axes)).tau_star
    assert tau.chunks is not None
    assert tau.chunks[0] == (300,)
    assert math.prod(tau.chunksizes[name][0] for name in axes) <= POINTS_PER_CHUNK
    many = evaluate(content("speciation", {n: axes[n] for n in ("variance", "separation")}, "polygon", vertices=20)).tau_star
    assert math.prod(many.chunksizes[name][0] for name in ("variance", "separation")) <= POINTS_PER_CHUNK // 10


@pytest.mark.parametrize("quantity", ["speciation", "corrections", "amplification"])
def test_a_mixture_without_axes_is_evaluated_lazily_and_alike(quantity: str) -> None:
    alone = content(quantity, {}, "custom", means=[[0.0], [1.0], [3.0]])
    lazy = evaluate(alone)
    assert all(variable.chunks is not None for variable in lazy.data_vars.values())
    xr.testing.assert_identical(lazy.compute(), evaluate(alone, chunked=False))


def test_types_are_known_before_computing_and_no_warning_is_given() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lazy = evaluate(content("speciation"))
        whole = lazy.compute()
    for name, variable in lazy.data_vars.items():
        assert variable.dtype == whole[name].dtype
    assert whole.status.dtype == np.int8
    assert whole.n_roots.dtype == np.int16


def test_a_template_of_ten_million_points_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = {name: {"start": 0.1, "stop": 0.9, "num": 1000} for name in ("separation", "variance")}
    for module in (speciation, schedule_time):
        for name in ("_times", "_placed"):
            monkeypatch.setattr(module, name, None, raising=False)
    result = template(content("speciation", axes | {"weight": {"values": [i / 20 for i in range(1, 11)]}}))
    assert result.tau_star.shape[:3] == (1000, 1000, 10)
    assert result.tau_star.chunks is not None


def test_a_lazy_result_can_be_sent_to_another_process() -> None:
    lazy = evaluate(content("speciation"))
    xr.testing.assert_identical(pickle.loads(pickle.dumps(lazy)).compute(), lazy.compute())


def test_a_data_file_that_changed_since_the_study_was_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("x,y,label\n0,0,a\n1,0,a\n4,4,b\n5,4,b\n")
    sweep = {
        "family": "data",
        "axes": {"separation": [1.0]},
        "parameters": {"file": str(file)},
        "quantities": ["speciation"],
    }
    content = Study.from_mapping({"sweeps": {"mine": sweep}}).sweeps["mine"].content("speciation")
    assert evaluate(content).tau_star.sizes["separation"] == 1
    file.write_text(file.read_text().replace("5,4,b", "9,4,b"))
    with pytest.raises(ValueError, match=r"table.csv' has changed: sha256 [0-9a-f]{64}, expected " + content["data"]):
        evaluate(content)


def test_results_say_how_their_data_were_read_and_a_changed_file_of_labels_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[0, 0], [1, 0], [4, 4], [5, 4]], dtype="uint8"))
    (tmp_path / "y.txt").write_text("a\na\nb\nb\n")
    parameters = {
        "file": str(tmp_path / "x.npy"),
        "label": str(tmp_path / "y.txt"),
        "scaling": {"range": [-1, 1]},
    }
    sweep = {"family": "data", "axes": {"separation": [1.0]}, "parameters": parameters, "quantities": ["speciation"]}
    content = Study.from_mapping({"sweeps": {"mine": sweep}}).sweeps["mine"].content("speciation")
    told = evaluate(content).attrs
    assert told["data_scaling"] == "range: 0 to 255 (of the type uint8) becomes -1 to 1"
    assert told["data_units"] == "(as given - feature_offset) / feature_scale"
    assert (told["data_source"], told["data_label_file"]) == (parameters["file"], parameters["label"])
    assert template(content).attrs == told
    (tmp_path / "y.txt").write_text("a\nb\na\nb\n")
    with pytest.raises(ValueError, match=r"x\.npy' or .*y\.txt' has changed: sha256"):
        evaluate(content)


SWEEP = Study.from_mapping(
    {"sweeps": {"s": {"family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["speciation"]}}}
).sweeps["s"]
OF_SWEEP = SWEEP.content("speciation")

ARGUMENTS: dict[str, tuple[tuple[Any, ...], str]] = {
    "nothing": ((None, "speciation"), "source = None is not allowed; allowed: a sweep or block of a study"),
    "a name": ((3, "speciation"), "source = 3 is not allowed; allowed: a sweep or block of a study"),
    "no quantity": ((SWEEP,), "quantity: missing; a sweep needs the name"),
    "a list of quantities": ((SWEEP, ["scores"]), "quantity = ['scores'] is not computed of mixtures"),
    "another quantity": ((SWEEP, "speciaton"), "quantity = 'speciaton' is not computed of mixtures"),
    "half a content": (({"family": "pair"},), "source = {'family': 'pair'} has no parameters, axes"),
    "two quantities": ((OF_SWEEP, "scores"), "quantity = 'scores' is not that of the content, 'speciation'"),
}


@pytest.mark.parametrize(("arguments", "line"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_wrong_arguments_are_refused_with_one_line(arguments: tuple[Any, ...], line: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        evaluate(*arguments)
    assert str(caught.value).startswith(line)
