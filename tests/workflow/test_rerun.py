"""What runs again after a change, and after a run that was broken off: what depends on it, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

import scoreshock as ss
from scoreshock.storage import provenance, store
from scoreshock.storage.transfer import unite
from scoreshock.study.study import load_study

from .conftest import copy_sources, dry, finish, replace, snakemake, write

pytestmark = pytest.mark.slow

TARGETS = ["results/line/sweep.json", "results/line/comparison.nc"]
WEIGHTS = [0.3, 0.4, 0.5]  # more blocks than one job computes of the repository below
RUN_BLOCKS = ("scoreshock/study/work.py", "RUN_BLOCKS = 128", "RUN_BLOCKS = 2")


def only_line(*weights, **changes):
    """A study of one sweep, which is split by its weight, with these values of it."""
    axes = {"separation": [1.0, 2.0], "weight": list(weights or WEIGHTS)}
    line = {"family": "pair", "axes": axes, "split": ["weight"], "quantities": ["speciation"]}
    return {"sweeps": {"line": line | changes}}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository in which one job computes at most two blocks."""
    folder = tmp_path_factory.mktemp("two-blocks") / "repository"
    copy_sources(folder)
    file, *texts = RUN_BLOCKS
    replace(folder / file, *texts)
    return folder


def run_of(number, first):
    return f"speciation of line, {number} of its blocks from weight={first} on"


BLOCKS = [run_of(2, WEIGHTS[0]), run_of(1, WEIGHTS[2])]
JOINED = "speciation of line: blocks joined"
COMPARED = "criteria of line compared"
PLANNED = "plan of the study"
EVERYTHING = sorted([PLANNED, *BLOCKS, JOINED, COMPARED])


@pytest.fixture(scope="module")
def finished(tmp_path_factory, repository):
    """The sweep, up to its comparison."""
    return finish(tmp_path_factory.mktemp("finished"), only_line(), *TARGETS, repository=repository)


def states(folder):
    """Which file every dataset is, and when it was written: times are those of the last job that had to look at it."""
    return {path: (path.stat().st_ino, store.inspect(path).attributes["history"]) for path in folder.rglob("*.nc")}


def blocks_of(folder):
    return {path: state for path, state in states(folder).items() if path.parent.parent.name == "blocks"}


def test_nothing_runs_without_a_change_whatever_times_files_have(copy, finished, repository):
    assert finished.run.jobs == EVERYTHING
    for step, path in enumerate(sorted(copy.rglob("results/**/*"), key=os.path.getmtime, reverse=True)):
        os.utime(path, (1e9 + step, 1e9 + step))  # results older than what they are made of
    other = write(copy / "other.yaml", dict(reversed(only_line().items())))
    (copy / "other.yaml").write_text("# a remark\n" + (copy / "other.yaml").read_text())
    assert dry(copy, *TARGETS, "--configfile", other, repository=repository) == []


def test_a_value_appended_to_a_split_axis_computes_its_blocks_only(copy, repository, tmp_path):
    before = blocks_of(copy / "results")
    assert len(before) == len(WEIGHTS)
    arguments = [*TARGETS, "--configfile", write(tmp_path / "study.yaml", only_line(*WEIGHTS, 0.99))]
    run = snakemake(copy, *arguments, repository=repository)
    assert run.jobs == sorted([PLANNED, run_of(2, WEIGHTS[2]), JOINED, COMPARED])
    after = blocks_of(copy / "results")
    assert {path: after[path] for path in before} == before
    assert sorted(path.name for path in after.keys() - before.keys()) == ["weight=0.99.nc"]
    assert ss.open_results(copy / "results", "line", "speciation").weight.values.tolist() == [*WEIGHTS, 0.99]
    assert dry(copy, *arguments, repository=repository) == []


FEWER = {"criteria": ["leading", "exact"]}


def digests(folder):
    """What the results of the sweep say that they are made from."""
    files = {name: store.inspect(folder / f"results/line/{name}.nc") for name in ("speciation", "comparison")}
    return {name: seen.attributes.get(provenance.DIGEST) for name, seen in files.items()}


def wanted(study):
    """What they should say."""
    sweep = load_study(study).sweeps["line"]
    return {"speciation": sweep.planned("speciation").digest, "comparison": sweep.product_digest("comparison")}


def test_after_a_change_a_run_that_was_broken_off_leaves_nothing_stale(copy, finished, repository, tmp_path):
    study = write(tmp_path / "study.yaml", only_line(**FEWER))

    def run(*targets):
        return snakemake(copy, *targets, "--configfile", study, repository=repository).jobs

    # Broken off between the blocks and joining: what opens are the new blocks, for what is joined has the old criteria.
    blocks = [f"results/line/{file}" for file in load_study(study).sweeps["line"].planned("speciation").files]
    assert run("results/line/sweep.json", *blocks) == sorted([PLANNED, *BLOCKS])
    assert finished.open("speciation").sizes["criterion"] != 2
    with pytest.warns(UserWarning, match="does not match the parameters, blocks or code of the study"):
        assert ss.open_results(copy / "results", "line", "speciation").sizes["criterion"] == 2
    made = blocks_of(copy / "results")
    # Broken off between joining and the comparison.
    assert run("results/line/speciation.nc") == [JOINED]
    assert run(*TARGETS) == [COMPARED]
    assert blocks_of(copy / "results") == made
    assert digests(copy) == wanted(study) != digests(finished.folder)


DIES = """
import os
import sys


def die(event, arguments):
    if event == "os.rename" and os.fsdecode(arguments[1]).endswith({!r}):
        os._exit(9)


sys.addaudithook(die)
"""


@pytest.mark.parametrize("file", ["line/speciation.nc", "line/comparison.nc"])
def test_a_small_sweep_whose_job_dies_on_its_way_leaves_nothing_stale(small, tmp_path, file):
    hook, folder = tmp_path / "hook", Path(shutil.copytree(small.folder, tmp_path / "run"))
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(DIES.format(file))
    study = write(tmp_path / "study.yaml", only_line(0.5, 0.7, **FEWER))
    snakemake(folder, *TARGETS, "--configfile", study, first=hook, fails=True)
    made = blocks_of(folder / "results")
    assert len(made) == 4  # two of either digest
    assert digests(folder) != wanted(study)
    assert ss.open_results(folder / "results", "line", "speciation").sizes["criterion"] == 2
    assert snakemake(folder, *TARGETS, "--configfile", study).jobs == ["speciation of line, compared"]
    assert blocks_of(folder / "results") == made
    assert digests(folder) == wanted(study)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A sweep of two blocks, which is one job."""
    return finish(tmp_path_factory.mktemp("small"), only_line(0.5, 0.7), *TARGETS)


CHANGED = ("import numpy as np", "import numpy as np\n\nCHANGED = 1")
SAID = ('"""', '"""Said otherwise. ')


@pytest.mark.parametrize(
    ("edits", "jobs"),
    [
        ({"scoreshock/kernels/speciation/roots.py": SAID, "workflow/rules/study.smk": ("# One rule", "# A rule")}, []),
        (
            {"scoreshock/kernels/speciation/roots.py": CHANGED, "scoreshock/kernels/wells/times.py": CHANGED},
            EVERYTHING,
        ),
    ],
    ids=["docstring and comment", "kernels of mixtures and of wells"],
)
def test_editing_code_reruns_the_jobs_that_depend_on_it(finished, edited, edits, jobs):
    repository = edited(*RUN_BLOCKS)
    for file, texts in edits.items():
        edited(file, *texts)
    assert dry(finished.folder, *TARGETS, "--configfile", finished.study, repository=repository) == sorted(jobs)


def part(folder, *weights):
    """Results of these blocks, as a run on another machine leaves them that was broken off before joining."""
    study = write(folder.parent / f"{folder.name}.yaml", only_line(*weights))
    snakemake(folder, "results/line/sweep.json", "results/line/speciation.nc", "--configfile", study)
    return folder / "results"


def test_results_of_two_machines_are_put_together_and_only_joined(tmp_path):
    one, two = (part(tmp_path / name, *weights) for name, weights in {"one": [0.5, 0.6], "two": [0.7]}.items())
    both = tmp_path / "both"
    assert unite([one, two], both / "results") == {"line": 3}
    blocks = blocks_of(both / "results")
    study = write(tmp_path / "both.yaml", only_line(0.5, 0.6, 0.7))
    snakemake(both, "results/line/speciation.nc", "--configfile", study)
    assert blocks_of(both / "results") == blocks
    assert ss.open_results(both / "results", "line", "speciation").weight.values.tolist() == [0.5, 0.6, 0.7]


def test_blocks_too_large_to_be_joined_stay_the_dataset_and_open(finished, edited, tmp_path):
    edited(*RUN_BLOCKS)
    repository = edited("scoreshock/study/blocks.py", "JOINED_BYTES = 64 * 2**30", "JOINED_BYTES = 0")
    folder = tmp_path / "run"
    shutil.copytree(finished.file("line/blocks"), folder / "results/line/blocks")
    run = snakemake(folder, "--configfile", finished.study, repository=repository)
    assert run.jobs == [PLANNED, "the page of the study: results/index.html"]
    assert "line: blocks/speciation-" in run.output
    assert not (folder / "results/line/speciation.nc").exists()
    dataset = ss.open_results(folder / "results", "line", "speciation")
    assert dataset.drop_attrs().identical(finished.open("speciation").drop_attrs())
    assert "Nothing to be done" in snakemake(folder, "--configfile", finished.study, repository=repository).output
