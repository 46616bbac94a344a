"""Every quantity of every kind of family, from a study to a file: no number missing without a reason, the same in pieces."""

from __future__ import annotations

import math
import threading
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.kernels.flow import sampling
from scoreshock.quantities import burgers, cascade, divergence, modes, regions, trajectories
from scoreshock.quantities.declaration import ELSEWHERE, declared
from scoreshock.storage import provenance, store
from scoreshock.study import evaluation
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import StudyError
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study
from scoreshock.study.vocabulary import vocabulary

from .. import compliance

QUANTITIES = vocabulary().quantity_names

# Each with a member that has no transition, most with one that has no noise: equal means, one well, v = 0.
MEMBERS: dict[str, dict[str, Any]] = {
    "pair": {"family": "pair", "axes": {"variance": [0.0, 0.5], "separation": [0.0, 0.5, 2.0], "weight": [0.3, 0.5]}},
    "line": {"family": "collinear", "axes": {"separation": [0.0, 1.0, 2.0], "variance": [0.0, 0.5]}},
    "plane": {"family": "polygon", "axes": {"variance": [0.0, 0.5], "separation": [0.0, 1.0, 2.0]}},
    "lone": {"family": "custom", "axes": {}, "parameters": {"means": [[0.0], [1.0], [3.0]]}},
    "shared": {
        "family": "custom",
        "axes": {"separation": [0.0, 1.0, 2.0]},
        "parameters": {"means": [[-1.0, -0.5], [1.0, 0.5]], "weights": [0.3, 0.7], "covariance": [[0.5, 0.1], [0.1, 0.02]]},
        "x": {"start": -2, "stop": 2, "num": 5, "unit": "separation"},
    },
    "own": {
        "family": "custom",
        "axes": {"separation": [0.0, 1.0, 2.0]},
        "parameters": {"means": [[0.0], [1.0], [3.0]], "variances": [0.0, 0.5, 0.1]},
        "x": {"start": -2, "stop": 2, "num": 5, "unit": "separation"},
    },
    "wells": {"family": "tilted-quartic", "axes": {"half_distance": [0.5, 1.0, 1.5], "tilt": [0.0, 6.0]}},
}
CLOCKS: dict[str, Any] = {
    "absolute": {"values": [0.0, 0.2, 1.0]},
    "speciation": {"values": [0.25, 2.0, 1.0], "unit": "speciation"},
}
OPTIONS: dict[str, Any] = {
    "x": {"start": -2, "stop": 2, "num": 5, "unit": "layer"},
    "starts": {"values": [-2, 0.5], "unit": "separation"},
    "plane_x": {"start": -1, "stop": 1, "num": 3, "unit": "separation"},
    "plane_y": {"values": [-0.5, 0.5], "unit": "separation"},
    "distance": [-1.0, 0.0, 2.0],
    "terms": True,
    "error_support": "everywhere",
}


@cache
def sweep_of(member: str, quantity: str, clock: str = "absolute") -> Sweep:
    return changed(member, quantity, clock)


def changed(member: str, quantity: str, clock: str = "absolute", **more: Any) -> Sweep:
    entry = OPTIONS | MEMBERS[member] | {"tau": CLOCKS[clock], "quantities": [quantity]} | more
    return Study.from_mapping({"sweeps": {"s": entry}}).sweeps["s"]


def takes_times(member: str, quantity: str) -> bool:
    return "tau" in declared(quantity, families.FAMILIES[MEMBERS[member]["family"]].density).options


REFUSED = {("plane", "regions"), ("pair", "plane"), ("line", "plane"), ("lone", "plane")}
REFUSED |= {(member, "diagnosis") for member in MEMBERS}  # of networks: tests/networks
REFUSED |= {("wells", quantity) for quantity in QUANTITIES if quantity not in ("scores", "speciation", "layer")}
REFUSED |= {
    (member, name)
    for member in ("shared", "own")
    for name in QUANTITIES
    if name != "diagnosis" and not declared(name, "wells" if name.startswith("well") else "mixture").covariances
}
CASES = [(member, quantity) for member in MEMBERS for quantity in QUANTITIES if (member, quantity) not in REFUSED]
UNTIMED = "own"
"""A member that has no leading time, in whose units times could be."""
TIMED = [
    (*case, clock)
    for case in CASES
    for clock in CLOCKS
    if (clock == "absolute" if case[0] == UNTIMED else clock == "speciation" or takes_times(*case))
]


@cache
def result(member: str, quantity: str, clock: str) -> xr.Dataset:
    return evaluate(sweep_of(member, quantity, clock), quantity, chunked=False)


@pytest.mark.parametrize(("member", "quantity"), sorted(REFUSED))
def test_a_quantity_that_the_family_does_not_have_is_refused(member: str, quantity: str) -> None:
    with pytest.raises(StudyError):
        sweep_of(member, quantity)


@pytest.mark.slow
@pytest.mark.parametrize(("member", "quantity", "clock"), TIMED)
def test_a_missing_number_has_a_status_that_says_why(member: str, quantity: str, clock: str) -> None:
    found = result(member, quantity, clock)
    statuses = {str(name): found[name] for name in found.data_vars if str(name).endswith("status")}
    assert statuses
    for name in set(map(str, found.data_vars)) - set(statuses):
        own = "residual_status" if quantity == "burgers" else "score_status"  # of positions, and of the times of wells
        link = found[name].attrs.get("ancillary_variables", own)
        link = link if link in statuses else own
        if found[name].dtype.kind != "f" or not found[name].isnull().any():
            continue
        reason = statuses[link]
        reason = reason.max([dim for dim in reason.dims if dim not in found[name].dims])
        assert set(reason.dims) <= set(found[name].dims)
        assert not (found[name].isnull() & (reason == Status.ok)).any(), name
        assert not (reason == Status.failed).any()


@pytest.mark.slow
@pytest.mark.parametrize(("member", "quantity", "clock"), TIMED)
def test_chunks_change_no_bit(member: str, quantity: str, clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 36 if quantity == "trajectories" else 12)
    lazy = evaluate(sweep_of(member, quantity, clock), quantity)
    assert all(variable.chunks is not None for name, variable in lazy.data_vars.items() if name != "group")
    xr.testing.assert_identical(lazy.compute(), result(member, quantity, clock))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantity", "module", "kernels"),
    [
        ("burgers", burgers.kernel, ("several_forms",)),
        ("trajectories", trajectories.sampling, ("probability_flow",)),
        ("trajectories", trajectories.quantiles, ("quantile_flow",)),
        ("trajectories", trajectories.growth, ("error_growth", "flow_growth")),
        ("divergence", divergence.kernel, ("divergence_bound",)),
        ("regions", regions.kernel, ("regions", "gradient_profile")),
        ("modes", modes.mode_counts, ("modes_over_time", "last_merging")),
        ("modes", modes.trees, ("merging_tree",)),
        ("cascade", cascade.kernel, ("cascades",)),
    ],
)
def test_kernels_run_once_for_each_chunk_when_a_file_is_written(
    quantity: str, module: ModuleType, kernels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def counted(name: str, kernel: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            with lock:
                calls[name] += 1
            return kernel(*arguments, **named)

        return call

    for name in kernels:
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 12 if quantity == "trajectories" else 4)
    lazy = evaluate(sweep_of("line", quantity, "speciation"), quantity)
    assert not calls
    chunks = math.prod(len(lengths) for lengths in lazy.chunks.values())
    store.write(lazy, tmp_path / "written.nc")
    assert chunks > 1
    assert calls == dict.fromkeys(kernels, chunks)


@pytest.mark.slow
@pytest.mark.parametrize(("member", "quantity"), [(m, q) for m, q in CASES if m in ("line", "wells")])
def test_blocks_are_parts_of_the_whole(member: str, quantity: str) -> None:
    axis = "tilt" if member == "wells" else "separation"
    whole = result(member, quantity, "speciation")
    for block in changed(member, quantity, "speciation", split=[axis]).blocks(quantity):
        part = evaluate(block).compute()
        same = whole.sel({axis: [block.values[axis]]})
        for name in part.data_vars:
            expected = same[name] if axis in part[name].dims else whole[name]
            np.testing.assert_array_equal(part[name], expected, err_msg=str(name))


@pytest.mark.slow
@pytest.mark.parametrize(("member", "quantity", "clock"), TIMED)
def test_the_template_is_the_result_without_its_numbers(member: str, quantity: str, clock: str) -> None:
    found, expected = sweep_of(member, quantity, clock).template(quantity), result(member, quantity, clock)
    assert (set(found.data_vars), set(found.coords)) == (set(expected.data_vars), set(expected.coords))
    assert found.nbytes == expected.nbytes
    for name, variable in expected.variables.items():
        assert (found[name].dims, found[name].shape, found[name].dtype) == (variable.dims, variable.shape, variable.dtype)
        assert str(found[name].attrs) == str(variable.attrs)
    for name in expected.xindexes:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.slow
@pytest.mark.parametrize(("member", "quantity"), CASES)
def test_files_pass_the_compliance_checker_and_describe_every_variable(member: str, quantity: str, tmp_path: Path) -> None:
    path = tmp_path / f"{quantity}.nc"
    clock = "absolute" if member == UNTIMED else "speciation"
    sweep = sweep_of(member, quantity, clock)
    about = provenance.attributes(sweep.content(quantity), quantity, module=sweep.planned(quantity).module)
    store.write(result(member, quantity, clock), path, about)
    compliance.check(path, tmp_path)
    with store.open_file(path) as file:
        for name, variable in file.variables.items():
            assert variable.attrs["description"] != variable.attrs["long_name"], name


def test_every_module_with_a_declaration_is_named_for_its_quantity() -> None:
    for each in vocabulary().quantities:
        assert each.function.__module__ == ELSEWHERE.get(each.module, f"scoreshock.quantities.{each.module}")
        assert declared(each.name, each.density) is each


def test_forms_and_places_of_the_options_are_those_that_are_computed() -> None:
    assert set(declared("burgers").options["forms"].known) == set(burgers.EQUATIONS)
    assert set(declared("divergence").options["error_support"].known) == set(sampling.PROFILES)


@pytest.mark.parametrize(
    ("quantity", "without"),
    [
        ("burgers", ("kernels.flow", "kernels.roots", "quantities.scores")),
        ("trajectories", ("kernels.burgers", "kernels.roots", "quantities.scores")),
        ("divergence", ("kernels.roots", "kernels.modes", "quantities.trajectories")),
        ("regions", ("kernels.roots", "kernels.flow", "kernels.modes")),
        ("modes", ("kernels.roots", "quantities.speciation", "kernels.exact_cascade")),
        ("cascade", ("kernels.modes", "kernels.mode_counts", "quantities.speciation")),
        ("decisions", ("kernels.flow", "kernels.modes", "quantities.speciation")),
        ("wells.layer", ("kernels.roots", "kernels.modes", "quantities.layer", "quantities.scores")),
    ],
)
def test_a_quantity_does_not_depend_on_modules_of_others(quantity: str, without: tuple[str, ...]) -> None:
    modules = provenance.code_modules(quantity)
    assert f"scoreshock.quantities.{quantity}" in modules
    assert not {f"scoreshock.{name}" for name in without} & set(modules)


def test_a_mixture_in_a_plane_has_no_regions_and_says_so_where_no_study_refuses_it() -> None:
    content = sweep_of("plane", "scores").content("scores") | {
        "quantity": "regions",
        "options": {"tau": {"values": [0.5]}, "distance": {"values": [0.0]}},
    }
    result = evaluate(content)
    assert (result.region_status == Status.not_applicable).all()
    assert result.gradient.isnull().all()


def test_every_form_of_the_equation_holds_along_the_line() -> None:
    found = result("line", "burgers", "absolute").sel(variance=0.5)
    assert found.form.values.tolist() == ["score", "burgers", "vp", "log-density"]
    there = found.residual_status == Status.ok
    assert there.sel(separation=[1.0, 2.0]).all()
    assert (found.residual_relative.where(there, 0.0) <= 1e-12).all()
    right = found.diffusion_term + found.advection_term + found.growth_term + found.transport_term
    gap = abs(found.rate_term - right).where(there, 0.0)
    assert (gap <= 1e-13 * found.largest_term.where(there, 1.0)).all()
    assert (found.growth_term.sel(form="score") == 0).where(there.sel(form="score"), True).all()
    assert (abs(found.growth_term.sel(form="vp")) > 0).any()


def test_profiles_of_scores_and_of_the_equation_are_at_the_same_places() -> None:
    for member in ("pair", "plane"):
        scores, equation = (result(member, quantity, "speciation") for quantity in ("scores", "burgers"))
        xr.testing.assert_equal(scores.position, equation.position.transpose(*scores.position.dims))


def test_trajectories_start_at_the_largest_time_and_keep_their_quantile() -> None:
    found = result("lone", "trajectories", "speciation")
    assert found.tau_scaled.values.tolist() == [2.0, 1.0, 0.25]
    assert (found.trajectory_difference.isel(tau_scaled=0) == 0).all()
    assert (found.exact_status == Status.ok).all()
    np.testing.assert_allclose(found.trajectory[..., 0], found.trajectory_exact, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_score_error_points_along_the_line_through_the_layer() -> None:
    changes: dict[str, Any] = {
        "tau": [0.05, 1.5],
        "starts": [0.0],
        "bias": 0.01,
        "axes": {"separation": 1.2, "variance": 0.09},
    }
    result = evaluate(changed("pair", "trajectories", **changes), "trajectories").squeeze()
    centre = ss.centre_growth(ss.families.pair(separation=1.2, variance=0.09), 0.05, 1.5, 0.01)
    assert result.tau.values.tolist() == [1.5, 0.05]
    # (52) is attained at the centre of a symmetric pair; data are generated with falling tau, so the error adds.
    np.testing.assert_allclose(result.gronwall_bound[-1], centre.error_linear.squeeze(), rtol=1e-7)
    assert 0.5 < float(result.trajectory_difference[-1] / result.gronwall_bound[-1]) <= 1
    turned = evaluate(changed("pair", "trajectories", **changes | {"bias": -0.01}), "trajectories").squeeze()
    np.testing.assert_allclose(turned.trajectory_difference, -result.trajectory_difference, rtol=1e-9, atol=1e-15)


def test_a_constant_score_error_has_the_bound_that_is_its_square_times_the_time() -> None:
    result = evaluate(changed("plane", "divergence", tau_min=1.0, tau_max=3.0, bias=-0.1), "divergence")
    np.testing.assert_allclose(result.kl_bound, 0.02, rtol=1e-14)  # (58)
    np.testing.assert_allclose(result.tv_bound, 0.1, rtol=1e-14)  # (59)


def test_regions_of_a_pair_have_the_gradient_of_its_layer() -> None:
    found = result("pair", "regions", "absolute").sel(separation=2.0, variance=0.5, weight=0.5, tau=0.2)
    ratio = 4 / 0.9  # R = a^2/v, Proposition 6.8
    expected = ratio / np.cosh(found.distance.values) ** 2 - 1
    np.testing.assert_allclose(found.gradient.squeeze(), expected, rtol=1e-12)
    assert found.interface_width.item() == pytest.approx(0.45)


def test_modes_of_a_pair_merge_at_its_speciation() -> None:
    found = result("pair", "modes", "speciation").sel(separation=2.0, variance=0.5, weight=0.5)
    assert found.n_modes.values.tolist() == [2, 1, 1]  # at a quarter of the time, at it, and at twice it
    assert float(found.tau_density) == float(found.tau_event.squeeze()) == 1.75
    assert found.merges_into.squeeze().values.tolist() == [0, 0]


def test_the_layer_of_wells_has_the_form_of_a_mixtures() -> None:
    wells, pair = (result(member, "layer", "absolute") for member in ("wells", "pair"))
    shared = ("boundary", "width", "jump", "normal_hessian", "background_curvature", "interfacial_curvature", "layer_status")
    for name in shared:
        assert [dim for dim in wells[name].dims if dim in ("tau", "feature")] == [
            dim for dim in pair[name].dims if dim in ("tau", "feature")
        ]
    two = wells.sel(half_distance=1.5, tilt=0.0, tau=0.2)
    assert abs(two.boundary.item()) < 1e-12
    assert two.normal_hessian.item() == pytest.approx(two.background_curvature.item() + two.interfacial_curvature.item())
    assert (wells.sel(tilt=6.0).layer_status == Status.no_transition).all()
