"""Execution of a job of the workflow: ``python -m scoreshock.running STUDY --log FILE TASK...``.

``STUDY`` is a file with the plan of the study, which the workflow writes when it starts (`write_study`). A task is a JSON
list from `scoreshock.study.work`. Each action imports its modules itself, because imports dominate the time of a small job.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreshock import plugins
from scoreshock.running import logs, networks, paper
from scoreshock.running.forks import forked
from scoreshock.storage import plans, provenance, staging
from scoreshock.storage.plans import INDEX, Planned

if TYPE_CHECKING:
    import xarray as xr

    from scoreshock.study.study import Study

STUDY = "SCORESHOCK_STUDY"
"""Environment variable by which a run passes the digests of its studies to its jobs."""

STUDIES = Path(".snakemake/scoreshock")
"""Folder of the study files that a run writes for its jobs."""

EXAMPLES, NETWORKS = "results/examples", "results/networks"
"""Folders of the worked examples, and of the networks that are trained."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tasks of a job, one after another; a failed task does not stop the others."""
    parser = argparse.ArgumentParser(prog="python -m scoreshock.running", description=main.__doc__)
    parser.add_argument("study", metavar="STUDY")
    parser.add_argument("tasks", nargs="+", metavar="TASK")
    parser.add_argument("--log", required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    with logs.logged(options.log) as terminal:
        study = json.loads(Path(options.study).read_text("utf-8"))
        provenance.take_known_code(study["code"])
        plugins.restore(study.get("plugins", ()))
        failed = False
        for action, *words in map(json.loads, options.tasks):
            try:
                ACTIONS[action](study, *words, threads=options.threads)
            except Exception as error:
                logs.report(error, terminal)
                failed = True
        if failed:
            sys.exit(1)


class Sweep:
    """A sweep of a study file: its folder, its plan, and the attributes of its files that describe the study."""

    def __init__(self, study: Mapping[str, Any], name: str) -> None:
        self.name, self.plan = name, study["sweeps"][name]
        self.folder = Path(study["output"]) / name
        self.about = {"sweep": name, **study["about"]}
        self.figures = study.get("figures", {}).get(name, {})

    def planned(self, quantity: str) -> Planned:
        """The plan of a quantity."""
        return Planned.of(self.plan["quantities"][quantity])

    def files(self, names: Sequence[str]) -> list[Path]:
        """Files of the quantities ``names``, without those that the sweep does not have."""
        return [self.folder / f"{name}.nc" for name in names if name in self.plan["quantities"]]


def write_plan(study: Mapping[str, Any], name: str, digest: str, threads: int = 1) -> None:  # noqa: ARG001 - all actions have the same signature
    """Write the plan of the sweep to its folder, so that incomplete results are recognised."""
    plans.write_plan(Path(study["output"]) / name, study["sweeps"][name])


def compute(
    study: Mapping[str, Any], name: str, quantity: str, digest: str, first: str = "", last: str = "", threads: int = 1
) -> None:
    """Compute a quantity, or its blocks from ``first`` to ``last``; intact files of this digest are kept."""
    sweep = Sweep(study, name)
    part = sweep.planned(quantity)
    run = [(sweep.folder / file, values) for file, values in _run(part, first, last)]
    missing = [(path, values) for path, values in run if not _is_done(path, digest)]
    axis = list(part.split)[-1] if part.split else ""
    for _, group in groupby(missing, lambda block: {name: value for name, value in block[1].items() if name != axis}):
        blocks = list(group)
        joint = _at_once(part, axis, [values for _, values in blocks])
        for i, (path, values) in enumerate(blocks):
            content = part.content_of(values)
            if joint is None:
                compute_block(content, path, digest, threads, **sweep.about)
            else:
                _store(joint.isel({axis: slice(i, i + 1)}), content, path, digest, threads, **sweep.about)


def compute_block(content: Mapping[str, Any], path: Path, digest: str, threads: int = 1, **about: str) -> None:
    """Compute one content and store it, chunk by chunk on ``threads`` threads or on the Dask cluster.

    ``about`` describes sweep and study, as in `provenance.attributes`.
    """
    from scoreshock.study.evaluation import evaluate

    _store(evaluate(content, chunked=_chunked()), content, path, digest, threads, **about)


def _chunked() -> Any:
    """Argument ``chunked`` of `scoreshock.study.evaluation.evaluate`; without a cluster, one chunk avoids importing Dask."""
    from scoreshock.running import cluster

    return True if cluster.VARIABLE in os.environ else "several"


def _at_once(part: Planned, axis: str, blocks: Sequence[Mapping[str, Any]]) -> xr.Dataset | None:
    """The joint result of blocks that differ along one axis; None for a single block or more than one chunk."""
    from scoreshock.study.evaluation import evaluate

    if len(blocks) == 1 or _chunked() != "several":
        return None
    together = part.content_of({**blocks[0], axis: [values[axis] for values in blocks]})
    joint = evaluate(together, chunked="several")
    return None if joint.chunks else joint


def _store(dataset: xr.Dataset, content: Mapping[str, Any], path: Path, digest: str, threads: int, **about: str) -> None:
    from scoreshock.running import cluster
    from scoreshock.storage import store
    from scoreshock.study.blocks import module_of

    quantity, module = content["quantity"], module_of(content)
    with cluster.scheduler(dataset, module, threads) as result:
        attributes = provenance.attributes(content, quantity, threads, module, **about)
        store.write(result, path, attributes | {provenance.DIGEST: digest})


def _run(part: Planned, first: str, last: str) -> list[tuple[str, dict[str, Any]]]:
    """Files from block ``first`` to block ``last``, or the only one, with their values on the split axes."""
    files = list(part.files.items())
    names = [Path(file).stem for file, _ in files]
    return files[names.index(first) : names.index(last) + 1] if part.split else files


def _is_done(path: Path, digest: str) -> bool:
    """Whether the file exists, is intact, and has this digest."""
    from scoreshock.storage import store

    inspected = store.inspect(path, full=True)
    return inspected.state == "ok" and inspected.attributes.get(provenance.DIGEST) == digest


def join(study: Mapping[str, Any], name: str, quantity: str, digest: str, threads: int = 1) -> None:  # noqa: ARG001
    """Join the blocks of a quantity into one file."""
    from scoreshock.storage import joining

    sweep = Sweep(study, name)
    try:
        joining.join(sweep.folder, sweep.planned(quantity))
    except staging.BrokenFile as error:
        error.add_note("To recompute a broken file, add to the same command: --forcerun FILE")
        raise


def compare(study: Mapping[str, Any], name: str, digest: str, threads: int = 1) -> None:
    """Compare the criteria of a sweep, and write the result as a dataset and as Markdown."""
    import dask

    from scoreshock import comparison
    from scoreshock.densities.component_covariances import structure
    from scoreshock.quantities.sampling_times import schedule_samples
    from scoreshock.quantities.schedule_time import schedule_time
    from scoreshock.schedules.schedule import schedule
    from scoreshock.storage import opening, store
    from scoreshock.study.evaluation import density_of

    sweep = Sweep(study, name)
    content = sweep.planned("speciation").content
    opened = opening.open_files(sweep.files(["speciation", "corrections"]), chunks=None)
    speciation, corrections = opened["speciation"], opened.get("corrections")
    schedules = {label: schedule(**parameters) for label, parameters in content["schedules"].items()}
    density = density_of(content)
    is_isotropic = "component_mean" in density and structure(density) == "isotropic"  # rules of trust are for these
    order_clock = None
    if schedules and corrections is not None:
        tau, lengths = corrections.tau_order, comparison.block_sizes(speciation, corrections)
        several = any(tau.sizes[dim] > length for dim, length in lengths.items())
        order_clock = schedule_time(tau.chunk(lengths) if several else tau, schedules)
    with dask.config.set(scheduler="threads", num_workers=threads):
        compared = comparison.compare(
            speciation,
            corrections,
            density if is_isotropic else None,
            samples=schedule_samples(schedules) if schedules else None,
            order_clock=order_clock,
        )
        attributes = provenance.attributes(content, "comparison", threads, **sweep.about) | {provenance.DIGEST: digest}
        store.write(compared, sweep.folder / "comparison.nc", attributes)
    with store.open_file(sweep.folder / "comparison.nc", chunks=None) as written:
        text = comparison.table(written, title=f"Speciation by criterion: {sweep.name}")
    staging.write_file(text, sweep.folder / "comparison.md")


def draw(study: Mapping[str, Any], name: str, digest: str, *formats: str, threads: int = 1) -> None:  # noqa: ARG001
    """Draw the figures of a sweep and write its page, each in a separate process that imports one plotting library.

    The folder of the figures appears when all of them are complete.
    """
    from scoreshock import comparison, figures
    from scoreshock.reports import sweep as report
    from scoreshock.storage import opening, store

    sweep, sentence = Sweep(study, name), ""
    datasets = opening.open_files(sweep.files(list(sweep.plan["quantities"])), chunks=None)
    if (compared := sweep.folder / "comparison.nc").exists():
        with store.open_file(compared, chunks=None) as dataset:
            sentence = comparison.sentence(dataset)
    with staging.staged_folder(sweep.folder / "figures") as folder:  # also for sweeps without figures
        pictures = [partial(figures.draw, datasets, folder, each, digest, sweep.figures) for each in formats]
        said, folders = (sweep.plan["note"], sentence), (Path(study["output"]), folder)
        forked([*pictures, partial(report.write, name, datasets, said, folders, digest, sweep.figures)])


def write_index(study: Mapping[str, Any], digest: str, threads: int = 1) -> None:  # noqa: ARG001
    """Write the page of the study, ``index.html`` in the folder of its results."""
    from scoreshock.reports import study as report

    report.write(Path(study["output"]), study["about"], study["sweeps"], digest)


ACTIONS: dict[str, Any] = {
    "plan": write_plan,
    "compute": compute,
    "join": join,
    "compare": compare,
    "draw": draw,
    "index": write_index,
    "verify": paper.verify,
    "draw-paper": paper.draw_paper,
    "describe-paper": paper.describe_paper,
    "example": paper.write_example,
    "train": networks.train,
    "diagnose": networks.diagnose,
    "join-diagnoses": networks.join,
    "tabulate": networks.tabulate,
    "compare-steps": networks.compare_steps,
    "join-steps": networks.join_steps,
}
"""Functions by the first word of a task; their arguments are the study file and the other words."""


def write_study(content: Mapping[str, Any], main: bool) -> str:
    """Write the plan of a study, or of the paper, for the jobs of a run; return the path of the file, named by its digest.

    The ``main`` process stores the digest in the environment. Jobs on other nodes read the study again and refuse one with
    another digest, because their results would not belong to the run.

    Raises
    ------
    ValueError
        If the study has changed since the run started.
    """
    digest = provenance.parameters_digest(content)
    if main:  # a run can have several studies, one for each module
        os.environ[STUDY] = " ".join([*os.environ.get(STUDY, "").split(), digest])
    elif digest not in os.environ.get(STUDY, digest).split():
        raise ValueError(
            "The study was changed during its run; this job computed nothing. Undo the change, or stop the run and start it "
            "again; finished results that are still in the study are kept."
        )
    path, text = STUDIES / f"{digest[:16]}.json", provenance.canonical_json({**content, "code": provenance.known_code()})
    if not path.is_file() or path.read_text("utf-8") != text:
        staging.write_file(text, path)
    return str(path)


def content_of(study: Study) -> dict[str, Any]:
    """The plan of a study for its jobs, as plain values."""
    sweeps = {name: sweep.description() for name, sweep in study.sweeps.items()}
    used: dict[str, Any] = {"plugins": plugins.plain(study.plugins)} if study.plugins else {}
    chosen = {name: sweep.figures for name, sweep in study.sweeps.items() if sweep.figures}
    used |= {"figures": chosen} if chosen else {}
    return {"output": study.output, "about": dict(study.about), "sweeps": sweeps, **used}


def summary(study: Study) -> str:
    """Text with the location of the results, the code that opens them, and at its end the page of the study."""
    output = Path(study.output).resolve()
    lines, datasets = [f"Results in {output}:"], []
    for name, sweep in study.sweeps.items():
        parts = {quantity: sweep.planned(quantity) for quantity in sweep.quantities}
        paths = {quantity: f"{quantity}.nc" if part.joined else part.folder for quantity, part in parts.items()}
        products = [file for files in sweep.products.values() for file in files]
        paths |= {file: file.removeprefix(f"{name}/") for file in products if file.startswith(f"{name}/")}
        present = {result: path for result, path in paths.items() if (output / name / path).exists()}
        datasets += [(name, quantity) for quantity in parts if quantity in present]
        lines += [f"  {name}: {', '.join(present.values())}"] if present else []
    # Most readers want the speciation times.
    for name, quantity in sorted(datasets, key=lambda pair: pair[1] != "speciation")[:1]:
        lines += [
            "Open them in a session:",
            "  import scoreshock as ss",
            f"  ds = ss.open_results({str(output)!r}, {name!r}, {quantity!r})",
        ]
    if (output / INDEX).exists():
        lines.append(f"Page with all figures: {output / INDEX}")
    return "\n".join(lines)


def paper_summary(output: str) -> str:
    """Text with the location of the paper's page."""
    return f"The paper, statement by statement: {Path(output, 'index.html').resolve()}"


def examples_summary(output: str = EXAMPLES) -> str:
    """Text with the location of the worked examples, and what those need that were skipped."""
    from scoreshock.examples import EXAMPLES as ALL

    skipped = [(name, each.needs) for name, each in ALL.items() if each.needs and not find_spec(each.needs)]
    lines = [f"Skipped: {name} needs {needed}, pip install {needed}" for name, needed in skipped]
    return "\n".join([f"Examples in {Path(output).resolve()}", *lines])


def networks_summary(output: str = NETWORKS) -> str:
    """Text with the location of the networks, their diagnoses and tables."""
    return f"Networks, their diagnoses, tables and figures in {Path(output).resolve()}"
