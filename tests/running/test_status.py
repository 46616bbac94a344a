"""What is said of a study while it runs, after it and when parts of it are wrong, as text and as JSON."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import pytest

from scoreshock import figures
from scoreshock.cli import main
from scoreshock.running import tasks
from scoreshock.running.status import progress
from scoreshock.storage import provenance, store
from scoreshock.study import work
from scoreshock.study.study import load_study

from .. import runs

pytestmark = pytest.mark.slow  # the study that they look at runs in a second or two

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
ITEM = {"name", "file", "state", "reason", "started", "finished", "seconds"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The results of a study that has run, as the workflow leaves them."""
    home = tmp_path_factory.mktemp("logs") / "logs"  # a name that the results have, too
    home.mkdir()
    (home / "study.yaml").write_text(STUDY.format(folder=home / "results"))
    study = load_study(home / "study.yaml")
    runs.run(study, *tasks.ACTIONS)
    (home / "results/line/figures/.snakemake_timestamp").touch()
    for kind in ("logs", "benchmarks"):
        (home / "results" / kind).mkdir()
    for job in work.jobs_of(study):
        (home / "results/logs" / f"{job.label}.log").touch()
        seconds = 2.0 * len([*job.outputs, *job.blocks])
        (home / "results/benchmarks" / f"{job.label}.tsv").write_text(f"s\th:m:s\n{seconds}\t0:00:02\n")
    return home / "results"


@pytest.fixture
def study(made, tmp_path):
    """The same study with a copy of its results, which may be spoilt."""
    shutil.copytree(made, tmp_path / "logs/results")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(folder=tmp_path / "logs/results"))
    return str(file)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs/results/line"


@pytest.fixture
def files(study):
    """The files of the blocks."""
    return runs.files(load_study(study))


@pytest.fixture
def sweep(study, capsys):
    """A function that gives the exit code, and all that is said of the sweep."""

    def ask(*flags):
        code = main(["status", "--json", study, *flags])
        output = json.loads(capsys.readouterr().out)
        assert output["complete"] == (code == 0)
        return code, output["sweeps"]["line"]

    return ask


@pytest.fixture
def status(sweep):
    """A function that gives the exit code and what is said of the quantity, by block, and of the joined file."""

    def ask(*flags):
        code, output = sweep(*flags)
        quantity = output["quantities"]["speciation"]
        return code, {item["name"]: item for item in quantity["blocks"]}, quantity["whole"]

    return ask


@pytest.fixture
def products(sweep):
    """A function that gives the exit code, and what is said of the comparison and of the figures."""

    def ask(*flags):
        code, output = sweep(*flags)
        assert [item["name"] for item in output["products"]] == ["comparison", "figures"]
        return code, *output["products"]

    return ask


def test_all_done_is_0_with_times(sweep):
    code, output = sweep("--full")
    assert code == 0
    quantity = output["quantities"]["speciation"]
    items = [*quantity["blocks"], quantity["whole"], *output["products"]]
    assert {item["state"] for item in items} == {"done"}
    assert [item["seconds"] for item in items] == [2.0] * 6
    assert [item["finished"] for item in items] == sorted(item["finished"] for item in items)
    assert all(Path(item["file"]).exists() for item in items)
    assert sweep() == (code, output)


def test_the_keys_are_those_that_are_documented(study, capsys):
    main(["status", "--json", study])
    output = json.loads(capsys.readouterr().out)
    assert set(output) == {"format", "time", "output", "complete", "sweeps"}
    assert set(output["sweeps"]["line"]) == {"quantities", "products", "unlisted"}
    quantity = output["sweeps"]["line"]["quantities"]["speciation"]
    assert set(quantity) == {"complete", "counts", "whole", "blocks"}
    assert quantity["counts"] == {"done": 3}
    products = output["sweeps"]["line"]["products"]
    assert all(set(item) == ITEM for item in (quantity["whole"], *quantity["blocks"], *products))
    assert output["format"] == 2


def test_only_the_names_of_blocks_are_looked_at(status, monkeypatch):
    seen = []
    original = store.inspect
    monkeypatch.setattr(store, "inspect", lambda path, full=False: seen.append(path.name) or original(path, full))
    assert status()[0] == 0
    assert seen == ["speciation.nc", "comparison.nc"]


def temporary(file, host, process):
    """What a process on a host has written of a file."""
    path = file.with_name(f".{file.name}.{host}.{process}.0123abcd.tmp.nc")
    path.write_bytes(b"half")
    return path


def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_block_is_running_while_its_process_lives(files, status):
    for file in files:
        file.unlink()
    temporary(files[0], socket.gethostname(), os.getpid())
    temporary(files[1], socket.gethostname(), ended())
    code, blocks, _ = status()
    assert code == 1
    assert [blocks[name]["state"] for name in BLOCKS] == ["running", "missing", "missing"]
    assert blocks[BLOCKS[0]]["reason"] == f"process {os.getpid()} on {socket.gethostname()}"
    assert blocks[BLOCKS[0]]["started"] is not None
    assert [blocks[name]["seconds"] for name in BLOCKS] == [None] * 3


def test_a_block_of_another_host_is_running_if_its_file_is_recent(files, status):
    for file in files[:2]:
        file.unlink()
    temporary(files[0], "node-7.cluster", 1)
    os.utime(temporary(files[1], "node-8.cluster", 1), (time.time() - 7200,) * 2)
    _, blocks, _ = status()
    assert [blocks[name]["state"] for name in BLOCKS] == ["running", "missing", "done"]


def test_a_comparison_is_running_from_the_start_of_its_job(folder, products):
    temporary(folder / "comparison.nc", "node-7.cluster", 1)
    _, comparison, _ = products()
    assert (comparison["state"], comparison["reason"]) == ("running", "process 1 on node-7.cluster")
    assert comparison["started"] is not None


def test_a_missing_block_is_named(study, files, status, capsys):
    files[1].unlink()
    code, blocks, whole = status()
    assert (code, whole["state"]) == (1, "done")
    assert [blocks[name]["state"] for name in BLOCKS] == ["done", "missing", "done"]
    main(["status", study])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("line speciation: 2 done, 1 missing blocks (")
    assert ", 2.0 s a block); joined: done " in printed[0]
    assert printed[1] == "  weight=0.6: missing"
    assert printed[2] == ("line comparison: stale (inputs not done); figures: stale (inputs not done)")


def change(file):
    before = file.stat()
    with netCDF4.Dataset(file, "a") as opened:
        opened["tau_star"][:] = 7.0
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("spoil", "state", "reason"),
    [
        (change, "broken", "corrupt: tau_star: values differ from their checksum"),
        (lambda file: file.write_bytes(b""), "broken", "unreadable: the file is empty"),
        (lambda file: runs.rewrite(file, {provenance.DIGEST: "0"}), "stale", "parameters, blocks or code changed"),
    ],
    ids=["changed", "empty", "another digest"],
)
def test_full_status_finds_wrong_blocks(study, files, status, spoil, state, reason, capsys):
    spoil(files[1])
    assert status()[1][BLOCKS[1]]["state"] == "done"
    code, blocks, _ = status("--full")
    assert (code, blocks[BLOCKS[1]]["state"], blocks[BLOCKS[1]]["reason"]) == (1, state, reason)
    main(["status", "--full", study])
    joined = files[1].parents[2] / "speciation.nc"
    again = f"  To recompute it: scoreshock run {study} -- --forcerun {joined}\n"
    assert (again in capsys.readouterr().out) == (state == "broken")


def test_the_joined_file_is_missing_broken_or_stale(folder, status):
    joined = folder / "speciation.nc"
    runs.rewrite(joined, {provenance.DIGEST: "0" * 16})
    code, _, whole = status()
    assert (code, whole["state"], whole["reason"]) == (1, "stale", "parameters, blocks or code changed")
    joined.write_bytes(b"")
    code, _, whole = status()
    assert (code, whole["state"], whole["reason"]) == (1, "broken", "unreadable: the file is empty")
    joined.unlink()
    assert status()[2]["state"] == "missing"


def test_a_file_removed_during_status_is_missing(folder, status, monkeypatch):
    inspect, joined = store.inspect, folder / "speciation.nc"

    def inspected(path, full=False):
        result = inspect(path, full)
        if path == joined:
            path.unlink()
        return result

    monkeypatch.setattr(store, "inspect", inspected)
    code, _, item = status()
    assert (code, item["state"]) == (1, "missing")


def test_adding_a_value_makes_merged_results_stale(study, capsys, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text("sweeps: {line: {axes: {weight: [0.5, 0.6, 0.7, 0.8]}}}\n")
    assert main(["status", study, str(over)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("line speciation: 3 done, 1 missing blocks")
    assert printed[0].endswith("; joined: stale (parameters, blocks or code changed)")
    assert printed[1] == "  weight=0.8: missing"
    assert (
        printed[2] == "line comparison: stale (parameters, blocks or code changed); figures: stale (results or code changed)"
    )


def test_where_blocks_stay_the_dataset_they_are_all(folder, sweep, monkeypatch):
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 1)
    (folder / "speciation.nc").unlink()
    code, output = sweep()
    quantity = output["quantities"]["speciation"]
    assert (code, quantity["whole"], quantity["counts"], output["products"]) == (0, None, {"done": 3}, [])


def test_of_many_blocks_some_are_named(study, files, monkeypatch, capsys):
    monkeypatch.setattr("scoreshock.running.status.SHOWN", 1)
    for file in files:
        file.unlink()
    main(["status", study])
    assert capsys.readouterr().out.splitlines()[1:3] == ["  weight=0.5: missing", "  ... and 2 more"]


def test_a_quantity_that_is_not_split_has_no_blocks(tmp_path, capsys):
    study = runs.study(tmp_path / "results", split=[])
    runs.run(study)
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(folder=tmp_path / "results").replace("[weight]", "[]"))
    main(["status", str(file)])
    printed = capsys.readouterr().out
    assert printed.startswith("line speciation: stale (parameters, blocks or code changed)\n")
    runs.run(load_study(file))
    main(["status", str(file)])
    assert capsys.readouterr().out.startswith("line speciation: done 2")


def test_comparison_and_figures_are_missing_or_broken(study, folder, products, capsys):
    (folder / "figures/.snakemake_timestamp").unlink()
    code, _, drawn = products()
    assert (code, drawn["state"], drawn["reason"]) == (1, "missing", "not finished")
    shutil.rmtree(folder / "figures")
    (folder / "comparison.md").unlink()
    code, comparison, drawn = products()
    assert (code, comparison["state"], comparison["reason"]) == (1, "missing", "without comparison.md")
    assert (drawn["state"], drawn["reason"]) == ("missing", "")
    (folder / "comparison.nc").write_bytes(b"")
    code, comparison, _ = products()
    assert (code, comparison["state"], comparison["reason"]) == (1, "broken", "unreadable: the file is empty")
    main(["status", study])
    printed = capsys.readouterr().out
    assert "line comparison: broken (unreadable: the file is empty); figures: missing" in printed
    assert f"--forcerun {folder / 'comparison.nc'}" in printed


@pytest.mark.parametrize("name", ["comparison", "figures"])
def test_comparison_and_figures_by_other_code_are_stale_and_times_do_not_count(folder, products, name, monkeypatch):
    for path in (folder / "speciation.nc", folder / "figures/.snakemake_timestamp"):
        os.utime(path, (path.stat().st_mtime + 1000,) * 2)
    assert products()[0] == 0
    digest = provenance.code_digest
    monkeypatch.setattr(provenance, "code_digest", lambda module: "0" * 64 if module == name else digest(module))
    code, *both = products()
    assert code == 1
    reason = {"comparison": "parameters, blocks or code changed", "figures": "results or code changed"}[name]
    stale = {name: reason, "figures": "results or code changed"}  # whose page has the comparison in a sentence
    assert {item["name"]: item["reason"] for item in both if item["state"] == "stale"} == stale


def test_one_figure_of_other_results_makes_all_of_them_stale(folder, products):
    pictures = sorted((folder / "figures").glob("*.png"))
    assert pictures
    shutil.copy(pictures[0], folder / "figures" / "old.png")
    assert products()[2]["state"] == "done"
    digest = figures.digest_of(pictures[0])
    other = pictures[0].read_bytes().replace(digest.encode(), b"0" * len(digest))
    (folder / "figures" / "old.png").write_bytes(other)
    assert products()[2]["state"] == "stale"


def test_blocks_that_the_study_does_not_list_are_named_and_cleaned_when_asked(study, folder, files, tmp_path, capsys):
    over = tmp_path / "over.yaml"
    over.write_text("sweeps: {line: {axes: {separation: [1.0, 3.0]}}}\n")
    changed = [study, str(over)]
    old = files[0].parent
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (folder / "blocks/link").symlink_to(elsewhere)
    (folder / "blocks/a file").touch()
    main(["status", *changed])
    named = f"blocks/a file, blocks/link, blocks/{old.name}"
    assert f"line: not in the study, kept until `scoreshock clean`: {named}\n" in capsys.readouterr().out
    assert main(["clean", *changed]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *(f"would be removed: {folder / 'blocks' / name}" for name in ("a file", "link", old.name)),
        "3 with parameters or code that differ from the study's; remove them with --yes",
    ]
    assert len(list(old.iterdir())) == 3
    assert main(["clean", "--yes", *changed]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 with parameters or code that differ from the study's"
    assert list((folder / "blocks").iterdir()) == []
    assert (elsewhere / "precious").exists()
    assert (folder / "speciation.nc").exists()
    assert main(["clean", "--yes", *changed]) == 0
    assert capsys.readouterr().out == "0 with parameters or code that differ from the study's\n"


def test_clean_removes_blocks_of_dropped_values_but_no_unfinished_ones(files, sweep, study):
    temporary(files[0], "node-7.cluster", 1)
    (files[0].parent / "weight=0.9.nc").touch()
    assert sweep()[1]["unlisted"] == [f"blocks/{files[0].parent.name}/weight=0.9.nc"]
    assert main(["clean", "--yes", study]) == 0
    assert sorted(path.name for path in files[0].parent.iterdir() if path.name[0] != ".") == [
        f"{name}.nc" for name in BLOCKS
    ]
    assert len(list(files[0].parent.iterdir())) == 4


def test_status_of_ten_thousand_blocks_reads_no_header_of_one(tmp_path, monkeypatch):
    axis = {"start": 0.1, "stop": 0.9, "num": 100}
    study = runs.study(tmp_path, axes={"separation": [1.0], "weight": axis, "variance": axis}, split=["weight", "variance"])
    for file in runs.files(study)[:3]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setattr(store, "open_raw", None)
    before = time.process_time()
    (result,) = progress(study)
    assert result.parts[0].counts == {"done": 3, "missing": 9997}
    assert time.process_time() - before < 10  # 1 s on a machine of 2020
