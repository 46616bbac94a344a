"""The best guidance interval by search, against single runs, and what the page says of it."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.examples import guidance_intervals as example

PAGE = Path(__file__).parents[2] / "docs" / "examples.md"


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    return example.compute()


@pytest.mark.slow
def test_the_best_interval_is_the_least_of_the_search_and_its_distances_are_those_of_single_runs(
    dataset: xr.Dataset,
) -> None:
    toy, (low, high) = ss.mixture([-1.0, 1.0, 2.5], [1, 1, 2], 0.04), example.SIGMA
    options = {"sigma_min": low, "sigma_max": high, "samples": example.SAMPLES, "classes": ["class", "class", "other"]}
    point = dataset.sel(distance=1.5, guidance_weight=2.0, outside_weight=0.0)
    ways = point.distance_by_way
    best, decided, begins = float(point.best_low), *point.sigma_decision.isel(remaining=[0, -1]).values.tolist()
    intervals = {"best interval": (best, float(point.best_high)), "decision window": (decided, begins)}
    for way, interval in intervals.items():
        one = ss.guided_generation(toy, "class", 2.0, *interval, 0.0, rtol=example.RTOL, **options)
        assert one.generation_status == Status.ok
        assert float(ways.sel(way=way)) == pytest.approx(float(one.class_distance.squeeze()), rel=1e-9)
    for number in (0, 40, 90):
        ends = float(dataset.sigma_low[number]), float(dataset.sigma_high[number])
        one = ss.guided_generation(toy, "class", 2.0, *ends, 0.0, rtol=example.RTOL, **options)
        assert float(point.class_distance[number]) == pytest.approx(float(one.class_distance.squeeze()), rel=1e-9)
        assert float(one.class_distance.squeeze()) >= float(ways.sel(way="best interval"))


@pytest.mark.slow
def test_what_the_page_says_is_found(dataset: xr.Dataset) -> None:
    assert not bool(dataset.to_array().isnull().any())
    assert " ".join(example.caption(dataset).split()) in " ".join(PAGE.read_text().split())
    outside = dataset.sel(outside_weight=0.0)
    decided, begins = (outside.sigma_decision.isel(remaining=i) for i in (0, -1))
    # The window moves with the distance of the other class, and the best interval is a part of it.
    assert (np.diff(decided) > 0).all()
    assert (outside.best_low > decided).all()
    assert (outside.best_high < begins).all()
    ways = outside.distance_by_way
    assert (ways.sel(way="best interval") < ways.sel(way="decision window")).all()
    assert (ways.sel(way="decision window") < ways.sel(way="all noise levels")).all()
    # The flow of the class's exact score ends in the class: there is nothing to mend.
    own = dataset.distance_by_way.sel(outside_weight=1.0)
    assert (own.sel(way="no guidance") <= own.sel(way="best interval") + 1e-9).all()
    assert float(own.sel(way="no guidance").max()) < 0.01


@pytest.mark.slow
def test_the_figure_has_a_best_interval_at_each_distance(dataset: xr.Dataset) -> None:
    panels = example.describe(dataset)
    assert len(panels) == 4
    best = dataset.sel(guidance_weight=2.0, outside_weight=0.0)
    np.testing.assert_array_equal(panels[0].marks[-1].y, np.concatenate([best.best_low, best.best_high]))
