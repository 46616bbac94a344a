"""A miniature study from end to end: all of it is there, whole, in CF, and the same however it is run."""

import subprocess
import sys

import pytest

from scoreshock import store

from .. import compliance
from .conftest import MINIATURE, ROOT, dry, environment, miniature, snakemake, values, write

MERGED = ["line/speciation.nc", "line/corrections.nc", "ring/scores.nc", "ring/amplification.nc"]
MERGED += ["ring/layer.nc", "wells/speciation.nc"]
BLOCKS = [
    *(f"line/blocks/weight={w}/{q}.nc" for w in (0.5, 0.7) for q in ("speciation", "corrections")),
    *(f"ring/blocks/all/{q}.nc" for q in ("scores", "amplification", "layer")),
    "wells/blocks/all/speciation.nc",
]
COMPARED = ["line/comparison.nc", "wells/comparison.nc"]
CATALOGUES = [name.replace(".nc", ".catalogue.nc") for name in MERGED]
DATASETS = [*MERGED, *CATALOGUES, *BLOCKS, *COMPARED]
TARGETS = [f"results/{name}" for name in MERGED]


@pytest.mark.parametrize("name", DATASETS)
def test_every_file_is_there_and_whole(finished, name):
    assert store.inspect(finished.file(name), full=True).state == "ok"


def test_nothing_else_is_left(finished):
    left = {str(path.relative_to(finished.file(""))) for path in finished.file("").rglob("*.nc")}
    assert left == set(DATASETS)
    assert not list(finished.folder.rglob("*.tmp*"))


def test_the_comparison_is_also_a_page_and_every_sweep_has_figures(finished):
    for sweep in ("line", "wells"):
        assert f"Speciation by criterion: {sweep}" in finished.file(f"{sweep}/comparison.md").read_text()
    for sweep in ("line", "ring", "wells"):
        suffixes = {path.suffix for path in finished.file(sweep).joinpath("figures").glob("[!.]*")}
        assert suffixes == {".html", ".png"}


def test_every_job_has_a_log_and_a_benchmark(finished):
    for sweep in ("line", "ring", "wells"):
        logs = {path.stem for path in finished.file(sweep).joinpath("logs").iterdir()}
        benchmarks = {path.stem for path in finished.file(sweep).joinpath("benchmarks").iterdir()}
        assert logs == benchmarks
        assert len(logs) == sum(f" of {sweep}" in job for job in finished.run.jobs)


@pytest.mark.parametrize("name", [*MERGED, *COMPARED, CATALOGUES[0]])
def test_files_pass_the_cf_checker(finished, name, tmp_path):
    compliance.check(finished.file(name), tmp_path)


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in snakemake(finished.folder, "--configfile", str(MINIATURE)).output


def test_the_closing_words_open_the_results(finished, tmp_path):
    output = finished.run.output
    assert f"Results in {finished.file('')}" in output.replace("/results:", "/results")
    assert "line: speciation.nc, corrections.nc, comparison.nc, comparison.md, figures" in output
    _, _, after = output.partition("Open them in a session:\n")
    snippet = "\n".join(line.strip() for line in after.splitlines() if line.startswith("  "))
    shown = subprocess.run(
        [sys.executable, "-c", f"{snippet}\nprint(sorted(ds.tau_star.sizes.items()))"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "[('criterion', 7), ('separation', 3), ('weight', 2)]\n"
    assert shown.stderr == ""


@pytest.fixture(scope="module")
def one_core(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_core")
    snakemake(folder, "--configfile", str(MINIATURE), "--cores", "1", *TARGETS)
    return folder / "results"


@pytest.fixture(scope="module")
def unsplit_with_threads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unsplit")
    study = miniature()
    study["sweeps"]["line"]["split"] = []
    study["sweeps"]["ring"]["split"] = ["separation"]
    study["sweeps"]["wells"]["split"] = ["tilt"]
    threads = [f"{quantity}=2" for quantity in ("speciation", "corrections", "scores", "amplification", "layer")]
    configuration = write(folder / "study.yaml", study)
    snakemake(folder, *TARGETS, "--configfile", configuration, "--cores", "2", "--set-threads", *threads)
    return folder / "results"


@pytest.mark.parametrize("name", MERGED)
def test_values_do_not_depend_on_cores(finished, one_core, name):
    assert values(one_core / name) == values(finished.file(name))


@pytest.mark.parametrize("name", MERGED)
def test_values_do_not_depend_on_split_and_threads(finished, unsplit_with_threads, name):
    assert values(unsplit_with_threads / name) == values(finished.file(name))


def test_without_a_study_the_default_one_runs_and_its_output_can_be_moved(tmp_path):
    run = snakemake(tmp_path, "--dry-run", "--config", "output=elsewhere")
    for job in ("scores of pair, block dimension=64", "amplification of dimension, block all", "figures of digits"):
        assert job in run.jobs
    assert "elsewhere/triangle/blocks/all/corrections.nc" in run.output


def test_later_configfiles_override_earlier_ones(tmp_path):
    first = write(tmp_path / "first.yaml", {"sweeps": {"line": {"axes": {"weight": [0.5, 0.7]}, "quantities": ["scores"]}}})
    second = write(tmp_path / "second.yaml", {"output": "./there/", "sweeps": {"line": {"quantities": ["corrections"]}}})
    jobs = dry(tmp_path, "there/line/corrections.nc", "--configfile", str(MINIATURE), first, second)
    assert jobs == [
        "corrections of line, block weight=0.5",
        "corrections of line, block weight=0.7",
        "corrections of line: blocks joined",
    ]


@pytest.mark.usefixtures("finished")
def test_the_checkout_itself_is_not_written_to():
    assert not (ROOT / "results" / "line").exists()
    assert not (ROOT / "results" / "ring").exists()
    assert not (ROOT / "results" / "wells").exists()


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"sweeps": {"../x": miniature()["sweeps"]["ring"]}}, "../x"),
        ({"sweeps": {"line": {"axes": {"weight": 1.2}}}}, "sweeps.line.axes.weight: 1.2 is not allowed"),
        ({"output": "file.txt/x"}, "output: 'file.txt/x' cannot be a folder"),
    ],
)
def test_a_bad_study_stops_before_any_job_with_its_message(tmp_path, study, message):
    (tmp_path / "file.txt").write_text("")
    bad = write(tmp_path / "bad.yaml", study)
    before = sorted(tmp_path.iterdir())
    run = snakemake(tmp_path, "--configfile", str(MINIATURE), bad, fails=True)
    assert message in run.output
    assert run.output.count("The study is not valid; nothing was run.") == 1
    assert "Traceback" not in run.output
    assert run.jobs == []
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != ".snakemake"] == before
