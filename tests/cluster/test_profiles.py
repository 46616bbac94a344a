"""Profiles: found by either path, and the commands by which they ask the queues that are not here what a job is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ..workflow.conftest import MINIATURE, ROOT, dry, snakemake
from .conftest import needs

PROFILES = ROOT / "workflow" / "profiles"


@pytest.fixture(autouse=True)
def executors() -> None:
    needs("snakemake_executor_plugin_slurm", "slurm")
    needs("snakemake_executor_plugin_cluster_generic", "slurm")


@pytest.mark.parametrize("profile", ["slurm", str(PROFILES / "slurm"), str(PROFILES / "cluster-generic")])
def test_a_profile_groups_short_jobs(tmp_path, profile):
    # The miniature study's eight blocks are one job of a cluster, and what is made of its three sweeps is another.
    run = snakemake(tmp_path, "--dry-run", "--configfile", str(MINIATURE), "--workflow-profile", profile)
    assert sorted(re.findall(r"Group job (\S+)", run.output)) == ["blocks-of-3s", "sweeps-of-12s"]
    members = re.findall(r"^    Job \S+: (.*)$", run.output, re.MULTILINE)
    assert len(members) == len(set(members)) == 19


def test_without_such_a_profile_nothing_is_grouped(tmp_path):
    assert len(dry(tmp_path, "--configfile", str(MINIATURE))) == 19


def test_the_paper_is_one_job_of_a_cluster(tmp_path):
    run = snakemake(tmp_path, "verify", "--dry-run", "--workflow-profile", str(PROFILES / "slurm"))
    assert re.findall(r"Group job (\S+)", run.output) == ["paper"]


PBS = "Job Id: 7.host\n    Job_Name = j\n    job_state = {}\n    {}\n"
SGE = "==============================\nqname        all.q\nfailed       {}\nexit_status  {}\n"


@pytest.mark.parametrize(
    ("queue", "commands", "said"),
    [
        ("slurm", {"squeue": "RUNNING"}, "running"),
        ("slurm", {"squeue": "PENDING"}, "running"),
        ("slurm", {"squeue": "COMPLETING"}, "running"),
        ("slurm", {"squeue": "COMPLETED"}, "success"),
        ("slurm", {"squeue": "TIMEOUT"}, "failed"),
        ("slurm", {"squeue": "", "sacct": "CANCELLED by 0", "scontrol": "up"}, "failed"),
        ("slurm", {"squeue": "", "sacct": "COMPLETED", "scontrol": "up"}, "success"),
        ("slurm", {"squeue": "", "sacct": "", "scontrol": "up"}, "failed"),
        ("slurm", {"squeue": "", "sacct": "", "scontrol": None}, "running"),
        ("pbs", {"qstat": PBS.format("Q", "")}, "running"),
        ("pbs", {"qstat": PBS.format("R", "")}, "running"),
        ("pbs", {"qstat": PBS.format("F", "Exit_status = 0")}, "success"),
        ("pbs", {"qstat": PBS.format("F", "Exit_status = 271")}, "failed"),
        ("pbs", {"qstat": PBS.format("C", "exit_status = 0")}, "success"),
        ("pbs", {"qstat": None}, "failed"),
        ("lsf", {"bjobs": "PEND"}, "running"),
        ("lsf", {"bjobs": "RUN"}, "running"),
        ("lsf", {"bjobs": "DONE"}, "success"),
        ("lsf", {"bjobs": "EXIT"}, "failed"),
        ("sge", {"qstat": "job-ID prior name user state\n---\n 7 0.5 j me qw now"}, "running"),
        ("sge", {"qstat": "job-ID prior name user state\n---\n 7 0.5 j me Eqw now"}, "failed"),
        ("sge", {"qstat": "", "qacct": SGE.format("0", "0")}, "success"),
        ("sge", {"qstat": "", "qacct": SGE.format("0", "1")}, "failed"),
        ("sge", {"qstat": "", "qacct": SGE.format("100 : assumedly after job", "0")}, "failed"),
        ("sge", {"qstat": "", "qacct": None}, "failed"),
    ],
)
def test_a_status_script_says_what_the_queue_says(queue, commands, said, tmp_path):
    for name, text in commands.items():
        stand_in = tmp_path / name
        stand_in.write_text("#!/bin/sh\nexit 1\n" if text is None else f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        stand_in.chmod(0o755)
    script = Path(PROFILES / "cluster-generic" / f"status-{queue}.sh")
    environment = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin", "SECONDS_BETWEEN": "0"}
    run = subprocess.run([script, "7"], env=environment, check=True, capture_output=True, text=True)
    assert run.stdout == f"{said}\n"


def test_the_number_of_an_lsf_job_is_read_from_what_bsub_says(tmp_path):
    line = re.search(
        r"^#   (sh -c 'bsub.*\n#   .*')$", (PROFILES / "cluster-generic" / "config.yaml").read_text(), re.MULTILINE
    )
    command = line[1].replace("\n#   ", " ").format(threads=2, resources=type("", (), {"mem_mb": 1000, "runtime": 5}))
    stand_in = tmp_path / "bsub"
    stand_in.write_text('#!/bin/sh\necho "$*" >&2\necho "Job <123> is submitted to queue <normal>."\n')
    stand_in.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(f'{command} "job.sh"', shell=True, env=environment, check=True, capture_output=True, text=True)
    assert run.stdout == "123\n"
    assert run.stderr.startswith("-n 2 -R span[hosts=1] -M 1000 -W 5 -o .snakemake/lsf-%J.log sh job.sh")
