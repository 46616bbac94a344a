"""Frames of a session: pandas', Polars', PyArrow's and what behaves like them."""

import re

import numpy as np
import pandas as pd
import pytest

from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables import columns

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.array(["elm", "ash", "oak"])[np.arange(30) % 3]
FRAME = pd.DataFrame(X, columns=list("uvw")).assign(kind=Y)
EXPECTED = from_labelled(X, Y)


def same(result, told):
    for name in ("component_mean", "component_variance", "basis", "origin", "total_eigenvalue", "label"):
        assert (result[name].values == EXPECTED[name].values).all()
    assert result.feature_name.values.tolist() == ["u", "v", "w"]
    assert result.attrs.get("label_column") == told


def test_a_frame_and_the_name_of_its_labels():
    same(from_labelled(FRAME, "kind"), "kind")
    same(from_labelled(FRAME.rename(columns={"kind": "Species"})), "Species (by its name)")
    same(from_labelled(FRAME[list("uvw")], FRAME.kind), None)
    same(from_labelled(FRAME[list("uvw")], Y), None)
    same(from_labelled(FRAME.astype({"kind": "category", "u": "Float64", "v": "float64"}), "kind"), "kind")


def test_pieces_change_nothing(monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 28)
    same(from_labelled(FRAME, "kind"), "kind")


class Other:
    """A frame of another package, as far as it can be told: columns by name, which become arrays."""

    def __init__(self, frame):
        self._frame, self.columns = frame, list(frame.columns)

    def __getitem__(self, name):
        return self._frame[name]

    def to_pandas(self):
        raise ModuleNotFoundError("pyarrow")


class Converted:
    """A table that becomes a frame of pandas, such as PyArrow's."""

    column_names = ("u", "v", "w", "kind")

    def to_pandas(self):
        return FRAME


@pytest.mark.parametrize("frame", [Other(FRAME), Converted()], ids=["columns", "to_pandas"])
def test_frames_of_other_packages(frame):
    same(from_labelled(frame, "kind"), "kind")


def test_frames_of_polars():
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    same(from_labelled(polars.DataFrame({name: FRAME[name].to_numpy() for name in FRAME}), "kind"), "kind")
    lacking = polars.DataFrame({"u": [1.0, None], "kind": ["a", "b"]})
    with pytest.raises(ValueError, match="column 'u' has no number"):
        from_labelled(lacking, "kind")


@pytest.mark.parametrize(
    ("frame", "labels", "said"),
    [
        (FRAME.assign(when=pd.Timestamp("2024-01-01")), "kind", "column 'when' holds dates; allowed: numbers"),
        (FRAME.assign(kind=pd.Timestamp("2024-01-01")), "kind", "column 'kind' holds dates; allowed: labels"),
        (FRAME.assign(flag=True), "kind", "column 'flag' has the value 'True' in row 1"),
        (
            FRAME.assign(town="Bonn"),
            "kind",
            "column 'town' has the value 'Bonn' in row 1; allowed: numbers, or a table without",
        ),
        (FRAME.assign(c=pd.Categorical(Y)), "kind", "column 'c' holds entries of the type category"),
        (FRAME.assign(z=1j), "kind", "column 'z' holds entries of the type complex128"),
        (FRAME.assign(id=np.arange(1, 31)), "kind", "has the column 'id', which numbers the rows"),
        (FRAME.assign(id=np.arange(1001, 1031)[::-1]), "kind", "has the column 'id', which numbers the rows"),
        (FRAME.assign(nth=np.arange(30.0)), "kind", "has the column 'nth', which numbers the rows"),
        (
            FRAME.assign(u=FRAME.u.where(FRAME.u != FRAME.u[4])),
            "kind",
            "column 'u' has no number (blank, NA or NaN) in row 5",
        ),
        (FRAME.reset_index().rename(columns={"index": "Unnamed: 0"}), "kind", "a column without a name (column 1)"),
        (FRAME, "knid", "label = 'knid', which is no column of features (did you mean 'kind'?)"),
        (FRAME, None, "features has no labels; columns found: u, v, w, kind"),
        (FRAME.assign(label=Y), Y, "has the column 'label', and labels are given apart; allowed: one of both"),
        (FRAME[["u"]], FRAME.kind[::-1], "labels has another index than features"),
        (pd.concat([FRAME, FRAME[["u"]]], axis=1), "kind", "has the column 'u' more than once"),
        (FRAME[["kind"]], "kind", "has no features; columns found: kind"),
        (FRAME.iloc[:0], "kind", "has no rows; columns found: u, v, w, kind"),
        (FRAME.assign(kind=None), "kind", "an empty label"),
        (FRAME.assign(kind=np.linspace(0, 1, 30)), "kind", "labels has the value 0.03"),
    ],
)
def test_what_an_author_does_not_mean_is_refused_in_one_sentence(frame, labels, said):
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        from_labelled(frame, labels)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_column_that_counts_only_at_first_is_a_feature(monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 4)
    counts = np.r_[np.arange(29), 7]
    assert from_labelled(FRAME.assign(id=counts), "kind").sizes["ambient"] == 4
