"""Files of arrays: npy, npz, NetCDF, safetensors, idx; written here by their formats' descriptions, and by others' code."""

import gzip
import json
import re
import struct
import zipfile

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables import rows
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.rows import Stored
from scoreshock.densities.tables.table import Choice

RNG = np.random.default_rng(0)
X = RNG.integers(0, 250, (12, 2, 3)).astype("uint8")
Y = np.arange(12) % 3
FLAT = X.reshape(12, 6)


def tensors(path, arrays, **types):
    """A file of safetensors: eight bytes of length, a header in JSON, the arrays one after another."""
    header, blob = {"__metadata__": {"format": "pt"}}, b""
    codes = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "u1": "U8", "u2": "U16"}
    for name, array in arrays.items():
        kind = types.get(name, codes[array.dtype.str[1:]])
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(blob), len(blob) + array.nbytes]}
        blob += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)
    return path


def idx(path, array, kind):
    """A file in MNIST's format, packed where its name says so."""
    content = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write(folder, kind):
    """The table as a file of this kind, and the choice that it needs."""
    path, beside = folder / f"table.{kind}", folder / "labels.npy"
    if kind.startswith("npz"):
        path = folder / "table.npz"
        features = np.asfortranarray(FLAT) if "fortran" in kind else X
        (np.savez_compressed if "packed" in kind else np.savez)(path, features=features, labels=Y)
        return path, Choice()
    if kind == "nc":
        held = {"features": (("row", "sample", "column"), X.transpose(1, 0, 2)), "labels": ("sample", Y)}
        xr.Dataset(held).to_netcdf(path, engine="netcdf4")
        return path, Choice()
    if kind == "safetensors":
        return tensors(path, {"latents": X, "labels": Y}), Choice()
    np.save(beside, Y)
    if kind == "npy":
        np.save(path, X)
    elif kind == "npy.gz":
        with gzip.open(path, "wb") as file:
            np.save(file, X)
    else:
        path = idx(folder / f"train-images{kind}", X, 0x08)
        idx(folder / f"train-labels{kind.replace('idx3', 'idx1')}", Y.astype("u1"), 0x08)
        return path, Choice()
    return path, Choice(label=str(beside))


KINDS = [
    *("npz", "npz packed", "npz fortran", "npz packed fortran", "nc", "safetensors", "npy", "npy.gz"),
    *("-idx3-ubyte", "-idx3-ubyte.gz", ".idx3-ubyte"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_its_rows_in_their_own_type(tmp_path, kind, monkeypatch):
    path, choice = write(tmp_path, kind)
    monkeypatch.setattr(rows, "IN_MEMORY", 10)
    table = read_file(path, choice)
    assert table.features.dtype == np.uint8
    assert isinstance(table.features, Stored)
    np.testing.assert_array_equal(table.features[:], FLAT)
    np.testing.assert_array_equal(table.features[4:9], FLAT[4:9])
    np.testing.assert_array_equal(table.labels, Y)
    assert from_labelled(table).component_mean.identical(from_labelled(FLAT, Y).component_mean)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path, kind):
    path, choice = write(tmp_path, kind)
    whole = path.read_bytes()
    for size in (0, 3, 20, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=re.escape(f"file {path}")) as caught:
            families.data(file=str(path), label=choice.label)
        assert len(str(caught.value).replace(str(path), "")) < 300


@pytest.mark.parametrize("kind", ["npz", "npz packed", "npy.gz", "-idx3-ubyte.gz"])
def test_a_changed_bit_is_found_where_the_format_has_checksums(tmp_path, kind):
    path, choice = write(tmp_path, kind)
    damaged = bytearray(path.read_bytes())
    at = (
        damaged.index(X.tobytes()[:20])
        if kind == "npz"
        else len(damaged) // 2
        if kind == "npz packed"
        else len(damaged) - 20
    )
    damaged[at] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=re.escape(f"file {path} cannot be read")):
        read_file(path, choice)


def test_numbers_of_bfloat16_are_the_upper_halves_of_single_precision(tmp_path):
    # 1, -2, 3.140625, 1e-30 (nearest) by their bits, as in the definition of the format
    halves = np.array([[0x3F80, 0xC000], [0x4049, 0x0DA2]], dtype="<u2")
    path = tensors(tmp_path / "t.safetensors", {"latents": halves, "labels": np.array([0, 1])}, latents="BF16")
    values = read_file(path).features[:]
    np.testing.assert_allclose(values, [[1.0, -2.0], [3.140625, 1e-30]], rtol=4e-3)
    assert values[0].tolist() == [1.0, -2.0]
    assert values[1, 0] == 3.140625


def test_files_of_the_package_safetensors_are_read(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    for dtype in ("f8", "f4", "f2", "i4", "u1"):
        numpy.save_file({"latents": X.astype(dtype), "labels": Y}, tmp_path / "t.safetensors", {"model": "vae"})
        table = read_file(tmp_path / "t.safetensors")
        assert table.features.dtype == dtype
        np.testing.assert_array_equal(table.features[:], FLAT)
        assert table.notes == {"label_array": "labels", "feature_array": "latents"}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, "x has the type 'F8_E4M3'; allowed: F64"),
        (
            {"x": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 8]}},
            "x has 8 bytes, which do not fit its shape (2, 2)",
        ),
        (
            {"x": {"dtype": "F32", "shape": [10**9, 2], "data_offsets": [0, 8 * 10**9]}},
            "it declares 7,629 MiB and has 0 MiB",
        ),
        ({"x": {"dtype": "U8", "shape": [-1, -1], "data_offsets": [0, 1]}}, "do not fit its shape"),
        ({"x": {"dtype": "U8", "shape": [8], "data_offsets": [-8, 0]}}, "do not fit its shape"),
        ({"x": 3}, "cannot be read"),
        ([1, 2], "cannot be read"),
    ],
)
def test_forged_tensors_are_refused(tmp_path, header, said):
    text = json.dumps(header).encode()
    (tmp_path / "t.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(ValueError, match=re.escape(said)):
        read_file(tmp_path / "t.safetensors")


def test_a_header_without_end_is_refused(tmp_path):
    for length in (2**40, 2**20):
        (tmp_path / "t.safetensors").write_bytes(struct.pack("<Q", length) + b"[" * 2**20)
        with pytest.raises(ValueError, match="cannot be read"):
            read_file(tmp_path / "t.safetensors")


@pytest.mark.parametrize(
    ("arrays", "choice", "said"),
    [
        ({"x": FLAT, "y": Y}, {}, None),
        ({"data": FLAT, "target": Y}, {}, None),
        ({"x_train": FLAT, "y_train": Y, "x_test": FLAT}, {}, "no labels; variables found: x_train, y_train, x_test"),
        (
            {"x_train": FLAT, "y_train": Y, "x_test": FLAT},
            {"label": "y_train", "features": "x_train"},
            "has x_test, which would be ignored; allowed: 'features' and 'labels' (ignore: [x_test])",
        ),
        ({"x_train": FLAT, "y_train": Y, "x_test": FLAT}, {"label": "y_train", "ignore": ["x_test"]}, None),
        ({"x": FLAT, "y": Y, "z": FLAT}, {}, "has no features; variables found: x, y, z"),
        ({"x": FLAT, "y": Y, "labels": Y}, {}, "several arrays that can be labels (y, labels)"),
        ({"x": FLAT, "y": Y}, {"label": "z"}, "label = 'z' is not in file"),
        ({"x": FLAT, "y": Y}, {"features": ["x", "z"]}, "features = x, z is not allowed; allowed: one array"),
        ({"x": FLAT, "y": Y}, {"decimal": ","}, "decimal = ',' is not used by file"),
        ({"x": np.array([["a", "b"]] * 12), "y": Y}, {}, "x of type <U1 is not numeric; allowed: finite numbers"),
        ({"x": np.zeros((0, 2)), "y": Y}, {}, "an array of shape (0, 2); allowed: a row for each sample"),
    ],
)
def test_arrays_are_chosen_by_name_and_none_is_ignored_in_silence(tmp_path, arrays, choice, said):
    path = tmp_path / "table.npz"
    np.savez(path, **arrays)
    if said is None:
        table = read_file(path, Choice(**choice))
        np.testing.assert_array_equal(table.features[:], FLAT)
        np.testing.assert_array_equal(table.labels, Y)
        return
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read_file(path, Choice(**choice))
    assert str(path) in str(caught.value) or "features =" in said


def test_two_members_of_one_name_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", features=FLAT, labels=Y)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        member = archive.read("features.npy")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("features.npy", member)
    with pytest.raises(ValueError, match=r"it has 'features\.npy' more than once"):
        read_file(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["npz", "nc", "safetensors"])
def test_samples_with_missing_numbers_are_dropped_and_counted_where_this_is_asked_for(tmp_path, kind):
    x = FLAT.astype(float)
    x[3, 1] = x[3, 5] = x[7, 0] = np.nan
    path = tmp_path / f"t.{kind}"
    if kind == "npz":
        np.savez(path, features=x, labels=Y)
    elif kind == "nc":
        xr.Dataset({"features": (("sample", "n"), x), "labels": ("sample", Y)}).to_netcdf(path, engine="netcdf4")
    else:
        tensors(path, {"features": x, "labels": Y})
    with pytest.raises(ValueError, match=r"features has the value nan at \[3, 1\]"):
        families.data(file=str(path))
    result = families.data(file=str(path), missing="drop")
    kept = np.isfinite(x).all(axis=1)
    assert result.attrs["dropped_rows"] == 2
    assert result.component_mean.identical(from_labelled(x[kept], Y[kept]).component_mean)


def test_dates_are_no_features(tmp_path):
    dates = np.array(["2024-01-01", "2024-01-02"] * 2, dtype="M8[ns]").reshape(2, 2)
    xr.Dataset({"features": (("sample", "n"), dates), "labels": ("sample", [0, 1])}).to_netcdf(
        tmp_path / "t.nc", engine="netcdf4"
    )
    with pytest.raises(ValueError, match=r"features = .* is not numeric; allowed: finite numbers"):
        families.data(file=str(tmp_path / "t.nc"))


def test_arrays_that_are_left_out_may_be_of_any_shape(tmp_path):
    path = tensors(tmp_path / "t.safetensors", {"x": X, "labels": Y, "mean": np.float64(3.0), "none": np.zeros((0, 2))})
    with pytest.raises(ValueError, match="mean, none, which would be ignored"):
        read_file(path, Choice(features="x"))
    table = read_file(path, Choice(ignore=["mean", "none"]))
    np.testing.assert_array_equal(table.features[:], FLAT)
    assert table.notes["ignored_arrays"] == "mean, none"
    with pytest.raises(ValueError, match=r"has an array of shape \(\); allowed: a row for each sample"):
        read_file(path, Choice(features="mean", ignore=["x", "none"]))
