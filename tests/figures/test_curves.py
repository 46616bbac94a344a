"""Which axes curves are drawn over, what a reader chooses of them, and what a caption says of the rest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import figures
from scoreshock.figures import captions, curves, selection, style, times
from scoreshock.figures.description import FIGURES, Choice, Line, Panel, Points
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study

A, V, W = np.linspace(0.5, 3, 6), np.array([0.25, 0.5, 1.0, 2.0, 3.0]), np.array([0.5, 0.6])


def values_of(strength: dict[str, float]) -> xr.DataArray:
    """1 plus for each axis its strength times what goes from 0 to 1 along it; criterion ``none`` has no number."""
    axes = {"separation": A, "variance": V, "weight": W}
    coordinates = {name: xr.DataArray(values, {name: values}, name) for name, values in axes.items()}
    sum_of = sum(strength[name] * (each - each[0]) / (each[-1] - each[0]).item() for name, each in coordinates.items())
    values = 1 + sum_of * xr.DataArray([1.0, 1.5], {"criterion": ["exact", "leading"]}, "criterion")
    empty = xr.full_like(values.isel(criterion=[0]), np.nan).assign_coords(criterion=["none"])
    return xr.concat([values, empty], "criterion").rename("tau").assign_attrs(long_name="a time")


def lines_of(panel: Panel) -> dict[str, Line]:
    return {mark.name: mark for mark in panel.marks if isinstance(mark, Line)}


@pytest.mark.parametrize(
    ("strength", "axis", "titles"),
    [
        (
            {"separation": 3.0, "variance": 2.0, "weight": 1.0},
            "separation a",
            ["σ₀² = 0.25", "σ₀² = 0.5", "σ₀² = 2", "σ₀² = 3"],
        ),
        ({"separation": 1.0, "variance": 9.0, "weight": 2.0}, "variance σ₀²", ["w = 0.5", "w = 0.6"]),
        (
            {"separation": 1.0, "variance": 0.5, "weight": 9.0},
            "separation a",
            ["w = 0.5", "w = 0.6"],
        ),  # 2 values are no line
    ],
)
def test_lines_run_over_what_varies_most(strength: dict[str, float], axis: str, titles: list[str]) -> None:
    drawn = curves.panels(values_of(strength), "criterion")
    assert {panel.xlabel for panel in drawn} == {axis}
    assert [next(part for part in panel.title.split(", ") if part in titles) for panel in drawn] == titles


def test_variation_is_of_logarithms_where_values_span_decades() -> None:
    x = np.geomspace(1, 1e4, 5)
    rising = xr.DataArray(x[:, None] * [1.0, 2.0], {"separation": x, "variance": [1.0, 2.0]}, ["separation", "variance"])
    assert selection.variation(rising, "separation") == pytest.approx(np.log(1e4))
    assert selection.variation(rising, "variance") == pytest.approx(np.log(2))


STEEP = values_of({"separation": 3.0, "variance": 2.0, "weight": 1.0})


@pytest.mark.parametrize(
    ("choice", "xlabel", "names", "count"),
    [
        (Choice(x="variance"), "variance σ₀²", ["exact", "leading"], 4),
        (Choice(lines="variance"), "separation a", ["σ₀² = 0.25", "σ₀² = 0.5", "σ₀² = 1", "σ₀² = 2", "σ₀² = 3"], 2),
        (Choice(panels="weight"), "separation a", ["exact", "leading"], 2),
        (Choice(panels="criterion"), "separation a", ["σ₀² = 0.25", "σ₀² = 0.5", "σ₀² = 1", "σ₀² = 2", "σ₀² = 3"], 2),
        (Choice(x="weight", lines="separation", panels="variance"), "weight w", [f"a = {a:g}" for a in A], 4),
        (Choice(select={"variance": 1.0}), "separation a", ["exact", "leading"], 2),
        (Choice(select={"variance": V.tolist()}), "separation a", ["exact", "leading"], 5),
        (Choice(select={"variance": slice(0.2, 9)}), "separation a", ["exact", "leading"], 4),
        (Choice(panels="feature"), "separation a", ["exact", "leading"], 4),
        (Choice(select={"criterion": "leading"}), "separation a", ["leading"], 4),
    ],
)
def test_a_reader_chooses_axis_lines_panels_and_slice(choice: Choice, xlabel: str, names: list[str], count: int) -> None:
    drawn = curves.panels(STEEP, "criterion", choice)
    assert [panel.xlabel for panel in drawn] == [xlabel] * count
    assert [panel.names for panel in drawn] == [names] * count


def test_names_as_axis_are_bars() -> None:
    drawn = curves.panels(
        STEEP, "criterion", Choice(x="criterion", select={"separation": 3, "variance": 0.25, "weight": 0.5})
    )
    (bars,) = [panel.bars for panel in drawn]
    assert bars is not None
    assert bars.names == ("exact", "leading", "none")
    np.testing.assert_allclose(bars.y, [4.0, 5.5, np.nan])


def test_a_chosen_slice_has_the_numbers_of_the_data() -> None:
    (panel,) = curves.panels(STEEP, "criterion", Choice(lines="weight", select={"variance": 2.0, "criterion": "leading"}))
    expected = STEEP.sel(variance=2.0, criterion="leading", weight=0.6)
    np.testing.assert_array_equal(lines_of(panel)["w = 0.6"].y, expected)


@pytest.mark.parametrize(("scale", "logx", "logy"), [({}, False, False), ({"x": "log", "y": "log"}, True, True)])
def test_a_reader_chooses_the_scales(scale: dict[str, str], logx: bool, logy: bool) -> None:
    (panel, *_) = curves.panels(STEEP, "criterion", Choice(scale=scale))
    assert (panel.logx, panel.logy) == (logx, logy)


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ({"variance": 0.3}, "select: variance = 0.3 is not in the data; allowed: 0.25, 0.5, 1, 2, 3"),
        (
            {"criterion": "exat"},
            "select: criterion = 'exat' is not in the data \\(did you mean 'exact'\\?\\); allowed: exact, leading",
        ),
        ({"variance": slice(7, 9)}, "select: variance from 7 to 9 has no values; allowed: 0.25"),
    ],
)
def test_a_selection_without_values_is_refused(select: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        curves.panels(STEEP, "criterion", Choice(select=select))


def test_a_selection_may_differ_by_rounding_and_be_a_range() -> None:
    assert selection.selected(STEEP, {"weight": 0.1 + 0.5}).weight.values.tolist() == [0.6]
    assert selection.selected(STEEP, {"variance": slice(0.5, 2)}).variance.values.tolist() == [0.5, 1, 2]


def test_a_choice_that_does_not_apply_is_named() -> None:
    drawn = curves.panels(STEEP, "criterion", Choice(lines="feature"))
    assert "lines = feature does not apply to a time." in drawn[0].notes


def test_a_caption_says_the_slice_and_what_is_left_out() -> None:
    flags = xr.where(STEEP.isnull(), 6, 0).astype("i1").assign_attrs(flag_values=[0, 6], flag_meanings="ok not_applicable")
    dataset = xr.Dataset({"tau": STEEP.assign_attrs(ancillary_variables="status"), "status": flags})
    dataset["status"][{"separation": 0, "variance": 0, "criterion": 0}] = 6
    drawn = curves.panels(curves.shown(dataset, "tau"), "criterion")
    assert captions.caption("Times.", drawn) == (
        "Times. At w = 0.5 (of 0.5, 0.6). Without numbers here: none. Panels for 4 of 5 values of σ₀². "
        "1 of 48 points are not drawn: 1 not_applicable."
    )


def test_a_caption_counts_what_a_logarithmic_axis_cannot_show() -> None:
    values = xr.DataArray([-1.0, 1.0, np.nan, 100.0, 1e4], {"separation": A[:5]}, ["separation"])
    (panel,) = curves.over(values, ["separation"], Choice(scale={"y": "log"}))
    assert panel.notes == ("2 of 5 points are not drawn: 1 not above 0, 1 not a number.",)


def test_lines_of_numbers_that_coincide_list_them() -> None:
    flat = values_of({"separation": 3.0, "variance": 1.0, "weight": 0.0})
    (panel, *_) = curves.panels(flat, "criterion", Choice(lines="weight", panels="variance"))
    assert panel.names == ["w = 0.5, 0.6"]


def test_a_number_between_gaps_is_a_point() -> None:
    numbers = np.array([1.0, np.nan, *range(2, 2 + curves.FEW_POINTS)])
    values = xr.DataArray(numbers, {"separation": numbers.size - np.arange(numbers.size)}, ["separation"])
    (panel,) = curves.over(values, ["separation"])
    line, points = panel.marks
    assert isinstance(line, Line)
    assert isinstance(points, Points)
    assert not line.dots
    assert (points.x.tolist(), points.y.tolist()) == ([numbers.size], [1.0])


def test_a_line_through_few_points_shows_them() -> None:
    values = xr.DataArray([1.0, np.nan, 2.0, 3.0], {"separation": [1.0, 2.0, 4.0, 8.0]}, ["separation"])
    (panel,) = curves.over(values, ["separation"])
    (line,) = panel.marks
    assert isinstance(line, Line)
    assert line.dots
    assert panel.logx  # the values have one ratio


def test_the_slice_with_most_numbers_is_drawn() -> None:
    sparse = STEEP.where((STEEP.weight > 0.55) | (STEEP.separation < 1))
    assert "At w = 0.6 (of 0.5, 0.6)." in curves.panels(sparse, "criterion")[0].notes


def test_panels_abreast_have_the_same_lines() -> None:
    steep, flat = (
        STEEP.sel(criterion="exact"),
        values_of({"separation": 1.0, "variance": 9.0, "weight": 0.0}).sel(criterion="exact"),
    )
    drawn = curves.abreast([steep, flat], "separation")
    assert [panel.xlabel for panel in drawn] == ["separation a"] * 2
    assert drawn[0].names[0].startswith("σ₀² = ")
    assert all(name.startswith("σ₀² = ") for panel in drawn for name in panel.names)


def test_every_schedule_has_a_panel() -> None:
    kinds = ["ve", "vp-linear", "vp-cosine", "edm", "vp-constant"]
    speciation = ss.speciation(ss.families.pair(separation=A), {kind: ss.schedule(kind) for kind in kinds})
    assert [panel.title for panel in times.time(speciation)] == kinds


def test_axes_of_a_file_keep_their_words() -> None:
    angle = xr.DataArray([0.0, 45.0], {"angle": [0.0, 45.0]}, "angle")
    angle = angle.assign_attrs(long_name="angle of the magnet", units="degree").angle.assign_attrs(
        long_name="angle of the magnet", units="degree"
    )
    assert style.label(angle) == "angle of the magnet (degree)"
    ours = ss.speciation(ss.families.pair(separation=A)).separation
    assert style.label(ours) == "separation a"
    assert style.label(ours.assign_attrs(long_name="pressure", units="bar")) == "pressure (bar)"


def test_a_figure_takes_datasets_of_other_quantities() -> None:
    @ss.figure(of="scores", beside=("layer", "modes"))
    def beside_figure(dataset: xr.Dataset, choice: Choice, layer: Any, modes: Any) -> list[Panel]:
        return [Panel(f"{dataset.title}, {layer.title}, {modes}", choice.x, "", ())]

    datasets = {name: xr.Dataset(attrs={"title": name}) for name in ("scores", "layer")}
    try:
        (panel,) = FIGURES["beside-figure"].panels(datasets, Choice(x="x", scale={"y": "log"}))
    finally:
        del FIGURES["beside-figure"]
    assert (panel.title, panel.xlabel, panel.logy) == ("scores, layer, None", "x", True)


@pytest.mark.parametrize(
    ("family", "words"), [("pair", "separation a"), ("data", "scale a of the means"), ("custom", "scale a of the means")]
)
def test_only_a_pair_has_a_half_distance(family: str, words: str) -> None:
    speciation = ss.speciation(ss.families.pair(separation=A)).assign_attrs(family=family)
    panel, _ = FIGURES["speciation"].panels({"speciation": speciation})
    assert panel.xlabel == words


@pytest.mark.slow
def test_pictures_of_a_table_speak_of_the_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{x:.4f},{y:.4f},{name}" for name, at in (("setosa", 0), ("virginica", 4)) for x, y in rng.normal(at, 1, (30, 2))
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["length,width,species", *rows]))
    entry = {"family": "data", "axes": {"separation": [0.5, 1.0, 2.0], "schedule": ["ve", "edm"]}}
    entry |= {"parameters": {"file": str(tmp_path / "mine.csv"), "label": "species"}}
    quantities = ["speciation", "scores", "layer", "amplification", "decisions"]
    sweep = Study.from_mapping({"sweeps": {"s": entry | {"quantities": quantities, "tau": [0.1, 1.0]}}}).sweeps["s"]
    datasets = {name: evaluate(sweep, name, chunked=False).assign_attrs(family="data") for name in quantities}
    texts = [
        text
        for panels, caption in figures.captioned(datasets).values()
        for text in [
            caption,
            *(each for panel in panels for each in (panel.title, panel.xlabel, panel.ylabel, *panel.names)),
        ]
    ]
    assert "scale a of the means" in texts
    assert not [text for text in texts if "pair" in text or "half-distance" in text]
