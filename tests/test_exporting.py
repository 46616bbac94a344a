"""Zarr holds what NetCDF holds."""

import numpy as np
import pytest
import xarray as xr

from scoreshock import exporting, merging, results
from scoreshock.cli import main

from .test_results import whole_sweep, write_blocks

SPLIT = ("variance", "schedule")


def exported(folder, capsys):
    """The store that the command writes, opened as it says."""
    target = folder / "pair.zarr"
    assert main(["export", "zarr", str(folder), "pair", "speciation", str(target)]) == 0
    assert f"xr.open_zarr({str(target)!r})" in capsys.readouterr().out
    return xr.open_zarr(target)


def plain(attributes):
    return {name: np.asarray(value).tolist() for name, value in attributes.items()}


@pytest.mark.parametrize("joined", [False, True], ids=["blocks", "joined"])
def test_a_store_equals_the_results_to_the_bit_with_flags_and_attributes(tmp_path, capsys, joined):
    paths = write_blocks(tmp_path / "pair", SPLIT)
    if joined:
        merging.merge(paths, tmp_path / "pair" / "speciation.nc", SPLIT)
    stored, opened = exported(tmp_path, capsys), results.open_results(tmp_path, "pair", "speciation")
    assert plain(stored.attrs) == plain(opened.attrs)
    assert set(stored.variables) == set(opened.variables) == set(whole_sweep().variables)
    for name in opened.variables:
        one, two = stored[name], opened[name]
        assert (one.dims, plain(one.attrs)) == (two.dims, plain(two.attrs)), name
        if two.dtype.kind in "OU":
            assert one.values.tolist() == two.values.tolist(), name
        else:
            assert (one.dtype, one.values.tobytes()) == (two.dtype, two.values.tobytes()), name
    assert stored.status.attrs["flag_values"] == opened.status.attrs["flag_values"].tolist()
    assert set(stored.coords) == set(opened.coords)


def test_missing_blocks_stay_missing_in_a_store(tmp_path, capsys):
    write_blocks(tmp_path / "pair", ("variance",))[1].unlink()
    with pytest.warns(UserWarning, match="is missing"):
        stored = exported(tmp_path, capsys)
    hole = stored.sel(variance=0.1)
    assert hole.tau_star.isnull().all()
    assert (hole.status == -1).all()
    assert "is missing" in stored.attrs["scoreshock_warnings"]


def test_nothing_is_overwritten(tmp_path, capsys):
    write_blocks(tmp_path / "pair", SPLIT)
    (tmp_path / "there").write_text("mine")
    assert main(["export", "zarr", str(tmp_path), "pair", "speciation", str(tmp_path / "there")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "there").read_text() == "mine"


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch, capsys):
    paths = write_blocks(tmp_path / "pair", SPLIT)
    content = bytearray(paths[-1].read_bytes())
    dataset = results.open_results(tmp_path, "pair", "speciation")
    dataset.close()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(exporting.os, "rename", fail)
    with pytest.raises(OSError, match="the disk is full"):
        exporting.export_zarr(tmp_path, "pair", "speciation", tmp_path / "out" / "pair.zarr")
    assert list((tmp_path / "out").iterdir()) == []
    assert paths[-1].read_bytes() == content
    assert main(["export", "zarr", str(tmp_path), "pear", "speciation", str(tmp_path / "out" / "pear.zarr")]) == 2
    assert "no sweep 'pear'" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_without_zarr_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    write_blocks(tmp_path / "pair", SPLIT)
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    assert main(["export", "zarr", str(tmp_path), "pair", "speciation", str(tmp_path / "pair.zarr")]) == 2
    assert capsys.readouterr().err == "zarr is not installed; it comes with: pip install 'scoreshock[zarr]'\n"
