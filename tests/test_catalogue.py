"""A catalogue says all that opening needs, and never more than the files are."""

import json
import os
import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr

from scoreshock import catalogue, layout, merging, records, results, store

from .test_results import VALUES, same_bits, whole_sweep, write_blocks

SPLIT = ("variance", "schedule")


@pytest.fixture
def sweep(tmp_path):
    """A sweep in six blocks, listed and not joined."""
    paths = write_blocks(tmp_path / "pair", SPLIT)
    merging.list_blocks(paths, tmp_path / "pair" / "speciation.catalogue.nc", SPLIT)
    return tmp_path


@pytest.fixture
def opened_files(monkeypatch):
    """The files that are opened with netCDF4, as they are opened."""
    seen = []
    original = store.open_raw
    monkeypatch.setattr(store, "open_raw", lambda path: seen.append(str(path)) or original(path))
    return seen


def blocks_of(folder):
    return sorted((folder / "pair" / "blocks").glob("*/speciation.nc"))


def test_what_a_catalogue_lists_opens_as_the_undivided_sweep(sweep):
    same_bits(results.open_results(sweep, "pair", "speciation"), whole_sweep())
    same_bits(results.open_files([sweep / "pair" / "speciation.catalogue.nc"])["speciation"], whole_sweep())
    (sweep / "pair" / "sweep.json").unlink()
    same_bits(results.open_results(sweep, "pair", "speciation"), whole_sweep())


def test_opening_reads_one_block_of_each_form_and_values_only_when_asked(sweep, opened_files):
    dataset = results.open_results(sweep, "pair", "speciation")
    forms = len(VALUES["schedule"])  # the label is part of a block's form
    assert len({path for path in opened_files if "/blocks/" in path}) <= forms
    opened_files.clear()
    dataset.time.sel(variance=0.25, schedule="ve").compute()
    assert {path.split("/")[-2] for path in opened_files} == {"schedule=ve,variance=0.25"}


def test_a_catalogue_lists_what_each_file_says_of_itself(sweep):
    listed = xr.open_dataset(sweep / "pair" / "speciation.catalogue.nc", engine="netcdf4", decode_times=False)
    for path in blocks_of(sweep):
        row = listed.sel(block=path.parent.name)
        with netCDF4.Dataset(path) as file:
            assert row.marker == file.scoreshock_complete
            for name, variable in file.variables.items():
                assert row.checksum.sel(variable=name) == variable.checksum
            assert json.loads(str(row.attributes.values))["scoreshock_parameters"] == file.scoreshock_parameters
            assert row.variance == file["variance"][0]
        assert (row["size"], row.changed) == (path.stat().st_size, path.stat().st_mtime_ns)
        assert sweep / "pair" / str(row.path.values) == path


def test_a_record_gives_back_the_header_that_was_read(sweep):
    listed = catalogue.read(sweep / "pair" / "speciation.catalogue.nc")
    for path in blocks_of(sweep):
        block = layout.read_block(path, SPLIT)
        again = listed.records[path.parent.name].block(path, listed.values[path.parent.name], block.variables)
        assert (again.checksums, again.form, again.values) == (block.checksums, block.form, block.values)
        assert again.attributes == records.plain(block.attributes)


def test_a_block_made_again_after_listing_is_read_as_it_is(sweep):
    path = blocks_of(sweep)[0]
    with store.open_file(path) as dataset:
        changed = dataset.load().assign(time=dataset.time * 2)
    store.write(changed, path)
    values = {"variance": changed.variance[0], "schedule": changed.schedule[0]}
    reopened = results.open_results(sweep, "pair", "speciation")
    np.testing.assert_array_equal(reopened.time.sel(values), changed.time.squeeze())


def test_a_chunk_refuses_a_block_that_changed_after_opening(sweep):
    dataset = results.open_results(sweep, "pair", "speciation")
    path = blocks_of(sweep)[0]
    store.write(store.open_file(path).load().assign_attrs(title="another"), path)
    with pytest.raises(store.BrokenFile, match=f"{path.parent.name}/speciation.nc was written again"):
        dataset.compute()


def test_missing_and_broken_blocks_are_named_and_filled_with_a_catalogue_too(sweep):
    gone, cut = blocks_of(sweep)[:2]
    gone.unlink()
    os.truncate(cut, 100)
    with pytest.warns(UserWarning, match=f"block {gone.parent.name} is missing") as caught:
        dataset = results.open_results(sweep, "pair", "speciation")
    assert f"block {cut.parent.name} is unreadable" in str(caught[0].message)
    assert int(dataset.time.isnull().any(("separation", "criterion")).sum()) == 2
    with pytest.raises(store.BrokenFile, match="is missing"):
        results.open_files([sweep / "pair" / "speciation.catalogue.nc"])


def test_a_broken_catalogue_only_costs_time(sweep):
    (sweep / "pair" / "speciation.catalogue.nc").write_bytes(b"no catalogue")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same_bits(results.open_results(sweep, "pair", "speciation"), whole_sweep())


def test_listing_refuses_what_joining_refuses(tmp_path):
    paths = write_blocks(tmp_path / "pair", SPLIT)
    target = tmp_path / "pair" / "speciation.catalogue.nc"
    with netCDF4.Dataset(paths[2], "a") as file:
        file["time"][:] = 5.0
    with pytest.raises(store.BrokenFile, match="time: values differ from their checksum"):
        merging.list_blocks(paths, target, SPLIT)
    dataset = whole_sweep().assign(component_weight=("component", [0.0, 1.0]))
    write_blocks(tmp_path / "other", SPLIT, dataset)
    other = tmp_path / "other" / "blocks" / paths[2].parent.name / "speciation.nc"
    with pytest.raises(ValueError, match="disagree: component_weight differs between"):
        merging.list_blocks([*paths[:2], other, *paths[3:]], target, SPLIT)
    assert not target.exists()


def test_joining_writes_the_catalogue_along(tmp_path):
    paths = write_blocks(tmp_path / "pair", SPLIT)
    listing = tmp_path / "pair" / "speciation.catalogue.nc"
    merging.merge(paths, tmp_path / "pair" / "speciation.nc", SPLIT, listing=listing)
    assert list(catalogue.read(listing).records) == [path.parent.name for path in paths]


def test_a_name_that_leads_elsewhere_is_not_followed(sweep):
    path = sweep / "pair" / "speciation.catalogue.nc"
    with store.open_file(path, chunks=None) as dataset:
        loaded = dataset.load()
    names = loaded.block.values.astype(object)
    names[0] = "../../elsewhere"
    store.write(loaded.assign_coords(block=("block", names, {"long_name": "name"})), path)
    assert catalogue.read(path).records == {}


def test_the_receipt_in_a_log_counts_while_the_file_is_the_same(tmp_path, opened_files):
    paths = write_blocks(tmp_path / "pair", SPLIT)
    for path in paths:
        log = tmp_path / "pair" / "logs" / f"{path.parent.name}.speciation.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text("a remark\n" + records.receipt(path))
    opened_files.clear()
    same_bits(results.open_results(tmp_path, "pair", "speciation").load(), whole_sweep())
    os.utime(paths[0])  # as Snakemake does
    assert records.Reader(SPLIT).record(paths[0]) is not None
    store.write(store.open_file(paths[1]).load(), paths[1])
    assert records.Reader(SPLIT).record(paths[1]) is None
    log.write_text(log.read_text()[:200])
    assert records.Reader(SPLIT).record(paths[-1]) is None


def test_more_than_a_thousand_blocks_leave_what_differs_to_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "LISTED", 3)
    paths = write_blocks(tmp_path / "pair", SPLIT)
    merging.merge(paths, tmp_path / "pair" / "speciation.nc", SPLIT)
    assert "scoreshock_blocks" not in store.inspect(tmp_path / "pair" / "speciation.nc").attributes
    merging.merge(paths[:2], tmp_path / "two.nc", SPLIT)
    assert "scoreshock_blocks" in store.inspect(tmp_path / "two.nc").attributes


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, json.dumps({"attributes": {}, "checksums": ""}), "{", "null"],
    ids=["deep", "without a marker", "cut short", "null"],
)
def test_a_receipt_that_no_job_wrote_is_passed_over(tmp_path, content):
    paths = write_blocks(tmp_path / "pair", ("variance",))
    log = tmp_path / "pair" / "logs" / f"{paths[0].parent.name}.speciation.log"
    log.parent.mkdir()
    log.write_text(f"{records.RECEIPT}{content}\n")
    assert records.receipt_of(paths[0]) is None
    same_bits(results.open_results(tmp_path, "pair", "speciation"), whole_sweep())
