"""What a study of steps says, in sentences: which rule wins where, where the rules of the layer do, and published facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.stats import t as student

from scoreshock.conventions import Status

OURS = {
    "layer": "The rule of the layer (section 11.2)",
    "bound": "The least bound (52)",
    "rescaled": "Rescaled entropic time",
    "entropic": "Entropic time",
}
"""Rules that are computed of the density, and how a sentence about one begins."""

PUBLISHED = ("overlapping", "atoms")
"""Densities on which entropic and rescaled entropic time were compared (Stancevic, Handke, Ambrogioni 2025)."""

CONFIDENCE = 0.95
LISTED = 4

WORDS = {
    "trajectory_error": "trajectory error",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "mode_weight_error": "mode weights",
}


def compared(found: xr.Dataset, measure: str, one: str, other: str) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Error of one rule over that of another, and the mean and half width of the 95 % interval of their difference.

    Over seeds, of shape (density, score, solver, calls).
    """
    mine, others = (found[measure].sel(rule=rule, drop=True) for rule in (one, other))
    apart, count = mine - others, found.sizes["seed"]
    width = student.ppf(0.5 + CONFIDENCE / 2, count - 1) * apart.std("seed", ddof=1) / np.sqrt(count)
    return mine.mean("seed") / others.mean("seed").where(others.mean("seed") > 0), apart.mean("seed"), width


def findings(found: xr.Dataset) -> list[str]:
    """Sentences about who wins, for each measure and score, and about published facts."""
    told = [sentence for score in found.score.values for sentence in _of_score(found.sel(score=[score]))]
    return [*told, *_against_optimum(found), *_gaussian(found), *_entropic(found), *_trained(found)]


def _of_score(found: xr.Dataset) -> Iterator[str]:
    score = str(found.score.item())
    for measure in found.measure.values:
        part = found.sel(measure=measure)
        there = part.winner_status != Status.not_applicable
        if not bool(there.any()):
            continue
        won = _won(part)
        counts = Counter(part.winner.values[won].tolist())
        names = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        decided = f"{int(won.sum())} of {int(there.sum())}"
        yield (
            f"By {WORDS[str(measure)]}, with {score} scores, one rule is best in {decided} combinations of density, "
            f"solver and calls (95 %)" + (f": {names}." if names else ".")
        )
        if measure == "trajectory_error":
            yield from (_own(part, rule, words) for rule, words in OURS.items())


def _combinations(count: int) -> str:
    return f"{count} combination{'' if count == 1 else 's'}"


def _won(part: xr.Dataset) -> np.ndarray:
    return part.winner_status.values == Status.ok


def _own(part: xr.Dataset, rule: str, words: str) -> str:
    """Where a rule that is computed of the density wins, and what it costs elsewhere."""
    score, error = str(part.score.item()), part.trajectory_error.mean("seed")
    rivals = error.drop_sel(rule="optimum")
    ratio = (rivals.sel(rule=rule) / rivals.min("rule")).values
    mine = _won(part) & (part.winner.values == rule)
    places = [
        f"{part.density.values[i]} with {part.solver.values[k]} at {part.calls.values[n]}"
        for i, _, k, n in np.argwhere(mine).tolist()
    ]
    more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
    where = f": {'; '.join(places[:LISTED])}{more}" if places else ""
    numbers = ratio[np.isfinite(ratio)]
    return (
        f"{words} wins {len(places)} of them with {score} scores{where}. Everywhere its error is {np.median(numbers):.3g} "
        f"times the best rule's in the median, {numbers.max():.3g} times at most."
    )


def _against_optimum(found: xr.Dataset) -> Iterator[str]:
    """Where the optimum, of other starts, loses to a rule."""
    part = found.sel(measure="trajectory_error", score="exact")
    ratio = part.optimum_ratio.values
    there = np.isfinite(ratio)
    lost = there & (ratio < 1)
    if there.any():
        yield (
            f"Levels that are the optimum of 256 trajectories lose to a rule at other starts in {int(lost.sum())} of "
            f"{int(there.sum())} combinations, where few trajectories near boundaries make the error; the best rule has "
            f"{np.median(ratio[there]):.3g} times its error in the median."
        )


def _gaussian(found: xr.Dataset) -> Iterator[str]:
    if "gaussian" in found.density.values:
        ratio, _, _ = compared(found, "trajectory_error", "rescaled", "optimum")
        own = ratio.sel(density="gaussian", score="exact", solver="euler")
        yield (
            f"Of one Gaussian the rescaled levels are Euler's optimum (Sabour et al. 2024): their error is "
            f"{float(own.min()):.3f} to {float(own.max()):.3f} times the searched one's."
        )


def _entropic(found: xr.Dataset) -> Iterator[str]:
    """Entropic against rescaled time where both were compared by others."""
    for density in PUBLISHED:
        if density not in found.density.values:
            continue
        for measure in found.measure.values:
            parts = compared(found, str(measure), "entropic", "rescaled")
            ratio, apart, width = (part.sel(density=density, score="exact") for part in parts)
            there = int(apart.notnull().sum())
            wins, loses = (sign * apart > width for sign in (-1, 1))
            places = "; ".join(_places(ratio, wins))
            best = f" ({places})" if places else ""
            yield (
                f"{density.capitalize()}, by {WORDS[str(measure)]}: entropic time is better than rescaled in "
                f"{int(wins.sum())}{best}, worse in {int(loses.sum())} of {there} combinations (95 % each, over draws)."
            )


def _places(ratio: xr.DataArray, chosen: xr.DataArray) -> list[str]:
    """Solvers with calls at which something is, and the ratios there."""
    there = {str(solver): chosen.sel(solver=solver).values for solver in chosen.solver.values}
    return [
        f"{solver} at {', '.join(f'{n} ({r:.2f} times)' for n, r in zip(*_at(ratio.sel(solver=solver), yes), strict=True))}"
        for solver, yes in there.items()
        if yes.any()
    ]


def _at(ratio: xr.DataArray, yes: np.ndarray) -> tuple[list[int], list[float]]:
    return ratio.calls.values[yes].tolist(), ratio.values[yes].tolist()


def _trained(found: xr.Dataset) -> Iterator[str]:
    """Whether the winner with trained scores is that with exact ones."""
    for measure in found.measure.values:
        exact, trained = (found.sel(measure=measure, score=score) for score in ("exact", "trained"))
        both = _won(exact) & _won(trained)
        if both.any():
            same = int((exact.winner.values == trained.winner.values)[both].sum())
            yield (
                f"By {WORDS[str(measure)]}, of {_combinations(int(both.sum()))} that both scores decide, the winner is the "
                f"same in {same}."
            )
