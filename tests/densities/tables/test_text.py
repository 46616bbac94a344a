"""Tables as text, of any delimiter, decimal mark and packing, against pandas; and what is refused."""

import bz2
import gzip
import lzma
import re

import numpy as np
import pandas as pd
import pytest

from scoreshock.densities import families
from scoreshock.densities.tables import arrays, rows, text
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.table import Choice

FRAME = pd.DataFrame(
    {"u": [0.5, -1.25, 3.0, 1e-7], "v": [1, 20, 300, 4000], "kind": ["ash", "elm", "ash", "elm"]},
)


def written(path, frame=FRAME, **how):
    frame.to_csv(path, index=False, **how)
    return path


def same(table, frame=FRAME, label="kind"):
    np.testing.assert_array_equal(table.features[:], frame.drop(columns=label).to_numpy(dtype=float))
    assert table.labels.tolist() == frame[label].tolist()
    assert table.names == tuple(frame.columns.drop(label))
    return table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("suffix", [".csv", ".TSV", ".txt", ".dat"])
def test_the_delimiter_is_found_in_the_text_and_reported(tmp_path, delimiter, suffix):
    path = written(tmp_path / f"table{suffix}", sep=delimiter)
    table = same(read_file(path, Choice(label="kind")))
    assert table.notes == {
        "label_column": "kind",
        "delimiter": {"\t": "tab", " ": "whitespace"}.get(delimiter, delimiter),
        "decimal": ".",
    }


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".XZ", lzma.compress)])
def test_packed_text_is_unpacked(tmp_path, suffix, pack):
    path = tmp_path / f"table.csv{suffix}"
    path.write_bytes(pack(FRAME.to_csv(index=False).encode()))
    same(read_file(path, Choice(label="kind")))
    whole = path.read_bytes()
    for damaged in (whole[:-12], whole[:12], b"", whole[:30] + b"spoiled" + whole[37:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=re.escape(f"file {path} cannot be read as CSV")):
            read_file(path, Choice(label="kind"))


def test_any_mark_is_a_delimiter_that_is_named(tmp_path):
    path = written(tmp_path / "table.csv", sep=":")
    with pytest.raises(ValueError, match=r"columns found: u:v:kind; allowed: label: .* \(and delimiter, if .* by ':'\)"):
        read_file(path)
    same(read_file(path, Choice(label="kind", delimiter=":")))
    with pytest.raises(ValueError, match="delimiter = '::' is not allowed; allowed: one character, tab or whitespace"):
        read_file(path, Choice(delimiter="::"))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_a_decimal_comma_that_can_be_nothing_else_is_read_and_reported(tmp_path, delimiter):
    table = same(read_file(written(tmp_path / "table.csv", sep=delimiter, decimal=","), Choice(label="kind")))
    assert table.notes["decimal"] == ","


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("u;label\n1,234;a\n2,345;b\n", "column 'u' has the value '1,234' in row 1; allowed: numbers (or decimal: ',')"),
        ("u;v;label\n0,5;1.5;a\n2,5;2;b\n", "column 'u' has the value '0,5' in row 1; allowed: numbers (or decimal: ',')"),
    ],
)
def test_a_comma_that_can_be_something_else_is_refused_with_the_remedy(tmp_path, content, said):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(said)):
        read_file(path)


def test_the_decimal_mark_is_as_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("u;label\n1,234;a\n2,345;b\n")
    assert read_file(path, Choice(decimal=",")).features[:].tolist() == [[1.234], [2.345]]
    same(read_file(written(path, decimal=","), Choice(label="kind", decimal=",")))  # in quotes
    path.write_text("u;label\n0,5;a\n1.234,5;b\n")
    with pytest.raises(ValueError, match=re.escape("column 'u' has the value '1.234,5' in row 2")):
        read_file(path, Choice(decimal=","))


def test_a_table_in_pieces_is_the_table_and_rows_are_counted_through(tmp_path, monkeypatch):
    frame = pd.concat([FRAME] * 50, ignore_index=True)
    path = written(tmp_path / "table.csv", frame)
    monkeypatch.setattr(text, "CHUNK", 60)
    monkeypatch.setattr(rows, "IN_MEMORY", 1000)
    same(read_file(path, Choice(label="kind")), frame)
    spoiled = frame.astype({"v": object})
    for entry, said in [("?", "column 'v' has the value '?' in row 124"), (None, "column 'v' has no number .* in row 124")]:
        spoiled.loc[123, "v"] = entry
        with pytest.raises(ValueError, match=said.replace("?", r"\?")):
            read_file(written(path, spoiled), Choice(label="kind"))
    spoiled.loc[17, "kind"] = "NA"
    kept = read_file(written(tmp_path / "spoiled.csv", spoiled), Choice(label="kind", missing="drop"))
    same(kept, frame.drop([17, 123]))
    assert kept.notes["dropped_rows"] == 2


def test_numbers_are_those_nearest_to_the_text(tmp_path):
    x = np.random.default_rng(0).normal(size=(500, 2)) * 10.0 ** np.arange(-250, 250)[:, None]
    lines = [f"{float(a)!r},{float(b)!r},{j % 2}" for j, (a, b) in enumerate(x)]
    (tmp_path / "table.csv").write_text("\n".join(["u,v,label", *lines]))
    np.testing.assert_array_equal(read_file(tmp_path / "table.csv").features[:], x)


def test_a_header_may_be_longer_than_the_head(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "HEAD", 16)
    same(read_file(written(tmp_path / "table.csv", sep=";"), Choice(label="kind")))


def test_text_without_end_is_refused_before_it_fills_memory(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    monkeypatch.setattr(text, "ROW_LIMIT", 2**17)
    for row in ("1" * 2**19, '"1\n' + "1\n" * 2**18):
        path.write_text("u,label\n" + row)
        with pytest.raises(ValueError, match=r"a row has more than 0 MiB \(is a quotation mark not closed"):
            read_file(path)
    monkeypatch.setattr(arrays, "UNPACKED_LIMIT", 2**20)
    with gzip.open(tmp_path / "table.csv.gz", "wt") as file:
        file.write("u,label\n" + "1,a\n" * 2**19)
    with pytest.raises(ValueError, match=r"it holds 1 MiB; allowed: at most 1 MiB \(our limit\)"):
        read_file(tmp_path / "table.csv.gz")


@pytest.mark.parametrize(
    ("content", "choice", "said"),
    [
        ("u,label,target\n1,a,b\n", {}, "several columns that can be labels: label, target; allowed: label: one of them"),
        ("x,y,z\n1,2,3\n", {}, "has no labels; columns found: x, y, z"),
        (
            "u,kind\n1,a\n",
            {"label": "knid"},
            "label = 'knid', which is no column of file {} (did you mean 'kind'?); columns found: u, kind",
        ),
        ("u,label\n1,a\n", {"features": ["w"]}, "features has 'w', which is no column of file {}; columns found: u, label"),
        ("u,label\n1,a\n", {"ignore": ["w"]}, "ignore has 'w', which is no column of file {}; columns found: u, label"),
        ("u,label\n1,a\n", {"ignore": ["label"], "label": "label"}, "ignore has 'label', which is also named to be used"),
        ("u,label\n1,a\n", {"features": ["u", "u"]}, "features has 'u' more than once"),
        ("u,label\n1,a\n", {"missing": "omit"}, "missing = 'omit' is not allowed; allowed: 'refuse' or 'drop'"),
        ("u,label\n1,a\n", {"decimal": ";"}, "decimal = ';' is not allowed; allowed: '.' or ','"),
        ("5,0,12\n7,255,3\n", {}, "(the first line is numbers: it has to be the names of the columns)"),
        ("u,label\n1,a\n2,NA\n", {}, "column 'label' has 'NA', which stands for a missing label, in row 2"),
        (
            "u,label\n1,a\n2\n",
            {},
            "column 'label' has an empty label in row 2; allowed: a label for each sample",
        ),
        ("u,label\n,a\n,b\n", {"missing": "drop"}, "has no row without a missing entry"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_the_columns_found(tmp_path, content, choice, said):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(said.format(path))) as caught:
        read_file(path, Choice(**choice))
    assert len(str(caught.value).replace(str(path), "")) < 300


def test_columns_are_chosen_by_name_and_the_others_are_reported(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(",id,u,town,v,species\n0,1,5,Bonn,1,a\n1,2,6,Kiel,3,b\n2,3,8,Jena,4,b\n")
    for choice in ({"features": ["u", "v"]}, {"ignore": ["", "id", "town"]}):
        result = families.data(file=str(path), **choice)
        assert result.feature_name.values.tolist() == ["u", "v"]
        assert result.attrs["ignored_columns"] == "(without a name), id, town"
        assert result.attrs["label_column"] == "species (by its name)"
        assert abs(result.component_mean.diff("component")).item() == pytest.approx(np.hypot(7.0 - 5.0, 3.5 - 1.0))
    one = families.data(file=str(path), features=["id", "u"], label="SPECIES")
    assert one.feature_name.values.tolist() == ["id", "u"]


def test_y_is_a_label_only_where_there_is_no_x(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x1,x2,y\n1,2,0\n3,4,1\n")
    assert read_file(path).notes["label_column"] == "y (by its name)"
    path.write_text("x,y,label\n1,2,0\n3,4,1\n")
    assert read_file(path).names == ("x", "y")
