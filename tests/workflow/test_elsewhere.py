"""The workflow elsewhere: as a module of another one, in folders with blanks, with studies laid over each other."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import scoreshock as ss

from .. import forks
from .conftest import ROOT, copy_sources, dry, environment, snakemake, write

CASES = ROOT / "tests" / "cases"
SWEEP = {"family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["corrections"]}


def other_workflow(folder, *arguments, fails=False):
    """Run the Snakefile in ``folder``, and return all that it printed."""
    ended = forks.server().run("snakemake", "--cores", "2", *arguments, cwd=folder, env=environment())
    assert (ended.code != 0) == fails, ended.output
    return ended.output


def case(name, folder):
    """A copy of a case that uses this repository."""
    copied = Path(shutil.copytree(CASES / name, folder / name))
    file = copied / "Snakefile"
    file.write_text(file.read_text().replace("PROJECT", str(ROOT)))
    return copied


def test_a_module_and_its_rules_under_other_names(tmp_path):
    printed = other_workflow(case("k4_module", tmp_path), "--dry-run")
    for name in ("shocks_plan", "shocks_data@s", "summary"):
        assert f"\n{name} " in printed
    assert "shocks/s/speciation.nc" in printed


@pytest.mark.slow
def test_a_module_with_a_prefix_whose_rules_keep_their_names(tmp_path):
    folder = case("k4_prefix", tmp_path)
    other_workflow(folder, "part/out/s/speciation.nc", "part/out/s/sweep.json")
    assert ss.open_results(folder / "part/out", "s", "speciation").separation.values.tolist() == [1.0, 2.0]
    assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == ["Snakefile", "part", "study.yaml"]


TWO_MODULES = """
module one:
    snakefile: "the code/Snakefile"
    config: {one}
    prefix: "my study"

use rule * from one as one_*

module two:
    snakefile: "the code/Snakefile"
    config: {two}

use rule * from two as two_*
"""


@pytest.mark.slow
def test_a_module_with_a_prefix_beside_another_in_folders_with_blanks(tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    (folder / "the code").symlink_to(ROOT)
    one = {"output": "out", "x-note": 1, "sweeps": {"s": SWEEP}}
    two = {"output": "two results", "sweeps": {"t": SWEEP | {"split": ["separation"]}}}
    (folder / "Snakefile").write_text(TWO_MODULES.format(one=one, two=two))
    targets = ["my study/out/s/corrections.nc", "my study/out/s/sweep.json", "two results/t/corrections.nc"]
    other_workflow(folder, *targets)
    assert not (folder / "out").exists()
    assert ss.open_results(folder / "my study" / "out", "s", "corrections").separation.values.tolist() == [1.0, 2.0]
    assert (folder / targets[-1]).is_file()
    assert "Nothing to be done" in other_workflow(folder, *targets)


@pytest.mark.slow
def test_a_module_refuses_a_misread_study_and_leaves_the_rest_of_the_file_alone(tmp_path):
    folder = case("k4_module", tmp_path)
    study = folder / "study.yaml"
    study.write_text(f"samples: 010\ndate: 2024-01-01\n{study.read_text()}")
    other_workflow(folder, "--dry-run")
    study.write_text(study.read_text().replace("[1.0, 2.0]", "[010]"))
    assert "YAML reads 010 as the octal number 8" in other_workflow(folder, "--dry-run", fails=True)


@pytest.mark.slow
def test_an_include_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "Snakefile").write_text(f"include: '{ROOT}/Snakefile'\n")
    printed = other_workflow(tmp_path, "--dry-run", fails=True)
    assert "include: of scoreshock's Snakefile is not possible" in printed
    assert "use it as a module" in printed
    assert "Traceback" not in printed


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="an environment as POSIX systems make it")
def test_project_environment_study_and_results_may_have_blanks_in_their_paths(tmp_path):
    project, folder = tmp_path / "my project", tmp_path / "my runs"
    python = tmp_path / "my environments" / "a venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True, capture_output=True, timeout=120
    )
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    (packages / "reuse.pth").write_text(f"{sysconfig.get_path('purelib')}\n{project}\n")
    copy_sources(project)
    folder.mkdir()
    study = write(folder / "my study.yaml", {"output": "my results", "sweeps": {"s": SWEEP}})
    target = "my results/s/corrections.nc"
    run = subprocess.run(
        [python, "-m", "snakemake", "-s", project / "Snakefile", "--cores", "2", target, "--configfile", study],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert (folder / "my results" / "s" / "corrections.nc").is_file()


@pytest.mark.slow
def test_an_upper_file_replaces_an_axis_and_unsets_a_key(tmp_path):
    top = write(tmp_path / "top.yaml", {"sweeps": {"pair": {"split": None}}, "output": "there"})
    files = ["--configfiles", str(ROOT / "config" / "config.yaml"), str(CASES / "k10_over.yaml"), top]
    jobs = dry(tmp_path, "there/pair/speciation.nc", *files)
    assert len(jobs) == 1
    assert "speciation" in jobs[0]


@pytest.mark.slow
def test_validate_and_the_workflow_say_the_same(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "purged")
    run = snakemake(tmp_path, "--configfile", str(CASES / "plain.yaml"), fails=True)
    validated = subprocess.run(
        [sys.executable, "-m", "scoreshock.cli", "validate", "--configfile", CASES / "plain.yaml"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert validated.returncode == 2
    (line,) = validated.stderr.splitlines()[1:]
    assert "which is not there; make that folder, or remove the link" in line
    assert line in run.output
