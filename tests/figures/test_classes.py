"""Figures of classes: the matrix of pairs and the tree of partings, of classes whose order is plain."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.cluster.hierarchy import linkage

import scoreshock as ss
from scoreshock.figures import classes
from scoreshock.figures.description import Labels, Line

MEANS = [0.0, 1.0, 6.0, 7.5]
"""Two near pairs, far from each other: 0 and 1 part last, 2 and 3 before them, both pairs first."""


@pytest.fixture(scope="module")
def windows() -> xr.Dataset:
    mixture = ss.mixture(MEANS, variance=0.01)
    return ss.decision_windows(mixture)


def test_the_matrix_has_the_noise_level_of_each_pair_on_both_sides(windows: xr.Dataset) -> None:
    (panel,) = classes.class_pairs(windows)
    (image,) = panel.images
    assert panel.xnames == panel.ynames == ("0", "1", "2", "3")
    assert np.isnan(np.diag(image.z)).all()
    np.testing.assert_array_equal(image.z, image.z.T)
    half = windows.sigma_pair.sel(remaining=0.5)
    for one, other, sigma in zip(windows.class_first.values, windows.class_second.values, half.values, strict=True):
        assert image.z[int(one), int(other)] == sigma
    # Equal pairs differ in their distance alone: point masses part at a noise in proportion to it, here nearly.
    ratio = image.z[0, 3] / image.z[0, 2]
    assert ratio == pytest.approx(7.5 / 6.0, rel=1e-3)
    written = [text for mark in panel.marks if isinstance(mark, Labels) for text in mark.texts]
    assert len(written) == 12


@pytest.mark.slow
def test_partings_are_those_of_single_linkage() -> None:
    moments = ss.when(ss.mixture(np.random.default_rng(2).standard_normal((7, 2)) * 3, variance=0.01), criteria=["exact"])
    levels = moments.sigma_pair.sel(remaining=0.5).values
    tree = linkage(levels, "single")
    members = [frozenset([str(i)]) for i in range(7)]
    for one, other, *_ in tree:
        members.append(members[int(one)] | members[int(other)])
    found = classes.partings(moments)
    np.testing.assert_allclose([sigma for sigma, *_ in found], tree[::-1, 2], rtol=1e-12)
    assert [frozenset(one + other) for _, one, other in found] == members[:6:-1]


def test_the_tree_joins_sets_at_the_noise_at_which_they_part(windows: xr.Dataset) -> None:
    (panel,) = classes.class_hierarchy(windows)
    assert (panel.falling, panel.logx) == (True, True)
    (tree,) = (mark for mark in panel.marks if isinstance(mark, Line))
    ends = np.split(np.stack([tree.x, tree.y]), np.flatnonzero(np.isnan(tree.x)), axis=1)
    brackets = [part[:, np.isfinite(part[0])] for part in ends if np.isfinite(part[0]).sum() == 4]
    assert [float(part[0, 1]) for part in brackets] == sorted(windows.sigma_parting.values)
    low, middle, high = brackets
    assert low[1].tolist() == [0, 0, 1, 1]  # classes 0 and 1
    assert middle[1].tolist() == [2, 2, 3, 3]
    assert high[1].tolist() == [0.5, 0.5, 2.5, 2.5]
    assert (high[0, 0], high[0, 3]) == (low[0, 1], middle[0, 1])  # from where the sets parted
    assert panel.ynames == ("0", "1", "2", "3")


def test_sets_of_the_tree_stand_together_whatever_the_order_of_classes() -> None:
    mixed = ss.decision_windows(ss.mixture([MEANS[i] for i in (0, 3, 1, 2)], variance=0.01))
    assert classes.leaves(classes.partings(mixed)) == ["0", "2", "1", "3"]
    (panel,) = classes.class_pairs(mixed)
    assert panel.xnames == ("0", "2", "1", "3")
    sorted_by_hand = ss.decision_windows(ss.mixture([0.0, 1.0, 7.5, 6.0], variance=0.01))
    np.testing.assert_allclose(panel.images[0].z, classes.class_pairs(sorted_by_hand)[0].images[0].z)


def test_classes_that_never_part_are_in_the_matrix_and_not_in_the_tree() -> None:
    same = ss.decision_windows(ss.mixture([0.0, 0.0, 2.0, 5.0], variance=0.01))
    (panel,) = classes.class_pairs(same)
    assert np.isnan(panel.images[0].z).sum() == 4 + 2
    assert set(panel.xnames) == {"0", "1", "2", "3"}
    (tree,) = classes.class_hierarchy(same)
    assert tree.ynames == ("0, 1", "2", "3")


def test_two_classes_have_no_matrix_and_no_tree() -> None:
    pair = ss.decision_windows(ss.mixture([0.0, 1.0], variance=0.01))
    assert classes.class_pairs(pair) == classes.class_hierarchy(pair) == []


def test_the_figures_of_when_are_those_of_decisions_and_are_drawn_once(windows: xr.Dataset) -> None:
    moments = ss.when(ss.mixture(MEANS, variance=0.01), criteria=["exact"])
    for when, decisions in ((classes.when_pairs, classes.class_pairs), (classes.when_hierarchy, classes.class_hierarchy)):
        (panel,) = when(moments)
        (other,) = decisions(windows)
        assert (panel.xnames, panel.ynames) == (other.xnames, other.ynames)
        assert when(moments, decisions=windows) == []
    np.testing.assert_array_equal(classes.when_pairs(moments)[0].images[0].z, classes.class_pairs(windows)[0].images[0].z)
