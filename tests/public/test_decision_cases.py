"""Reference cases of class decisions, clocks, collapse and guided flows, met in every field through public names alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from tests.reference import Case, check, identify

CASES: list[Case] = json.loads((Path(__file__).parents[1] / "data" / "reference-cases-decisions.json").read_text())

Answers = Iterator[tuple[str, Any]]


def of_components(means: list[Any], weights: list[float], variances: list[float]) -> xr.Dataset:
    """A mixture whose components have variances of their own, unless they are equal."""
    mixture = ss.mixture(means, weights, variances[0])
    if len(set(variances)) == 1:
        return mixture
    return mixture.assign(component_variance=("component", np.array(variances)))


def class_decisions(weights: list[float], means: list[Any], variance: float, taus: list[float]) -> Answers:
    found = ss.class_decisions(ss.mixture(means, weights, variance), taus)
    names = {"cloning": "cloning_probability", "D_Z": "class_information_density", "mmse_Z": "mmse_of_class"}
    for field in ("class_entropy", "one_minus_cloning", "cloning", "D_Z", "mmse", "mmse_Z"):
        yield field, found[names.get(field, field)].values


def clocks(
    weights: list[float],
    means: list[float],
    variances: list[float],
    sigma_min: float,
    sigma_max: float,
    n_steps: int,
    sigmas: list[float],
) -> Answers:
    mixture = of_components(means, weights, variances)
    found = ss.clocks(mixture, None, sigma_min, sigma_max, n_steps)
    for clock in ("entropic", "rescaled"):
        yield f"{clock}_levels", found.sigma_level.sel(clock=clock).values
        yield f"{clock}_total", found.clock_total.sel(clock=clock).item()
    rates = ss.clock_rates(mixture, xr.DataArray(np.array(sigmas) ** 2 / 2, dims="tau"))
    yield from ((name, rates[name].values) for name in ("mmse", "entropic_rate", "rescaled_rate"))


def collapse(data: str, n: int, **inputs: Any) -> Answers:
    if data == "gaussian":
        routes = [ss.gaussian_collapse(inputs["sigma0"] ** 2, inputs["d"], n)]
        routes += [ss.collapse(ss.mixture([0.0], variance=inputs["sigma0"] ** 2, dimension=inputs["d"]), training_samples=n)]
    else:
        routes = [ss.collapse(of_components(**inputs), training_samples=n)]
    for found in routes:
        names = {"t_C": "time_collapse", "tau_C": "tau_collapse", "sigma_C": "sigma_collapse"}
        yield from ((field, found[name].item()) for field, name in names.items())


def guided_flow(
    weights: list[float],
    means: list[float],
    variances: list[float],
    classes: list[int],
    target: int,
    starts: list[float],
    tau_min: float,
    tau_max: float,
    start_mean: float,
    start_variance: float,
    quantiles: int,
    **guidance: float,
) -> Answers:
    mixture = of_components(means, weights, variances)
    interval = {"sigma_low": guidance["sigma_lo"], "sigma_high": guidance["sigma_hi"]}
    how = interval | {"weight": guidance["weight"], "outside_weight": guidance["outside_weight"], "classes": classes}
    flow = ss.guided_trajectories(mixture, np.array(starts), [tau_max, tau_min], target, **how)
    yield "end", flow.trajectory.isel(tau=-1).squeeze("feature").values
    ends = {"sigma_min": np.sqrt(2 * tau_min), "sigma_max": np.sqrt(2 * tau_max)}
    start = {"start_mean": start_mean, "start_variance": start_variance}
    found = ss.guided_generation(mixture, target, **how, **ends, **start, samples=quantiles)
    yield "class_share", found.class_share.item()
    yield "class_count_of_quantiles", found.class_count.item()
    for field, name in (("class_boundaries", "class_boundary"), ("class_boundaries_at_start", "class_boundary_start")):
        yield field, found[name].values[np.isfinite(found[name].values)]


ANSWERS: dict[str, Callable[..., Answers]] = {
    each.__name__: each for each in (class_decisions, clocks, collapse, guided_flow)
}


def test_every_kind_of_the_file_is_answered_and_no_other() -> None:
    assert set(ANSWERS) == {case["kind"] for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_case_is_met_in_every_field(case: Case) -> None:
    met = set()
    for field, got in ANSWERS[case["kind"]](**case["inputs"]):
        check(case, field, got)
        met.add(field)
    assert met == set(case["expected"])
