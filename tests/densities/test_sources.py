"""Tables and means from files: what they hold, and what is refused by name."""

import re

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import families, sources
from scoreshock.densities.data import from_labelled
from scoreshock.densities.sources import read_labelled
from scoreshock.study.study import Study

from .test_data import table


def write(path, x, labels):
    """The same table as NetCDF, npz or CSV by the path's suffix."""
    if path.suffix == ".nc":
        names = np.array([f"class {j}" for j in labels], dtype="S")
        stored = xr.Dataset({"features": (("feature", "sample"), x.T), "labels": ("sample", names)})
        stored.to_netcdf(path, engine="netcdf4")
    elif path.suffix == ".npz":
        np.savez(path, features=x, labels=np.array([f"class {j}" for j in labels]))
    else:
        rows = [",".join([*map(repr, map(float, row)), f"class {j}"]) for row, j in zip(x, labels, strict=True)]
        path.write_text("\n".join([",".join([*(f"f{j}" for j in range(x.shape[1])), "label"]), *rows]) + "\n")
    return str(path)


@pytest.mark.parametrize("name", ["table.nc", "table.npz", "table.csv"])
def test_a_file_gives_the_table_it_holds(tmp_path, name):
    x, labels = table()
    result = families.data(file=write(tmp_path / name, x, labels))
    expected = from_labelled(x, [f"class {j}" for j in labels])
    assert result.label.values.tolist() == ["class 0", "class 1", "class 2"]
    for variable in ("component_mean", "component_variance", "basis", "total_eigenvalue"):
        np.testing.assert_allclose(result[variable], expected[variable], rtol=1e-12, atol=1e-13)


def test_whole_numbers_in_csv_sort_as_numbers(tmp_path):
    (tmp_path / "table.csv").write_text("label,x\n10,1.0\n9,2.0\n")
    assert families.data(file=str(tmp_path / "table.csv")).label.values.tolist() == ["9", "10"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n", "has no labels; columns found: x, y; allowed: a column 'label'"),
        ("label\na\n", "has no features; columns found: label"),
        ("x,label\n1,a\noops,b\n", "column 'x' has the value 'oops' in row 2; allowed: numbers"),
        ("x,label\n1,a\n,b\n", "column 'x' has the value '' in row 2; allowed: numbers"),
        ("x,label\n1,a\nnan,b\n", "column 'x' has the value 'nan' in row 2; allowed: numbers"),
        ("x,label\n1,a,3\n1,b,3\n", "its rows have more fields than its header"),
        ("", "cannot be read as CSV"),
        ("x,label\n1,a\n2,a\n", "labels has one class, a"),
    ],
)
def test_a_csv_table_that_is_not_allowed_is_named(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        families.data(file=str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["bad.nc", "bad.npz"])
def test_a_file_without_labels_is_named_with_what_it_has(tmp_path, name):
    path = tmp_path / name
    if name == "bad.nc":
        xr.Dataset({"features": (("sample", "feature"), np.eye(2))}).to_netcdf(path, engine="netcdf4")
    else:
        np.savez(path, features=np.eye(2))
    with pytest.raises(ValueError, match=re.escape(f"file {path} has no labels; variables found: features")):
        families.data(file=str(path))


@pytest.mark.parametrize("name", ["bad.nc", "bad.npz", "bad.csv"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01broken\xff"])
def test_a_broken_file_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        families.data(file=str(path))


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "pickled.npz"
    np.savez(path, features=np.eye(2), labels=np.array(["a", {"b": 1}], dtype=object))
    with pytest.raises(
        ValueError, match=r"pickled\.npz cannot be read: labels\.npy holds Python objects.*save labels\.astype"
    ):
        read_labelled(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere.csv", "does not exist"), ("table.txt", "has the suffix '.txt'; allowed: .nc, .csv, .npz")],
)
def test_a_file_that_cannot_be_a_table_is_named(name, message):
    with pytest.raises(ValueError, match=re.escape(f"file {name} {message}")):
        read_labelled(name)


def test_checking_a_study_reads_a_file_of_mixtures_once_and_again_where_it_changed(tmp_path, monkeypatch):
    path, reads, original = tmp_path / "means.nc", [], sources._read_arrays
    monkeypatch.setattr(sources, "_read_arrays", lambda file: reads.append(file) or original(file))
    sweep = {"family": "custom", "axes": {"separation": [1.0]}, "parameters": {"file": str(path)}}
    for number in (2, 3):
        xr.Dataset({"means": (("component", "feature"), np.eye(number))}).to_netcdf(path, engine="netcdf4")
        study = Study.from_mapping({"sweeps": {"mine": sweep | {"quantities": ["speciation", "layer"]}}})
        assert study.sweeps["mine"].components == number
        assert len(reads) == number - 1


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
    ids=["empty", "abc", "a million times a"],
)
def test_the_digest_of_a_file_is_that_of_its_bytes(content, digest, tmp_path):
    # The examples of FIPS 180-4.
    (tmp_path / "file").write_bytes(content)
    assert sources.digest(tmp_path / "file") == digest
