"""Tasks of the networks that are trained here, as in `tasks`: their training, diagnosis and tables, and steps with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scoreshock.storage import provenance, store


def train(networks: Mapping[str, Any], digest: str, name: str, steps: int, seeds: int, threads: int = 1) -> None:
    """Train the networks of a data set; write ``NAME.nc`` by damage and seed, ``NAME-training.nc`` by step and seed."""
    from scoreshock.networks import files, training
    from scoreshock.networks.truths import DATA_SETS
    from scoreshock.networks.workflow import COURSE

    training.torch_or_refusal().set_num_threads(threads)
    data_set, folder = DATA_SETS[name], Path(networks["output"])
    truth, found = data_set.mixture(), training.train(data_set, steps, seeds)
    about = _attributes({"networks": name, "steps": steps, "seeds": seeds}, "networks training", digest, threads)
    about["scoreshock_torch"] = training.torch_or_refusal().__version__
    about["title"] = f"networks of {data_set.title}, by damage and seed"
    files.write(folder / f"{name}.nc", truth, found.damaged, found.architecture, about, found.samples)
    about["title"] = f"networks of {data_set.title} without damage, by training step and seed"
    course, samples = (each.isel(seed=slice(None, COURSE)) for each in (found.course, found.samples))
    files.write(folder / f"{name}-training.nc", truth, course, found.architecture, about, samples)


def diagnose(networks: Mapping[str, Any], digest: str, name: str, part: int, parts: int, threads: int = 1) -> None:
    """Diagnose the networks of a file, or one part of them."""
    from scoreshock.networks.tables import write_diagnosis
    from scoreshock.networks.workflow import part_files

    folder = Path(networks["output"])
    about = _attributes({"diagnosis of": name}, "networks.diagnosis", digest, threads)
    write_diagnosis(folder / f"{name}.nc", folder / part_files(name, parts)[part], part, parts, about)


def join(networks: Mapping[str, Any], digest: str, name: str, parts: int, threads: int = 1) -> None:
    """Join the parts of the diagnosis of the networks of a file."""
    from scoreshock.networks.tables import join_diagnoses
    from scoreshock.networks.workflow import part_files

    folder = Path(networks["output"])
    about = _attributes({"diagnosis of": name}, "networks.diagnosis", digest, threads)
    join_diagnoses([folder / file for file in part_files(name, parts)], folder / f"{name}-diagnosis.nc", about)


def tabulate(networks: Mapping[str, Any], digest: str, names: Sequence[str], threads: int = 1) -> None:
    """Write the tables and figures of all data sets."""
    from scoreshock.networks.tables import write_tables

    folder = Path(networks["output"])
    about = _attributes({"networks": list(names)}, "networks tables", digest, threads)
    diagnoses = {name: folder / f"{name}-diagnosis.nc" for name in names}
    courses = {name: folder / f"{name}-training-diagnosis.nc" for name in names}
    write_tables(diagnoses, courses, folder, about, digest)


def compare_steps(networks: Mapping[str, Any], digest: str, name: str, trained: bool, plan: str, threads: int = 1) -> None:
    """Compare the rules that space a sampler's steps for one density, with exact scores and those of networks, if any."""
    from scoreshock.networks.plans import PLANS
    from scoreshock.networks.step_study import of_density
    from scoreshock.networks.workflow import steps_part

    folder = Path(networks["output"])
    found = of_density(name, folder / f"{name}.nc" if trained else None, PLANS[plan])
    about = _attributes({"steps of": name, "plan": plan}, "networks.step_study", digest, threads)
    about["title"] = f"errors of samplers by the rule that spaces their steps, of the density {name}"
    store.write(found, folder / steps_part(name), about)


def join_steps(networks: Mapping[str, Any], digest: str, plan: str, threads: int = 1) -> None:
    """Join the comparisons of all densities; write who wins where, and its figures."""
    from scoreshock.networks.plans import PLANS
    from scoreshock.networks.step_files import write_steps
    from scoreshock.networks.step_winners import joined
    from scoreshock.networks.workflow import steps_part

    folder, parts = Path(networks["output"]), []
    for name in PLANS[plan].densities:
        with store.open_file(folder / steps_part(name)) as opened:
            parts.append(opened.load())
    about = _attributes({"plan": plan}, "networks steps", digest, threads)
    about["title"] = "errors of samplers by the rule that spaces their steps, with exact and trained scores"
    write_steps(joined(parts), folder, about, digest)


def _attributes(content: Mapping[str, Any], code: str, digest: str, threads: int) -> dict[str, Any]:
    return {**provenance.attributes(content, code, threads), provenance.DIGEST: digest}
