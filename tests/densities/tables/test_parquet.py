"""Parquet files, written by PyArrow; and what is said where that is not installed."""

import sys

import numpy as np
import pandas as pd
import pytest

from scoreshock.densities.tables import arrays
from scoreshock.densities.tables import parquet as module
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.table import Choice

FRAME = pd.DataFrame(
    {"u": np.linspace(0, 1, 20), "v": np.arange(20, dtype="uint8") ** 2, "w": np.float32(0.1), "kind": ["a", "b"] * 10}
)


def test_without_pyarrow_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"t\.parquet needs PyArrow to be read; allowed: pip install pyarrow"):
        read_file(tmp_path / "t.parquet")


@pytest.fixture
def path(tmp_path):
    pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    return tmp_path / "t.parquet"


def test_a_table_is_that_of_its_columns_in_any_pieces(path, monkeypatch):
    FRAME.to_parquet(path)
    for chunk in (4, 2**20):
        monkeypatch.setattr(module, "CHUNK", chunk)
        table = read_file(path, Choice(label="kind", missing="drop" if chunk == 4 else "refuse"))
        np.testing.assert_array_equal(table.features[:], FRAME[["u", "v", "w"]].to_numpy(dtype=float))
        assert table.labels.tolist() == FRAME.kind.tolist()
        assert table.names == ("u", "v", "w")


def test_an_index_that_pandas_stored_is_no_feature(path):
    FRAME.rename_axis("nr").iloc[::-1].to_parquet(path)
    assert read_file(path, Choice(label="kind")).names == ("u", "v", "w")


def test_what_is_missing_is_named_or_dropped(path):
    FRAME.assign(v=FRAME.v.astype("Int64").where(FRAME.v != 9)).to_parquet(path)
    with pytest.raises(ValueError, match=r"column 'v' has no number .* in row 4"):
        read_file(path, Choice(label="kind"))
    FRAME.assign(kind=FRAME.kind.where(FRAME.u > 0), u=FRAME.u.where(FRAME.v != 9)).to_parquet(path)
    with pytest.raises(ValueError, match=r"column 'kind' has an empty label in row 1; allowed: .* or missing: drop"):
        read_file(path, Choice(label="kind"))
    table = read_file(path, Choice(label="kind", missing="drop"))
    assert len(table.features) == len(table.labels) == 18
    assert table.notes["dropped_rows"] == 2


def test_a_small_file_of_many_rows_is_measured_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(arrays, "UNPACKED_LIMIT", 2**20)
    pd.DataFrame({"u": np.zeros(10**6), "kind": ["a"] * 10**6}).to_parquet(path)
    with pytest.raises(ValueError, match=r"t\.parquet cannot be read: it holds 15 MiB; allowed: at most 1 MiB"):
        read_file(path, Choice(label="kind"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"when": pd.Timestamp("2024-01-01")}, "column 'when' holds dates"),
        ({"flag": True}, "column 'flag' has the value 'True' in row 1"),
        ({"lists": [[1.0, 2.0]] * 20}, r"column 'lists' has the value '\[1\. 2\.\]' in row 1"),
    ],
)
def test_what_is_no_number_is_refused(path, changed, said):
    FRAME.assign(**changed).to_parquet(path)
    with pytest.raises(ValueError, match=said):
        read_file(path, Choice(label="kind"))
    assert read_file(path, Choice(label="kind", ignore=list(changed))).names == ("u", "v", "w")


def test_a_damaged_file_is_named(path):
    FRAME.to_parquet(path)
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2], whole[:-9]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"t\.parquet cannot be read"):
            read_file(path, Choice(label="kind"))
