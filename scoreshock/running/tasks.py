"""What a job of the workflow does: ``python -m scoreshock.running STUDY --log FILE TASK...``.

``STUDY`` is a file that the workflow writes when it starts (`hand_over`), by which its jobs know what to compute; a task is
a JSON list, as `scoreshock.study.work` makes it. Each action imports what it needs itself: of a small job's time, imports
are the most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from scoreshock.storage import plans, provenance, staging
from scoreshock.storage.plans import Planned

if TYPE_CHECKING:
    import xarray as xr

    from scoreshock.study.study import Study

STUDY = "SCORESHOCK_STUDY"
"""Variable of the environment by which a run tells its jobs the digests of its studies."""

HANDED = Path(".snakemake/scoreshock")
"""Folder of what a run hands to its jobs, among what Snakemake itself keeps."""

LAST_WORDS: dict[int, bytes] = {
    signal.SIGINT: b"interrupted\n",
    signal.SIGTERM: b"ended by SIGTERM, which a queue sends when a job's time is over\n",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the tasks of a job, one after another. One that fails does not keep the others from being done."""
    parser = argparse.ArgumentParser(prog="python -m scoreshock.running", description=main.__doc__)
    parser.add_argument("study", metavar="STUDY")
    parser.add_argument("tasks", nargs="+", metavar="TASK")
    parser.add_argument("--log", required=True)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    with logged(given.log) as terminal:
        study = json.loads(Path(given.study).read_text("utf-8"))
        provenance.take_known_code(study["code"])
        failed = False
        for action, *words in map(json.loads, given.tasks):
            try:
                ACTIONS[action](study, *words, threads=given.threads)
            except Exception as error:
                _tell(error, terminal)
                failed = True
        if failed:
            sys.exit(1)


def _tell(error: Exception, terminal: TextIO) -> None:
    """Say an error in short on the terminal, and in full in the log."""
    terminal.write("".join(traceback.format_exception_only(error)))
    with suppress(OSError):
        traceback.print_exception(error)


class Sweep:
    """A sweep as its jobs know it: its folder, what it is to hold, and what its files say about the study."""

    def __init__(self, study: Mapping[str, Any], name: str) -> None:
        self.name, self.plan = name, study["sweeps"][name]
        self.folder = Path(study["output"]) / name
        self.about = {"sweep": name, **study["about"]}

    def planned(self, quantity: str) -> Planned:
        """What it is to hold of a quantity."""
        return Planned.of(self.plan["quantities"][quantity])

    def files(self, names: Sequence[str]) -> list[Path]:
        """The files of those of the quantities that it has."""
        return [self.folder / f"{name}.nc" for name in names if name in self.plan["quantities"]]


@contextmanager
def logged(path: str | Path) -> Iterator[TextIO]:
    """Write to the file ``path`` what the body says on stderr, and give it the terminal.

    An error ends the process with 1, and its reason is also said on the terminal. An interrupt ends it with 130, a request
    to end (of a queue whose time limit is over) with 143, at once. A log that cannot be written costs no result: what it
    would say goes to the terminal.
    """
    terminal = sys.stderr
    with _log(Path(path), terminal) as log, redirect_stderr(log):

        def leave(number: int, *_: object) -> None:
            # Not by an exception: raised inside a lock of the NetCDF library, it leaves the lock held, and closing the file
            # then waits for ever. A file under its final name is whole whenever the process ends.
            staging.discard_unfinished()
            with suppress(OSError):
                os.write(log.fileno(), LAST_WORDS[number])
            os._exit(128 + number)

        before = {number: signal.signal(number, leave) for number in LAST_WORDS}
        try:
            yield terminal
        except Exception as error:
            _tell(error, terminal)
            sys.exit(1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _log(path: Path, terminal: TextIO) -> Iterator[TextIO]:
    """The file ``path``, or the terminal where it cannot be written."""
    try:
        log = path.open("w", buffering=1, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        terminal.write(f"no log: {error}\n")
        yield terminal
        return
    try:
        yield log
    finally:
        with suppress(OSError):  # a full disk
            log.close()


def write_plan(study: Mapping[str, Any], name: str, digest: str, threads: int = 1) -> None:  # noqa: ARG001 - every action is called alike
    """Write what the sweep is to hold beside its results, so that a part of them can be told from the whole."""
    sweep = Sweep(study, name)
    plans.write_plan(sweep.folder, sweep.plan)


def compute(
    study: Mapping[str, Any], name: str, quantity: str, digest: str, first: str = "", last: str = "", threads: int = 1
) -> None:
    """Compute a quantity, or the run of its blocks from ``first`` to ``last``; what is there and whole stays as it is."""
    sweep = Sweep(study, name)
    part = sweep.planned(quantity)
    run = [(sweep.folder / file, values) for file, values in _run(part, first, last)]
    lacking = [(path, values) for path, values in run if not _is_made(path, digest)]
    axis = list(part.split)[-1] if part.split else ""
    for _, group in groupby(lacking, lambda block: {name: value for name, value in block[1].items() if name != axis}):
        alike = list(group)
        whole = _at_once(part, axis, [values for _, values in alike])
        for place, (path, values) in enumerate(alike):
            content = part.content_of(values)
            if whole is None:
                compute_block(content, path, digest, threads, **sweep.about)
            else:
                _store(whole.isel({axis: slice(place, place + 1)}), content, path, digest, threads, **sweep.about)


def compute_block(content: Mapping[str, Any], path: Path, digest: str, threads: int = 1, **about: str) -> None:
    """Compute one quantity of one content and store it, chunk by chunk on ``threads`` threads or on the cluster of Dask.

    ``about`` is what `provenance.attributes` says of sweep and study.
    """
    from scoreshock.study.evaluation import evaluate

    _store(evaluate(content, chunked=_chunked()), content, path, digest, threads, **about)


def _chunked() -> Any:
    """How `scoreshock.study.evaluation.evaluate` is to cut what it computes: Dask's arrays are slow to import."""
    from scoreshock.running import cluster

    return True if cluster.VARIABLE in os.environ else "several"


def _at_once(part: Planned, axis: str, blocks: Sequence[Mapping[str, Any]]) -> xr.Dataset | None:
    """The results of blocks that differ along one axis; None of a single one, and where they are more than one chunk."""
    from scoreshock.study.evaluation import evaluate

    if len(blocks) == 1 or _chunked() != "several":
        return None
    together = part.content_of({**blocks[0], axis: [values[axis] for values in blocks]})
    whole = evaluate(together, chunked="several")
    return None if whole.chunks else whole


def _store(dataset: xr.Dataset, content: Mapping[str, Any], path: Path, digest: str, threads: int, **about: str) -> None:
    from scoreshock.densities import families
    from scoreshock.running import cluster
    from scoreshock.storage import store

    quantity = content["quantity"]
    module = families.module_of(content["family"], quantity)
    with cluster.scheduler(dataset, module, threads) as result:
        attributes = provenance.attributes(content, quantity, threads, module, **about)
        store.write(result, path, attributes | {provenance.DIGEST: digest})


def _run(part: Planned, first: str, last: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Files, with their values of the split axes, from that of the block ``first`` to that of ``last``."""
    inside = not part.split
    for file, values in part.files.items():
        name = Path(file).stem
        inside = inside or name == first
        if inside:
            yield file, values
        if name == last:
            return


def _is_made(path: Path, digest: str) -> bool:
    """Whether the file is there, whole to its last value, and of what it is to be made from."""
    from scoreshock.storage import store

    seen = store.inspect(path, full=True)
    return seen.state == "ok" and seen.attributes.get(provenance.DIGEST) == digest


def join(study: Mapping[str, Any], name: str, quantity: str, digest: str, threads: int = 1) -> None:  # noqa: ARG001
    """Join the blocks of a quantity into one file."""
    from scoreshock.storage import joining

    sweep = Sweep(study, name)
    try:
        joining.join(sweep.folder, sweep.planned(quantity))
    except staging.BrokenFile as error:
        error.add_note("To make a broken file again, add to the same command: --forcerun FILE")
        raise


def compare(study: Mapping[str, Any], name: str, digest: str, threads: int = 1) -> None:
    """Set the criteria of a sweep against each other: a dataset, and a page to read."""
    import dask

    from scoreshock import comparison
    from scoreshock.quantities.sampling_times import schedule_samples
    from scoreshock.quantities.schedule_time import clock
    from scoreshock.schedules.schedule import schedule
    from scoreshock.storage import opening, store
    from scoreshock.study.evaluation import density_of

    sweep = Sweep(study, name)
    content = sweep.planned("speciation").content
    opened = opening.open_files(sweep.files(["speciation", "corrections"]), chunks=None)
    speciation, corrections = opened["speciation"], opened.get("corrections")
    schedules = {label: schedule(**parameters) for label, parameters in content["schedules"].items()}
    density = density_of(content)
    order_clock = None
    if schedules and corrections is not None:
        tau, lengths = corrections.tau_order, comparison.block_sizes(speciation, corrections)
        several = any(tau.sizes[dim] > length for dim, length in lengths.items())
        order_clock = clock(tau.chunk(lengths) if several else tau, schedules)
    with dask.config.set(scheduler="threads", num_workers=threads):
        compared = comparison.compare(
            speciation,
            corrections,
            density if "component_mean" in density else None,
            samples=schedule_samples(schedules) if schedules else None,
            order_clock=order_clock,
        )
        attributes = provenance.attributes(content, "comparison", threads, **sweep.about) | {provenance.DIGEST: digest}
        store.write(compared, sweep.folder / "comparison.nc", attributes)
    with store.open_file(sweep.folder / "comparison.nc", chunks=None) as whole:
        text = comparison.table(whole, title=f"Speciation by criterion: {sweep.name}")
    staging.write_text(text, sweep.folder / "comparison.md")


def draw(study: Mapping[str, Any], name: str, digest: str, *formats: str, threads: int = 1) -> None:  # noqa: ARG001
    """Draw the figures of a sweep, each format in a process of its own, which imports one plotting library only.

    Their folder is there when all of them are.
    """
    from scoreshock import figures
    from scoreshock.storage import opening

    sweep = Sweep(study, name)
    datasets = opening.open_files(sweep.files(list(sweep.plan["quantities"])), chunks=None)
    folder, unfinished = sweep.folder / "figures", sweep.folder / ".figures"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)  # also where there is nothing to draw
    _forked([partial(figures.draw, datasets, unfinished, each, digest=digest) for each in formats])
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _forked(calls: Sequence[Callable[[], Any]]) -> None:
    """Make each call in a process of its own, one after another: this one imports none of what they import."""
    for call in calls:
        sys.stderr.flush()
        if not (child := os.fork()):
            try:
                call()
                code = 0
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stderr.flush()
            os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise RuntimeError("a process that draws figures ended with an error, which the log shows")


def verify(paper: Mapping[str, Any], digest: str, section: str, threads: int = 1) -> None:  # noqa: ARG001
    """Compute what the paper says in one section and store it: statements, tables and the data of figures."""
    from scoreshock.paper.configuration import read
    from scoreshock.paper.table import products
    from scoreshock.storage import store

    configuration = read(paper["content"])
    for product in products(int(section)):
        about = {"section": int(section), "file": product.path, "paper": configuration.content()}
        attributes = provenance.attributes(about, "verification", threads) | {"title": product.title}
        store.write(product.compute(configuration), Path(paper["output"]) / product.path, attributes)


def draw_paper(paper: Mapping[str, Any], digest: str, *names: str, threads: int = 1) -> None:  # noqa: ARG001
    """Draw the paper's figures, each from its file alone."""
    from scoreshock.paper import drawing
    from scoreshock.storage import opening

    folder = Path(paper["output"])
    datasets = opening.open_files([folder / name for name in names])
    _forked([partial(drawing.draw, datasets, folder / "figures", each) for each in ("html", "png")])


def describe_paper(paper: Mapping[str, Any], digest: str, threads: int = 1) -> None:  # noqa: ARG001
    """Write the page of the verification from its files and figures."""
    from scoreshock.paper import page
    from scoreshock.paper.configuration import read

    folder = Path(paper["output"])
    for name, text in page.pages(read(paper["content"]), folder).items():
        staging.write_text(text, folder / name)


ACTIONS: dict[str, Any] = {
    "plan": write_plan,
    "compute": compute,
    "join": join,
    "compare": compare,
    "draw": draw,
    "verify": verify,
    "draw-paper": draw_paper,
    "describe-paper": describe_paper,
}
"""What a task may be, by its first word: functions of what was handed over and of the task's other words."""


def hand_over(content: Mapping[str, Any], main: bool) -> str:
    """Write what jobs need to know of a study or of the paper, by its digest; return the file, relative to this folder.

    Jobs of a run refuse another study than that of the process that started it, the ``main`` one: on a node the study is
    read again, and were it another by then, the results would not be what their run takes them for.

    Raises
    ------
    ValueError
        When the file of the study was changed while its run goes on.
    """
    digest = provenance.parameters_digest(content)
    if main:  # a run can hold several studies, each a module
        os.environ[STUDY] = " ".join([*os.environ.get(STUDY, "").split(), digest])
    elif digest not in os.environ.get(STUDY, digest).split():
        raise ValueError(
            "The study was changed while its run goes on; this job computed nothing. Change it back, or end the run and "
            "start it again: what is done and still in the study stays."
        )
    path, text = HANDED / f"{digest[:16]}.json", provenance.canonical_json({**content, "code": provenance.known_code()})
    if not path.is_file() or path.read_text("utf-8") != text:
        staging.write_text(text, path)
    return str(path)


def content_of(study: Study) -> dict[str, Any]:
    """What the jobs of a study need to know of it, as plain values."""
    sweeps = {name: sweep.description() for name, sweep in study.sweeps.items()}
    return {"output": study.output, "about": dict(study.about), "sweeps": sweeps}


def closing_words(study: Study) -> str:
    """Where the results are, and how to open them."""
    output = Path(study.output).resolve()
    lines, datasets = [f"Results in {output}:"], []
    for name, sweep in study.sweeps.items():
        parts = {quantity: sweep.planned(quantity) for quantity in sweep.quantities}
        places = {quantity: f"{quantity}.nc" if part.joined else part.folder for quantity, part in parts.items()}
        places |= {file: file for files in sweep.products.values() for file in files}
        there = {made: place for made, place in places.items() if (output / name / place).exists()}
        datasets += [(name, quantity) for quantity in parts if quantity in there]
        lines += [f"  {name}: {', '.join(there.values())}"] if there else []
    # The first sweep's speciation, where there is one: what most readers come for.
    for name, quantity in sorted(datasets, key=lambda pair: pair[1] != "speciation")[:1]:
        lines += [
            "Open them in a session:",
            "  import scoreshock as ss",
            f"  ds = ss.open_results({str(output)!r}, {name!r}, {quantity!r})",
        ]
    return "\n".join(lines)
