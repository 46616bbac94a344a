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


@pytest.mark.slow
def test_a_module_and_its_rules_under_other_names(tmp_path):
    printed = other_workflow(case("k4_module", tmp_path), "--dry-run")
    for name in ("shocks_plan", "shocks_data@s", "summary"):
        assert f"\n{name} " in printed
    assert "shocks/s/speciation.nc" in printed


@pytest.mark.slow
def test_a_module_with_a_prefix_whose_rules_keep_their_names(tmp_path):
    folder = case("k4_prefix", tmp_path)
    other_workflow(folder, "part/out/s/speciation.nc", "part/out/s/sweep.json", "part/out/index.html")
    assert 'href="s.html"' in (folder / "part/out/index.html").read_text()
    assert (folder / "part/out/s.html").is_file()
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


ONE_MODULE = """
module study:
    snakefile: {snakefile!r}
    config: {config}
{more}
use rule * from study
"""


def calling(folder: Path, config: dict, snakefile: str = f"{ROOT}/workflow/Snakefile", more: str = "") -> Path:
    """A folder with a workflow that uses ours as a module, whose rules keep their names."""
    folder.mkdir(exist_ok=True)
    (folder / "Snakefile").write_text(ONE_MODULE.format(snakefile=snakefile, config=config, more=more))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "part"])
def test_files_of_a_study_are_relative_to_the_folder_of_the_run_with_and_without_a_prefix(tmp_path, prefix):
    sweep = {"family": "data", "axes": {"separation": [1.0]}, "parameters": {"file": "data/two.csv"}}
    schedules = {"mine": {"kind": "table", "file": "data/levels.csv"}}
    study = {"output": "out", "schedules": schedules, "sweeps": {"s": sweep | {"quantities": ["corrections"]}}}
    folder = calling(tmp_path / "caller", study, more=f"    prefix: {prefix!r}\n" if prefix else "")
    (folder / "data").mkdir()
    (folder / "data" / "two.csv").write_text("x,label\n0,a\n1,a\n4,b\n6,b\n")
    (folder / "data" / "levels.csv").write_text("sigma_n\n0.1\n1\n10\n")
    target = Path(prefix, "out", "s", "corrections.nc")
    other_workflow(folder, str(target))
    assert (folder / target).is_file()
    assert "Nothing to be done" in other_workflow(folder, str(target))
    content = ss.open_results(folder / prefix / "out", "s", "corrections").attrs["scoreshock_parameters"]
    assert '"data/two.csv"' in content


@pytest.mark.slow
def test_the_default_target_and_the_rules_are_those_of_the_module(tmp_path):
    study = {"output": "out", "sweeps": {"s": SWEEP}}
    for number, snakefile in enumerate(("Snakefile", "workflow/Snakefile")):
        folder = calling(tmp_path / str(number), study, f"{ROOT}/{snakefile}")
        printed = other_workflow(folder, "--dry-run")
        assert "out/s/corrections.nc" in printed
        assert "\nall " in printed


@pytest.mark.slow
def test_results_may_be_written_elsewhere_by_replacing_the_prefix(tmp_path):
    study = {"output": "out", "sweeps": {"s": SWEEP}}
    folder = calling(tmp_path / "caller", study, more='    replace_prefix: {"out/": "there/"}\n')
    other_workflow(folder, "there/s/corrections.nc", "there/s/sweep.json")
    assert ss.open_results(folder / "there", "s", "corrections").separation.values.tolist() == [1.0, 2.0]
    assert not (folder / "out").exists()
    calling(folder, study, more='    replace_prefix: {"out/s/": "there/"}\n')
    assert "replace_prefix: moves out/s away from out/; allowed: " in other_workflow(folder, "--dry-run", fails=True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_module_of_a_repository_brings_its_rules_and_settings(tmp_path):
    repository = tmp_path / "repository"
    copy_sources(repository, ("Snakefile", "workflow", "profiles", "config", "environment.yml"))
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*COMMITTER, "commit", "-q", "-m", "all"], ["tag", "v1"]):
        subprocess.run(["git", "-C", repository, *words], check=True, capture_output=True, timeout=60)
    study = {"output": "out", "sweeps": {"s": SWEEP}}
    folder = calling(tmp_path / "caller", study, f"git+file://{repository}/workflow/Snakefile@v1")
    other_workflow(folder, "out/s/corrections.nc", "out/s/sweep.json")
    assert ss.open_results(folder / "out", "s", "corrections").separation.values.tolist() == [1.0, 2.0]


COMMITTER = ["-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]


@pytest.mark.slow
def test_a_module_refuses_a_misread_study_and_leaves_the_rest_of_the_file_alone(tmp_path):
    folder = case("k4_module", tmp_path)
    study = folder / "study.yaml"
    study.write_text(f"samples: 010\ndate: 2024-01-01\n{study.read_text()}")
    other_workflow(folder, "--dry-run")
    study.write_text(study.read_text().replace("[1.0, 2.0]", "[010]"))
    assert "YAML reads 010 as the octal number 8" in other_workflow(folder, "--dry-run", fails=True)


@pytest.mark.slow
@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_an_include_is_refused_with_the_remedy(tmp_path, snakefile):
    (tmp_path / "Snakefile").write_text(f"include: '{ROOT}/{snakefile}'\n")
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
        [sys.executable, "-m", "scoreshock", "validate", CASES / "plain.yaml"],
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
