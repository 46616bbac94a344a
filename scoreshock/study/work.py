"""Jobs of a study: inputs, outputs, tasks and cost of each. The workflow creates one rule for each job.

They depend on the study alone, because every job on a cluster reads it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

from scoreshock.storage import provenance
from scoreshock.storage.plans import INDEX, PLAN
from scoreshock.study import cost, figures
from scoreshock.study.blocks import DIGITS, Sweep
from scoreshock.study.study import Study

RUN_BLOCKS = 128
"""Maximum number of small blocks in one job."""

RUN_SECONDS = 10.0
"""Work of a job of several small blocks or quantities; a block of more than half of it is a separate job."""

GROUPED_SECONDS = 60.0
"""Jobs with less work are members of groups, of which several run in one job of a cluster."""

Task = list[str]
"""A task of a job: an action, the name of a sweep, and further arguments (`scoreshock.running.tasks`)."""


@dataclass(frozen=True)
class Job:
    """A job, or one job for each block if the names of its outputs contain ``{block}``.

    Attributes
    ----------
    name, message
        Name of its rule, and message at its start.
    inputs, outputs
        Files, relative to the current folder.
    blocks
        Intermediate files, which Snakemake does not know: for an output without a record it does not check whether the
        parameters have changed, and blocks of another digest would be such outputs.
    tasks
        Tasks as JSON lists, by the name of the block if there is a job for each block.
    seconds, memory
        Expected work on one core, and MiB with this number of ``threads``.
    kept
        Whether intact outputs are kept and only the others are computed. Their names must contain a digest: after a job has
        failed, Snakemake restores previous outputs and takes them for its results.
    local
        Whether it runs in the process of Snakemake's host.
    """

    name: str
    message: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    tasks: Sequence[str] | Mapping[str, str]
    seconds: float
    memory: int = cost.BASE_MEMORY
    threads: int = 1
    kept: bool = False
    local: bool = False
    blocks: Sequence[str] = ()

    @property
    def label(self) -> str:
        """Name of its log and benchmark, with ``{block}`` if there is a job for each block."""
        return f"{self.name}/{{block}}" if isinstance(self.tasks, Mapping) else self.name

    @property
    def expected(self) -> float:
        """Expected seconds on one core with the start of the job, which takes none in Snakemake's own process."""
        return self.seconds + (0.0 if self.local else cost.JOB_SECONDS)

    @property
    def group(self) -> str | None:
        """Its group on a cluster.

        Members of a group that depend on each other always run in one job of the cluster. Therefore blocks are in the group
        `small` and what reads them in `products`; otherwise all blocks that are joined would be one job.
        """
        if self.local or self.seconds >= GROUPED_SECONDS:
            return None
        return "products" if self.inputs else "small"


@dataclass
class _Bundle:
    """Tasks that are combined into one job."""

    tasks: list[Task] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = cost.BASE_MEMORY

    def add(self, task: Task, outputs: Iterable[str], seconds: float) -> None:
        """Add a task with its outputs and duration."""
        self.tasks.append(task)
        self.outputs += outputs
        self.seconds += seconds


def jobs_of(study: Study) -> list[Job]:
    """All jobs of a study.

    Examples
    --------
    >>> from scoreshock.study.study import load_study
    >>> study = load_study({"sweeps": {"line": {
    ...     "family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["speciation"]}}})
    >>> [(job.name, len(job.outputs)) for job in jobs_of(study)]
    [('plan', 1), ('data@line', 3), ('figures@line', 2), ('index', 1)]
    """
    folders = {name: f"{Path(study.output)}/{name}" for name in study.sweeps}
    plans = [_json(["plan", name, _digest(sweep)]) for name, sweep in study.sweeps.items()]
    outputs = [f"{folder}/{PLAN}" for folder in folders.values()]
    first = Job("plan", "plan of the study", [], outputs, plans, 0.0, local=True)
    jobs = [job for name, sweep in study.sweeps.items() for job in _jobs(sweep, folders[name])]
    return [first, *jobs, _index(study)]


def _index(study: Study) -> Job:
    """The job that writes the page of the study."""
    output = Path(study.output)
    pages = [f"{output}/{file}" for sweep in study.sweeps.values() for file in sweep.products.get("figures", ())]
    parts = {name: [_digest(sweep), *map(sweep.product_digest, sweep.products)] for name, sweep in study.sweeps.items()}
    code = provenance.code_digest("index")
    digest = provenance.parameters_digest({"code": code, "about": dict(study.about), "sweeps": parts})[:DIGITS]
    message = f"the page of the study: {output / INDEX}"
    return Job("index", message, pages, [f"{output / INDEX}"], [_json(["index", digest])], 0.0, local=True)


def targets(study: Study) -> list[str]:
    """Default targets: the plans, the files of all quantities, the products, and the page of the study."""
    files = [file for sweep in study.sweeps.values() for file in [f"{sweep.name}/{PLAN}", *results(sweep)]]
    return [f"{Path(study.output)}/{file}" for file in [*files, INDEX]]


def amount(study: Study) -> tuple[int, float]:
    """Number of jobs of a study, and their seconds on one core, including their starts."""
    jobs = jobs_of(study)
    numbers = [len(job.tasks) if isinstance(job.tasks, Mapping) else 1 for job in jobs]
    return sum(numbers), sum(n * job.expected for n, job in zip(numbers, jobs, strict=True))


def results(sweep: Sweep) -> list[str]:
    """Results of a sweep, relative to the folder of the results."""
    parts = {quantity: sweep.planned(quantity) for quantity in sweep.quantities}
    computed = [file for name, part in parts.items() for file in ([f"{name}.nc"] if part.joined else part.files)]
    return [*(f"{sweep.name}/{file}" for file in computed), *(file for files in sweep.products.values() for file in files)]


def _jobs(sweep: Sweep, folder: str) -> Iterator[Job]:
    together = _Bundle()  # small quantities of the sweep and their comparison
    inside = []
    for quantity in sorted(sweep.quantities):  # so that their order in the study does not rerun jobs
        part, seconds, n = sweep.planned(quantity), cost.block_seconds(sweep, quantity), sweep.n_blocks(quantity)
        is_small = seconds <= RUN_SECONDS / 2
        whole = n * seconds + (cost.join_seconds(sweep, quantity) if part.split else 0.0)
        if is_small and n <= RUN_BLOCKS and part.joined and together.seconds + whole <= RUN_SECONDS:
            inside.append(quantity)
            files = list(part.files)
            together.add(_computing(sweep, quantity, files), [f"{folder}/{quantity}.nc"], n * seconds)
            together.memory = max(together.memory, cost.block_memory(sweep, quantity))
            if part.split:
                together.add(_joining(sweep, quantity), [], cost.join_seconds(sweep, quantity))
                together.blocks += [f"{folder}/{file}" for file in files]
        else:
            yield from (
                _of_runs(sweep, quantity, folder) if part.split and is_small else [_of_blocks(sweep, quantity, folder)]
            )
            if part.split and part.joined:
                yield _joined(sweep, quantity, folder)
    separate = []
    for product, made in sweep.products.items():
        seconds, task = cost.product_seconds(sweep, product), _making(sweep, product)
        read = [*sweep.inputs_of(product), *(["comparison"] if sweep.reads_comparison(product) else [])]
        outputs = [str(Path(folder).parent / file) for file in made]
        # Figures are a job of their own, so that a change of a figure computes nothing again.
        if product != "figures" and set(read) <= set(inside) and together.seconds + seconds <= RUN_SECONDS:
            together.add(task, outputs, seconds)
        else:
            inputs = [f"{folder}/{name}.nc" for name in read]
            message = f"criteria of {sweep.name} compared" if product == "comparison" else f"{product} of {sweep.name}"
            separate.append(Job(f"{product}@{sweep.name}", message, inputs, outputs, [_json(task)], seconds))
    if together.tasks:
        compared = ", compared" if any(task[0] == "compare" for task in together.tasks) else ""
        message = f"{', '.join(inside)} of {sweep.name}{compared}"
        tasks, name = list(map(_json, together.tasks)), f"data@{sweep.name}"
        yield Job(name, message, [], together.outputs, tasks, together.seconds, together.memory, blocks=together.blocks)
    yield from separate


def _joined(sweep: Sweep, quantity: str, folder: str) -> Job:
    """The job that joins the blocks of a quantity."""
    return Job(
        name=f"{quantity}@{sweep.name}@joined",
        message=f"{quantity} of {sweep.name}: blocks joined",
        inputs=[f"{folder}/{file}" for file in sweep.planned(quantity).files],
        outputs=[f"{folder}/{quantity}.nc"],
        tasks=[_json(_joining(sweep, quantity))],
        seconds=cost.join_seconds(sweep, quantity),
    )


def _making(sweep: Sweep, product: str) -> Task:
    """The task that compares or draws."""
    digest = sweep.product_digest(product)
    return (
        ["compare", sweep.name, digest] if product == "comparison" else ["draw", sweep.name, digest, *figures.formats(sweep)]
    )


def _computing(sweep: Sweep, quantity: str, files: Sequence[str]) -> Task:
    """The task that computes a quantity, or its consecutive blocks in these files."""
    part = sweep.planned(quantity)
    if not part.split:
        return ["compute", sweep.name, quantity, part.digest]
    return ["compute", sweep.name, quantity, part.blocks_digest, Path(files[0]).stem, Path(files[-1]).stem]


def _joining(sweep: Sweep, quantity: str) -> Task:
    return ["join", sweep.name, quantity, sweep.planned(quantity).digest]


def _of_blocks(sweep: Sweep, quantity: str, folder: str) -> Job:
    """A job for each block, or one for a quantity that is not split."""
    part, seconds = sweep.planned(quantity), cost.block_seconds(sweep, quantity)
    threads = cost.threads(seconds)
    memory = cost.block_memory(sweep, quantity, threads)
    name, message = f"{quantity}@{sweep.name}", f"{quantity} of {sweep.name}"
    if not part.split:
        tasks = [_json(_computing(sweep, quantity, []))]
        return Job(name, message, [], [f"{folder}/{quantity}.nc"], tasks, seconds, memory, threads)
    of_block = {Path(file).stem: _json(_computing(sweep, quantity, [file])) for file in part.files}
    outputs = [f"{folder}/{part.folder}/{{block}}.nc"]
    return Job(name, f"{message}, block {{wildcards.block}}", [], outputs, of_block, seconds, memory, threads)


def _of_runs(sweep: Sweep, quantity: str, folder: str) -> Iterator[Job]:
    """A job for each run of small blocks."""
    part, seconds = sweep.planned(quantity), cost.block_seconds(sweep, quantity)
    length = max(1, min(RUN_BLOCKS, int(RUN_SECONDS / seconds)))
    memory = cost.block_memory(sweep, quantity)
    files = iter(part.files)
    for number in count(1):
        if not (run := list(islice(files, length))):
            return
        yield Job(
            name=f"{quantity}@{sweep.name}@{number}",
            message=f"{quantity} of {sweep.name}, {len(run)} of its blocks from {Path(run[0]).stem} on",
            inputs=[],
            outputs=[f"{folder}/{file}" for file in run],
            tasks=[_json(_computing(sweep, quantity, run))],
            seconds=len(run) * seconds,
            memory=memory,
            kept=True,
        )


def _digest(sweep: Sweep) -> str:
    return provenance.parameters_digest(sweep.description())


def _json(task: Task) -> str:
    return json.dumps(task)
