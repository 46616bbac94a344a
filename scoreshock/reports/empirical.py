"""Class decisions by the empirical score in a report: what the samples say without a model, beside the model's numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator
from scipy.special import entr

from scoreshock.conventions import Status, attributes, attributes_among, variables
from scoreshock.densities.tables.labels import classes_of
from scoreshock.densities.tables.rows import parts
from scoreshock.densities.tables.table import Table
from scoreshock.figures.style import short
from scoreshock.kernels.numerics.counter_rng import normals
from scoreshock.quantities.decisions import DECISIONS
from scoreshock.quantities.empirical import empirical_decisions
from scoreshock.quantities.shared_variables import along

MOST, NUMBERS = 1000, 2**23
"""Most samples on either side, and most numbers of these (64 MiB): time and memory grow with the square and with these."""

SHARES = {"decision begins": 0.95, "half decided": 0.5, "decided": 0.05}
"""Share of the class entropy that remains at each moment of the decision window."""

STREAM = 1 << 29
"""Stream of random numbers by which samples are chosen."""

AGREE = 2.0
"""Standard errors of their difference within which two noise levels agree (ours)."""

ROUTES = ("model", "empirical")
OF_BOTH = ("class_entropy", "class_entropy_error", "one_minus_cloning", "one_minus_cloning_error", "decisions_status")
CURVE = tuple(along(each, "route", "tau") for each in DECISIONS if each.name in OF_BOTH)
LEVELS = variables(
    """
    sigma_empirical(moment), empirical_status: noise level of the moment by the empirical score of the samples
        | Where the share of the class entropy remains; interpolated between the noise levels of the curve.
    sigma_empirical_error(moment), empirical_status: standard error of sigma_empirical
        | Over held-out samples.
    empirical_status(moment): outcome of the empirical route
    """
)


class Samples(NamedTuple):
    """Some samples of a table in the units of its model, and the class of each."""

    features: np.ndarray
    labels: np.ndarray


def samples_of(table: Table, mixture: xr.Dataset, seed: int) -> Samples:
    """At most twice `MOST` samples of a labelled table, drawn by ``seed``, in the units of its ``mixture``.

    The table is read once, in slices.
    """
    x = table.features
    count, d = x.shape
    most = min(count, 2 * max(2, min(MOST, NUMBERS // d)))
    chosen = np.sort(np.argsort(normals(seed, np.arange(count), STREAM), kind="stable")[:most])
    rows, start = [], 0
    for part in parts(x):
        block = np.asarray(x[part], dtype=float)
        rows.append(block[chosen[(chosen >= start) & (chosen < start + len(block))] - start])
        start += len(block)
    names, member = classes_of(table.labels, count)
    offset = float(mixture.get("feature_offset", xr.DataArray(0.0)))
    return Samples((np.concatenate(rows) - offset) / mixture.feature_scale.values, np.asarray(names)[member[chosen]])


def with_routes(curve: xr.Dataset, samples: Samples | None, seed: int) -> xr.Dataset:
    """The ``curve`` of the model along ``route``, with that of the samples and the noise levels of its moments, if any.

    Classes of which fewer than two samples were drawn are left out of the empirical one.
    """
    routes, moments, used = [curve], {}, 0
    if samples is not None:
        names, count = np.unique(samples.labels, return_counts=True)
        kept = np.isin(samples.labels, names[count > 1])
        found = empirical_decisions(samples.features[kept], samples.labels[kept], curve.tau.values, samples=MOST, seed=seed)
        shares, used = count[count > 1] / kept.sum(), int(kept.sum())
        moments = _levels(found, float(entr(shares).sum()))
        routes.append(found)
    both = {
        each.name: (("route", "tau"), np.stack([route[each.name].values for route in routes]), attributes_among(each, CURVE))
        for each in CURVE
    }
    labels = {"route": ("route", list(ROUTES[: len(routes)]), attributes("route")), "tau": curve.tau}
    named = {"moment": ("moment", list(SHARES), attributes("moment"))}
    return xr.Dataset(both | moments, labels | named).assign_attrs(empirical_samples=used)


def onto(moments: xr.Dataset, curve: xr.Dataset) -> xr.Dataset:
    """The moments with the noise levels by the samples, ``not_applicable`` where these have none."""
    names = [each.name for each in LEVELS]
    if names[0] not in curve:
        return moments
    fill = {name: Status.not_applicable if name.endswith("status") else np.nan for name in names}
    whole = curve[names].reindex(moment=moments.moment.values, fill_value=fill)
    described = {each.name: (("moment",), whole[each.name].values, attributes_among(each, LEVELS)) for each in LEVELS}
    return moments.assign(described).assign_attrs(empirical_samples=curve.attrs["empirical_samples"])


def cell(moment: xr.Dataset) -> str:
    """Noise level of a moment by the samples, with its error, for the table."""
    if int(moment.empirical_status) != Status.ok:
        return ""
    return f"{short(moment.sigma_empirical.item())} ± {moment.sigma_empirical_error.item():.2g}"


def _levels(found: xr.Dataset, whole: float) -> dict[str, Any]:
    """Noise levels at which shares of the entropy ``whole`` of the labels remain, by monotone interpolation in ln sigma."""
    good = (found.decisions_status == Status.ok).values
    log_sigma = 0.5 * np.log(2 * found.tau.values[good])
    entropy = np.maximum.accumulate(found.class_entropy.values[good])
    rows = []
    for share in SHARES.values():
        goal = share * whole
        if good.sum() < 2 or not entropy[0] < goal < entropy[-1]:
            low = bool(good.any()) and entropy[0] >= goal
            rows.append((np.nan, np.nan, Status.below_data_variance if low else Status.unresolved))
            continue
        rising = np.concatenate([[True], np.diff(entropy) > 0])
        at = float(PchipInterpolator(entropy[rising], log_sigma[rising])(goal))
        slope = float(PchipInterpolator(log_sigma, entropy).derivative()(at))
        error = float(np.interp(at, log_sigma, found.class_entropy_error.values[good]))
        rows.append((np.exp(at), np.exp(at) * error / slope, Status.ok))
    columns = zip(*rows, strict=True)
    return {
        each.name: ("moment", np.asarray(column, dtype=each.dtype), attributes_among(each, LEVELS))
        for each, column in zip(LEVELS, columns, strict=True)
    }


def agreement(moments: xr.Dataset) -> list[str]:
    """Which moments of the decision window the samples say, and which agree with the model."""
    if "sigma_empirical" not in moments:
        return []
    alike: list[str] = []
    apart: list[str] = []
    unseen: list[str] = []
    for name in SHARES:
        one = moments.sel(moment=name)
        if int(one.empirical_status) != Status.ok:
            unseen.append(name)
        elif np.isfinite(one.sigma):
            whole = np.hypot(one.sigma_empirical_error.item(), model_error(one))
            near = abs(one.sigma_empirical.item() - one.sigma.item()) <= AGREE * whole
            (alike if near else apart).append(name)
    verb = {True: ("agrees", "does", "is"), False: ("agree", "do", "are")}
    said = [
        f"{', '.join(names)} {words}"
        for names, words in (
            (alike, f"{verb[len(alike) == 1][0]} with the model within two standard errors"),
            (apart, f"{verb[len(apart) == 1][1]} not"),
            (unseen, f"{verb[len(unseen) == 1][2]} not reached"),
        )
        if names
    ]
    count = moments.attrs["empirical_samples"]
    return [f"By the empirical score of {count:,} samples, without a model, half of them held out: {'; '.join(said)}."]


def model_error(moment: xr.Dataset) -> float:
    """Standard error of a moment's noise level: of the draws and, where it is known, of the data."""
    of_data = float(moment.get("sigma_error", xr.DataArray(0.0)))
    return float(np.hypot(np.nan_to_num(of_data), np.nan_to_num(moment.sigma_numerical_error.item())))
