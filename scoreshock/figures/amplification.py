"""Figures of amplification: exponent and factor against the signal-to-noise ratio R of the layer, with their asymptotes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.curves import over, panels
from scoreshock.figures.description import FOLLOWING, Choice, Line, Panel, Points, figure
from scoreshock.figures.selection import selected, shown, swept
from scoreshock.figures.slices import not_used
from scoreshock.figures.style import DASHED, OKABE_ITO, WIDTH

GREATEST = 300.0
"""Greatest decimal logarithm of a factor that is drawn itself; of greater ones the logarithm is."""

RATE_INTEGRAL = 1
"""Value of ``exponent_kind``."""

POINTS = 60
"""Maximum number of points of a quadrature, spread evenly over them."""


@figure(of="amplification")
def exponent(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Amplification exponent Λ and factor e^Λ; of two components against the layer's signal-to-noise ratio R.

    The asymptote (57) is the closed form (55) without its constant -1/2, a factor of √e. Of other mixtures Λ is by
    quadrature, over the swept axes.
    """
    chosen = selected(dataset, choice.select)
    drawn = [] if choice.x or choice.lines or choice.panels else against_ratio(chosen)
    told = tuple(note for note in [not_used(choice, dataset.dims)] if note)
    return [replace(panel, notes=(*panel.notes, *told)) for panel in drawn] or over_axes(chosen, choice)


def over_axes(dataset: xr.Dataset, choice: Choice) -> list[Panel]:
    """Exponent by each method, and the factor, over the swept axes."""
    closed, integrated = (shown(dataset, name).load() for name in ("exponent", "exponent_quadrature"))
    words = {"long_name": "amplification exponent Λ", "units": "1"}
    decades = shown(dataset, "log10_factor").load()
    factor = (10.0 ** decades.where(decades <= GREATEST)).assign_attrs(long_name="amplification factor e^Λ", units="1")
    factors = over(factor, swept(factor), choice, logy=True) if swept(factor) else []
    if not bool(closed.notnull().any()):
        note, own = "By quadrature; the closed form (55) is of two components.", integrated.assign_attrs(words)
        alone = own.expand_dims(method=["quadrature"])
        exponents = over(own, swept(own), choice) if swept(own) else panels(alone, "method", choice, axis="method")
        return [replace(panel, notes=(note, *panel.notes)) for panel in (*exponents, *factors)]
    both = xr.concat([closed, integrated], xr.Variable("method", ["closed form", "quadrature"]))
    return [*panels(both.assign_attrs(words), "method", choice), *factors]


def asymptote(ratio: np.ndarray) -> np.ndarray:
    """The exponent for large ratios, R/2 - ln(R)/2 (57); the closed form is smaller by 1/2.

    Examples
    --------
    >>> asymptote(np.array([1.0]))
    array([0.5])
    """
    return (ratio - np.log(ratio)) / 2


def against_ratio(dataset: xr.Dataset) -> list[Panel]:
    """Exponent and factor of all points of a sweep of pairs against R, on which alone they depend."""
    wanted = dataset[["snr", "exponent", "exponent_quadrature", "log10_factor"]]
    ok = (dataset.amplification_status == Status.ok) & (dataset.quadrature_status == Status.ok)
    table = np.stack([each.where(ok).broadcast_like(ok).values.ravel() for each in wanted.values()])
    table = table[:, (table[0] > 1) & np.isfinite(table).all(axis=0)]
    table = table[:, np.unique(table[0], return_index=True)[1]]
    if table.shape[1] < 2:
        return []
    ratio, closed, integrated, decades = table
    some = np.unique(np.linspace(0, ratio.size - 1, min(ratio.size, POINTS)).round().astype(int))
    reference: dict[str, Any] = {"color": OKABE_ITO[7], "dash": DASHED, "width": WIDTH}
    exponents = (
        Line(ratio, closed, "closed form", width=WIDTH),
        Points(ratio[some], integrated[some], "quadrature of the rate", OKABE_ITO[5]),
        Line(ratio, asymptote(ratio), "asymptote R/2 − ½ ln R", **reference),
    )
    limit = asymptote(ratio) / np.log(10)
    large = decades.max() > GREATEST
    factor, limit = (decades, limit) if large else (10**decades, 10**limit)
    factors = (
        Line(ratio, factor, "factor e^Λ", width=WIDTH),
        Line(ratio, limit, "asymptote e^(R/2)/√R", **reference),
    )
    words = "log₁₀ of the amplification factor e^Λ" if large else "amplification factor e^Λ"
    look: dict[str, Any] = {"xlabel": "signal-to-noise ratio of the layer, R = a²/v", "logx": True, "logy": True}
    notes = _notes(dataset, ok)
    return [
        Panel(title="exponent", ylabel="amplification exponent Λ", marks=exponents, notes=notes, **look),
        Panel(title="factor", ylabel=words, marks=factors, notes=notes, **look),
    ]


def _notes(dataset: xr.Dataset, ok: xr.DataArray) -> tuple[str, ...]:
    """What is not drawn against R, and where the exponent is no Lyapunov exponent."""
    below = int((ok & (dataset.snr <= 1)).sum())
    kind = dataset.exponent_kind.broadcast_like(ok)
    rates = int((ok & (kind == RATE_INTEGRAL)).sum())
    return tuple(
        note
        for note in (
            captions.missing(shown(dataset, "exponent"), logy=False),
            f"{below:,} points with R <= 1 are not drawn: nothing is amplified." if below else "",
            f"At {rates:,} points of unequal weights Λ is an integral of rates, not a Lyapunov exponent." if rates else "",
        )
        if note
    )
