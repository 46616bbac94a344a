"""What the workflow's jobs do, one function each: the scripts only pass on what Snakemake knows.

Each imports what it needs itself: of a small job's time, imports are the most.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask

from scoreshock import store

if TYPE_CHECKING:
    from scoreshock.study import Block, Study, Sweep

BASE_MEMORY = 1000
"""MiB of a job that holds only chunks: the libraries (some 350 MiB) and what a few chunks need."""

POINTS_PER_MEBIBYTE = 20_000
"""Points whose results may wait to be written, a MiB; only for blocks so small that they are one chunk."""


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Write to the file ``path`` what the body says on stderr; the reason of an error is also said on the terminal.

    An error ends the process with 1, an interrupt with 130, at once.
    """
    terminal = sys.stderr
    with Path(path).open("w", buffering=1, encoding="utf-8") as log, redirect_stderr(log):

        def leave(*_: object) -> None:
            # Not by KeyboardInterrupt: raised inside a lock of the NetCDF library, it leaves the lock held, and closing the
            # file then waits for ever. A file under its final name is whole whenever the process ends.
            os.write(log.fileno(), b"interrupted\n")
            os._exit(130)

        before = signal.signal(signal.SIGINT, leave)
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            terminal.write("".join(traceback.format_exception_only(error)))
            sys.exit(1)
        finally:
            signal.signal(signal.SIGINT, before)


def compute(content: Mapping[str, Any], path: str, threads: int = 1) -> None:
    """Compute one quantity of one block and store it, chunk by chunk on ``threads`` threads."""
    from scoreshock import families, provenance
    from scoreshock.evaluation import evaluate

    quantity = content["quantity"]
    module = families.module_of(content["family"], quantity)
    with dask.config.set(scheduler="threads", num_workers=threads):
        store.write(evaluate(content), path, provenance.attributes(content, quantity, threads, module))


def merge(paths: Sequence[str], path: str, split: Sequence[str]) -> None:
    """Join the blocks of a quantity into one file."""
    from scoreshock import merging

    try:
        merging.merge(paths, path, split)
    except store.BrokenFile as error:
        error.add_note("To make a broken file again: snakemake --cores all --forcerun FILE")
        raise


def compare(paths: Sequence[str], content: Mapping[str, Any], dataset: str, table: str, threads: int = 1) -> None:
    """Set the criteria of a sweep against each other: a dataset, and a page to read."""
    from scoreshock import comparison, provenance, results
    from scoreshock.evaluation import density_of
    from scoreshock.quantities.clock import clock
    from scoreshock.quantities.samples import schedule_samples
    from scoreshock.schedules import schedule

    opened = results.open_files(paths)
    clocks = {label: schedule(**parameters) for label, parameters in content["schedules"].items()}
    corrections = opened.get("corrections")
    density = density_of(content)
    with dask.config.set(scheduler="threads", num_workers=threads):
        compared = comparison.compare(
            opened["speciation"],
            corrections,
            density if "component_mean" in density else None,
            samples=schedule_samples(clocks) if clocks else None,
            order_clock=clock(corrections.tau_order, clocks) if clocks and corrections is not None else None,
        )
        store.write(compared, dataset, provenance.attributes(content, "comparison", threads))
        whole = store.open_file(dataset)
        text = comparison.table(whole, title=f"Speciation by criterion: {Path(dataset).parent.name}")
    store.write_text(text, table)


def draw(paths: Sequence[str], folder: str) -> None:
    """Draw the figures of a sweep into ``folder``."""
    from scoreshock import figures, results

    figures.draw(results.open_files(paths), Path(folder))


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

    drawing.draw(results.open_files(paths), folder)


def describe_paper(content: Mapping[str, Any], folder: Path) -> None:
    """Write the page of the verification from the files and figures in ``folder``."""
    from scoreshock.verification import page
    from scoreshock.verification.configuration import read

    for name, text in page.pages(read(content), folder).items():
        store.write_text(text, folder / name)


def memory(block: Block, quantity: str) -> int:
    """MiB that a block's job may need."""
    return BASE_MEMORY + min(1000, math.ceil(block.points(quantity) / POINTS_PER_MEBIBYTE))


def products(sweep: Sweep) -> list[str]:
    """What the workflow makes of a sweep, relative to the sweep's folder."""
    merged = [f"{quantity}.nc" for quantity in sweep.quantities]
    compared = ["comparison.nc", "comparison.md"] if "speciation" in sweep.quantities else []
    return [*merged, *compared, "figures"]


def record_plan(study: Study) -> None:
    """Write what each sweep will hold beside its results, so that a part of them can be told from the whole."""
    from scoreshock import results

    for name, sweep in study.sweeps.items():
        results.write_plan(Path(study.output) / name, sweep.description())


def closing_words(study: Study) -> str:
    """Where the results are, and how to open them."""
    output = Path(study.output).resolve()
    made = {name: [p for p in products(sweep) if (output / name / p).exists()] for name, sweep in study.sweeps.items()}
    lines = [f"Results in {output}:", *(f"  {name}: {', '.join(files)}" for name, files in made.items() if files)]
    datasets = [(name, Path(file).stem) for name, files in made.items() for file in files if file.endswith(".nc")]
    if datasets:
        # The first sweep's speciation, where there is one: what most readers come for.
        name, quantity = next((pair for pair in datasets if pair[1] == "speciation"), datasets[0])
        lines += [
            "Open them in a session:",
            "  import scoreshock as ss",
            f"  ds = ss.open_results({str(output)!r}, {name!r}, {quantity!r})",
        ]
    return "\n".join(lines)
