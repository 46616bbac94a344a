"""Zarr holds what NetCDF holds."""

import numpy as np
import pytest
import xarray as xr

from scoreshock.cli import main
from scoreshock.storage import export, opening

from .. import runs


def exported(folder, capsys):
    """The store that the command writes, opened as it says."""
    target = folder / "line.zarr"
    assert main(["export", "zarr", str(folder), "line", "speciation", str(target)]) == 0
    assert f"xr.open_zarr({str(target)!r})" in capsys.readouterr().out
    return xr.open_zarr(target)


def plain(attributes):
    return {name: np.asarray(value).tolist() for name, value in attributes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True], ids=["blocks", "joined"])
def test_a_store_equals_the_results_to_the_bit_with_flags_and_attributes(pair, tmp_path, capsys, joined):
    runs.run(pair, *["join"] * joined)
    stored, opened = exported(tmp_path, capsys), opening.open_results(tmp_path, "line", "speciation")
    assert plain(stored.attrs) == plain(opened.attrs)
    assert set(stored.variables) == set(opened.variables)
    for name in opened.variables:
        one, two = stored[name], opened[name]
        assert (one.dims, plain(one.attrs)) == (two.dims, plain(two.attrs)), name
        if two.dtype.kind in "OU":
            assert one.values.tolist() == two.values.tolist(), name
        else:
            assert (one.dtype, one.values.tobytes()) == (two.dtype, two.values.tobytes()), name
    assert stored.status.attrs["flag_values"] == opened.status.attrs["flag_values"].tolist()
    assert set(stored.coords) == set(opened.coords)


@pytest.mark.slow
def test_missing_blocks_stay_missing_in_a_store(pair, tmp_path, capsys):
    runs.files(pair)[3].unlink()
    with pytest.warns(UserWarning, match="is missing"):
        stored = exported(tmp_path, capsys)
    hole = stored.sel(weight=0.6, schedule="edm")
    assert hole.time.isnull().all()
    assert (hole.time_status == -1).all()
    assert stored.tau_star.notnull().any("separation").all()
    assert "is missing" in stored.attrs["scoreshock_warnings"]


@pytest.mark.slow
@pytest.mark.usefixtures("pair")
def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "there").write_text("mine")
    assert main(["export", "zarr", str(tmp_path), "line", "speciation", str(tmp_path / "there")]) == 2
    assert "already exists" in capsys.readouterr().err
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.usefixtures("pair")
def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch, capsys):

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(export.os, "rename", fail)
    with pytest.raises(OSError, match="the disk is full"):
        export.export_zarr(tmp_path, "line", "speciation", tmp_path / "out" / "line.zarr")
    assert list((tmp_path / "out").iterdir()) == []
    assert main(["export", "zarr", str(tmp_path), "lime", "speciation", str(tmp_path / "out" / "lime.zarr")]) == 2
    assert "no sweep 'lime'" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_without_zarr_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "find_spec", lambda _: None)
    assert main(["export", "zarr", str(tmp_path), "line", "speciation", str(tmp_path / "line.zarr")]) == 2
    assert capsys.readouterr().err == "zarr is not installed; install it with: pip install 'scoreshock[zarr]'\n"
