"""Figures of one's own, of results in a folder."""

import html

import pytest

from scoreshock import plot
from scoreshock.cli import main
from scoreshock.cli.figure import _selection

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_all_figures_of_a_sweep_are_drawn_into_a_folder(computed, tmp_path, capsys):
    assert main(["figure", str(computed)]) == 0
    told = capsys.readouterr()
    printed = [line for line in told.out.splitlines() if not line.startswith("  ")]
    assert len(printed) < len(told.out.splitlines())  # captions
    assert told.err.startswith("Not drawn, without data to show: ") or not told.err
    assert "figures/speciation.png" in printed
    assert sorted(f"figures/{path.name}" for path in (tmp_path / "figures").iterdir()) == sorted(printed)
    assert all((tmp_path / path).read_bytes()[:4] == b"\x89PNG" for path in printed)


def test_axes_selection_and_scales_are_the_readers(computed, monkeypatch, capsys):
    drawn = {}

    def save(panels, path, title, caption):
        drawn[path.name] = panels, title, caption
        return path

    monkeypatch.setattr(plot, "_save", save)
    chosen = ["figure", str(computed), "--name", "speciation", "--select", "criterion=leading", "schedule=edm"]
    assert main([*chosen, "--x", "weight", "--lines", "separation", "--into", "my plots/tau.svg"]) == 0
    file, *caption = capsys.readouterr().out.splitlines()
    assert file == "my plots/tau.svg"
    assert " ".join(line.strip() for line in caption) == html.unescape(drawn["tau.svg"][2])
    assert main([*chosen, "--x", "separation", "--lines", "weight", "--scale", "x=log", "--into", "other.svg"]) == 0
    (weights, title, caption), (separations, *_) = drawn["tau.svg"], drawn["other.svg"]
    assert title == "speciation"
    assert caption
    assert {(panel.xlabel, panel.logx) for panel in weights} == {("weight w", False)}
    assert {name[:3] for panel in weights for name in panel.names} == {"a ="}
    assert {("weight" in panel.xlabel, panel.logx) for panel in separations} == {(False, True)}
    assert {name[:3] for panel in separations for name in panel.names} == {"w ="}
    assert all("leading" in panel.title for panel in (*weights, *separations))


def test_wrong_names_and_paths_are_refused(computed, tmp_path, capsys):
    for words, said in {
        ("--name", "speciatoin"): "--name = 'speciatoin' is not allowed (did you mean 'speciation'?); allowed: ",
        ("--x", "wieght"): "x = 'wieght' is not allowed (did you mean 'weight'?); allowed: separation, weight, ",
        ("--select", "weight"): "--select 'weight' is not allowed; allowed: NAME=VALUE",
        ("--select", "weigth=1"): "select = 'weigth' is not allowed (did you mean 'weight'?)",
        (
            "--name",
            "speciation",
            "--select",
            "weight=0.51",
        ): "select: weight = 0.51 is not in the data; allowed: 0.5, 0.6, 0.7",
        ("--scale", "z=log"): "scale = 'z' is not allowed; allowed: x, y",
        ("--into", "fig/x.bmp"): "--into fig/x.bmp is not allowed; allowed: a file that ends in png, svg, html, or a folder",
        ("--into", "a.png"): "--into a.png is one file, and these are ",
        ("--name", "speciation", "--into", "a.png", "--format", "svg"): "--format svg does not go with --into a.png",
        ("--sweep", "lin"): "--sweep = 'lin' is not allowed (did you mean 'line'?); allowed: line",
    }.items():
        assert main(["figure", str(computed), *words]) == 2, words
        assert capsys.readouterr().err.startswith(said), words
    assert not list(tmp_path.iterdir())


def test_figures_without_data_are_named_in_one_line(computed, monkeypatch, capsys):
    def nothing(*_):
        raise plot.NothingToDraw("data: nothing to draw in the figure")

    monkeypatch.setattr(plot, "saved", nothing)
    assert main(["figure", str(computed)]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("Not drawn, without data to show: ")
    assert "speciation" in told.err


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("0.5", 0.5), ("exact", "exact"), ("1,2.5", [1, 2.5]), ("1:2", slice(1, 2)), (":2", slice(None, 2))],
)
def test_selections(text, value):
    assert _selection(text) == value
