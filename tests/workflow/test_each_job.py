"""Every quantity and criterion of every kind of family runs in a job of its own, whose process has imported nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoreshock import families, store
from scoreshock.conventions import FLAGS, Status

from ..test_quantities_in_studies import CASES, CLOCKS, MEMBERS, OPTIONS
from .conftest import snakemake, write

LABELLED = {"family": "data", "axes": {"variance": [0.0, 1.0]}, "parameters": {"source": "iris"}}
SCHEDULES = {"edm": {"kind": "edm"}, "mine": {"kind": "table", "alphas_cumprod": [0.9, 0.5, 0.01]}}


def one_of(member: dict[str, Any], quantity: str, **more: Any) -> dict[str, Any]:
    return member | OPTIONS | {"tau": CLOCKS["absolute"], "quantities": [quantity]} | more


def sweeps() -> dict[str, Any]:
    """One sweep for each job: a quantity of a member, and of speciation each criterion by itself."""
    kinds = {name: member for name, member in MEMBERS.items() if name != "lone"}  # which is of the kind of "line"
    found = {f"{name}-{q}": one_of(kinds[name], q) for name, q in CASES if name in kinds and q != "speciation"}
    for name, member in kinds.items():
        timed = member | {"axes": member["axes"] | {"schedule": list(SCHEDULES)}}
        for criterion in families.FAMILIES[member["family"]].kind.criteria:
            found[f"{name}-{criterion}"] = one_of(timed, "speciation", criteria=[criterion])
    for quantity in ("scores", "speciation", "modes"):
        found[f"labelled-{quantity}"] = one_of(LABELLED, quantity)
    return found


STUDY = {"schedules": SCHEDULES, "sweeps": sweeps()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each block of the study was computed by a job of the workflow."""
    place = tmp_path_factory.mktemp("jobs")
    blocks = [f"results/{name}/blocks/all/{entry['quantities'][0]}.nc" for name, entry in STUDY["sweeps"].items()]
    snakemake(place, *blocks, "--configfile", write(place / "study.yaml", STUDY))
    return place


@pytest.mark.parametrize("name", STUDY["sweeps"])
def test_a_job_in_a_process_of_its_own_computes_without_failing(folder: Path, name: str) -> None:
    (quantity,) = STUDY["sweeps"][name]["quantities"]
    path = folder / "results" / name / "blocks" / "all" / f"{quantity}.nc"
    assert store.inspect(path, full=True).state == "ok"
    with store.open_file(path) as stored:
        flags = [stored[variable] for variable in stored.data_vars if variable in FLAGS]
        assert flags
        assert not any((flag == Status.failed).any() for flag in flags)
