"""Figures: what is drawn, and that the pages need nothing from outside."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import holoviews as hv
import hvplot
import matplotlib.image
import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import figures
from scoreshock.conventions import DEFAULT_CRITERIA, MIXTURE_CRITERIA, QUANTITIES
from scoreshock.evaluation import evaluate
from scoreshock.figures import curves, layers, style, times
from scoreshock.study import Study, StudyError

OPTIONS: dict[str, Any] = {
    "x": {"start": -2, "stop": 2, "num": 5, "unit": "layer"},
    "starts": {"values": [-2, 0.5], "unit": "separation"},
    "distance": [0.0],
}
CLOCKS: dict[str, Any] = {
    "absolute": {"values": [0.1, 0.5, 1.0]},
    "speciation": {"values": [0.25, 1.0, 2.0], "unit": "speciation"},
    "one time": [0.1],
}
MEMBERS: dict[str, dict[str, Any]] = {
    "pair": {"family": "pair", "axes": {"separation": [0.4, 1.5, 2.0], "variance": [0.25, 0.5], "weight": 0.6}},
    "line": {"family": "collinear", "axes": {"separation": [1.0, 2.0], "variance": 0.25}},
    "plane": {"family": "polygon", "axes": {"separation": [1.0, 2.0], "variance": 0.25}},
    "wells": {"family": "quartic", "axes": {"half_distance": [1.0, 1.5]}},
    "point": {"family": "pair", "axes": {"separation": 2.0, "variance": 0.25, "weight": 0.6}},
    "lone": {"family": "custom", "axes": {}, "parameters": {"means": [[0.0], [3.0], [8.0]]}},
    "void": {"family": "pair", "axes": {"separation": 0.0, "variance": 0.0}},
}


def datasets_of(member: str, clock: str, quantities: Iterable[str] = QUANTITIES) -> dict[str, xr.Dataset]:
    found = {}
    for quantity in quantities:
        entry = MEMBERS[member] | OPTIONS | {"tau": CLOCKS[clock], "quantities": [quantity]}
        try:
            sweep = Study.from_mapping({"sweeps": {"s": entry}}).sweeps["s"]
        except StudyError:  # not computed of this family
            continue
        found[quantity] = evaluate(sweep, quantity, chunked=False)
    return found


def drawn_of(member: str, clock: str) -> dict[str, list[Any]]:
    """Panels of each figure that the quantities of a family's member allow."""
    datasets = datasets_of(member, clock)
    return {name: figure(datasets[q], "bokeh") for name, (q, figure) in figures.FIGURES.items() if q in datasets}


@pytest.fixture(scope="module")
def datasets() -> dict[str, xr.Dataset]:
    pair = ss.families.pair(separation=np.linspace(0.5, 4, 8), variance=[0.25, 1.0], weight=[0.5, 0.6])
    schedules = {"ddpm": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}
    return datasets_of("pair", "speciation") | {
        "speciation": ss.speciation(pair, schedules),
        "corrections": ss.corrections(pair, order=4),
    }


@pytest.fixture(scope="module")
def drawn(datasets: dict[str, xr.Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    several = ("speciation", "corrections")  # panels in one figure; the others are drawn faster with one
    figures.draw({q: found if q in several else found.isel(variance=[1]) for q, found in datasets.items()}, folder)
    return folder


@pytest.fixture(autouse=True)
def _bokeh() -> None:
    hvplot.extension("bokeh", logo=False)


def test_every_quantity_has_a_figure() -> None:
    assert {quantity for quantity, _ in figures.FIGURES.values()} >= set(QUANTITIES)


@pytest.mark.parametrize("name", figures.FIGURES)
def test_each_figure_is_a_page_and_a_picture(drawn: Path, datasets: dict[str, xr.Dataset], name: str) -> None:
    if figures.FIGURES[name][0] not in datasets:
        pytest.skip("not a quantity of studies")
    picture = matplotlib.image.imread(drawn / f"{name}.png")
    assert min(picture.shape[:2]) > 250
    assert picture.std() > 0.01  # not blank
    assert (drawn / f"{name}.html").stat().st_size > 1_000_000  # its scripts are inside


def test_pages_ask_nothing_of_the_network(drawn: Path) -> None:
    for page in drawn.glob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?https?://[^>]*>", page.read_text())
        assert tags == []


def test_labels_come_from_the_vocabulary(drawn: Path) -> None:
    page = (drawn / "speciation.html").read_text()
    assert "speciation time by criterion" in page
    assert "half-distance a of a pair" in page


def test_a_panel_without_numbers_is_left_out(datasets: dict[str, xr.Dataset]) -> None:
    # With equal weights the series has no error: only the panel of weight 0.6 is left.
    panels = times.corrections(datasets["corrections"].isel(variance=[0]), "bokeh")
    assert len(panels) == 1


def test_a_sweep_of_one_point_is_drawn_as_bars(tmp_path: Path) -> None:
    point = ss.speciation(ss.families.pair(separation=2.0, variance=0.25, weight=0.6))
    written = figures.draw({"speciation": point}, tmp_path)
    assert [path.name for path in written] == ["speciation.html", "speciation.png"]


@pytest.mark.parametrize(
    ("member", "clock"),
    [
        ("pair", "absolute"),
        ("pair", "one time"),
        ("line", "absolute"),
        ("plane", "speciation"),
        ("wells", "speciation"),
        ("point", "absolute"),
        ("point", "one time"),
        ("lone", "one time"),
    ],
)
def test_each_kind_of_family_is_drawn(member: str, clock: str) -> None:
    panels = drawn_of(member, clock)
    allowed_to_be_empty = {"time"}  # without schedules
    if member in ("line", "plane", "lone"):
        allowed_to_be_empty.add("corrections")  # no exact root on these lines, and no error at equal distances
    if member in ("line", "lone"):
        allowed_to_be_empty.add("exponent")  # nor growth at the weighted mean
    assert {name for name, drawn in panels.items() if not drawn} <= allowed_to_be_empty
    assert max(len(drawn) for drawn in panels.values()) in range(1, curves.PANELS + 1)


def test_the_exponent_has_a_line_for_each_way_that_it_is_computed() -> None:
    quantity, figure = figures.FIGURES["exponent"]
    found = [datasets_of(member, "absolute", [quantity])[quantity] for member in ("pair", "plane")]
    pair, triangle = (figure(dataset, "bokeh")[0] for dataset in found)
    assert [[curve.label for curve in panel.values()] for panel in (pair, triangle)] == [
        ["closed form", "quadrature"],
        ["quadrature"],
    ]


def test_a_sweep_without_a_transition_leaves_out_what_has_no_number() -> None:
    panels = drawn_of("void", "speciation")
    assert len(panels["divergence"]) == 1  # a score error everywhere costs the same of any density
    for name in ("speciation", "layer", "burgers", "regions", "one-mode", "cascade"):
        assert panels[name] == []


def test_times_run_from_noise_to_data_along_trajectories(datasets: dict[str, xr.Dataset]) -> None:
    panel = layers.trajectories(datasets["trajectories"], "bokeh")[0]
    assert panel.opts.get("plot").kwargs["invert_xaxis"]
    assert [line.label for line in panel] == ["start -2", "start 0.5"]


def test_lines_are_chosen_where_there_are_numbers(datasets: dict[str, xr.Dataset]) -> None:
    # Half a distance of 0.4 has no speciation at either variance, so no times in its units.
    panel = times.neighbours(datasets["neighbours"], "bokeh")[0]
    assert [line.label for line in panel] == ["separation 1.5", "separation 2"]


def test_residuals_are_beside_the_level_of_rounding(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = layers.burgers(datasets["burgers"], "bokeh")
    assert [float(mark.data) for mark in panel if isinstance(mark, hv.HLine)] == [1e-12]


def test_bounds_and_errors_are_drawn_as_they_are_in_the_file(datasets: dict[str, xr.Dataset]) -> None:
    found = datasets["trajectories"]
    panel = layers.errors(found, "bokeh")[-1]
    bound = next(line for line in panel if line.label == "Gronwall bound")
    expected = found.gronwall_bound.isel(separation=2, variance=1, start_scaled=1).squeeze()
    np.testing.assert_array_equal(bound.dimension_values(1)[1:], expected[1:])


def test_panels_of_one_figure_share_their_scale() -> None:
    tau = xr.DataArray(
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 200.0]]],
        dims=("method", "separation", "variance"),
        coords={"method": ["one"], "separation": [1.0, 2.0, 3.0], "variance": [0.1, 0.2]},
    )
    drawn = curves.panels(tau, "method", "bokeh")
    assert [line.opts.get("plot").kwargs["logy"] for panel in drawn for line in panel] == [True, True]


def test_ten_criteria_have_ten_looks() -> None:
    assert len(MIXTURE_CRITERIA) > len(style.OKABE_ITO) > len(DEFAULT_CRITERIA)
    count = len(MIXTURE_CRITERIA)
    dashes = [style.stroke(number, count, "bokeh")["line_dash"] for number in range(count)]
    assert len(set(zip(style.colours(count, ordered=False), dashes, strict=True))) == count


def test_wells_are_drawn_like_mixtures(tmp_path: Path) -> None:
    axes = {"half_distance": {"values": [0.0, 1.0, 1.5]}, "tilt": {"values": [0.0, 0.2]}}
    profile = {"x": {"start": -2, "stop": 2, "num": 5, "unit": "separation"}, "tau": {"values": [0.5], "unit": "speciation"}}
    content = {"family": "tilted-quartic", "parameters": {}, "axes": axes, "schedules": {}}
    datasets = {
        "speciation": ss.evaluate(content | {"quantity": "speciation", "options": {}}),
        "scores": ss.evaluate(content | {"quantity": "scores", "options": profile}),
    }
    figures.draw(datasets, tmp_path)
    assert {path.stem for path in tmp_path.glob("*.html")} == {"speciation", "profile"}


def test_colours_differ_for_people_with_any_common_colour_blindness() -> None:
    # The published palette of Okabe and Ito (2008), black first, grey in place of yellow, which is faint on white.
    published = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#000000"}
    assert published <= set(figures.OKABE_ITO)
