"""The empirical route of a report: which samples, the curve, and the noise levels that it says."""

from __future__ import annotations

import re

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.densities.tables.table import Table
from scoreshock.reports import empirical, when

COUNT = 4000
LABELS = np.arange(COUNT) % 2
CLOUDS = (4.0 * LABELS - 2 + 0.5 * np.random.default_rng(0).standard_normal(COUNT))[:, None]


def report(x=CLOUDS, y=LABELS, **options):
    mixture = ss.from_labelled(x, y)
    samples = empirical.samples_of(Table(x, y), mixture, 0)
    return when.report(mixture, {}, "clouds", samples=samples, draws=64, **options)


@pytest.fixture(scope="module")
def made():
    return report()


def test_samples_are_bounded_drawn_by_seed_and_in_the_units_of_the_model(monkeypatch):
    scaled = ss.from_labelled(CLOUDS, LABELS, {"range": [-1, 1]})
    one, other = (empirical.samples_of(Table(CLOUDS, LABELS), scaled, seed) for seed in (0, 1))
    assert one.features.shape == (2 * empirical.MOST, 1)
    assert not np.array_equal(one.features, other.features)
    assert -1 <= one.features.min() < -0.8
    assert 0.8 < one.features.max() <= 1
    monkeypatch.setattr(empirical, "NUMBERS", 64)
    few = empirical.samples_of(Table(CLOUDS, LABELS), scaled, 0)
    assert len(few.features) == 2 * 64
    assert set(few.features.ravel()) <= set(one.features.ravel())
    back = (few.features * scaled.feature_scale.values + float(scaled.feature_offset)).ravel()
    for value, label in zip(back, few.labels.astype(int), strict=True):
        assert label == LABELS[np.abs(CLOUDS[:, 0] - value).argmin()]


def test_samples_of_a_mixture_agree_with_it_and_the_text_says_so(made):
    moments = made.moments
    for name in empirical.SHARES:
        one = moments.sel(moment=name)
        assert int(one.empirical_status) == Status.ok
        assert one.sigma_empirical.item() == pytest.approx(one.sigma.item(), rel=0.15)
    assert int(moments.empirical_status.sel(moment="exact")) == Status.not_applicable
    assert made.curve.route.values.tolist() == ["model", "empirical"]
    gap = np.abs(made.curve.class_entropy.diff("route").values)
    assert gap.max() < 0.06
    text = when.text(made)
    assert "By the empirical score of 2,000 samples, without a model" in text
    assert "agree with the model within two standard errors" in text
    assert "by samples" in text


def test_the_level_is_where_the_share_of_the_entropy_remains(made):
    samples = empirical.samples_of(Table(CLOUDS, LABELS), ss.from_labelled(CLOUDS, LABELS), 0)
    sigma = made.moments.sigma_empirical.sel(moment=list(empirical.SHARES)).values
    there = ss.empirical_decisions(samples.features, samples.labels, sigma**2 / 2, samples=empirical.MOST)
    for entropy, share in zip(there.class_entropy.values, empirical.SHARES.values(), strict=True):
        assert entropy == pytest.approx(share * np.log(2), rel=0.01)


@pytest.mark.slow
def test_samples_that_the_model_does_not_describe_disagree_with_it():
    rng = np.random.default_rng(1)
    x = np.stack([rng.choice([-3.0, 3.0], COUNT), 0.1 * rng.standard_normal(COUNT)], axis=1)
    made = report(x + 0.1 * rng.standard_normal(x.shape), np.where(x[:, 0] > 0, 1, 0) ^ (np.abs(x[:, 1]) > 0.1))
    line = next(line for line in when.text(made).splitlines() if line.startswith("By the empirical score"))
    assert re.search(r" do not| does not|not reached", line)


def test_without_samples_there_is_the_model_alone():
    made = when.report(ss.mixture([-1.0, 1.0], variance=0.01), {}, "a pair")
    assert made.curve.route.values.tolist() == ["model"]
    assert "sigma_empirical" not in made.moments
    assert empirical.agreement(made.moments) == []
