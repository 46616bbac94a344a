"""What is said of a study while it runs, after it and when parts of it are wrong, as text and as JSON."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import netCDF4
import pytest
import xarray as xr

from scoreshock import jobs, merging, provenance, records, results, store
from scoreshock.cli import main
from scoreshock.evaluation import evaluate
from scoreshock.study import load_study

STUDY = """
output: {folder}
sweeps:
  line:
    family: pair
    axes: {{separation: [1.0, 2.0], weight: [0.5, 0.6, 0.7]}}
    split: [weight]
    quantities: [speciation]
    criteria: [leading]
"""
BLOCKS = ["weight=0.5", "weight=0.6", "weight=0.7"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The results of a study that has run, as the workflow leaves them."""
    home = tmp_path_factory.mktemp("made")
    file = home / "study.yaml"
    file.write_text(STUDY.format(folder=home / "results"))
    sweep = load_study(file).sweeps["line"]
    folder = home / "results" / "line"
    results.write_plan(folder, sweep.description())
    for kind in ("logs", "benchmarks"):
        (folder / kind).mkdir()
    for block in sweep.blocks():
        content = block.content("speciation")
        path = folder / "blocks" / block.name / "speciation.nc"
        store.write(evaluate(content, chunked=False), path, provenance.attributes(content, "speciation"))
        (folder / "logs" / f"{block.name}.speciation.log").write_text(records.receipt(path))
        (folder / "benchmarks" / f"{block.name}.speciation.tsv").write_text("s\th:m:s\n2.5\t0:00:02\n")
    join(folder)
    compare(folder, sweep.content("speciation"))
    (folder / "figures").mkdir()
    (folder / "figures" / ".snakemake_timestamp").touch()
    return home / "results"


@pytest.fixture
def study(made, tmp_path):
    """The same study with a copy of its results, which may be spoilt."""
    shutil.copytree(made, tmp_path / "results")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(folder=tmp_path / "results"))
    return str(file)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "line"


def join(folder):
    paths = [folder / "blocks" / name / "speciation.nc" for name in BLOCKS]
    merging.merge(paths, folder / "speciation.nc", ["weight"], listing=folder / "speciation.catalogue.nc")


def compare(folder, content):
    jobs.compare([str(folder / "speciation.nc")], content, str(folder / "comparison.nc"), str(folder / "comparison.md"))
    (folder / "benchmarks" / "comparison.tsv").write_text("s\th:m:s\n1.5\t0:00:01\n")


@pytest.fixture
def sweep(study, capsys):
    """A function that gives the exit code, and all that is said of the sweep."""

    def ask(*flags):
        code = main(["status", "--json", "--configfile", study, *flags])
        said = json.loads(capsys.readouterr().out)
        assert said["complete"] == (code == 0)
        return code, said["sweeps"]["line"]

    return ask


@pytest.fixture
def status(sweep):
    """A function that gives the exit code and what is said of the quantity, by block, and of the joined file."""

    def ask(*flags):
        code, said = sweep(*flags)
        quantity = said["quantities"]["speciation"]
        return code, {item["name"]: item for item in quantity["blocks"]}, quantity["whole"]

    return ask


@pytest.fixture
def products(sweep):
    """A function that gives the exit code, and what is said of the comparison and of the figures."""

    def ask(*flags):
        code, said = sweep(*flags)
        assert [item["name"] for item in said["products"]] == ["comparison", "figures"]
        return code, *said["products"]

    return ask


def test_all_done_is_0_with_times(status):
    code, blocks, whole = status()
    assert code == 0
    assert {item["state"] for item in (*blocks.values(), whole)} == {"done"}
    assert [item["seconds"] for item in blocks.values()] == [2.5] * 3
    assert all(item["finished"] <= whole["finished"] for item in blocks.values())


def test_the_keys_are_those_that_are_documented(study, capsys):
    main(["status", "--json", "--configfile", study])
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"format", "time", "output", "complete", "sweeps"}
    assert set(said["sweeps"]["line"]) == {"quantities", "products", "unlisted"}
    quantity = said["sweeps"]["line"]["quantities"]["speciation"]
    assert set(quantity) == {"complete", "counts", "whole", "blocks"}
    assert quantity["counts"] == {"done": 3}
    keys = {"name", "file", "state", "reason", "started", "finished", "seconds"}
    products = said["sweeps"]["line"]["products"]
    assert all(set(item) == keys for item in (quantity["whole"], *quantity["blocks"], *products))
    assert said["format"] == 1


def temporary(folder, block, host, process):
    path = folder / "blocks" / block / f".speciation.nc.{host}.{process}.0123abcd.tmp.nc"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"half")
    return path


def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_living_process_writes_is_running_and_what_a_dead_one_left_is_not(folder, status):
    for name in BLOCKS:
        (folder / "blocks" / name / "speciation.nc").unlink()
    temporary(folder, BLOCKS[0], socket.gethostname(), os.getpid())
    temporary(folder, BLOCKS[1], socket.gethostname(), ended())
    code, blocks, _ = status()
    assert code == 1
    assert [blocks[name]["state"] for name in BLOCKS] == ["running", "missing", "missing"]
    assert blocks[BLOCKS[0]]["reason"] == f"process {os.getpid()} on {socket.gethostname()}"
    assert blocks[BLOCKS[0]]["started"] is not None


def test_of_other_hosts_only_what_was_written_lately_is_running(folder, status):
    for name in BLOCKS[:2]:
        (folder / "blocks" / name / "speciation.nc").unlink()
    temporary(folder, BLOCKS[0], "node-7.cluster", 1)
    os.utime(temporary(folder, BLOCKS[1], "node-8.cluster", 1), (time.time() - 7200,) * 2)
    _, blocks, _ = status()
    assert [blocks[name]["state"] for name in BLOCKS] == ["running", "missing", "done"]


def test_what_another_host_writes_to_its_own_disk_is_running_for_a_day(folder, status):
    for name in BLOCKS[:2]:
        (folder / "blocks" / name / "speciation.nc").unlink()
    for name, hours in zip(BLOCKS, (2, 25), strict=False):
        stand_in = temporary(folder, name, "node-7.cluster", 1)
        stand_in.write_bytes(b"")
        os.utime(stand_in, (time.time() - 3600 * hours,) * 2)
    _, blocks, _ = status()
    assert [blocks[name]["state"] for name in BLOCKS] == ["running", "missing", "done"]


def test_the_joined_file_is_missing_broken_or_stale(folder, status):
    joined = folder / "speciation.nc"
    block = folder / "blocks" / BLOCKS[0] / "speciation.nc"
    os.utime(block, (joined.stat().st_mtime + 10,) * 2)
    assert status()[2]["reason"] == "older than its blocks"
    join(folder)
    os.utime(joined, (block.stat().st_mtime + 10,) * 2)
    assert status()[2]["state"] == "done"
    joined.write_bytes(b"")
    code, _, whole = status()
    assert (code, whole["state"], whole["reason"]) == (1, "broken", "unreadable: the file is empty")
    joined.unlink()
    assert status()[2]["state"] == "missing"


def test_a_value_added_makes_the_joined_file_stale(study, capsys, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text("sweeps: {line: {axes: {weight: [0.5, 0.6, 0.7, 0.8]}}}\n")
    assert main(["status", "--configfile", study, str(over)]) == 1
    printed = capsys.readouterr().out
    assert "line speciation: 3 done, 1 missing" in printed
    assert "; joined: stale (of other blocks)" in printed
    assert "  weight=0.8: missing" in printed


def test_where_blocks_stay_the_dataset_the_catalogue_counts(folder, status, monkeypatch):
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 1)
    (folder / "speciation.nc").unlink()
    code, _, whole = status()
    assert (code, whole["name"], whole["state"]) == (0, "catalogue", "done")


def test_a_changed_value_is_found_by_reading_all(folder, status):
    path = folder / "blocks" / BLOCKS[1] / "speciation.nc"
    before = path.stat()
    with netCDF4.Dataset(path, "a") as file:
        file["tau_star"][:] = 7.0
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    code, blocks, _ = status("--full")
    assert (code, blocks[BLOCKS[1]]["state"]) == (1, "broken")
    assert "tau_star: values differ from their checksum" in blocks[BLOCKS[1]]["reason"]


def test_blocks_that_are_recorded_are_not_opened(status, monkeypatch):
    seen = []
    original = store.inspect
    monkeypatch.setattr(store, "inspect", lambda path, full=False: seen.append(path.name) or original(path, full))
    status()
    assert set(seen) == {"speciation.catalogue.nc", "speciation.nc", "comparison.nc"}
    assert seen.count("speciation.nc") == 1  # the joined file


def test_comparison_and_figures_count(folder, products):
    code, comparison, figures = products()
    assert (code, comparison["state"], comparison["seconds"], figures["state"]) == (0, "done", 1.5, "done")
    (folder / "figures" / ".snakemake_timestamp").unlink()
    code, _, figures = products()
    assert (code, figures["state"], figures["reason"]) == (1, "missing", "not finished")
    (folder / "figures").rmdir()
    (folder / "comparison.md").unlink()
    code, comparison, figures = products()
    assert (code, comparison["state"], comparison["reason"]) == (1, "missing", "without comparison.md")
    assert (figures["state"], figures["reason"]) == ("missing", "")
    (folder / "comparison.nc").write_bytes(b"")
    code, comparison, _ = products()
    assert (code, comparison["state"], comparison["reason"]) == (1, "broken", "unreadable: the file is empty")


def test_comparison_and_figures_of_results_that_changed_are_stale(folder, products):
    joined = folder / "speciation.nc"
    os.utime(joined, ((folder / "figures" / ".snakemake_timestamp").stat().st_mtime + 10,) * 2)
    code, *both = products()
    assert code == 1
    assert [(item["state"], item["reason"]) for item in both] == [("stale", "older than its results")] * 2
    joined.unlink()
    assert [item["reason"] for item in products()[1:]] == ["of results that are not done"] * 2


def test_a_comparison_by_other_code_is_stale(folder, products):
    path = folder / "comparison.nc"
    with xr.open_dataset(path) as dataset:
        changed = dataset.load().assign_attrs(scoreshock_code_digest="0" * 64)
    store.write(changed, path)
    os.utime(folder / "figures" / ".snakemake_timestamp")
    _, comparison, figures = products()
    assert (comparison["state"], comparison["reason"], figures["state"]) == ("stale", "other code", "done")


def test_a_comparison_that_is_written_is_running_since_its_job_began(folder, products):
    (folder / "comparison.nc").unlink()
    (folder / ".comparison.nc.node-7.cluster.1.0123abcd.tmp.nc").write_bytes(b"half")
    (folder / "logs" / "comparison.log").touch()
    _, comparison, _ = products()
    assert (comparison["state"], comparison["reason"]) == ("running", "process 1 on node-7.cluster")
    assert comparison["started"] is not None


def test_a_comparison_that_is_broken_comes_with_the_command_that_makes_it_again(study, folder, capsys):
    (folder / "comparison.nc").write_bytes(b"")
    assert main(["status", "--configfile", study]) == 1
    printed = capsys.readouterr().out
    assert "line comparison: broken (unreadable: the file is empty); figures: done" in printed
    assert f"--forcerun {folder / 'comparison.nc'}" in printed


def test_a_broken_or_missing_catalogue_beside_a_whole_joined_file_is_told(folder, status):
    listing = folder / "speciation.catalogue.nc"
    whole = listing.read_bytes()
    listing.write_bytes(b"")
    code, _, item = status()
    assert (code, item["state"], item["reason"]) == (1, "broken", "its catalogue: unreadable: the file is empty")
    assert item["file"] == str(listing)
    listing.unlink()
    code, _, item = status()
    assert (code, item["state"], item["reason"]) == (1, "missing", "its catalogue")
    listing.write_bytes(whole)
    assert status()[2]["state"] == "done"


def test_a_file_that_is_removed_while_it_is_looked_at_is_missing(folder, status, monkeypatch):
    inspect, joined = store.inspect, folder / "speciation.nc"

    def inspected(path, full=False):
        found = inspect(path, full)
        if path == joined:
            path.unlink()
        return found

    monkeypatch.setattr(store, "inspect", inspected)
    code, _, item = status()
    assert (code, item["state"]) == (1, "missing")


def test_a_catalogue_that_is_written_is_running_since_its_job_began(folder, status, monkeypatch):
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 1)
    (folder / ".speciation.catalogue.nc.node-7.cluster.1.0123abcd.tmp.nc").write_bytes(b"half")
    (folder / "logs" / "catalogue.speciation.log").touch()
    _, _, item = status()
    assert (item["state"], item["name"]) == ("running", "catalogue")
    assert item["started"] is not None
