"""Figures as HoloViews objects: what every mark becomes, and the colours of both themes."""

import json
from typing import Any

import numpy as np
import pytest

from scoreshock.figures.description import (
    Area,
    Arrows,
    Band,
    Bars,
    Contour,
    Image,
    Labels,
    Level,
    Line,
    Mark,
    Panel,
    Points,
)
from scoreshock.figures.style import THEMES

from .test_figures import luminance

pytestmark = pytest.mark.slow

X, Y = np.linspace(0.5, 3, 6), np.geomspace(0.01, 10, 5)
Z = np.log(Y)[:, None] - np.cos(X)
MARKS: dict[str, tuple[Mark, str]] = {
    "line": (Line(X, X**2, "a line", dash=(3.7, 1.6)), "Line"),
    "steps": (Line(X, X, "steps", step=True), "Line"),
    "points": (Points(X, X, "points"), "Scatter"),
    "bars": (Bars(("a", "b"), np.array([1.0, 2.0])), "Quad"),
    "level": (Level(1.0), "Span"),
    "band": (Band(1.0, 2.0, vertical=True), "BoxAnnotation"),
    "area": (Area(X, X, np.where(X[2] == X, np.nan, X + 1), "an area"), "Patch"),
    "image": (Image(X, Y, Z, "score", centre=0.0), "Image"),
    "categories": (Image(X, Y, (Z > 0).astype(float), "kind", categories=("one", "two")), "Image"),
    "contour": (Contour(X, Y, Z, 0.0, "zero"), "Line"),
    "arrows": (Arrows(X[:, None], Y, np.ones((6, 5)), np.ones((6, 5))), "Line"),
    "labels": (Labels(X[:1], Y[:1], ("text",)), "Text"),
}


def root_of(panel: Panel, theme: str = "light") -> Any:
    import holoviews as hv

    from scoreshock.figures import interactive

    return hv.render(next(iter(interactive.drawn([panel], theme))), backend="bokeh")


def kinds(plot: Any) -> list[str]:
    return [type(getattr(each, "glyph", each)).__name__ for each in [*plot.renderers, *plot.center]]


@pytest.mark.parametrize("name", MARKS)
def test_each_mark_is_drawn_by_its_glyph(name: str) -> None:
    mark, glyph = MARKS[name]
    assert glyph in kinds(root_of(Panel("t", "x", "y", (mark,))))


@pytest.mark.parametrize("name", MARKS)
def test_each_mark_is_drawn_by_matplotlib(name: str) -> None:
    from scoreshock.figures import picture

    (axes, *_) = picture.drawn([Panel("t", "x", "y", (MARKS[name][0],))], "dark").axes
    assert axes.lines or axes.patches or axes.collections or axes.texts
    assert axes.get_facecolor() == pytest.approx([int(THEMES["dark"].paper[i : i + 2], 16) / 255 for i in (1, 3, 5)] + [1.0])


def test_the_legend_has_lines_areas_and_categories() -> None:
    marks = tuple(MARKS[name][0] for name in ("line", "steps", "points", "area", "categories"))
    (legend,) = [each for each in root_of(Panel("t", "x", "y", marks)).right if type(each).__name__ == "Legend"]
    assert [item.label.value for item in legend.items] == ["a line", "steps", "points", "an area", "one", "two"]
    assert legend.click_policy == "hide"


def test_an_area_with_a_gap_is_two() -> None:
    assert kinds(root_of(Panel("t", "x", "y", (MARKS["area"][0],)))).count("Patch") == 2


def test_an_image_has_its_cells_and_ends_on_a_logarithmic_axis() -> None:
    plot = root_of(Panel("t", "x", "y", (MARKS["image"][0],), logy=True))
    (image,) = [each for each in plot.renderers if type(each.glyph).__name__ == "Image"]
    data = image.data_source.data
    np.testing.assert_array_equal(data["image"][0], Z.astype("f4"))
    ratio = np.sqrt(Y[1] / Y[0])
    np.testing.assert_allclose([data["y"][0], data["y"][0] + data["dh"][0]], [Y[0] / ratio, Y[-1] * ratio])
    mapper = image.glyph.color_mapper
    assert -mapper.low == mapper.high == pytest.approx(abs(Z).max())


@pytest.mark.parametrize("theme", THEMES)
def test_black_lines_are_seen_over_pages_images_and_in_legends_of_both_themes(theme: str) -> None:
    black, other = Line(X, X, "a", color="#000000"), Line(X, X, "b")
    image, line, _ = root_of(Panel("t", "x", "y", (MARKS["image"][0], black, other)), theme).renderers
    palette = image.glyph.color_mapper.palette
    middle = palette[len(palette) // 2]  # of values at the centre, over which most lines are
    for ground in (THEMES[theme].paper, THEMES[theme].soft, middle):
        assert contrast(line.glyph.line_color, ground) > 10
    (legend,) = [each for each in root_of(Panel("t", "x", "y", (MARKS["image"][0], black, other)), theme).right
                 if type(each).__name__ == "Legend"]  # fmt: skip
    assert legend.background_fill_color is None
    assert legend.label_text_color == THEMES[theme].text


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_a_line_of_few_points_has_dots_that_hide_with_it() -> None:
    plot = root_of(Panel("t", "x", "y", (Line(X, X, "a", dots=True), Line(X, X, "b"))))
    assert sorted(kinds(plot)[:3]) == ["Line", "Line", "Scatter"]
    (legend,) = [each for each in plot.right if type(each).__name__ == "Legend"]
    assert [len(item.renderers) for item in legend.items] == [1, 1]
    assert {renderer.name for renderer in plot.renderers} == {"a", "b"}
    (line, dots) = [renderer for renderer in plot.renderers if renderer.name == "a"]
    (link,) = line.js_property_callbacks["change:visible"]
    assert dots in link.args.values()


def test_a_panel_without_legend_has_none_that_is_empty() -> None:
    import holoviews as hv

    from scoreshock.figures import interactive

    panel = Panel("t", "x", "y", (Line(X, X, "a"), Line(X, X, "b")))
    roots = [
        hv.render(each, backend="bokeh") for each in interactive.drawn([panel, panel])
    ]  # the second has the legend of both
    legends = [[each for each in [*root.center, *root.right] if type(each).__name__ == "Legend"] for root in roots]
    assert [len(found) for found in legends] == [0, 1]


def test_bars_have_their_values() -> None:
    plot = root_of(Panel("t", "x", "y", (Bars(("a", "b", "c"), np.array([1.5, np.nan, 0.25])),)))
    (texts,) = [each.data_source.data for each in plot.renderers if type(each.glyph).__name__ == "Text"]
    assert ["1.5", "", "0.25"] in [list(values) for values in texts.values()]


def test_hover_shows_names_and_values() -> None:
    (tool,) = [each for each in root_of(Panel("t", "length x (m)", "y", (MARKS["line"][0],))).tools if "Hover" in str(each)]
    assert tool.tooltips == [("", "$name"), ("length x", "@x{%.5g}"), ("y", "@y{%.5g}")]


def test_panels_as_json_ask_for_nothing() -> None:
    from scoreshock.figures import interactive

    panels = [Panel("t", "x", "y", (mark,)) for mark, _ in MARKS.values()]
    text = json.dumps(interactive.as_json(panels))
    assert "http" not in text
    assert len(text) < 40_000 * len(panels)
