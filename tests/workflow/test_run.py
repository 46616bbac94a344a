"""A miniature study from end to end: all of it is there, whole, in CF, and the same however it is run."""

import json
import subprocess
import sys

import pytest

from scoreshock.storage import plans, store

from .. import compliance
from .conftest import MINIATURE, ROOT, dry, environment, finish, miniature, snakemake, values, write

RESULTS = ["line/speciation.nc", "line/corrections.nc", "ring/scores.nc", "ring/amplification.nc"]
RESULTS += ["ring/layer.nc", "wells/speciation.nc"]
COMPARED = ["line/comparison.nc", "wells/comparison.nc"]
SWEEPS = ["line", "ring", "wells"]
TARGETS = [f"results/{name}" for name in RESULTS]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The miniature study, all of it, run once."""
    return finish(tmp_path_factory.mktemp("finished"), miniature())


def expected(finished):
    """Every dataset, by the plans that the run has written."""
    parts = {sweep: plans.planned(finished.file(sweep)) for sweep in SWEEPS}
    blocks = [f"{sweep}/{file}" for sweep, found in parts.items() for part in found.values() for file in part.files]
    return {*RESULTS, *COMPARED, *blocks}


@pytest.mark.slow
def test_every_dataset_is_there_and_whole_and_nothing_else_is_left(finished):
    left = {str(path.relative_to(finished.file(""))) for path in finished.file("").rglob("*.nc")}
    assert left == expected(finished)
    assert len([name for name in left if "/blocks/" in name]) == 4
    assert {store.inspect(finished.file(name), full=True).state for name in left} == {"ok"}
    assert not list(finished.folder.rglob("*.tmp*"))


@pytest.mark.slow
def test_the_comparison_is_also_a_page_and_every_sweep_has_figures(finished):
    for sweep in ("line", "wells"):
        assert f"Speciation by criterion: {sweep}" in finished.file(f"{sweep}/comparison.md").read_text()
    for sweep in ("line", "ring", "wells"):
        suffixes = {path.suffix for path in finished.file(sweep).joinpath("figures").glob("[!.]*")}
        assert suffixes >= {".csv", ".png"}
        assert finished.file(f"{sweep}.html").is_file()
    assert finished.file("index.html").is_file()


@pytest.mark.slow
def test_every_job_has_a_log_and_a_benchmark(finished):
    logs, benchmarks = ({path.stem for path in finished.file(kind).iterdir()} for kind in ("logs", "benchmarks"))
    assert logs == benchmarks
    assert len(logs) == len(finished.run.jobs)


@pytest.mark.slow
def test_jobs_get_one_small_file(finished):
    handed = sorted(finished.folder.glob(".snakemake/scoreshock/*"))
    given = [json.loads(path.read_text()) for path in handed]
    assert [set(content["sweeps"]) for content in given if "sweeps" in content] == [set(SWEEPS)]
    assert all(path.stat().st_size < 1e5 for path in handed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["line/speciation.nc", "ring/layer.nc", "wells/speciation.nc", "line/comparison.nc"])
def test_files_pass_the_cf_checker_and_describe_every_variable(finished, name, tmp_path):
    compliance.check(finished.file(name), tmp_path)
    with store.open_file(finished.file(name)) as file:
        for variable in file.variables.values():
            assert variable.attrs["description"] != variable.attrs["long_name"], variable.name


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in snakemake(finished.folder, "--configfile", finished.study).output


@pytest.mark.slow
def test_the_code_of_the_summary_opens_the_results(finished, tmp_path):
    output = finished.run.output
    assert f"Results in {finished.file('')}" in output.replace("/results:", "/results")
    assert "line: speciation.nc, corrections.nc, comparison.nc, comparison.md, figures" in output
    assert f"Page with all figures: {finished.file('index.html')}\n" in output
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
def otherwise(tmp_path_factory):
    """The same results by other jobs: split where they were whole, whole where they were split, on two threads."""
    study = miniature()
    study["sweeps"]["line"]["split"] = []
    study["sweeps"]["ring"]["split"] = ["separation"]
    study["sweeps"]["wells"]["split"] = ["tilt"]
    folder = tmp_path_factory.mktemp("otherwise")
    threads = ["--set-threads", *(f"data@{sweep}=2" for sweep in SWEEPS)]
    snakemake(folder, *TARGETS, "--configfile", write(folder / "study.yaml", study), "--cores", "2", *threads)
    return folder / "results"


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_values_do_not_depend_on_split_jobs_and_threads(finished, otherwise, name):
    assert values(otherwise / name) == values(finished.file(name))


@pytest.mark.slow
def test_without_a_study_the_default_one_runs_and_its_output_can_be_moved(tmp_path):
    run = snakemake(tmp_path, "--dry-run", "--config", "output=elsewhere")
    for job in (
        "plan of the study",
        "amplification, corrections, scores, speciation of triangle, compared",
    ):
        assert job in run.jobs
    assert "elsewhere/triangle/corrections.nc" in run.output
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.slow
def test_later_configfiles_override_earlier_ones(tmp_path):
    first = write(tmp_path / "first.yaml", {"sweeps": {"line": {"axes": {"weight": [0.5, 0.7]}, "quantities": ["scores"]}}})
    second = write(tmp_path / "second.yaml", {"output": "./there/", "sweeps": {"line": {"quantities": ["corrections"]}}})
    jobs = dry(tmp_path, "there/line/corrections.nc", "--configfile", str(MINIATURE), first, second)
    assert jobs == ["corrections of line"]


@pytest.mark.slow
@pytest.mark.usefixtures("finished")
def test_the_checkout_itself_is_not_written_to():
    assert not (ROOT / "results" / "line").exists()
    assert not (ROOT / "results" / "ring").exists()
    assert not (ROOT / "results" / "wells").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "message"),
    [
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


@pytest.mark.slow
def test_what_is_chosen_of_a_figure_draws_again_and_computes_nothing(finished, tmp_path):
    chosen = miniature()
    chosen["sweeps"]["line"]["figures"] = {"speciation": {"x": "weight"}}
    jobs = dry(finished.folder, "--configfile", write(tmp_path / "chosen.yaml", chosen))
    assert jobs == ["figures of line", "the page of the study: results/index.html"]
