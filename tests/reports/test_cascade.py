"""The cascade of a report: its table and its sentence say what the dataset holds."""

from __future__ import annotations

import numpy as np

import scoreshock as ss
from scoreshock.figures.description import Line, Points
from scoreshock.figures.style import short
from scoreshock.reports import cascade

MEANS = [[-6.0, -1.0, 0.0], [-6.0, 1.0, 0.0], [6.0, -1.0, 0.1], [6.0, 1.0, -0.1]]
MOMENTS = ss.when(ss.mixture(MEANS, variance=0.04), ["edm", "vp-cosine"], criteria=["exact"], draws=64).squeeze()


def test_a_row_for_each_direction_with_its_noise_level_and_steps():
    heading, *rows = cascade.rows(MOMENTS)
    assert heading[-2:] == ["edm: step", "vp-cosine: step"]
    assert [row[0] for row in rows] == cascade.directions(MOMENTS)
    assert cascade.directions(MOMENTS)[0] in ("0 | 2", "0 | 3", "1 | 2", "1 | 3")
    values = np.sort(np.linalg.eigvalsh(np.cov(np.transpose(MEANS), bias=True)))[::-1]
    for row, value, level, step in zip(rows, values, MOMENTS.sigma_cascade.values, MOMENTS.cascade_step.values, strict=True):
        assert row[1] == f"{value / values.sum():.1%}"
        if value > 0.04:
            assert abs(level - np.sqrt(value - 0.04)) < 1e-12
            assert row[2] == short(level)
            assert row[4:] == [f"{each:.1f}" for each in step]
        else:
            assert row[2] == "below_data_variance"
            assert row[4:] == ["–", "–"]


def test_the_sentence_counts_the_directions_that_speciate():
    (line,) = cascade.sentence(MOMENTS)
    assert line.startswith("2 of 3 directions between the classes speciate, to leading order at sigma 5.997 (97%, ")
    flat = ss.when(ss.mixture(MEANS, variance=100.0), criteria=["exact"], draws=64).squeeze()
    assert cascade.sentence(flat)[0].startswith("No direction between the classes speciates")


def test_dots_stand_where_the_table_says_and_a_pair_has_no_cascade():
    (panel,) = cascade.panel(MOMENTS)
    dots = [mark for mark in panel.marks if isinstance(mark, Points) and "exact" not in mark.name]
    there = MOMENTS.sigma_cascade.values[np.isfinite(MOMENTS.sigma_cascade)]
    np.testing.assert_array_equal([mark.x[0] for mark in dots], there)
    pair = ss.when(ss.mixture([-2.0, 2.0], variance=0.25), criteria=["exact"])
    assert cascade.rows(pair) == cascade.panel(pair) == cascade.sentence(pair) == []


def test_dots_and_lines_of_the_exact_criterion_have_names_of_their_own_and_room():
    (panel,) = cascade.panel(MOMENTS)
    dots = [mark for mark in panel.marks if isinstance(mark, Points)]
    exact = [mark for mark in panel.marks if isinstance(mark, Line) and mark.name]
    assert [mark.name for mark in exact] == [f"exact: {mark.name}" for mark in dots]
    np.testing.assert_array_equal([mark.x[0] for mark in exact], MOMENTS.sigma_eigenmode.values[: len(exact)])
    assert all(mark.dash for mark in exact)
    low, high = np.log(panel.limits("x"))
    levels = np.log(np.concatenate([mark.x for mark in dots]))
    assert min(levels.min() - low, high - levels.max()) > 0.04 * (high - low)
