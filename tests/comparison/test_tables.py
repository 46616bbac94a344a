"""The page of a comparison."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scoreshock.comparison import compare, sentence, table
from scoreshock.conventions import Status
from scoreshock.densities.mixtures import mixture
from scoreshock.storage import store

from .cases import NO_ROOT, OK, merging_variance, random_sweep, result


def sweep(weights: list[float]) -> tuple[xr.Dataset, xr.Dataset]:
    """Pairs a = 1, sigma0^2 = 0.04 by weight, with boundary and merging in closed form and exact where it is known."""
    points = []
    for w in weights:
        equal = w == 0.5
        points.append(
            {
                "leading": ((4 * w * (1 - w) - 0.04) / 2, OK),
                "exact": (0.48, OK) if equal else (math.nan, NO_ROOT),
                "boundary": (0.48, OK),
                "merging": ((merging_variance(w) - 0.04) / 2, OK),
            }
        )
    speciation = result(points, n_roots=[int(w == 0.5) for w in weights])
    w = xr.DataArray(weights, dims="separation", coords={"separation": speciation.separation})
    means = xr.DataArray([[-1.0], [1.0]], dims=("component", "feature"))
    return speciation, mixture(means, xr.concat([1 - w, w], "component"), 0.04)


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, header first."""
    block = text.split(f"## {heading}")[1].split("\n\n")[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    return [lines[0], *lines[2:]]


class TestPage:
    def test_its_sentence_is_of_the_criterion_that_is_trusted_most_often(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        times = sorted((merging_variance(w) - 0.04) / 2 for w in (0.5, 0.9, 0.8, 0.7))
        compared = compare(speciation, mixture=pairs)
        said = f"merging, to be trusted at 75 % of 4 points, gives tau* from {times[0]:.3g} to {times[-1]:.3g} "
        assert sentence(compared).startswith(said)
        assert sentence(compared) in table(compared)

    def test_the_sentence_of_a_sweep_without_a_time_says_so(self) -> None:
        without = result([{"exact": (math.nan, NO_ROOT)}] * 2)
        assert sentence(compare(without)) == "exact has a time at none of 2 points."

    def test_it_counts_the_points_that_trust_each_criterion_by_reason(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        text = table(compare(speciation, mixture=pairs), title="pair")
        assert text.startswith("# pair\n\n4 points: separation (1, 2, 3, 4).\n")
        trusted = rows_of(text, "Which criterion to trust")
        assert [row[:4] for row in trusted[1:]] == [["`exact`", "1", "25 %", "0"], ["`merging`", "3", "75 %", "0"]]
        assert "all means are equally far" in trusted[1][4]
        assert "not equally far" in trusted[2][4]
        assert "| `exact` has no root |      3 |" in text
        times = rows_of(text, "Points by outcome, and speciation times tau")
        assert times[0] == ["criterion", "ok", "no_real_root", "min", "median", "max", "earliest at", "latest at"]
        assert times[2][:6] == ["exact", "1", "3", "0.48", "0.48", "0.48"]
        assert "`no_real_root`: the equation of the criterion has no real root" in text

    def test_differences_are_from_the_criterion_that_is_trusted_most_often(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        result = compare(speciation, mixture=pairs)
        rows = rows_of(table(result), "Difference from `merging` in tau, and relative to v = sigma0^2 + 2 tau")
        gaps = [(1 - merging_variance(w)) / 2 for w in (0.5, 0.9, 0.8, 0.7)]
        assert rows[3][:3] == ["boundary", "4", "0"]
        assert rows[3][4] == f"{max(gaps):.3g}"
        assert float(rows[3][3]) == pytest.approx(np.median(gaps), rel=0.01)
        assert rows[3][-1] == "separation 2"
        assert "Difference from `exact`" in table(compare(speciation))
        assert "not determined" in table(compare(speciation))

    def test_the_page_of_wells_describes_each_criterion(self) -> None:
        times = {"boundary": (0.2691, OK), "merging": (0.1938, OK), "matched-gaussian": (0.4375, OK)}
        text = table(compare(result([times, dict.fromkeys(times, (math.nan, Status.no_transition))])))
        assert "The density has two wells" in text
        assert "Difference from `merging`" in text
        assert "a single well" in text

    def test_it_reads_no_variable_of_the_points(self) -> None:
        speciation, corrections, pairs, samples, clock = random_sweep()
        result = compare(speciation, corrections, pairs, samples, clock)
        points = [name for name in result.data_vars if "weight" in result[name].dims]
        assert len(points) == 12
        emptied = result.assign({name: xr.full_like(result[name], 0) for name in points})
        assert table(emptied) == table(result)

    def test_tables_are_aligned_and_few(self) -> None:
        text = table(compare(*random_sweep()))
        blocks = [block for block in text.split("\n\n") if block.startswith("|")]
        assert 6 <= len(blocks) <= 8
        assert all(len({len(line) for line in block.splitlines()}) == 1 for block in blocks)

    def test_a_single_point_reads_well(self, tmp_path: Path) -> None:
        speciation, pairs = (part.isel(separation=0, drop=True) for part in sweep([0.7]))
        result = compare(speciation, mixture=pairs)
        text = table(result, "one")
        assert "One point." in text
        assert "largest at" not in text
        store.write(result, tmp_path / "comparison.nc")
        assert table(store.open_file(tmp_path / "comparison.nc", chunks=None), "one") == text
