"""Times by criterion and their ratios to the exact one, and errors of the correction series."""

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.figures import times
from scoreshock.figures.description import Choice, Labels, Line, Panel, Points


def lines_of(panel: Panel) -> dict[str, Line]:
    return {name: mark for mark in panel.marks if isinstance(mark, Line) for name in mark.name.split(" = ")}


def test_each_row_has_times_and_their_ratio_to_the_exact_criterion() -> None:
    a = np.linspace(0.8, 4, 9)
    found = ss.speciation(ss.families.pair(separation=a, variance=0.25, weight=[0.5, 0.6, 0.8]))
    panels = times.speciation(found)
    assert [panel.title for panel in panels] == [f"w = {w}" for w in (0.5, 0.5, 0.6, 0.6, 0.8, 0.8)]
    equal, ratio = panels[:2]
    np.testing.assert_allclose(lines_of(equal)["exact"].y, (a**2 - 0.25) / 2, rtol=1e-12)  # (31)
    total = a**2 + 0.25
    expected = np.where(total > 1, (total - 1) / (a**2 - 0.25), np.nan)  # spectral: (Lambda - 1)/2
    np.testing.assert_allclose(lines_of(ratio)["spectral"].y, expected, rtol=1e-12)
    assert (lines_of(panels[3])["exact"].y == 1).all()
    leading = (0.96 * a**2 - 0.25) / 2  # lambda_1 = w (1 - w) (2a)^2
    np.testing.assert_allclose(lines_of(panels[3])["leading"].y, leading / lines_of(panels[2])["exact"].y, rtol=1e-12)


def test_a_row_without_an_exact_time_says_so() -> None:
    found = ss.speciation(ss.families.pair(separation=np.linspace(0.8, 4, 9), variance=0.25, weight=0.8))
    panel, empty = times.speciation(found)
    assert [mark.texts for mark in empty.marks if isinstance(mark, Labels)] == [("no transition of the exact criterion",)]
    assert (panel.xlabel, empty.ylabel) == (empty.xlabel, "ratio τ*/τ*(exact)")
    assert "Without numbers here: first, quadratic, exact." in " ".join(panel.notes)


def test_of_many_values_those_with_a_ratio_are_drawn() -> None:
    weights = np.linspace(0.5, 0.9, 9)
    found = ss.speciation(ss.families.pair(separation=np.linspace(0.8, 4, 9), variance=0.25, weight=weights))
    assert [panel.title for panel in times.speciation(found)[::2]] == [f"w = {w}" for w in (0.5, 0.55, 0.6)]


def test_a_criterion_has_one_colour_in_all_panels() -> None:
    found = ss.speciation(ss.families.pair(separation=np.linspace(0.8, 4, 9), variance=0.25, weight=[0.6, 0.8]))
    some, fewer = (lines_of(panel) for panel in times.speciation(found)[::2])
    assert set(fewer) == {"leading", "boundary", "merging", "spectral"}
    assert all((fewer[name].color, fewer[name].dash) == (some[name].color, some[name].dash) for name in fewer)


@pytest.mark.parametrize("choice", [Choice(panels="criterion"), Choice(lines="weight")])
def test_a_reader_may_put_criteria_elsewhere(choice: Choice) -> None:
    found = ss.speciation(ss.families.pair(separation=np.linspace(0.8, 4, 9), variance=0.25, weight=[0.5, 0.6]))
    assert all(panel.ylabel == "speciation time τ*" for panel in times.speciation(found, choice))


def test_the_least_error_of_each_line_is_marked() -> None:
    found = ss.corrections(ss.families.pair(separation=2.0, variance=0.25, weight=[0.52, 0.6, 0.63, 0.64]), order=9)
    (panel,) = times.corrections(found)
    (least,) = (mark for mark in panel.marks if isinstance(mark, Points))
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    assert least.y.tolist() == [np.nanmin(line.y) for line in lines]
    # Near the fold at w = 0.6467 the series converges ever more slowly.
    assert (np.diff([line.y[9] for line in lines]) > 0).all()
