"""What runs again after a change, and after a run that was broken off: what depends on it, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

import scoreshock as ss
from scoreshock.storage import provenance, store
from scoreshock.storage.transfer import unite
from scoreshock.study.study import load_study

from .conftest import dry, finish, snakemake, write

pytestmark = pytest.mark.slow

TARGETS = ["results/line/sweep.json", "results/line/comparison.nc"]
WEIGHTS = [round(0.3 + 0.005 * n, 3) for n in range(129)]  # more blocks than one job computes


def only_line(*weights, **changes):
    """A study of one sweep, which is split by its weight, with these values of it."""
    axes = {"separation": [1.0, 2.0], "weight": list(weights or WEIGHTS)}
    line = {"family": "pair", "axes": axes, "split": ["weight"], "quantities": ["speciation"]}
    return {"sweeps": {"line": line | changes}}


def run_of(number, first):
    return f"speciation of line, {number} of its blocks from weight={first} on"


BLOCKS = [run_of(128, WEIGHTS[0]), run_of(1, WEIGHTS[128])]
JOINED = "speciation of line: blocks joined"
COMPARED = "criteria of line compared"
PLANNED = "what the study will hold, written"
EVERYTHING = sorted([PLANNED, *BLOCKS, JOINED, COMPARED])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The sweep, up to its comparison."""
    return finish(tmp_path_factory.mktemp("finished"), only_line(), *TARGETS)


def states(folder):
    """Which file every dataset is, and when it was written: times are those of the last job that had to look at it."""
    return {path: (path.stat().st_ino, store.inspect(path).attributes["history"]) for path in folder.rglob("*.nc")}


def blocks_of(folder):
    return {path: state for path, state in states(folder).items() if path.parent.parent.name == "blocks"}


def test_nothing_runs_without_a_change_whatever_times_files_have(copy, finished):
    assert finished.run.jobs == EVERYTHING
    for step, path in enumerate(sorted(copy.rglob("results/**/*"), key=os.path.getmtime, reverse=True)):
        os.utime(path, (1e9 + step, 1e9 + step))  # results older than what they are made of
    other = write(copy / "other.yaml", dict(reversed(only_line().items())))
    (copy / "other.yaml").write_text("# a remark\n" + (copy / "other.yaml").read_text())
    assert dry(copy, *TARGETS, "--configfile", other) == []


def test_a_value_appended_to_a_split_axis_computes_its_blocks_only(copy, tmp_path):
    before = blocks_of(copy / "results")
    assert len(before) == len(WEIGHTS)
    given = [*TARGETS, "--configfile", write(tmp_path / "study.yaml", only_line(*WEIGHTS, 0.99))]
    assert snakemake(copy, *given).jobs == sorted([PLANNED, run_of(2, WEIGHTS[128]), JOINED, COMPARED])
    after = blocks_of(copy / "results")
    assert {path: after[path] for path in before} == before
    assert sorted(path.name for path in after.keys() - before.keys()) == ["weight=0.99.nc"]
    assert ss.open_results(copy / "results", "line", "speciation").weight.values.tolist() == [*WEIGHTS, 0.99]
    assert dry(copy, *given) == []


FEWER = {"criteria": ["leading", "exact"]}


def digests(folder):
    """What the results of the sweep say that they are made from."""
    files = {name: store.inspect(folder / f"results/line/{name}.nc") for name in ("speciation", "comparison")}
    return {name: seen.attributes.get(provenance.DIGEST) for name, seen in files.items()}


def wanted(study):
    """What they should say."""
    sweep = load_study(study).sweeps["line"]
    return {"speciation": sweep.planned("speciation").digest, "comparison": sweep.product_digest("comparison")}


def test_after_a_change_a_run_that_was_broken_off_leaves_nothing_stale(copy, finished, tmp_path):
    study = write(tmp_path / "study.yaml", only_line(**FEWER))
    # Broken off between the blocks and joining: what opens are the new blocks, for what is joined has the old criteria.
    blocks = [f"results/line/{file}" for file in load_study(study).sweeps["line"].planned("speciation").files]
    run = snakemake(copy, "results/line/sweep.json", *blocks, "--configfile", study)
    assert run.jobs == sorted([PLANNED, *BLOCKS])
    assert finished.open("speciation").sizes["criterion"] != 2
    with pytest.warns(UserWarning, match="does not match the parameters, blocks or code of the study"):
        assert ss.open_results(copy / "results", "line", "speciation").sizes["criterion"] == 2
    made = blocks_of(copy / "results")
    # Broken off between joining and the comparison.
    assert snakemake(copy, "results/line/speciation.nc", "--configfile", study).jobs == [JOINED]
    assert snakemake(copy, *TARGETS, "--configfile", study).jobs == [COMPARED]
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
    assert snakemake(folder, *TARGETS, "--configfile", study).jobs == ["speciation of line, compared and drawn"]
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
def test_editing_code_makes_again_what_depends_on_it(finished, edited, edits, jobs):
    for file, (old, new) in edits.items():
        repository = edited(file, old, new)
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
    repository = edited("scoreshock/study/blocks.py", "JOINED_BYTES = 64 * 2**30", "JOINED_BYTES = 0")
    folder = tmp_path / "run"
    shutil.copytree(finished.file("line/blocks"), folder / "results/line/blocks")
    run = snakemake(folder, "--configfile", finished.study, repository=repository)
    assert run.jobs == [PLANNED]
    assert "line: blocks/speciation-" in run.output
    assert not (folder / "results/line/speciation.nc").exists()
    dataset = ss.open_results(folder / "results", "line", "speciation")
    assert dataset.drop_attrs().identical(finished.open("speciation").drop_attrs())
    assert "Nothing to be done" in snakemake(folder, "--configfile", finished.study, repository=repository).output
