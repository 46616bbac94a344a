"""Figures: what is described, and what becomes of it as a page and as a picture."""

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import colorcet
import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import figures
from scoreshock.figures import curves, decisions, layers, style, times
from scoreshock.figures.description import Bars, Choice, Level, Line, Panel, Points, with_legend
from scoreshock.quantities.declaration import criteria_of
from scoreshock.study.errors import StudyError
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study
from scoreshock.study.vocabulary import vocabulary

QUANTITIES = vocabulary().quantity_names
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DIGEST = "0f" * 32
OPTIONS: dict[str, Any] = {
    "x": {"start": -2, "stop": 2, "num": 5, "unit": "layer"},
    "starts": {"values": [-2, 0.5], "unit": "separation"},
    "plane_x": {"start": -1, "stop": 1, "num": 5, "unit": "separation"},
    "plane_y": {"start": -1, "stop": 1, "num": 5, "unit": "separation"},
    "distance": [0.0],
}
CLOCKS: dict[str, Any] = {
    "absolute": {"values": [0.1, 0.5, 1.0]},
    "speciation": {"values": [0.25, 1.0, 2.0], "unit": "speciation"},
    "one time": [0.1],
}
OF_CLASSES = {"class-pairs", "class-hierarchy", "when-pairs", "when-hierarchy"}
ELSEWHERE = {*OF_CLASSES, "score-map"}
"""Figures that a pair at few times does not have."""

MEMBERS: dict[str, dict[str, Any]] = {
    "pair": {"family": "pair", "axes": {"separation": [0.4, 1.5, 2.0], "variance": [0.25, 0.5], "weight": 0.6}},
    "line": {"family": "collinear", "axes": {"separation": [1.0, 2.0], "variance": 0.25}},
    "plane": {"family": "polygon", "axes": {"separation": [1.0, 2.0], "variance": 0.25}},
    "wells": {"family": "quartic", "axes": {"half_distance": [1.0, 1.5]}},
    "point": {"family": "pair", "axes": {"separation": 2.0, "variance": 0.25, "weight": 0.6}},
    "lone": {"family": "custom", "axes": {}, "parameters": {"means": [[0.0], [3.0], [8.0]]}},
    "void": {"family": "pair", "axes": {"separation": 0.0, "variance": 0.0}},
}


def datasets_of(member: str, clock: str) -> dict[str, xr.Dataset]:
    result = {}
    for quantity in QUANTITIES:
        entry = MEMBERS[member] | OPTIONS | {"tau": CLOCKS[clock], "quantities": [quantity]}
        try:
            sweep = Study.from_mapping({"sweeps": {"s": entry}}).sweeps["s"]
        except StudyError:  # not computed of this family
            continue
        result[quantity] = evaluate(sweep, quantity, chunked=False)
    return result


def drawn_of(member: str, clock: str) -> dict[str, list[Panel]]:
    """Panels of each figure that the quantities of a family's member allow."""
    datasets = datasets_of(member, clock)
    return {name: each.panels(datasets) for name, each in figures.FIGURES.items() if each.of in datasets}


@pytest.fixture(scope="module")
def datasets() -> dict[str, xr.Dataset]:
    pair = ss.families.pair(separation=[0.4, 1.5, 2.0, 4.0], variance=[0.25, 0.5, 0.75, 1.0], weight=[0.5, 0.6])
    schedules = {"ddpm": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}
    return datasets_of("pair", "speciation") | {
        "speciation": ss.speciation(pair, schedules),
        "when": ss.when(pair, schedules),
        "corrections": ss.corrections(pair, order=4),
    }


@pytest.fixture(scope="module")
def drawn(datasets: dict[str, xr.Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    for suffix in figures.RENDERERS:
        figures.draw(datasets, folder, suffix, DIGEST)
    return folder


def panels_of(page: Path) -> list[dict[str, Any]]:
    """The panels that a page holds."""
    text = re.search(r'<script type="application/json">(.*)</script>', page.read_text())
    assert text is not None
    result: list[dict[str, Any]] = json.loads(text[1])
    return result


def lines_of(panel: Panel) -> dict[str, Line]:
    return {mark.name: mark for mark in panel.marks if isinstance(mark, Line)}


def test_every_quantity_has_a_figure() -> None:
    assert {each.of for each in figures.FIGURES.values()} >= set(QUANTITIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.FIGURES)
def test_each_figure_is_a_page_and_a_picture(drawn: Path, datasets: dict[str, xr.Dataset], name: str) -> None:
    if figures.FIGURES[name].of not in datasets:
        pytest.skip("not a quantity of studies")
    if name == "schedule":
        pytest.skip("the figure of when shows more of the schedules")
    if name in ELSEWHERE:
        pytest.skip("needs three classes, or many times: drawn in the tests of its module")
    picture = matplotlib.image.imread(drawn / f"{name}.png")
    assert min(picture.shape[:2]) > 250
    assert picture.std() > 0.01  # not blank
    (drawing,) = re.findall(r"<svg [^>]*>", (drawn / f"{name}.svg").read_text())
    width, height = (float(value) for value in re.findall(r'(?:width|height)="([\d.]+)pt"', drawing))
    assert width / height == pytest.approx(picture.shape[1] / picture.shape[0], abs=0.01)
    assert panels_of(drawn / f"{name}.html")


@pytest.mark.slow
def test_a_page_holds_its_numbers_unrounded(drawn: Path, datasets: dict[str, xr.Dataset]) -> None:
    panel = panels_of(drawn / "speciation.html")[0]
    glyphs = panel["document"]["roots"][0]["attributes"]["renderers"]
    line = next(each["attributes"] for each in glyphs if "exact" in each["attributes"].get("name", "").split(" = "))
    drawn_one = line["name"].split(" = ")[0]  # of lines that coincide
    columns = dict(line["data_source"]["attributes"]["data"]["entries"])
    x, y = (np.frombuffer(gzip.decompress(base64.b64decode(columns[axis]["array"]["data"]))) for axis in "xy")
    at = dict(each.split(" = ") for each in panel["title"].replace("σ₀²", "variance").replace("w", "weight").split(", "))
    where = {name: float(value) for name, value in at.items()}
    result = datasets["speciation"].sel(where, method="nearest").sel(criterion=drawn_one)
    np.testing.assert_array_equal(x, result.separation)
    np.testing.assert_array_equal(y, result.tau_star.where(result.status == 0))


@pytest.mark.slow
def test_pages_ask_for_the_script_beside_them_alone(drawn: Path) -> None:
    scripts = [path.name for path in drawn.glob("*.js")]
    assert len(scripts) == 1
    assert (drawn / scripts[0]).stat().st_size > 1_000_000
    for page in drawn.glob("*.html"):
        assert re.findall(r"(?:src|href)=[\"']?([^\"' >]*)", page.read_text()) == ["data:,", scripts[0]]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_every_panel_without_an_error(drawn: Path, tmp_path: Path) -> None:
    pages = sorted(drawn.glob("*.html"))
    frames = "".join(f'<iframe width="900" height="900" src="{page.as_uri()}"></iframe>' for page in pages)
    (tmp_path / "all.html").write_text(frames)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--enable-logging=stderr"]
    command = [str(CHROMIUM), *options, f"--user-data-dir={tmp_path}", "--dump-dom", (tmp_path / "all.html").as_uri()]
    log = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    console = re.findall(r'CONSOLE[^"]*"([^\n]*)", source', log)
    assert [line for line in console if "document idle" not in line] == []
    assert len(console) == sum(len(panels_of(page)) for page in pages)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", figures.RENDERERS)
def test_a_figure_carries_the_digest_of_its_data(drawn: Path, tmp_path: Path, suffix: str) -> None:
    assert {figures.digest_of(path) for path in drawn.glob(f"*.{suffix}")} == {DIGEST}
    panel = Panel("", "x", "y", (Points(np.arange(3.0), np.arange(3.0)),))
    assert figures.digest_of(figures.save([panel], tmp_path / f"plain.{suffix}")) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "needless"),
    [("html", set()), ("png", {"bokeh", "holoviews"}), ("svg", {"bokeh", "holoviews"}), ("", {"matplotlib", "bokeh"})],
)
def test_a_format_imports_its_own_library_only(tmp_path: Path, suffix: str, needless: set[str]) -> None:
    code = f"""
import sys
from pathlib import Path
import numpy, xarray
from scoreshock import figures
values = xr = xarray.Dataset({{"tau_density": ("separation", [1.0, 2.0]), "density_status": ("separation", [0, 0])}})
if {suffix!r}:
    assert figures.draw({{"modes": values.assign(n_modes=values.tau_density.expand_dims(tau=2), modes_status=0)}},
                        Path({str(tmp_path)!r}), {suffix!r})
print(*{{name.split(".")[0] for name in sys.modules}})
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not set(output.split()) & {"hvplot", *needless}


def test_formats_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"format 'pdf' is not allowed; allowed: html, png, svg"):
        figures.save([], tmp_path / "figure.pdf")


@pytest.mark.slow
def test_outdated_figures_are_removed(datasets: dict[str, xr.Dataset], tmp_path: Path) -> None:
    figures.draw({name: datasets[name] for name in ("speciation", "modes")}, tmp_path, "html")
    figures.draw({"modes": datasets["modes"]}, tmp_path, "png")
    figures.draw({"modes": datasets["modes"]}, tmp_path, "html")
    assert {path.name for path in tmp_path.glob("*.*") if path.suffix != ".js"} == {
        f"{name}.{suffix}" for name in ("modes", "one-mode", "merging-tree") for suffix in ("html", "png")
    }


@pytest.mark.slow
def test_labels_are_short(datasets: dict[str, xr.Dataset]) -> None:
    panel = times.speciation(datasets["speciation"])[0]
    assert panel.ylabel == "speciation time τ*"
    assert panel.xlabel == "separation a"


@pytest.mark.slow
def test_results_plot_with_hvplot(datasets: dict[str, xr.Dataset]) -> None:
    import hvplot.xarray  # noqa: F401 - which imports HoloViews and takes two seconds

    # As README does it in a session: sliders of the other axes, and labels of the vocabulary.
    tau = datasets["speciation"].tau_star
    plot = tau.hvplot.line(x="separation", by="criterion", logy=True)
    assert {dimension.name for dimension in plot.kdims} == {"variance", "weight"}
    shown = plot[tuple({"variance": 0.25, "weight": 0.6}[dimension.name] for dimension in plot.kdims)]
    expected = tau.sel(variance=0.25, weight=0.6, criterion="exact")
    np.testing.assert_array_equal(shown["exact"].dimension_values("tau_star"), expected)


def test_a_legend_stands_once_beside_panels_of_the_same_lines() -> None:
    x = np.arange(3.0)
    one, two = (Panel("", "", "", tuple(Line(x, x, name) for name in names)) for names in ("ab", "ac"))
    lone = Panel("", "", "", (Line(x, x, "a"),))
    assert with_legend([one, one, two, two, lone]) == [False, True, False, True, True]
    assert with_legend([lone, lone]) == [False, False]


def test_lines_that_coincide_are_one_with_all_their_names() -> None:
    x, by = np.linspace(1, 2, 9), xr.Variable("criterion", ["a", "b", "c", "d"])
    rows = np.stack([x, x * (1 + 1e-5), x + 0.1, np.where(x > 1.5, x, np.nan)])
    (panel,) = curves.panels(
        xr.DataArray(rows, {"criterion": by, "separation": x}, ["criterion", "separation"]), "criterion"
    )
    assert panel.names == ["a = b", "c", "d"]
    np.testing.assert_array_equal(lines_of(panel)["a = b"].y, x)


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        (Panel("", "", "", (Line(np.array([0.0, 1]), np.array([1.0, 3])),)), (0.9, 3.1)),
        (Panel("", "", "", (Line(np.array([0.0, 1]), np.array([1.0, 3])), Level(-1))), (-1.2, 3.2)),
        (Panel("", "", "", (Line(np.array([0.0, 1]), np.array([1.0, 3])), Level(9, vertical=True))), (0.9, 3.1)),
        (Panel("", "", "", (Points(np.zeros(3), np.array([0.0, 1, 100])),), logy=True), (10**-0.1, 10**2.1)),
        (Panel("", "", "", (Line(np.zeros(2), np.array([2.0, 2 + 1e-12])),)), (1.0, 3.0)),
        (Panel("", "", "", (Bars(("a", "b"), np.array([2.0, np.nan])),)), (0.0, 2.2)),
        (Panel("", "", "", (Bars(("a", "b"), np.array([-2.0, 2.0])),)), (-2.4, 2.4)),
    ],
)
def test_vertical_axes_span_data_and_levels(panel: Panel, expected: tuple[float, float]) -> None:
    np.testing.assert_allclose(panel.limits("y"), expected, rtol=1e-9)


@pytest.mark.slow
def test_a_panel_without_numbers_is_left_out(datasets: dict[str, xr.Dataset]) -> None:
    # With equal weights the series has no error: only the panel of weight 0.6 is left.
    (panel,) = times.corrections(datasets["corrections"].isel(variance=[0]), Choice(panels="weight"))
    assert "w = 0.6" in panel.title


def test_a_sweep_of_one_point_is_drawn_as_bars(tmp_path: Path) -> None:
    point = ss.speciation(ss.families.pair(separation=2.0, variance=0.25, weight=0.6))
    assert [path.name for path in figures.draw({"speciation": point}, tmp_path, "png")] == ["speciation.png"]
    panel, ratios = times.speciation(point)
    assert panel.bars is not None
    assert ratios.bars is not None
    assert dict(zip(panel.bars.names, panel.bars.y, strict=True))["leading"] == pytest.approx((4 * 0.96 - 0.25) / 2)
    assert dict(zip(ratios.bars.names, ratios.bars.y, strict=True))["exact"] == 1


@pytest.mark.slow
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
    allowed_to_be_empty = {"time", "when", "schedule", *ELSEWHERE}  # without schedules
    allowed_to_be_empty |= {"phase-diagram", "branches"}  # nor two long axes, nor several roots on a long axis
    if member in ("plane", "wells"):
        allowed_to_be_empty.add("merging-tree")  # of lines
    if member in ("line", "plane", "lone"):
        allowed_to_be_empty.add("corrections")  # no exact root on these lines, and no error at equal distances
    if member in ("line", "lone"):
        allowed_to_be_empty.add("exponent")  # nor growth at the weighted mean
    if member == "plane":
        allowed_to_be_empty |= {"burgers-velocity", "layer-profile"}  # on a line
    if member in ("plane", "lone"):
        assert panels["class-pairs"]
        assert panels["class-hierarchy"]
    assert {name for name, drawn in panels.items() if not drawn} <= allowed_to_be_empty
    assert max(len(drawn) for drawn in panels.values()) in range(1, 2 * times.ROWS + 1)


@pytest.mark.slow
def test_the_exponent_has_a_line_for_each_way_that_it_is_computed() -> None:
    pair, triangle = (drawn_of(member, "absolute")["exponent"][0] for member in ("pair", "plane"))
    assert [list(lines_of(panel)) for panel in (pair, triangle)] == [
        ["closed form", "asymptote R/2 − ½ ln R"],
        [""],
    ]


@pytest.mark.slow
def test_a_sweep_without_a_transition_is_drawn_without_its_times() -> None:
    panels = drawn_of("void", "speciation")
    assert len(panels["divergence"]) == 1  # a score error everywhere costs the same of any density
    for name in ("speciation", "layer", "burgers", "regions", "one-mode", "cascade"):
        assert panels[name] == []


@pytest.mark.slow
def test_times_run_from_noise_to_data_along_trajectories(datasets: dict[str, xr.Dataset]) -> None:
    panel = layers.trajectories(datasets["trajectories"])[0]
    assert panel.falling
    assert panel.names == ["start x = -2", "start x = 0.5"]


@pytest.mark.slow
def test_lines_are_chosen_where_there_are_numbers(datasets: dict[str, xr.Dataset]) -> None:
    # Half a distance of 0.4 has no speciation at either variance, so no times in its units.
    panel = decisions.decisions(datasets["decisions"], Choice(lines="separation"))[0]
    assert panel.names == ["a = 1.5", "a = 2"]


@pytest.mark.slow
def test_residuals_are_beside_the_level_of_rounding(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = layers.burgers(datasets["burgers"])
    assert [mark.value for mark in panel.marks if isinstance(mark, Level)] == [1e-12]


@pytest.mark.slow
def test_bounds_and_errors_are_drawn_as_they_are_in_the_file(datasets: dict[str, xr.Dataset]) -> None:
    result = datasets["trajectories"]
    panel = layers.errors(result)[-1]
    expected = result.gronwall_bound.isel(separation=2, variance=1, start_scaled=1).squeeze()
    np.testing.assert_array_equal(lines_of(panel)["Gronwall bound"].y[1:], expected[1:])


def test_curvature_across_the_boundary_changes_its_sign_where_the_boundary_criterion_holds() -> None:
    tau = np.linspace(0.1, 1.9, 19)
    pair = ss.families.pair(separation=1.5, variance=0.25, weight=0.7)
    panel = layers.layer(ss.layer(pair, tau))[2]
    (line,) = lines_of(panel).values()
    np.testing.assert_allclose(line.y, 1 - (0.25 + 2 * tau) / 1.5**2, atol=1e-12)  # (42)-(43) over (a/v)^2
    assert [mark.value for mark in panel.marks if isinstance(mark, Level)] == [0.0]


def test_slopes_across_the_boundary_of_a_pair_are_those_of_tanh() -> None:
    tau, distance = [0.1, 0.4], np.linspace(-3, 3, 7)
    found = ss.regions(ss.families.pair(separation=1.5, variance=0.25), tau, distance)
    (panel,) = [panel for panel in layers.regions(found) if "slope" in panel.ylabel]
    for line, each in zip(lines_of(panel).values(), tau, strict=True):
        ratio = 1.5**2 / (0.25 + 2 * each)
        np.testing.assert_allclose(line.y, ratio / np.cosh(distance) ** 2 - 1, rtol=1e-9)  # Proposition 6.8


def test_isotropy_marks_the_time_from_which_the_theory_may_be_used() -> None:
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], covariance=[[0.2, 0.0], [0.0, 0.1]])
    found = ss.isotropy(mixture, points=100)
    error, exact = times.isotropy(found)
    (level,) = (mark.value for mark in error.marks if isinstance(mark, Level))
    assert level == pytest.approx(float(found.tau_isotropic) / 0.15)  # of the mean variance
    (line,) = lines_of(error).values()
    assert np.interp(np.log(level), np.log(line.x), np.log(line.y)) == pytest.approx(np.log(0.05))
    assert exact.bars is not None
    assert exact.bars.names == ("isotropic", "shared", "own")
    assert exact.bars.y[0] == pytest.approx((1 - 0.15) / 2)  # (31)


@pytest.mark.parametrize(("unit", "words"), [("layer", "in widths of the layer"), ("separation", "over half the extent")])
def test_the_unit_of_positions_is_on_the_axis(unit: str, words: str) -> None:
    pair = ss.families.pair(separation=1.5, variance=0.25)
    found = ss.scores(pair, {"values": [-1.0, 0.0, 1.0], "unit": unit}, {"values": [0.1, 0.2]})
    assert words in layers.profile(found)[0].xlabel


def test_panels_of_one_figure_share_their_scale() -> None:
    tau = xr.DataArray(
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 200.0]]],
        dims=("method", "separation", "variance"),
        coords={"method": ["one"], "separation": [1.0, 2.0, 3.0], "variance": [0.1, 0.2]},
    )
    drawn = curves.panels(tau, "method")
    assert [panel.logy for panel in drawn] == [True, True]


def test_ten_criteria_have_ten_looks() -> None:
    assert len(criteria_of()) > len(style.OKABE_ITO) > len(criteria_of(default=True))
    count = len(criteria_of())
    dashes = [style.stroke(number)["dash"] for number in range(count)]
    assert len(set(zip(style.colours(count, ordered=False), dashes, strict=True))) == count


@pytest.mark.slow
def test_wells_are_drawn_like_mixtures(tmp_path: Path) -> None:
    axes = {"half_distance": {"values": [0.0, 1.0, 1.5]}, "tilt": {"values": [0.0, 0.2]}}
    profile = {"x": {"start": -2, "stop": 2, "num": 5, "unit": "separation"}, "tau": {"values": [0.5], "unit": "speciation"}}
    content = {"family": "tilted-quartic", "parameters": {}, "axes": axes, "schedules": {}}
    datasets = {
        "speciation": ss.evaluate(content | {"quantity": "speciation", "options": {}}),
        "scores": ss.evaluate(content | {"quantity": "scores", "options": profile}),
    }
    assert {path.stem for path in figures.draw(datasets, tmp_path, "svg")} == {"speciation", "profile"}


def test_colours_differ_for_people_with_any_common_colour_blindness() -> None:
    # The published palette of Okabe and Ito (2008), black first, grey in place of yellow, which is faint on white.
    published = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#000000"}
    assert published <= set(figures.OKABE_ITO)


def luminance(color: str) -> float:
    """Relative luminance as W3C defines it."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("theme", style.THEMES)
def test_ordered_lines_are_seen_in_both_themes(theme: str) -> None:
    paper = luminance(style.THEMES[theme].paper)
    lines = np.array([luminance(color) for color in style.ramp(33)])
    contrast = (np.maximum(lines, paper) + 0.05) / (np.minimum(lines, paper) + 0.05)
    assert contrast.min() >= 3  # W3C's guideline 1.4.11 for graphics


def test_ordered_lines_become_lighter_along_the_ramp() -> None:
    assert (np.diff([luminance(color) for color in style.RAMP]) > 0).all()


def test_colours_of_images_are_those_of_their_libraries() -> None:
    viridis = matplotlib.colormaps["viridis"]
    at = [round(i * 255 / 16) for i in range(17)]
    assert [matplotlib.colors.to_hex(viridis(i)) for i in at] == style.SEQUENTIAL
    assert [colorcet.coolwarm[i] for i in at] == style.DIVERGING
    assert [colorcet.bkr[i] for i in at] == style.DIVERGING_IN_THE_DARK
