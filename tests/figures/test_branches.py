"""Bifurcation diagrams and trees of modes, against the equations of three components on a line and brute force."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import branches
from scoreshock.figures.description import Line, Points
from scoreshock.quantities.cascade import exact_cascade
from scoreshock.quantities.modes import merging_tree, mode_count

FOLD = 0.30856
"""Weight of the middle of three components at which both roots of the exact criterion meet."""

A, VARIANCE = 2.0, 0.04


@pytest.fixture(scope="module")
def line() -> xr.Dataset:
    return ss.speciation(ss.families.collinear(A, VARIANCE, weight=np.linspace(0.02, 0.6, 30)))


def density(x: np.ndarray, tau: float, means: np.ndarray, weights: np.ndarray, variance: float) -> np.ndarray:
    return np.exp(-((x[:, None] - means) ** 2) / (2 * (variance + 2 * tau))) @ weights


def count_of_modes(tau: float, means: np.ndarray, weights: np.ndarray, variance: float) -> int:
    p = density(np.linspace(means.min() - 1, means.max() + 1, 200_001), tau, means, weights, variance)
    return int(((p[1:-1] > p[:-2]) & (p[1:-1] > p[2:])).sum())


@pytest.mark.slow
def test_both_roots_solve_the_equation_and_end_at_the_fold(line: xr.Dataset) -> None:
    drawn = branches.roots(line, "weight")
    assert [(mark.name, bool(mark.dash)) for mark in drawn] == [("last root of exact, τ*", False), ("earlier roots", True)]
    last, earlier = (dict(zip(mark.x[np.isfinite(mark.y)], mark.y[np.isfinite(mark.y)], strict=True)) for mark in drawn)
    assert set(last) == set(earlier) == {weight for weight in line.weight.values if weight < FOLD}
    for weight, tau in [*last.items(), *earlier.items()]:
        v = VARIANCE + 2 * tau
        side = (1 - weight) * np.exp(-(A**2) / (2 * v))  # responsibility of both sides at the middle
        assert A**2 * side / (side + weight) == pytest.approx(v, rel=1e-9)
    assert all(last[weight] > earlier[weight] for weight in last)


def test_a_line_is_interrupted_where_another_root_takes_its_place() -> None:
    # Two last roots meet and end, and the first is then the last; a fourth begins below all.
    rows = [[1.0, 8.0, 9.0], [1.1, 8.3, 8.7], [1.2, np.nan, np.nan], [0.1, 1.3, np.nan]]
    point = xr.Dataset(
        {"tau_root": (("weight", "root"), rows), "root_status": (("weight", "root"), np.where(np.isnan(rows), 1, 0))},
        {"weight": [0.1, 0.2, 0.3, 0.4]},
    )
    last, earlier, first = (mark for mark in branches.roots(point, "weight") if isinstance(mark, Line))
    np.testing.assert_array_equal(last.y, [9.0, 8.7, np.nan, 1.2, 1.3])
    np.testing.assert_array_equal(earlier.y, [8.0, 8.3, np.nan, np.nan, np.nan, 0.1])
    np.testing.assert_array_equal(first.y[:2], [1.0, 1.1])


@pytest.mark.slow
def test_modes_merge_at_pitchforks_below_the_fold_and_at_saddle_nodes_above(line: xr.Dataset) -> None:
    kinds = {mark.name: mark for mark in branches.events(line, "weight")}
    pitchforks, saddle_nodes = kinds["pitchfork of the modes"], kinds["saddle-node of the modes"]
    assert pitchforks.x.max() < FOLD
    assert saddle_nodes.x[saddle_nodes.x > 0.32].size == (line.weight > 0.32).sum()
    for weight, tau in [*zip(saddle_nodes.x, saddle_nodes.y, strict=True), *zip(pitchforks.x, pitchforks.y, strict=True)]:
        share = np.array([(1 - weight) / 2, weight, (1 - weight) / 2])
        near = [count_of_modes(tau * factor, A * np.array([-1.0, 0, 1]), share, VARIANCE) for factor in (0.995, 1.005)]
        assert near[0] > near[1]


@pytest.fixture(scope="module")
def modes() -> xr.Dataset:
    mixture = ss.families.custom(means=[[0.0], [1.0], [3.0]], variance=0.0)
    return xr.merge([mode_count(mixture, np.geomspace(0.01, 5.0, 60), places=3), merging_tree(mixture)])


def test_a_tree_has_a_branch_for_each_mode_of_the_data(modes: xr.Dataset) -> None:
    marks = branches.tree(modes)
    lives = [mark for mark in marks if isinstance(mark, Line) and not mark.dash]
    (join,) = [mark for mark in marks if isinstance(mark, Line) and mark.dash]
    assert [mark.x[0] for mark in lives] == pytest.approx([0.0, 1.0, 3.0], abs=1e-6)
    # The first two meet, then the third joins them: one branch reaches noise, the others end at the two events.
    assert sorted(mark.y[-1] for mark in lives) == pytest.approx([*modes.tau_event.values, 5.0])
    assert join.y[::3] == pytest.approx(modes.tau_event.values)
    np.testing.assert_array_equal(join.y[::3], join.y[1::3])
    (ends,) = (mark for mark in marks if isinstance(mark, Points))
    assert sorted(ends.y) == pytest.approx(modes.tau_event.values)


def test_branches_of_a_tree_are_maxima_of_the_density(modes: xr.Dataset) -> None:
    means, weights = np.array([0.0, 1.0, 3.0]), np.full(3, 1 / 3)
    lives = [mark for mark in branches.tree(modes) if isinstance(mark, Line) and not mark.dash]
    checked = 0
    for life in lives:
        for x, tau in zip(life.x, life.y, strict=True):
            if np.abs(tau - modes.tau_event).min() > 0.02 * tau:
                below, at, above = density(x + np.array([-1e-3, 0.0, 1e-3]), tau, means, weights, 0.0)
                assert at > max(below, above)
                checked += 1
    assert checked > 80


def test_the_cascade_is_solid_where_it_is_exact_and_dashed_to_leading_order() -> None:
    ratio = np.linspace(0.2, 0.9, 8)
    equal = ss.families.hierarchy(4.0, variance=0.01, ratio=ratio, levels=2)
    (panel,) = branches.cascade(exact_cascade(equal))
    assert panel.names == ["λ₁ exact = λ₁ leading", "λ₂ exact = λ₂ leading = λ₃ exact = λ₃ leading"]  # equal distances
    first, second = (mark for mark in panel.marks if isinstance(mark, Line))
    np.testing.assert_allclose(first.y, (16 - 0.01) / 2, rtol=1e-9)  # radius^2 of the first level
    np.testing.assert_allclose(second.y, ((4 * ratio) ** 2 / 2 - 0.01) / 2, rtol=1e-9)  # half of the branches each


def test_a_cascade_without_roots_says_so() -> None:
    unequal = ss.families.hierarchy(4.0, variance=0.01, ratio=np.linspace(0.2, 0.9, 8), levels=2, weights=[4, 3, 2, 1])
    found = exact_cascade(unequal)
    (panel,) = branches.cascade(found)
    missing = int((found.eigenmode_status != 0).sum())
    assert panel.notes == (f"Exact criterion: {missing} of 24 points are not drawn: {missing} no_real_root.",)
    assert missing == 16


def test_the_cascade_of_one_density_is_over_the_number_of_the_eigenvalue() -> None:
    (panel,) = branches.cascade(exact_cascade(ss.families.hierarchy(4.0, variance=0.01, ratio=0.5, levels=2)))
    line = next(mark for mark in panel.marks if isinstance(mark, Line))
    assert line.x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(line.y, [7.995, 0.995, 0.995], rtol=1e-9)


def test_bifurcations_run_over_the_axis_along_which_roots_end() -> None:
    pair = ss.families.pair(separation=[1.0, 2.0, 3.0, 4.0, 5.0], variance=0.01, weight=np.linspace(0.55, 0.9, 36))
    (panel,) = branches.branches(ss.speciation(pair))
    assert panel.xlabel == "weight w"
    last = next(mark for mark in panel.marks if isinstance(mark, Line))
    assert last.x[np.isfinite(last.y)].max() == pytest.approx(0.64)  # none for a minority weight below 0.3533
    assert "26 no_real_root" in " ".join(panel.notes)


def test_one_root_and_one_event_make_no_bifurcation() -> None:
    assert branches.branches(ss.speciation(ss.families.pair(separation=np.linspace(1, 3, 5), variance=0.25))) == []
