"""The table behind a figure has the numbers that are drawn, with all digits."""

import csv
import io

import numpy as np

from scoreshock.figures import as_csv
from scoreshock.figures.description import Area, Arrows, Band, Bars, Contour, Image, Labels, Level, Line, Panel, Points
from scoreshock.figures.table import table

X = np.array([0.1, 1 / 3, 2.0])


def read(*panels: Panel) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(panels))))


def test_numbers_are_unrounded_and_missing_points_are_left_out() -> None:
    rows = read(Panel("a, b", "", "", (Line(X, np.array([np.pi, np.nan, 1e-300]), 'the "first"'),)))
    assert [(float(row["x"]), float(row["y"])) for row in rows] == [(0.1, np.pi), (2.0, 1e-300)]
    assert {(row["panel"], row["name"], row["mark"]) for row in rows} == {("a, b", 'the "first"', "line")}


def test_every_mark_has_its_rows() -> None:
    z = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    marks = (
        *(Points(X, X), Bars(("one", "two"), np.array([1.0, 2.0])), Level(3.0, vertical=True), Band(1.0, 2.0)),
        *(Area(X, X, X + 1, "between"), Image(X, X[:2], z, "score"), Contour(X, X[:2], z, 0.5, "half")),
        *(Arrows(X, X, X, -X), Labels(X[:1], X[:1], ("here",))),
    )
    columns, rows = table([Panel("", "", "", marks)])
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    counts = {kind: sum(row["mark"] == kind for row in found) for kind in dict.fromkeys(row["mark"] for row in found)}
    expected = {"points": 3, "bars": 2, "level": 1, "band": 1, "area": 3, "image": 6, "contour": 2, "arrows": 3, "labels": 1}
    assert counts == expected
    assert [(row["x"], row["y"], row["z"]) for row in found if row["mark"] == "image"][4] == (1 / 3, 1 / 3, 1.0)
    assert [row["name"] for row in found if row["mark"] in ("bars", "labels")] == ["one", "two", "here"]


def test_categories_are_named() -> None:
    rows = read(Panel("", "", "", (Image(X, X[:1], np.array([[1.0, 0.0, np.nan]]), "kind", categories=("no", "yes")),)))
    assert [row["name"] for row in rows] == ["yes", "no"]


def test_labels_are_in_the_head_where_all_panels_have_the_same() -> None:
    one, two = (Panel("", "separation a", label, (Line(X, X),)) for label in ("score", "width"))
    rows = read(one, two)
    assert set(rows[0]) == {"mark", "y label", "x: separation a", "y"}
    assert [row["y label"] for row in rows] == ["score"] * 3 + ["width"] * 3
