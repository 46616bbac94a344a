"""Figures of a sampler's steps: which rule wins where, by how much each is worse than the best, and the rules' levels."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.annotation import on_image
from scoreshock.figures.description import FOLLOWING, Choice, Image, Labels, Line, Mark, Panel, figure
from scoreshock.figures.selection import selected
from scoreshock.figures.slices import not_used
from scoreshock.figures.style import DASHES, OKABE_ITO, SOLID, WIDTH, colours

SHORT = {"align-your-steps": "AYS", "log-snr": "log-SNR", "gits": "GITS", "karras": "Karras"}
"""Names of rules in cells and on axes, where they are others."""

SOLVERS = {"euler": "Euler", "heun": "Heun", "dpmpp-2m": "DPM-Solver++(2M)"}
"""Names of solvers in titles; of others the share of noise η follows the name."""

REFERENCE = "optimum"

WORDS = {
    "trajectory_error": "trajectory error",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "mode_weight_error": "error of mode weights",
}
"""Measures, the first of them with numbers being drawn."""

MOST = {"advantage": 1.5, "ratio": 3.0}
"""Values from which on the colour is the last: of the next best rule over the winner, of a rule over the best."""

LETTERS = 11
"""Most letters in a line of a density's name."""

OPEN = "–"
"""Text of a cell without a winner."""


@figure(of="steps")
def steps(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Rule whose noise levels have the least error, for each density and number of calls of the score, and its lead.

    The colour is the error of the next best rule over the winner's. Of a dataset of `scoreshock.networks.step_winners`.
    """
    kept = selected(dataset, choice.select)
    note = not_used(choice, dataset.dims)
    scores = [str(name) for name in kept.score.values]
    own = [(_measured(kept.sel(score=s, solver=k)), s) for s in scores for k in kept.solver.values]
    won = [(part, score) for part, score in own if part is not None and bool((part.winner_status == Status.ok).any())]
    left = [name for name in map(str, kept.solver.values) if name not in [str(part.solver.item()) for part, _ in won]]
    notes = (note, f"Without a winner anywhere: {', '.join(left)}." if left else "")
    return [_winners(part, score if len(scores) > 1 else "", notes) for part, score in won]


def _measured(part: xr.Dataset) -> xr.Dataset | None:
    """A part of the dataset at the first measure that has numbers, None where none has."""
    for name in part.measure.values:
        one = part.sel(measure=name)
        if bool((one.winner_status != Status.not_applicable).any()):
            return one
    return None


def _winners(part: xr.Dataset, score: str, told: tuple[str, ...]) -> Panel:
    """Winners over calls and densities of one solver."""
    part = part.isel(density=(part.winner_status != Status.not_applicable).any("calls").values)
    part = part.transpose("density", "calls", ...).isel(density=slice(None, None, -1))
    won = part.winner_status.values == Status.ok
    colour = np.where(won, np.minimum(part.advantage.values, MOST["advantage"]), np.nan)
    x, y = (np.arange(part.sizes[name], dtype=float) for name in ("calls", "density"))
    image = Image(x, y, colour, "next best over winner", bounds=(1.0, MOST["advantage"]))
    j, i = np.indices(won.shape).reshape(2, -1)
    names = [_short(name) if yes else OPEN for name, yes in zip(part.winner.values.ravel(), won.ravel(), strict=True)]
    title = ", ".join(filter(None, [_solver(part), score and f"{score} score", WORDS[str(part.measure.item())]]))
    open_cells = f"{OPEN}: no winner, the interval of 95 % of its lead has 0 in it."
    notes = (f"{open_cells} AYS: align-your-steps. Colours end at {MOST['advantage']}.", *told)
    axes: dict[str, Any] = {
        "xnames": tuple(map(str, part.calls.values)),
        "ynames": tuple(_in_lines(name) for name in part.density.values),
    }
    marks: tuple[Mark, ...] = (image, *on_image(image, x[i], y[j], names))
    return Panel(title, "calls of the score", "density", marks, notes=tuple(filter(None, notes)), **axes)


def _in_lines(name: str) -> str:
    """Name of a density, in lines as wide as the margin.

    Examples
    --------
    >>> _in_lines("eight-gaussians").split()
    ['eight', 'gaussians']
    """
    return "\n".join(textwrap.wrap(str(name).replace("-", " "), LETTERS))


def _short(name: str) -> str:
    return SHORT.get(str(name), str(name))


def _solver(part: xr.Dataset) -> str:
    """Name of the solver of a part of the dataset."""
    name, _, share = str(part.solver.item()).partition(" ")
    return SOLVERS.get(name, name) + (f" (η = {share})" if share else "")


@figure(of="steps")
def step_errors(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Error of each rule over that of the best rule, of one density, by number of calls; a star is the winner.

    The optimum is found by search and does not compete. Of a dataset of `scoreshock.networks.step_winners`.
    """
    kept = selected(dataset, choice.select)
    taken = {name: 0 for name in ("density", "score") if kept.sizes[name] > 1}
    notes = (captions.of_slice(kept.winner_status, taken), not_used(choice, dataset.dims))
    part = kept.isel(density=0, score=0)
    made = [_ratios(part.sel(solver=name), notes) for name in part.solver.values]
    return [panel for panel in made if panel is not None]


def _ratios(part: xr.Dataset, told: tuple[str, ...]) -> Panel | None:
    """Ratios to the best rule over calls and rules of one solver."""
    one = _measured(part)
    if one is None:
        return None
    name = str(one.measure.item())
    error = part[name].mean("seed").transpose("rule", "calls")
    error = error.isel(rule=error.notnull().any("calls").values)
    rules = [str(rule) for rule in error.rule.values]
    rivals = error.drop_sel(rule=[rule for rule in rules if rule == REFERENCE])
    order = np.argsort(-(rivals / rivals.min("rule")).mean("calls").values, kind="stable")
    shown = [rule for rule in rules if rule == REFERENCE] + [str(rivals.rule.values[i]) for i in order]
    with np.errstate(all="ignore"):
        ratio = (error / rivals.min("rule")).sel(rule=shown).values
    x, y = (np.arange(size, dtype=float) for size in (error.sizes["calls"], len(shown)))
    image = Image(x, y, np.clip(ratio, 1.0, MOST["ratio"]), "error over the best rule's", bounds=(1.0, MOST["ratio"]))
    j, i = np.nonzero(np.isfinite(ratio))
    won = (ratio == 1) & (np.array(shown) != REFERENCE)[:, None] & (one.winner_status.values == Status.ok)
    texts = ["★" if won[a, b] else _text(ratio[a, b]) for a, b in zip(j, i, strict=True)]
    axes: dict[str, Any] = {"xnames": tuple(map(str, part.calls.values)), "ynames": tuple(map(_short, shown))}
    marks: tuple[Mark, ...] = (image, *on_image(image, x[i], y[j], texts))
    title = f"{part.density.item()}, {_solver(part)}, {WORDS[name]}"
    notes = (f"Colours end at {MOST['ratio']:g}.", *told)
    return Panel(title, "calls of the score", "rule", marks, notes=tuple(filter(None, notes)), **axes)


def _text(ratio: float) -> str:
    """A ratio with two or three digits.

    Examples
    --------
    >>> _text(1.0), _text(1.3412), _text(23.4)
    ('1.00', '1.34', '23')
    """
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.0f}"


@figure(of="allocate_steps")
def step_levels(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise levels of a sampler by rule, over the steps; a last level of 0 is not drawn.

    Of a result of `scoreshock.allocate_steps`.
    """
    kept = selected(dataset.sigma_level, choice.select)
    tints = [tint for tint in colours(len(OKABE_ITO), ordered=False) if tint != OKABE_ITO[0]]
    marks: list[Line | Labels] = []
    for number, name in enumerate(kept.rule.values.astype(str)):
        levels = kept.sel(rule=name).values
        again = number // len(tints)  # of one colour the second line is dashed
        look: dict[str, Any] = {"dash": DASHES[again], "width": WIDTH}
        if name == REFERENCE:
            look = {"dash": SOLID, "width": 1.5 * WIDTH}
        there = levels > 0
        tint = OKABE_ITO[0] if name == REFERENCE else tints[number % len(tints)]
        marks.append(Line(kept.level.values[there], levels[there], _short(name), tint, **look))
    note = not_used(choice, dataset.dims)
    return [Panel("", "step", "noise level σ", tuple(marks), logy=True, notes=(note,) if note else ())]
