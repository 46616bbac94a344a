"""Results of speciation, made up or computed."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.densities.mixtures import mixture
from scoreshock.quantities.declaration import criteria_of
from scoreshock.quantities.sampling_times import schedule_samples
from scoreshock.schedules.schedule import schedule

CRITERIA = (*criteria_of(), "matched-gaussian")

OK, FLOOR, NO_ROOT, VOID = Status.ok, Status.below_data_variance, Status.no_real_root, Status.not_applicable


def merging_variance(weight: float) -> float:
    """Variance in units of a^2 at which the modes of a pair merge (Robertson and Fryer 1969)."""
    half = 0.5 * abs(math.log(weight / (1 - weight)))
    if half == 0:
        return 1.0
    delta = brentq(lambda d: d * math.sqrt(d * d - 1) - math.acosh(d) - half, 1, 100, xtol=1e-15)
    return delta**-2


def named(codes: xr.DataArray) -> list[str]:
    """Criteria by the flags of a variable that names them."""
    names = dict(zip(codes.attrs["flag_values"].tolist(), codes.attrs["flag_meanings"].split(), strict=True))
    return [names[code] for code in codes.values.ravel().tolist()]


def result(points: list[dict[str, tuple[float, Status]]], n_roots: list[int] | None = None, **extra: object) -> xr.Dataset:
    """A speciation result along ``separation`` from (time, status) by criterion."""
    names = [name for name in CRITERIA if name in points[0]]
    tau = np.array([[point[name][0] for name in names] for point in points])
    status = np.array([[point[name][1] for name in names] for point in points], dtype=np.int8)
    dims = ("separation", "criterion")
    return xr.Dataset(
        {
            "tau_star": (dims, tau),
            "status": (dims, status),
            "n_roots": ("separation", np.array(n_roots or [1] * len(points), dtype=np.int16)),
            **extra,
        },
        {"separation": np.arange(1.0, len(points) + 1), "criterion": names},
    )


def simple(**times: float) -> xr.Dataset:
    """A result of one point, all criteria ok; NaN means no real root."""
    return result([{name: (t, NO_ROOT if math.isnan(t) else OK) for name, t in times.items()}])


def placed(speciation: xr.Dataset, **clocks: object) -> xr.Dataset:
    """The result with its times in schedules."""
    parts = []
    for clock in clocks.values():
        time, status = clock.locate(speciation.tau_star)
        parts.append(
            xr.Dataset({"time": time, "time_status": status, "sampling_step": clock.sampling_step(speciation.tau_star)})
        )
    labels = xr.Variable("schedule", list(clocks))
    joined = xr.concat(parts, labels, coords="minimal", compat="override", join="exact").transpose(..., "schedule")
    return speciation.merge(joined, join="exact")


def outcomes(counts: xr.DataArray) -> dict[str, int]:
    """Counts of points by outcome, those that are not 0."""
    (dim,) = counts.dims
    return {str(name): int(n) for name, n in zip(counts[dim].values, counts.values, strict=True) if n}


MERGED = merging_variance(0.3)


THREE = math.sqrt(3) / 2


def random_sweep(seed: int = 0) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset]:
    """Results on 6 x 7 points in two schedules with every outcome that there is, corrections, mixture, samples, clock."""
    rng = np.random.default_rng(seed)
    names, shape = ["leading", "quadratic", "exact", "merging"], (6, 7)
    dims = ("separation", "weight")
    axes = {"separation": np.arange(1.0, 7.0), "weight": np.linspace(0.2, 0.8, 7)}
    clocks = {"ve": schedule("ve", t_end=2.0, steps=7), "vp": schedule("vp-linear", steps=20)}
    outcome = rng.choice([0, 0, 0, 0, -1, 1, 2, 3, 6], size=(*shape, 4)).astype(np.int8)
    speciation = xr.Dataset(
        {
            "tau_star": (
                (*dims, "criterion"),
                np.where(outcome == 0, rng.choice([0.5, 1.0, 2.5], size=(*shape, 4)), np.nan),
            ),
            "status": ((*dims, "criterion"), outcome),
            "n_roots": (dims, rng.integers(0, 3, shape).astype(np.int16)),
            "root_eigenmode": ((*dims, "root"), rng.integers(0, 2, (*shape, 2)).astype(np.int16)),
            "eigenvalue": ((*dims, "eigenmode"), np.broadcast_to([0.9, 0.4], (*shape, 2))),
        },
        {**axes, "criterion": names},
    )
    error_status = rng.choice([0, 0, 0, 4, 6], size=(*shape, 3)).astype(np.int8)
    error = np.where(error_status == 0, rng.normal(size=(*shape, 3)), np.nan)
    corrections = xr.Dataset(
        {
            "error": ((*dims, "order"), error),
            "error_relative": ((*dims, "order"), error / 3),
            "error_status": ((*dims, "order"), error_status),
            "tau_order": ((*dims, "order"), rng.uniform(0.1, 3.0, (*shape, 3))),
        },
        {**axes, "order": [0, 1, 2]},
    )
    weight = xr.DataArray(axes["weight"], dims="weight", coords={"weight": axes["weight"]})
    means = xr.DataArray([[-1.0], [1.0]], dims=("component", "feature"))
    pairs = mixture(means, xr.concat([1 - weight, weight], "component"), 0.25)
    return (
        placed(speciation, **clocks),
        corrections,
        pairs,
        schedule_samples(clocks),
        ss.schedule_time(corrections.tau_order, clocks),
    )
