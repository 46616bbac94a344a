"""Every quantity and criterion of every kind of family is computed by its job in a process of its own.

A job imports the modules of its quantity as it needs them. Each process here has imported libraries when it starts, and
nothing of the package: a module that only another job imports is missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.quantities.declaration import criteria_of
from scoreshock.running import tasks
from scoreshock.storage import provenance, store
from scoreshock.study.study import Study

from .. import forks
from ..workflow.conftest import environment
from .test_studies import CASES, CLOCKS, MEMBERS, OPTIONS

pytestmark = pytest.mark.slow

LABELLED = {"family": "data", "axes": {"variance": [0.0, 1.0]}, "parameters": {"source": "iris"}}
SCHEDULES = {"edm": {"kind": "edm"}, "mine": {"kind": "table", "alphas_cumprod": [0.9, 0.5, 0.01]}}


def one_of(member: dict[str, Any], quantity: str, **more: Any) -> dict[str, Any]:
    return OPTIONS | member | {"tau": CLOCKS["absolute"], "quantities": [quantity]} | more


def sweeps() -> dict[str, Any]:
    """One sweep for each job: a quantity of a member, and of speciation each criterion by itself."""
    kinds = {name: member for name, member in MEMBERS.items() if name != "lone"}  # which is of the kind of "line"
    entries = {f"{name}-{q}": one_of(kinds[name], q) for name, q in CASES if name in kinds and q != "speciation"}
    for name, member in kinds.items():
        timed = member | {"axes": member["axes"] | {"schedule": list(SCHEDULES)}}
        for criterion in criteria_of(families.FAMILIES[member["family"]].density):
            entries[f"{name}-{criterion}"] = one_of(timed, "speciation", criteria=[criterion])
    for quantity in ("scores", "speciation", "modes"):
        entries[f"labelled-{quantity}"] = one_of(LABELLED, quantity)
    for kind in ("spherical", "diagonal", "shared", "full"):
        table = LABELLED | {"parameters": {"source": "iris", "covariance": kind}, "axes": {"variance": [0.1, 1.0]}}
        for quantity in ("scores", "speciation", "isotropy"):
            entries[f"{kind}-{quantity}"] = one_of(table, quantity, x=MEMBERS["shared"]["x"])
    return entries


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.from_mapping({"schedules": SCHEDULES, "sweeps": sweeps()})


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the jobs run, with the study as a file."""
    folder = tmp_path_factory.mktemp("jobs")
    content = {**tasks.content_of(study), "output": str(folder), "code": provenance.known_code()}
    (folder / "study.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("name", sweeps())
def test_a_job_computes_in_a_process_of_its_own(study: Study, folder: Path, name: str) -> None:
    sweep = study.sweeps[name]
    (quantity,) = sweep.quantities
    task = json.dumps(["compute", name, quantity, sweep.planned(quantity).digest])
    job = ("study.json", "--log", f"{name}.log", task)
    ended = forks.server().run("scoreshock.running", *job, cwd=folder, env=environment())
    assert ended.code == 0, ended.output + (folder / f"{name}.log").read_text()
    path = folder / name / f"{quantity}.nc"
    assert store.inspect(path, full=True).state == "ok"
    with store.open_file(path) as stored:
        flags = [stored[variable] for variable in stored.data_vars if str(variable).endswith("status")]
        assert flags
        assert not any((flag == Status.failed).any() for flag in flags)
