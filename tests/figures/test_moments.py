"""Schedules: noise levels by published formulas, and the share of the calls in the decision window."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import moments
from scoreshock.figures.description import Band, Line, Panel

KARRAS = (80 ** (1 / 7) + np.arange(18) / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
"""Noise levels of Karras et al. 2022, eq. 5."""


REACHED = "steps that the sweep reaches"


def song(step: np.ndarray) -> np.ndarray:
    """Noise levels of Song et al. 2021, eq. 32, at steps of 1000 from t = 1 to 0."""
    t = 1 - step / 1000
    return np.sqrt(np.expm1(0.1 * t + 19.9 * t**2 / 2))


def calls_of(panel: Panel) -> Line:
    """The line of the schedule."""
    return next(mark for mark in panel.marks if isinstance(mark, Line) and mark.name in ("calls of the network", REACHED))


def ticks_of(panel: Panel) -> dict[str, tuple[float, float]]:
    """Step and noise level of each tick by name: ticks are vertical lines about them."""
    ticks = [mark for mark in panel.marks if isinstance(mark, Line) and mark is not calls_of(panel)]
    assert all(mark.x[0] == mark.x[1] for mark in ticks)
    return {mark.name: (float(mark.x[0]), float(np.sqrt(mark.y[0] * mark.y[1]))) for mark in ticks}


@pytest.fixture(scope="module")
def pair() -> xr.Dataset:
    return ss.families.pair(2.0, variance=0.25, weight=0.6)


@pytest.mark.slow
def test_the_calls_of_a_schedule_and_their_share_in_the_window(pair: xr.Dataset) -> None:
    found = ss.when(pair, ["edm", "vp-linear"])
    edm, song_panel = moments.when(found)
    line = calls_of(edm)
    np.testing.assert_allclose(line.y, KARRAS, rtol=1e-9)
    (band,) = (mark for mark in edm.marks if isinstance(mark, Band))
    inside = int(((band.low < KARRAS) & (band.high >= KARRAS)).sum())
    assert edm.title == f"edm: {inside} of 18 calls ({inside / 18:.0%}) in the decision window"
    assert inside == 4
    line = calls_of(song_panel)
    np.testing.assert_allclose(line.y, song(line.x), rtol=1e-9)


@pytest.mark.slow
def test_criteria_are_on_the_line(pair: xr.Dataset) -> None:
    found = ss.when(pair, "vp-linear")
    (panel,) = moments.when(found)
    ticks = ticks_of(panel)
    assert {name for group in ticks for name in group.split(" ≈ ")} == {
        *("leading", "first", "quadratic", "exact", "boundary", "merging", "spectral", "half decided")
    }
    for step, sigma in ticks.values():
        assert sigma == pytest.approx(song(np.array(step)), rel=1e-9)
    (boundary,) = (sigma for name, (_, sigma) in ticks.items() if "boundary" in name)
    assert boundary == pytest.approx(np.sqrt(4 - 0.25), rel=0.01)  # v* = a^2, sigma^2 = a^2 - sigma0^2


def test_without_calls_the_times_of_a_sweep_show_the_schedule() -> None:
    pair = ss.families.pair(np.linspace(0.5, 8, 30), variance=0.25, weight=0.6)
    panels = moments.schedule(ss.speciation(pair, {"song": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}))
    assert [panel.title.split(", ")[-1].split(":")[0] for panel in panels] == ["song", "edm"]
    line = calls_of(panels[0])
    np.testing.assert_allclose(line.y, song(line.x), rtol=1e-9)
    assert line.x.size > 100
    assert (np.diff(line.y) < 0).all()


def test_every_schedule_has_a_panel(pair: xr.Dataset) -> None:
    schedules = {f"s{number}": ss.schedule("edm", steps=number + 5) for number in range(7)}
    panels = moments.schedule(ss.speciation(pair, schedules))
    assert len(panels) == 7


def test_there_is_one_picture_of_schedules(pair: xr.Dataset) -> None:
    times = ss.speciation(pair, "edm")
    assert moments.schedule(times)
    assert moments.schedule(times, when=xr.Dataset()) == []
    assert moments.schedule(ss.speciation(pair)) == []  # without schedules


def test_a_schedule_that_no_time_is_in_is_named() -> None:
    schedules = {"quiet": ss.schedule("ve", t_end=1e-3), "edm": ss.schedule("edm")}
    (panel,) = moments.schedule(ss.speciation(ss.families.pair([1.0, 2.0], variance=0.25), schedules))
    assert panel.title.split(", ")[-1].startswith("edm:")
    assert "No time of the sweep is in: quiet." in panel.notes


def test_a_call_at_infinite_noise_counts_in_the_title(pair: xr.Dataset) -> None:
    found = ss.when(pair, {"cosine": ss.schedule("vp-cosine")})
    levels = found.sigma_call.squeeze().values
    assert np.isinf(levels[0])
    (panel,) = moments.when(found)
    assert f" of {int((levels > 0).sum())} calls (" in panel.title
