"""The diagnosis of a learned score as a page: findings, errors, layers, weights of modes, divergences."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from markupsafe import Markup

from scoreshock.checks import show
from scoreshock.conventions import WORDS, Status
from scoreshock.figures import diagnosis as figures
from scoreshock.figures import page as figure_page
from scoreshock.figures.description import Panel
from scoreshock.figures.style import short
from scoreshock.pages import shell, templates
from scoreshock.storage import store
from scoreshock.storage.staging import write_file

FILES = "diagnosis.nc", "diagnosis.html"
TITLE = "Diagnosis of a learned score"
NONE = "–"

SHOWN = 12
"""Rows of a table above which it is folded up."""


class Table(NamedTuple):
    """A table, folded up behind its summary if that is not empty."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    summary: str = ""


class Section(NamedTuple):
    """A part of the page: heading, figure as HTML, what a reader must know of it, tables."""

    anchor: str
    title: str
    figure: Markup
    caption: str
    tables: Sequence[Table]


def diagnosis_report(found: xr.Dataset, folder: str | Path, source: str = "") -> Path:
    """Write what :func:`diagnose` found as a page with figures and tables, and its data beside it.

    Parameters
    ----------
    found
        Result of :func:`diagnose`.
    folder
        Gets ``diagnosis.html``, ``diagnosis.nc`` and the script that draws figures; created where it is not there.
    source
        What the score is of, in words.

    Returns
    -------
    Path
        The page. It asks for nothing outside of its folder.

    Raises
    ------
    ValueError
        For a dataset that is no result of :func:`diagnose`, or has sweep dimensions; a folder that is no path, a source that
        is no text.

    Examples
    --------
    >>> import tempfile, scoreshock as ss
    >>> pair = ss.mixture([-1.0, 1.0], variance=0.09)
    >>> wrong = ss.learned_score(lambda x, tau: ss.score(pair, x, tau[0]).values + 0.1)
    >>> found = ss.diagnose(wrong, pair, sigma=3, samples=100)
    >>> folder = tempfile.TemporaryDirectory()
    >>> ss.diagnosis_report(found, folder.name, "a pair, shifted").name
    'diagnosis.html'
    """
    _check(found)
    if not isinstance(folder, str | os.PathLike):
        raise ValueError(f"folder = {show(folder)} is not allowed; allowed: the path of a folder")
    if not isinstance(source, str):
        raise ValueError(f"source = {show(source)} is not allowed; allowed: text")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    data, page = (target / name for name in FILES)
    store.write(found.assign_attrs(title=source or TITLE), data, {})
    script = shell.script_beside(target)
    body = templates.environment("scoreshock.reports").get_template("diagnosis.html.j2")
    text = body.render(
        title=TITLE,
        source=source,
        findings=str(found.attrs["findings"]).splitlines(),
        sections=[section for section in _sections(found, script) if section.figure],
        notes=list(_notes(found)),
    )
    write_file(shell.page(TITLE, text, script=script, wide=True), page)
    return page


def _check(found: Any) -> None:
    allowed = "allowed: what ss.diagnose returns"
    if not isinstance(found, xr.Dataset) or not {"score_error", "layer_height"} <= set(found.data_vars):
        raise ValueError(f"found = {show(found)} is not allowed; {allowed}")
    if found.score_error.dims != ("sigma",) or "findings" not in found.attrs:
        dims = ", ".join(str(name) for name in found.score_error.dims if name != "sigma") or "no findings"
        raise ValueError(f"found has {dims}; {allowed}, one diagnosis")


def _sections(found: xr.Dataset, script: str) -> Iterator[Section]:
    def drawn(panels: list[Panel]) -> Markup:
        return Markup(figure_page.on_page(panels, script)) if panels else Markup()

    panels = [figures.errors(found), figures.parts(found), figures.shares(found), figures.equation(found)]
    about = (
        "Errors are averages over the true density at each noise level; a point is in the layer where its two most probable "
        "components are within log odds 2. What moves the density is the error's gradient part."
    )
    yield Section("errors", "Where the score is wrong", drawn(panels), about, [_levels(found)])
    about = (
        "Solid: the learned score along the normal through the boundary; dashed: the true one. Height, width and position "
        "are those of the hyperbolic tangent that fits best; growth is how many times larger a displacement is at the end."
    )
    yield Section("layers", "Layers between the modes", drawn(figures.layers(found)), about, [_layers(found)])
    about = "Predicted: to first order, from the flux of the error across the layers. Crosses are standard errors."
    tables = [_weights(found), _divergences(found)]
    yield Section("weights", "Weights of the modes, and divergence", drawn([figures.weights(found)]), about, tables)


def _levels(found: xr.Dataset) -> Table:
    """A row for each noise level, from noise to data."""
    heading = (
        "sigma",
        "relative error",
        "in the layer",
        "outside",
        "moves the density, from",
        "to",
        "share of KL",
        "residual",
    )
    rows = []
    for level in range(found.sizes["sigma"])[::-1]:
        one = found.isel(sigma=level)
        square = float(one.score_error) ** 2
        bounds = [one.gradient_square, one.gradient_square_upper]
        rows.append(
            (
                short(float(one.sigma)),
                _percent(float(one.score_error_relative)),
                *(_number(float(one.region_error.sel(region=name))) for name in ("layer", "outside")),
                *(_percent(min(max(float(bound) / square, 0.0), 1.0)) if square else NONE for bound in bounds),
                _percent(float(one.kl_share)),
                _percent(float(one.equation_residual.sel(equation="burgers"))),
            )
        )
    return _folded(heading, rows, "noise levels")


def _layers(found: xr.Dataset) -> Table:
    """A row for each layer that has probability, from noise to data."""
    heading = ("components", "sigma", "probability", "height", "width", "position", "Lax condition", "growth")
    rows = []
    seen = (found.layer_probability > figures.SEEN).values
    for pair, level in zip(*np.nonzero(seen), strict=True):
        one = found.isel(boundary_pair=pair, sigma=level)
        status = Status(int(one.layer_status))
        if status not in (Status.ok, Status.unresolved):
            continue
        ratios = one.layer_height / one.layer_height_true, one.layer_width / one.layer_width_true
        measured = (*(_number(float(ratio)) for ratio in ratios), f"{float(one.layer_position):+.2f}")
        rows.append(
            (
                f"{int(one.component_first)} and {int(one.component_second)}",
                short(float(one.sigma)),
                _percent(float(one.layer_probability)),
                *(measured if status == Status.ok else (status.name, NONE, NONE)),
                {1: "holds", 0: "fails"}.get(int(one.lax), NONE),
                _number(10 ** float(one.layer_growth)),
            )
        )
    return _folded(heading, rows, "layers")


def _weights(found: xr.Dataset) -> Table:
    """A row for each component: its change as predicted and as generated, by sampler."""
    samplers = [str(name) for name in found.sampler.values]
    heading = ("component", *(f"{name}: {each}" for name in samplers for each in ("predicted", "generated")))
    names = [(each, f"{each}_error") for each in ("predicted_mode_weight", "mode_weight_change")]
    rows = []
    for component in range(found.sizes["component"]):
        one = found.isel(component=component)
        cells = [
            f"{100 * float(one[value][number]):+.2f} ± {100 * float(one[error][number]):.2f} %"
            for number in range(len(samplers))
            for value, error in names
        ]
        rows.append((str(component), *cells))
    return _folded(heading, rows, "components")


def _divergences(found: xr.Dataset) -> Table:
    """A row for each sampler: what is measured, and the bounds on both sides."""
    heading = ("sampler", "KL at least", "KL measured", "KL at most", "total variation at least", "measured", "at most")
    rows = []
    for name in found.sampler.values:
        one = found.sel(sampler=name)
        status = Status(int(one.divergence_status))
        kl, tv = (
            f"{float(one[f'{each}_measured']):.3g} ± {float(one[f'{each}_measured_error']):.1g}" for each in ("kl", "tv")
        )
        bounds = [_number(float(found[each])) for each in ("kl_gradient_upper", "tv_bound")]
        most = bounds if name != "flow" and float(found.noise_share) > 0 else [NONE, NONE]
        rows.append(
            (
                str(name),
                f"{float(one.kl_shares):.3g} ± {float(one.kl_shares_error):.1g}",
                kl if status == Status.ok else status.name,
                most[0],
                _number(float(one.tv_shares)),
                tv if status == Status.ok else status.name,
                most[1],
            )
        )
    return Table(heading, rows)


def _notes(found: xr.Dataset) -> Iterator[str]:
    """Sentences: what is left out, and what statuses mean."""
    levels = found.sigma.values
    yield f"Noise levels sigma = sqrt(2 tau) from {short(levels[0])} to {short(levels[-1])}; samples start from the truth."
    yield "KL at least: of the shares of components. KL at most holds for the reverse SDE; the flow has no such bound."
    if float(found.noise_share) != 1:
        yield f"Bounds are for the share {short(float(found.noise_share))} of the noise, samples of the reverse SDE for all."
    if left := found.attrs.get("pairs_left_out"):
        yield f"Not shown: {left}."
    seen = found.layer_status.values[found.layer_probability.values > figures.SEEN]
    if without := int(((seen != Status.ok) & (seen != Status.unresolved)).sum()):
        yield f"{without} of {seen.size} boundaries with probability, each at one noise level, have no layer of their own."
    given = {*found.divergence_status.values.tolist(), *(seen[seen == Status.unresolved]).tolist()} - {Status.ok}
    for status in sorted(map(Status, given)):
        yield f"{status.name}: {WORDS[status.name]}."


def _folded(heading: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> Table:
    return Table(heading, rows, f"{len(rows)} {what}" if len(rows) > SHOWN else "")


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else NONE if np.isnan(value) else "∞"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if np.isfinite(share) else NONE
