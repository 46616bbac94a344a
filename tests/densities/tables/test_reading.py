"""Tables from files: what they hold, and what is refused by name."""

import re

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables.reading import data_files, read_file
from scoreshock.densities.tables.table import Choice
from tests.densities.test_data import table


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
        ("x,y\n1,2\n", "has no labels; columns found: x, y; allowed: label: the column of the classes"),
        ("label\na\n", "has no features; columns found: label"),
        ("x,label\n1,a\noops,b\n", "column 'x' has the value 'oops' in row 2; allowed: numbers"),
        (
            "x,label\n1,a\n,b\n",
            "column 'x' has no number (blank, NA or NaN) in row 2; allowed: numbers in all rows, or missing: drop",
        ),
        ("x,label\n1,a\nnan,b\n", "column 'x' has no number (blank, NA or NaN) in row 2"),
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
        read_file(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.csv", "does not exist"),
        ("latents.pt", "has the suffix '.pt', and pickles run code (save arrays or tensors without); allowed: .csv"),
        ("table.xlsx", "has the suffix '.xlsx'; allowed: .csv, .tsv, .txt, .parquet, .nc, .npz"),
    ],
)
def test_a_file_that_cannot_be_a_table_is_named(name, message):
    with pytest.raises(ValueError, match=re.escape(f"file {name} {message}")):
        read_file(name)


LABELS = np.array(["elm", "ash", "oak"])[np.arange(60) % 3]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.npy", None),
        ("labels.txt", "\n".join(LABELS)),
        ("labels.csv", "\n".join(["kind", *LABELS]) + "\n\n"),
    ],
)
@pytest.mark.parametrize("features", ["x.npy", "x.csv"])
def test_labels_may_be_in_a_file_of_their_own(tmp_path, name, content, features):
    x, _ = table()
    if content is None:
        np.save(tmp_path / name, LABELS)
    else:
        (tmp_path / name).write_text(content)
    if features == "x.npy":
        np.save(tmp_path / features, x)
    else:
        np.savetxt(tmp_path / features, x, delimiter=",", header=",".join("abcdefg"), comments="", fmt="%.17g")
    result = families.data(file=str(tmp_path / features), label=str(tmp_path / name))
    assert result.component_mean.identical(from_labelled(x, LABELS).component_mean)
    assert result.attrs["label_file"] == str(tmp_path / name)


def test_files_of_labels_that_do_not_fit_are_refused(tmp_path):
    x, _ = table()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labels.npy", LABELS[:50])
    np.savez(tmp_path / "two.npz", a=LABELS, b=LABELS)
    (tmp_path / "labels.txt").write_text("\n".join(LABELS[:58]))
    (tmp_path / "labels.csv").write_text("\n".join([",label", *(f"{i},{label}" for i, label in enumerate(LABELS))]))
    (tmp_path / "x.csv").write_text("u,label\n1,a\n2,b\n")
    for label, said in [
        ("labels.npy", r"labels has shape (50,); allowed: (60,)"),
        ("labels.txt", r"labels has shape (58,); allowed: (60,)"),
        ("labels.csv", "labels.csv has 2 columns, with ',' between; allowed: one label a line"),
        ("two.npz", "has the arrays a, b; allowed: one array of labels"),
        ("none.npy", "does not exist"),
    ]:
        with pytest.raises(ValueError, match=re.escape(said)):
            families.data(file=str(tmp_path / "x.npy"), label=str(tmp_path / label))
    with pytest.raises(ValueError, match=r"x\.npy has no labels; allowed: label: the file of the labels"):
        families.data(file=str(tmp_path / "x.npy"))
    with pytest.raises(ValueError, match=r"has the column 'label', and .* has its labels; allowed: one of both"):
        families.data(file=str(tmp_path / "x.csv"), label=str(tmp_path / "labels.npy"))


def test_the_files_of_a_study_are_those_of_features_and_of_labels(tmp_path):
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).touch()
    images = str(tmp_path / "train-images-idx3-ubyte")
    assert data_files({"file": images}) == [images, str(tmp_path / "train-labels-idx1-ubyte")]
    assert data_files({"file": images, "label": "a.npy"}) == [images, "a.npy"]
    assert data_files({"file": "t.csv", "label": "target"}) == ["t.csv"]
    assert data_files({"file": "t.csv"}) == ["t.csv"]
    assert data_files({"source": "iris", "file": None}) == data_files({}) == []


def test_a_session_reads_files_and_datasets_by_the_name_of_their_labels(tmp_path):
    x, labels = table()
    expected = from_labelled(x, labels).component_mean
    np.savez(tmp_path / "t.npz", features=x, kind=labels)
    assert from_labelled(tmp_path / "t.npz", "kind").component_mean.identical(expected)
    dataset = xr.Dataset({"z": (("n", "sample"), x.T), "kind": ("sample", labels)}, {"sample": np.arange(60)})
    assert from_labelled(dataset, "kind").component_mean.identical(expected)
    with pytest.raises(ValueError, match=r"labels = .* is not allowed beside a file; allowed: the name of its column"):
        from_labelled(tmp_path / "t.npz", labels)
    with pytest.raises(ValueError, match=r"features has no labels; variables found: sample, z, kind|z, kind, sample"):
        from_labelled(dataset)


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "t.csv"
    for last in (4, 75):
        path.write_text(f"u,label\n1,a\n{last},b\n")
        assert read_file(path).features[:].ravel().tolist() == [1, last]
        assert read_file(path) is read_file(path)
        assert read_file(path, Choice(missing="drop")).notes["dropped_rows"] == 0


class Bfloat:
    """Behaves as a tensor of bfloat16 of PyTorch, of which NumPy makes no array."""

    dtype, shape = "torch.bfloat16", (4, 1)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")

    def float(self):
        return np.array([[0.0], [1.0], [4.0], [5.0]], dtype="float32")


class Series:
    """An array of another package, with its own name for conversion."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return np.asarray(self.values)


def test_arrays_of_other_packages_are_their_numbers():
    expected = from_labelled([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1])
    assert from_labelled(Bfloat(), Series([0, 0, 1, 1])).identical(expected)
