"""Phase diagrams: fronts against the laws of a pair, and what the image leaves out."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.figures import phases
from scoreshock.figures.description import Choice, Contour, Image, Labels

SIGMA0 = 0.5
WEIGHTS = np.linspace(0.5, 0.95, 46)
LAST_WEIGHT = 0.646747
"""Weight of a pair above which the exact criterion has no root: minority weight 0.353253."""


@pytest.fixture(scope="module")
def times() -> xr.Dataset:
    pair = ss.families.pair(separation=np.linspace(0.3, 3.0, 136), variance=SIGMA0**2, weight=WEIGHTS)
    return ss.speciation(pair)


@pytest.fixture(scope="module")
def fronts(times: xr.Dataset) -> dict[str, Contour]:
    marks = phases.phase_marks(times, "exact", "separation", "weight")
    return {mark.name: mark for mark in marks if isinstance(mark, Contour)}


def crossing(front: Contour, row: int) -> float:
    """Where the contour crosses a row of the grid, by linear interpolation; NaN where it does not."""
    change = np.flatnonzero((front.z[row, :-1] <= 0) & (front.z[row, 1:] > 0))
    if change.size == 0:
        return np.nan
    (at,) = change
    low, high = front.z[row, at], front.z[row, at + 1]
    return float(front.x[at] + (front.x[at + 1] - front.x[at]) * low / (low - high))


def robertson_fryer(weight: float) -> float:
    """a/sqrt(v) at which the modes of a pair merge (Robertson and Fryer 1969)."""
    odds = abs(np.log(weight / (1 - weight))) / 2
    return brentq(lambda d: d * np.sqrt(d * d - 1) - np.arccosh(d) - odds, 1.0, 50.0)


@pytest.mark.parametrize(
    ("criterion", "law"),
    [
        ("boundary", lambda _: SIGMA0),  # v* = a^2 whatever the weight
        ("leading", lambda w: SIGMA0 / np.sqrt(4 * w * (1 - w))),  # lambda_1 = w (1 - w) (2a)^2
        ("spectral", lambda w: np.sqrt((1 - SIGMA0**2) / (4 * w * (1 - w)))),  # lambda_1 + sigma0^2 = 1
        ("merging", lambda w: SIGMA0 * robertson_fryer(w)),
    ],
)
def test_fronts_are_where_the_variance_reaches_that_of_the_data(fronts: dict[str, Contour], criterion: str, law) -> None:  # type: ignore[no-untyped-def]
    drawn = [crossing(fronts[criterion], row) for row in range(WEIGHTS.size)]
    expected = np.array([law(weight) for weight in WEIGHTS])
    inside = expected < 3.0
    np.testing.assert_allclose(np.array(drawn)[inside], expected[inside], atol=2e-3)
    assert inside.sum() > 40


def test_the_front_of_the_exact_criterion_ends_at_its_last_weight(fronts: dict[str, Contour]) -> None:
    front = fronts["exact"]
    assert crossing(front, 0) == pytest.approx(SIGMA0, abs=2e-3)  # equal weights: v* = a^2
    change = np.flatnonzero((front.z[:-1, -1] > 0) & (front.z[1:, -1] <= 0))
    assert change.size == 1
    assert front.y[change[0]] < LAST_WEIGHT < front.y[change[0] + 1]
    assert np.isnan([crossing(front, row) for row in np.flatnonzero(WEIGHTS > LAST_WEIGHT)]).all()


def test_the_image_has_a_time_exactly_where_the_criterion_is_met(times: xr.Dataset) -> None:
    image = next(m for m in phases.phase_marks(times, "exact", "separation", "weight") if isinstance(m, Image))
    ok = times.status.sel(criterion="exact").transpose("weight", "separation").squeeze() == Status.ok
    np.testing.assert_array_equal(np.isfinite(image.z), ok)
    np.testing.assert_allclose(image.z[0][ok[0]], (image.x[ok[0]] ** 2 - SIGMA0**2) / 2, rtol=1e-12)  # (31)


def test_regions_are_labelled_inside_of_them(times: xr.Dataset) -> None:
    marks = phases.phase_marks(times, "exact", "separation", "weight")
    (label,) = (mark for mark in marks if isinstance(mark, Labels))
    assert label.texts == ("no root",)
    assert label.y[0] > LAST_WEIGHT + 0.1


def test_criteria_with_one_front_share_a_line() -> None:
    pair = ss.families.pair(separation=np.linspace(0.3, 3.0, 28), variance=np.linspace(0.1, 2.0, 20))
    marks = phases.phase_marks(ss.speciation(pair), "exact", "separation", "variance")
    names = [mark.name for mark in marks if isinstance(mark, Contour)]
    assert names == ["leading = first = quadratic = exact = boundary = merging", "spectral"]


def test_a_third_axis_has_panels_and_what_is_not_used_is_named() -> None:
    pair = ss.families.pair(separation=np.linspace(0.3, 3.0, 10), variance=[0.1, 0.5, 2.0], weight=np.linspace(0.5, 0.9, 9))
    found = ss.speciation(pair)
    (panel,) = phases.phase_diagram(found)
    assert (panel.xlabel, panel.ylabel, panel.title) == ("separation a", "weight w", "σ₀² = 0.1")
    assert "At σ₀² = 0.1 (of 0.1, 0.5, 2)." in panel.notes
    each = phases.phase_diagram(found, Choice(panels="variance", select={"level": 1}))
    assert [panel.title for panel in each] == ["σ₀² = 0.1", "σ₀² = 0.5", "σ₀² = 2"]
    assert "Not used by this figure: select level." in each[0].notes
    (swapped,) = phases.phase_diagram(found, Choice(x="weight", lines="variance"))
    assert (swapped.xlabel, swapped.ylabel) == ("weight w", "variance σ₀²")


def test_points_without_a_time_are_counted_by_status(times: xr.Dataset) -> None:
    (panel,) = phases.phase_diagram(times)
    status = times.status.sel(criterion="exact")
    root, low = (int((status == flag).sum()) for flag in (Status.no_real_root, Status.below_data_variance))
    of = f"{root + low:,} of {status.size:,} points are not drawn"
    assert f"Criterion exact: {of}: {root:,} no_real_root, {low:,} below_data_variance." in panel.notes


def test_one_long_axis_makes_no_phase_diagram() -> None:
    pair = ss.families.pair(separation=np.linspace(0.3, 3.0, 10), variance=[0.1, 0.5])
    assert phases.phase_diagram(ss.speciation(pair)) == []
