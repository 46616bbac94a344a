"""Which rule spaces a sampler's steps best, and by how much, from the errors of `step_study`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.stats import t as student

from scoreshock.conventions import Status, flag_attributes, variables
from scoreshock.networks.step_findings import CONFIDENCE, findings
from scoreshock.networks.step_study import MEASURES, OPTIMUM

LEADS = variables(
    """
    advantage(measure, density, score, solver, calls): error of the next best rule over that of the winner
        | Of means over seeds; the optimum is not counted.
    lead(measure, density, score, solver, calls): difference of the errors of the next best rule and the winner
        | Mean over seeds.
    lead_error(measure, density, score, solver, calls): half width of the 95 % interval of lead
        | Student's, of the differences at each seed.
    optimum_ratio(measure, density, score, solver, calls): error of the winner over that of the optimum | Of their means.
    """
)


def joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """The results of `step_study.of_density` in one dataset, and which rule wins by how much.

    Of shape (measure, density, score, solver, calls) are the ``winner``, the ``next_best`` rule and the winner's lead. The
    attribute ``findings`` says it in sentences.
    """
    found = with_winners(xr.concat(parts, "density", join="exact"))
    return found.assign_attrs(findings="\n".join(findings(found)))


def with_winners(found: xr.Dataset) -> xr.Dataset:
    """The errors, with the best rule of each combination of the other axes, and its lead over the next best."""
    every = xr.concat([found[measure] for measure in MEASURES], "measure").transpose(
        "measure", "density", "score", "solver", "calls", "rule", "seed"
    )
    own = every.drop_sel(rule=OPTIMUM)
    ranked = np.argsort(own.mean("seed").values, axis=-1, kind="stable")
    best, following = (np.take_along_axis(own.values, ranked[..., i, None, None], axis=-2)[..., 0, :] for i in (0, 1))
    there = np.isfinite(best).all(axis=-1)
    apart = following - best
    count = apart.shape[-1]
    names = own.rule.values.astype(str)
    with np.errstate(all="ignore"):
        numbers = {
            "advantage": following.mean(axis=-1) / best.mean(axis=-1),
            "lead": apart.mean(axis=-1),
            "lead_error": student.ppf(0.5 + CONFIDENCE / 2, count - 1) * apart.std(axis=-1, ddof=1) / np.sqrt(count),
            "optimum_ratio": best.mean(axis=-1) / every.sel(rule=OPTIMUM).values.mean(axis=-1),
        }
    dims = ("measure", "density", "score", "solver", "calls")
    told = {v.name: (dims, numbers[v.name], v.attributes()) for v in LEADS}
    for i, (name, text) in enumerate((("winner", "rule of the least error"), ("next_best", "rule of the next least error"))):
        told[name] = (dims, np.where(there, names[ranked[..., i]], ""), {"long_name": text})
    told["winner_status"] = (dims, _outcome(there, numbers["lead"], numbers["lead_error"]), OUTCOME)
    measure = {"measure": ("measure", list(MEASURES), {"long_name": "measure of the error"})}
    return found.assign(told).assign_coords(measure)


OUTCOME = flag_attributes(Status) | {
    "long_name": "outcome of the winner",
    "description": "unresolved where the interval of the lead has 0 in it; not_applicable where nothing is compared.",
}


def _outcome(there: np.ndarray, lead: np.ndarray, error: np.ndarray) -> np.ndarray:
    decided = np.where(lead > error, Status.ok, Status.unresolved)
    return np.where(there, decided, Status.not_applicable).astype(np.int8)
