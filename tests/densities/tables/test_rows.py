"""Rows from memory and files, slice by slice, against NumPy on the whole."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import covariances
from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables import rows
from scoreshock.densities.tables.rows import Spool, Stored, as_rows, bounds, deviations


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(7, 3), (7, 2, 3), (7,)])
def test_slices_of_a_stored_array_are_those_of_the_array(tmp_path, shape, order):
    array = np.arange(np.prod(shape), dtype=">i2").reshape(shape)
    (tmp_path / "raw").write_bytes(b"head" + array.tobytes(order))
    stored = Stored(tmp_path / "raw", ">i2", shape, 4, order)
    assert len(stored) == 7
    assert stored.ndim == len(shape)
    for part in (slice(2, 5), slice(None), slice(6, 99)):
        np.testing.assert_array_equal(stored[part], array[part])
        np.testing.assert_array_equal(stored.flat()[part], array[part].reshape(len(array[part]), -1))
    np.testing.assert_array_equal(stored.flat()[3], array[3].reshape(-1))


@pytest.mark.parametrize("memory", [1, 100, 2**20])
def test_collected_pieces_are_the_whole_in_memory_or_in_a_file(monkeypatch, memory):
    monkeypatch.setattr(rows, "IN_MEMORY", memory)
    array, spool = np.random.default_rng(0).normal(size=(50, 4)).astype("float32"), Spool()
    for start in range(0, 50, 7):
        spool.append(array[start : start + 7])
    collected = spool.rows()
    assert isinstance(collected, np.ndarray) == (memory == 2**20)
    assert collected.dtype == array.dtype
    np.testing.assert_array_equal(collected[:], array)


@pytest.mark.parametrize("chunk", [1, 10, 2**20])
@pytest.mark.parametrize("dtype", ["u1", "i4", "f2", "f8"])
def test_bounds_and_deviations_are_those_of_numpy_to_the_bit_whatever_the_slices(monkeypatch, chunk, dtype):
    monkeypatch.setattr(rows, "CHUNK", chunk)
    x = (np.random.default_rng(1).normal(size=(40, 5)) * 20 + 100).astype(dtype)
    low, high = bounds("x", x)
    np.testing.assert_array_equal(low, x.min(axis=0).astype(float))
    np.testing.assert_array_equal(high, x.max(axis=0).astype(float))
    np.testing.assert_array_equal(deviations(x), (x.astype(float) - x[0].astype(float)).std(axis=0))


@pytest.mark.parametrize("chunk", [1, 2**20])
def test_the_first_number_that_is_not_finite_is_named(monkeypatch, chunk):
    monkeypatch.setattr(rows, "CHUNK", chunk)
    x = np.zeros((9, 3))
    x[7, 2], x[8, 0] = np.inf, np.nan
    with pytest.raises(ValueError, match=r"features has the value inf at \[7, 2\]; allowed: finite numbers$"):
        bounds("features", x)


class Opened:
    """An array of which slices are read, as those of h5py."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.chunks, self.longest = array, array.shape, array.dtype, None, 0

    def __getitem__(self, part):
        read = self.array[part]
        self.longest = max(self.longest, len(read) if read.ndim > 1 else 1)
        return read


def test_arrays_that_are_read_by_slices_are_never_read_as_a_whole(monkeypatch):
    monkeypatch.setattr(covariances, "CHUNK", 40)
    monkeypatch.setattr(rows, "CHUNK", 40)
    x, labels = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    opened = Opened(x)
    assert from_labelled(opened, labels).identical(from_labelled(x, labels))
    assert opened.longest == 10
    lazy = xr.DataArray(x, dims=("sample", "feature")).chunk(sample=11)
    assert from_labelled(lazy, labels).identical(from_labelled(x, labels))
    assert from_labelled(lazy.T, xr.DataArray(labels, dims="sample")).identical(from_labelled(x, labels))


def test_samples_of_more_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"x has shape \(2, 2, 2\); allowed: \(samples, features\) \(flatten each sample"):
        as_rows("x", np.zeros((2, 2, 2)))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d", "dtype"), [(60_000, 784, "uint8"), (400_000, 64, "float32")])
def test_a_large_table_is_never_held_as_floats(n, d, dtype):
    features, labels = np.zeros((n, d), dtype), np.arange(n) % 10
    features[:, 0] = labels
    from_labelled(features[:100], labels[:100])
    tracemalloc.start()
    from_labelled(features, labels)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < min(120 * 2**20, n * d * 8)
