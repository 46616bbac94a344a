"""Figures in a session: ss.plot draws what the workflow draws, and refuses in one sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import figures
from scoreshock.figures.description import Choice, Line, Panel

CHOSEN: dict[str, Any] = {"lines": "variance", "select": {"criterion": "exact"}, "scale": {"y": "log"}}


@pytest.fixture(scope="module")
def tau() -> xr.Dataset:
    result: xr.Dataset = ss.speciation(ss.families.pair(separation=[1.0, 2.0, 3.0, 4.0], variance=[0.25, 0.5]))
    return result


@pytest.fixture
def declared() -> Iterator[None]:
    @ss.figure(of="speciation", name="of-two", beside=("modes",))
    def of_two(dataset: xr.Dataset, choice: Choice, modes: Any) -> list[Panel]:
        """Two at once."""
        x = dataset.separation.values
        return [Panel("with modes" if modes is not None else "alone", choice.x or "a", "y", (Line(x, x),))]

    yield
    del figures.FIGURES["of-two"]


def test_every_figure_is_listed_with_its_words() -> None:
    names = [name.replace("-", "_") for name in figures.FIGURES]
    assert set(dir(ss.plot)) == {*names, "save"}
    for name in names:
        assert (getattr(ss.plot, name).__doc__ or "").startswith(figures.FIGURES[name.replace("_", "-")].words)


def test_matplotlib_draws_the_chosen_lines(tau: xr.Dataset) -> None:
    (axes,) = ss.plot.speciation(tau, **CHOSEN, backend="matplotlib").axes
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["σ₀² = 0.25", "σ₀² = 0.5"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), tau.tau_star.sel(criterion="exact", variance=0.5))


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_holoviews_draws_the_same_lines(tau: xr.Dataset, theme: str) -> None:
    import holoviews as hv

    drawn = ss.plot.speciation(tau, **CHOSEN, theme=theme)
    assert isinstance(drawn, hv.Layout)
    curves = [each for overlay in drawn for each in overlay if isinstance(each, hv.Curve)]
    assert [curve.label for curve in curves] == ["σ₀² = 0.25", "σ₀² = 0.5"]
    np.testing.assert_array_equal(curves[1]["y"], tau.tau_star.sel(criterion="exact", variance=0.5))


def test_a_figure_of_a_plugin_takes_other_datasets_by_keyword(declared: None, tau: xr.Dataset) -> None:  # noqa: ARG001
    assert "of_two" in dir(ss.plot)
    titles = [
        ss.plot.of_two(tau, x="separation", backend="matplotlib", **beside).axes[0].get_title()
        for beside in ({}, {"modes": tau})
    ]
    assert titles == ["alone", "with modes"]
    assert "modes\n    Result of the quantity ``modes``" in (ss.plot.of_two.__doc__ or "")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["html", "png", "svg"])
def test_a_figure_is_saved_with_its_caption(tau: xr.Dataset, tmp_path: Path, suffix: str) -> None:
    path = ss.plot.save(tmp_path / f"times.{suffix}", "speciation", tau, **CHOSEN)
    assert path.stat().st_size > 5_000
    if suffix == "html":
        assert "Speciation time τ* by criterion over the swept axes" in path.read_text()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"x": "varience"},
            r"^x = 'varience' is not allowed \(did you mean 'variance'\?\); allowed: separation",
        ),
        ({"x": "variance", "lines": "variance"}, "^x = 'variance' is chosen twice; allowed: each of x, lines and panels"),
        ({"select": {"variance": 0.3}}, "^select: variance = 0.3 is not in the data; allowed: 0.25, 0.5$"),
        ({"select": {"weight": 0.5}}, "^select = 'weight' is not allowed; allowed: separation, variance, "),
        ({"scale": {"z": "log"}}, "^scale = 'z' is not allowed; allowed: x, y$"),
        ({"scale": {"y": "lg"}}, r"^scale\['y'\] = 'lg' is not allowed.*; allowed: linear, log$"),
        ({"backend": "plotly"}, "^backend = 'plotly' is not allowed; allowed: holoviews, matplotlib$"),
        ({"theme": "drak"}, r"^theme = 'drak' is not allowed \(did you mean 'dark'\?\); allowed: light, dark$"),
        ({"modes": 3}, "^modes = 3 is not a dataset; allowed: a result of the quantity speciation$"),
    ],
)
def test_a_wrong_choice_is_one_sentence(tau: xr.Dataset, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ss.plot.speciation(tau, **wrong)


def test_data_of_another_quantity_are_refused(tau: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"^data: the figure one-mode needs a result of the quantity modes: No "):
        ss.plot.one_mode(tau)
    with pytest.raises(ValueError, match=r"^data: nothing to draw in the figure time"):
        ss.plot.time(tau)
    with pytest.raises(ValueError, match=r"^name = 'speciaton' is not allowed \(did you mean 'speciation'\?\)"):
        ss.plot.save("x.png", "speciaton", tau)
    with pytest.raises(AttributeError, match=r"there is no figure 'speciaton' \(did you mean 'speciation'\?\)"):
        _ = ss.plot.speciaton
