"""Errors of samplers at the levels of each rule, for densities, scores, solvers and numbers of calls, over seeds.

Levels are of the exact score, and the optimum is searched on trajectories of seed 0; all are judged at other seeds, with the
exact score and with networks that were trained on the density. All rules have the same starts, so that they differ pairwise
by less than each varies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes, variables
from scoreshock.densities.families.shapes import simplex
from scoreshock.densities.mixtures import mixture
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.step_comparison import Judge, judge_of, levels_for, steps_within
from scoreshock.diagnosis.step_rules import Ends
from scoreshock.diagnosis.steps import RULES, Spaced
from scoreshock.diagnosis.truth import truth_of
from scoreshock.networks.files import Networks, read
from scoreshock.networks.plans import PLANS, Plan
from scoreshock.networks.truths import digits, hierarchy, pair

SAMPLERS = {
    "euler": ("euler", 0.0),
    "heun": ("heun", 0.0),
    "dpmpp-2m": ("dpmpp-2m", 0.0),
    "ancestral 0.3": ("ancestral", 0.3),
    "ancestral 1": ("ancestral", 1.0),
}
"""Solver and share of noise by name; without noise the ancestral solver is Euler's."""

MEASURES = ("trajectory_error", "sliced_wasserstein", "mode_weight_error")
FLOORS = ("sliced_wasserstein_floor", "mode_weight_floor")
SCORES = ("exact", "trained")
OPTIMUM = "optimum"
"""The reference, which is no rule and does not win."""

SPAN = (0.02, 20.0)
"""Least and greatest noise level in standard deviations of the data along their widest direction."""

STUDIED = variables(
    """
    trajectory_error(density, score, solver, calls, rule, seed): root mean square distance from the score's exact flow
        | Of the ends, from the same starts.
    sliced_wasserstein(density, score, solver, calls, rule, seed): sliced Wasserstein distance from data
        | Of order two, over 64 random directions; on a line the distance itself.
    mode_weight_error(density, score, solver, calls, rule, seed): total variation of the shares of components
        | From the weights; samples count where a component is the most probable.
    sliced_wasserstein_floor(density, score, seed): sliced_wasserstein of the exact flow of the exact score
        | What sampling alone does.
    mode_weight_floor(density, score, seed): mode_weight_error of the exact flow of the exact score
        | What sampling alone does.
    """
)


def _gaussian(_: int) -> xr.Dataset:
    return mixture([0.0], variance=0.25)


def _unequal_pair(_: int) -> xr.Dataset:
    return mixture([[-1.0, 0.0], [1.0, 0.5]], weights=[0.3, 0.7], variance=0.09)


def _simplex(_: int) -> xr.Dataset:
    return mixture(simplex(2.0, vertices=8).component_mean, variance=0.09)


def _overlapping(seed: int) -> xr.Dataset:
    return mixture(_means(seed), variance=0.25)


def _atoms(seed: int) -> xr.Dataset:
    return mixture(_means(seed), variance=0.0)


def _means(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=15)


DENSITIES: dict[str, Callable[[int], xr.Dataset]] = {
    "gaussian": _gaussian,
    "pair": lambda _: pair(),
    "unequal-pair": _unequal_pair,
    "hierarchy": lambda _: hierarchy(),
    "simplex": _simplex,
    "digits": lambda _: digits(),
    "overlapping": _overlapping,
    "atoms": _atoms,
}
"""Densities by name, at a seed: that of the means of `DRAWN`. Those of networks are their data sets."""

DRAWN = ("overlapping", "atoms")
"""Densities whose means are other draws at each seed, so that intervals are over them; they have no optimum."""


def of_density(name: str, file: str | Path | None = None, plan: Plan = PLANS["full"]) -> xr.Dataset:
    """Errors of samplers at the levels of each rule, for one density.

    Parameters
    ----------
    name
        One of `DENSITIES`.
    file
        File of networks, whose mixture replaces ours: the networks without damage, at the end of their training, one at
        each seed.
    plan
        Numbers of calls, seeds, and samples at each.

    Returns
    -------
    Dataset
        Errors of shape (density, score, solver, calls, rule, seed) in units of the data, NaN where there is no network, of a
        sampler no trajectory, or of means that are drawn no optimum.
    """
    made = _errors(name, None if file is None else _trained(read(file)), plan)
    return made.expand_dims("density").assign_coords(density=("density", [name], {"long_name": "density"}))


def _errors(name: str, networks: Networks | None, plan: Plan) -> xr.Dataset:
    """Errors of one density, (score, solver, calls, rule, seed)."""
    shape = len(SCORES), len(SAMPLERS), len(plan.calls), len(RULES), plan.seeds
    errors = {measure: np.full(shape, np.nan) for measure in MEASURES}
    floors = {floor: np.full((len(SCORES), plan.seeds), np.nan) for floor in FLOORS}
    spaced = None
    for i in range(plan.seeds):
        if spaced is None or name in DRAWN:
            spaced = _spaced(networks.mixture if networks else DENSITIES[name](i + 1), networks)
        rules = [rule for rule in RULES if rule != OPTIMUM or name not in DRAWN]
        scores: list[Score | None] = [None] if networks is None else [None, _network(networks, i)]
        for s, score in enumerate(scores):
            judge = judge_of(spaced.truth, spaced.ends, score, plan.samples, i + 1)
            for floor, value in judge.floors().items():
                floors[floor][s, i] = value
            for measure, values in _judged(judge, spaced, rules, plan).items():
                errors[measure][s, :, :, : len(rules), i] = values
    found = {**errors, **floors}
    axes = {"score": list(SCORES), "solver": list(SAMPLERS), "rule": list(RULES)}
    coordinates = {
        key: (key, values, attributes(key) if key != "score" else {"long_name": "score"}) for key, values in axes.items()
    }
    numbers = {
        "calls": ("calls", list(plan.calls), attributes("calls")),
        "seed": ("seed", np.arange(1, plan.seeds + 1), SEED),
    }
    return xr.Dataset({v.name: (v.dims[1:], found[v.name], v.attributes()) for v in STUDIED}, coordinates | numbers)


SEED = {"long_name": "seed of starts, of data and of training", "units": "1"}


def _judged(judge: Judge, spaced: Spaced, rules: Sequence[str], plan: Plan) -> dict[str, np.ndarray]:
    """Errors (solver, calls, rule) by measure."""
    made = {measure: np.empty((len(SAMPLERS), len(plan.calls), len(rules))) for measure in MEASURES}
    for j, (solver, eta) in enumerate(SAMPLERS.values()):
        for i, calls in enumerate(plan.calls):
            rows = spaced.rows(rules, steps_within(solver, calls, to_zero=True), levels_for(solver))
            values = judge.judged(rows, solver, eta)
            for measure in MEASURES:
                made[measure][j, i] = values[measure]
    return made


def _spaced(density: xr.Dataset, networks: Networks | None) -> Spaced:
    """Levels of a density between its ends, within those of its networks' training."""
    truth = truth_of(density)
    clean, _ = truth.draws(2000, 0)
    widest = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(clean.T)))[-1]))
    least, most = (0.0, np.inf) if networks is None else networks.architecture.sigma_range
    return Spaced(density, Ends(min(SPAN[1] * widest, most), max(SPAN[0] * widest, least), to_zero=True), None, 0)


def _trained(networks: Networks) -> Networks:
    """Of the networks those without damage at the end of their training, (seed, parameter)."""
    chosen = networks.parameters
    for dim in chosen.dims[:-1]:
        if dim == "damage":
            chosen = chosen.sel(damage="none", drop=True)
        elif dim != "seed":
            chosen = chosen.isel({dim: -1}, drop=True)
    return networks._replace(parameters=chosen if "seed" in chosen.dims else chosen.expand_dims(seed=[0]))


def _network(networks: Networks, number: int) -> Score:
    """One network a seed, over again where there are fewer."""
    seeds = networks.parameters.seed.values
    return networks.score(seed=seeds[number % len(seeds)])
