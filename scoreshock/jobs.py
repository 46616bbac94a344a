"""What the workflow's jobs do, one function each: the scripts only pass on what Snakemake knows.

Each imports what it needs itself: of a small job's time, imports are the most.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import dask

from scoreshock import clocks, staging, store

if TYPE_CHECKING:
    from scoreshock.study import Study, Sweep

STUDY = "SCORESHOCK_STUDY"
"""Variable of the environment by which a run tells its jobs the digests of its studies."""

LAST_WORDS: dict[int, bytes] = {
    signal.SIGINT: b"interrupted\n",
    signal.SIGTERM: b"ended by SIGTERM, which a queue sends when a job's time is over\n",
}


@contextmanager
def logged(path: str | Path, inputs: Iterable[str] = ()) -> Iterator[None]:
    """Write to the file ``path`` what the body says on stderr; the reason of an error is also said on the terminal.

    An error ends the process with 1, an interrupt with 130, a request to end (of a queue whose time limit is over) with
    143, at once. A log that cannot be written costs no result: what it would say goes to the terminal. ``inputs`` are the
    files that the job reads.
    """
    terminal = sys.stderr
    clocks.bring_to_present(inputs)
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
            yield
        except Exception as error:
            terminal.write("".join(traceback.format_exception_only(error)))
            with suppress(OSError):
                traceback.print_exc()
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


def compute(content: Mapping[str, Any], path: str, threads: int = 1) -> None:
    """Compute one quantity of one block and store it, chunk by chunk on ``threads`` threads or on the cluster of Dask."""
    from scoreshock import cluster, families, provenance, records
    from scoreshock.evaluation import evaluate

    quantity = content["quantity"]
    module = families.module_of(content["family"], quantity)
    with cluster.scheduler(evaluate(content), module, threads) as result:
        store.write(result, path, provenance.attributes(content, quantity, threads, module))
    with suppress(OSError):  # a full disk: the block is whole without
        sys.stderr.write(records.receipt(path))


def merge(paths: Sequence[str], joined: str | None, catalogue: str, split: Sequence[str]) -> None:
    """Join the blocks of a quantity into one file, and list them in a catalogue; without ``joined`` only list them."""
    from scoreshock import merging

    try:
        if joined is None:
            merging.list_blocks(paths, catalogue, split)
        else:
            merging.merge(paths, joined, split, listing=catalogue)
    except store.BrokenFile as error:
        error.add_note("To make a broken file again, add to the same command: --forcerun FILE")
        raise


def compare(paths: Sequence[str], content: Mapping[str, Any], dataset: str, table: str, threads: int = 1) -> None:
    """Set the criteria of a sweep against each other: a dataset, and a page to read."""
    from scoreshock import comparison, provenance, results
    from scoreshock.evaluation import density_of
    from scoreshock.quantities.clock import clock
    from scoreshock.quantities.samples import schedule_samples
    from scoreshock.schedules import schedule

    opened = results.open_files(paths, chunks=None)
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
        store.write(compared, dataset, provenance.attributes(content, "comparison", threads))
    with store.open_file(dataset, chunks=None) as whole:
        text = comparison.table(whole, title=f"Speciation by criterion: {Path(dataset).parent.name}")
    staging.write_text(text, table)


def draw(paths: Sequence[str], folder: str) -> None:
    """Draw the figures of a sweep into ``folder``."""
    from scoreshock import figures, results

    datasets = results.open_files(paths)
    for suffix in ("html", "png"):
        figures.draw(datasets, Path(folder), suffix)


def verify(content: Mapping[str, Any], section: int, folder: Path, threads: int = 1) -> None:
    """Compute what the paper says in one section and store it: statements, tables and the data of figures."""
    from scoreshock import provenance
    from scoreshock.verification.configuration import read
    from scoreshock.verification.table import products

    configuration = read(content)
    for product in products(section):
        about = {"section": section, "file": product.path, "paper": configuration.content()}
        attributes = provenance.attributes(about, "verification", threads) | {"title": product.title}
        store.write(product.compute(configuration), folder / product.path, attributes)


def draw_paper(paths: Sequence[str], folder: Path) -> None:
    """Draw the paper's figures, each from its file alone, into ``folder``."""
    from scoreshock import results
    from scoreshock.verification import drawing

    datasets = results.open_files(paths)
    for suffix in ("html", "png"):
        drawing.draw(datasets, folder, suffix)


def describe_paper(content: Mapping[str, Any], folder: Path) -> None:
    """Write the page of the verification from the files and figures in ``folder``."""
    from scoreshock.verification import page
    from scoreshock.verification.configuration import read

    for name, text in page.pages(read(content), folder).items():
        staging.write_text(text, folder / name)


def products(sweep: Sweep) -> list[str]:
    """What the workflow makes of a sweep, relative to the sweep's folder."""
    merged = [f"{name}.nc" if sweep.is_joined(name) else f"{name}.catalogue.nc" for name in sweep.quantities]
    return [*merged, *(file for files in sweep.products.values() for file in files)]


def record_plan(study: Study, damaged_only: bool = False, sweeps: Sequence[str] | None = None) -> None:
    """Write what each sweep will hold beside its results, so that a part of them can be told from the whole.

    With ``damaged_only`` only where there are results with no plan, or with one that cannot be read; with ``sweeps`` only
    of these.
    """
    from scoreshock import plans

    for name, sweep in study.sweeps.items():
        if sweeps is not None and name not in sweeps:
            continue
        folder = Path(study.output) / name
        if not damaged_only or (folder.is_dir() and not plans.is_readable(folder)):
            plans.write_plan(folder, sweep.description())


def hold_study(study: Study, main: bool) -> None:
    """Have the jobs of a run refuse another study than that of the process that started it, the ``main`` one.

    On a node the study is read again. Were it another by then, the results would not be what their run takes them for.

    Raises
    ------
    ValueError
        When the file of the study was changed while its run goes on.
    """
    from scoreshock import provenance

    contents = {
        name: {quantity: sweep.content(quantity) for quantity in sweep.quantities} | {"split": list(sweep.split)}
        for name, sweep in study.sweeps.items()
    }
    digest = provenance.parameters_digest({"output": study.output, "sweeps": contents})
    if main:  # a run can hold several studies, each a module
        os.environ[STUDY] = " ".join([*os.environ.get(STUDY, "").split(), digest])
    elif digest not in os.environ.get(STUDY, digest).split():
        raise ValueError(
            "The study was changed while its run goes on; this job computed nothing. Change it back, or end the run and "
            "start it again: what is done and still in the study stays."
        )


def check_interpreter() -> None:
    """Refuse a Python by whose path Snakemake cannot start jobs: it writes the path into the shell as it is.

    Raises
    ------
    ValueError
        Where the path holds blanks, or other characters that mean something to the shell.
    """
    if shlex.quote(sys.executable) != sys.executable:
        raise ValueError(
            f"Snakemake cannot start jobs with {sys.executable!r}; nothing was run. Make the Python environment in a folder "
            "whose path has no blanks or other special characters; the project, the study and the results may stay."
        )


def closing_words(study: Study) -> str:
    """Where the results are, and how to open them."""
    output = Path(study.output).resolve()
    made = {name: [p for p in products(sweep) if (output / name / p).exists()] for name, sweep in study.sweeps.items()}
    lines = [f"Results in {output}:", *(f"  {name}: {', '.join(files)}" for name, files in made.items() if files)]
    datasets = [(name, file.split(".")[0]) for name, files in made.items() for file in files if file.endswith(".nc")]
    if datasets:
        # The first sweep's speciation, where there is one: what most readers come for.
        name, quantity = next((pair for pair in datasets if pair[1] == "speciation"), datasets[0])
        lines += [
            "Open them in a session:",
            "  import scoreshock as ss",
            f"  ds = ss.open_results({str(output)!r}, {name!r}, {quantity!r})",
        ]
    return "\n".join(lines)
