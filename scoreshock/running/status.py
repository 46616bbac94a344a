"""Status of the results of a study, as text and as JSON, also during a run.

A file is *running* while a temporary file is written for it, by a live process of this host or within the last hour on
another host; *stale* if its parameters or code differ from the study's; *broken* if it is damaged. Blocks are read only with
``full``: otherwise a block with the right name counts as done.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from scoreshock import figures
from scoreshock.storage import provenance, staging, store
from scoreshock.study import work
from scoreshock.study.blocks import Sweep
from scoreshock.study.study import Study

State = Literal["done", "running", "missing", "broken", "stale"]

FORMAT = 2  # version of the JSON, increased when a key is removed or changes its meaning
SHOWN = 20  # maximum number of blocks that are listed for each quantity
SILENCE = 3600.0  # seconds without change after which a temporary file of another host counts as abandoned
TEMPORARY = re.compile(r"\.(?P<file>[^/]+\.nc)\.(?P<host>.+)\.(?P<process>\d+)\.[0-9a-f]+\.tmp\.nc")


@dataclass(frozen=True)
class Item:
    """State of a file of the results.

    Attributes
    ----------
    name, file
        Name of the block, quantity or product (``comparison`` or ``figures``), and its file or folder.
    state, reason
        ``done``, ``running``, ``missing``, ``broken`` or ``stale``, and the reason.
    started
        Start of the running job in UTC (ISO 8601).
    finished, seconds
        Time at which the file was finished, in UTC, and duration of its job divided by the number of its files.
    """

    name: str
    file: str
    state: State
    reason: str = ""
    started: str | None = None
    finished: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Part:
    """State of one quantity of a sweep: its blocks, if any, and its file, None if the blocks are not joined.

    With ``together`` one job computes all of them; then the file is the target to recompute, not a block.
    """

    sweep: str
    quantity: str
    blocks: Sequence[Item]
    whole: Item | None
    together: bool = False

    @property
    def items(self) -> list[Item]:
        """The blocks and the file."""
        return [*self.blocks, *([self.whole] if self.whole else [])]

    @property
    def complete(self) -> bool:
        """Whether all files are done."""
        return all(item.state == "done" for item in self.items)

    @property
    def counts(self) -> dict[str, int]:
        """Number of blocks by state."""
        return dict(Counter(item.state for item in self.blocks))


@dataclass(frozen=True)
class Progress:
    """State of a sweep: its quantities, its products, and blocks that are not in the study."""

    sweep: str
    parts: Sequence[Part]
    products: Sequence[Item]
    unlisted: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether all files are done."""
        return all(part.complete for part in self.parts) and all(item.state == "done" for item in self.products)


def progress(study: Study, full: bool = False) -> list[Progress]:
    """State of every sweep; ``full`` verifies the checksums of all values."""
    jobs = _jobs(study)
    return [_progress(Path(study.output) / name, sweep, jobs, full) for name, sweep in study.sweeps.items()]


def as_json(study: Study, states: Sequence[Progress]) -> str:
    """The state as JSON by sweep and quantity, with the keys of `Item`; ``docs/results.md`` documents it."""
    sweeps = {
        each.sweep: {
            "quantities": {
                part.quantity: {
                    "complete": part.complete,
                    "counts": part.counts,
                    "whole": asdict(part.whole) if part.whole else None,
                    "blocks": [asdict(item) for item in part.blocks],
                }
                for part in each.parts
            },
            "products": [asdict(item) for item in each.products],
            "unlisted": each.unlisted,
        }
        for each in states
    }
    content = {
        "format": FORMAT,
        "time": _utc(time.time()),
        "output": study.output,
        "complete": all(each.complete for each in states),
        "sweeps": sweeps,
    }
    return json.dumps(content, indent=1, allow_nan=False)


def as_text(states: Sequence[Progress], command: Sequence[str] = ("scoreshock", "run")) -> str:
    """The state as text, with what to do next; ``command`` runs the study."""
    lines = []
    for each in states:
        lines += [line for part in each.parts for line in _lines(part, command)]
        if each.products:
            lines.append(f"{each.sweep} {'; '.join(map(_text, each.products))}")
        lines += _recompute([item for item in each.products if item.state == "broken"], command)
        if each.unlisted:
            named = ", ".join(each.unlisted[:SHOWN]) + (", ..." if each.unlisted[SHOWN:] else "")
            lines.append(f"{each.sweep}: not in the study, kept until `scoreshock clean`: {named}")
    if any(item.state in ("missing", "stale") for each in states for item in _items(each)):
        lines.append(f"To compute what is missing or stale: {shlex.join(command)}")
    return "\n".join(lines)


def _items(state: Progress) -> Iterator[Item]:
    yield from (item for part in state.parts for item in part.items)
    yield from state.products


def _progress(folder: Path, sweep: Sweep, jobs: Mapping[str, tuple[str, int]], full: bool) -> Progress:
    writers = _writers(folder)

    def timed(item: Item) -> Item:
        """The item with the start or the duration of its job, as ``running`` if its file is being written."""
        label, share = jobs.get(item.file, ("", 1))
        if writer := writers.get(Path(item.file)):
            return Item(item.name, item.file, "running", writer, started=_modified(folder.parent / "logs" / f"{label}.log"))
        if item.state != "done":
            return item
        return replace(item, seconds=_seconds(folder.parent / "benchmarks" / f"{label}.tsv", share))

    parts = [_part(folder, sweep, quantity, timed, full) for quantity in sweep.quantities]
    parts = [replace(part, together=len({jobs.get(item.file) for item in part.items}) == 1) for part in parts]
    of = {name: [part for part in parts if part.quantity in sweep.inputs_of(name)] for name in sweep.products}
    products = [timed(_product(folder, sweep, name, of[name], full)) for name in sweep.products]
    return Progress(sweep.name, parts, products, unlisted(folder, sweep))


def unlisted(folder: Path, sweep: Sweep) -> list[str]:
    """Folders and files of blocks that are not in the study, relative to the folder of the sweep."""
    listed = {part.folder: part for part in map(sweep.planned, sweep.quantities) if part.split}
    result = []
    for each in sorted((folder / "blocks").glob("*")):
        name = f"blocks/{each.name}"
        if name not in listed:
            result.append(name)
        elif each.is_dir():
            names = {f"{block}.nc" for block, _ in listed[name].blocks()}
            others = (file for file in os.listdir(each) if file not in names and not file.startswith("."))
            result += sorted(f"{name}/{other}" for other in others)
    return result


def _part(folder: Path, sweep: Sweep, quantity: str, timed: Callable[[Item], Item], full: bool) -> Part:
    part = sweep.planned(quantity)
    blocks = []
    if part.split:
        present = _modification_times(folder / part.folder)
        for name, _ in part.blocks():
            file = folder / part.folder / f"{name}.nc"
            if full:
                blocks.append(timed(_inspected(name, file, part.blocks_digest, full)))
            else:
                finished = present.get(file.name)
                blocks.append(timed(Item(name, str(file), "done" if finished else "missing", finished=finished)))
    if not part.joined:
        return Part(sweep.name, quantity, blocks, None)
    whole = timed(_inspected(quantity, folder / f"{quantity}.nc", part.digest, full))
    return Part(sweep.name, quantity, blocks, whole)


def _modification_times(folder: Path) -> dict[str, str]:
    """Modification times of the files of a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: _utc(entry.stat().st_mtime) for entry in entries}
    except OSError:
        return {}


def _inspected(name: str, file: Path, digest: str, full: bool) -> Item:
    """State of a file, which is stale unless it has this digest."""
    inspected = store.inspect(file, full=full)
    finished = _modified(file)
    if inspected.state == "missing" or finished is None:  # None: removed since, by a job that runs again
        return Item(name, str(file), "missing")
    if inspected.state != "ok":
        return Item(name, str(file), "broken", f"{inspected.state}: {inspected.reason}", finished=finished)
    if inspected.attributes.get(provenance.DIGEST) != digest:
        return Item(name, str(file), "stale", "parameters, blocks or code changed", finished=finished)
    return Item(name, str(file), "done", finished=finished)


def _product(folder: Path, sweep: Sweep, name: str, parts: Sequence[Part], full: bool) -> Item:
    """State of the comparison or of the figures."""
    files = [folder.parent / file for file in sweep.products[name]]
    digest = sweep.product_digest(name)
    item = _figures(name, files, digest) if name == "figures" else _inspected(name, files[0], digest, full)
    if item.state == "done" and not all(file.exists() for file in files):
        return Item(name, str(files[0]), "missing", f"without {files[-1].name}")
    if item.state == "done" and not all(part.complete for part in parts):
        return replace(item, state="stale", reason="inputs not done")
    return item


def _figures(name: str, files: Sequence[Path], digest: str) -> Item:
    """State of the page of a sweep and of its figures, in whose folder Snakemake stores the time of completion."""
    folder, page = files
    finished = _modified(folder / ".snakemake_timestamp")
    if finished is None:
        return Item(name, str(folder), "missing", "not finished" if folder.exists() else "")
    pictures = (path for path in folder.iterdir() if path.suffix in (".png", ".svg"))
    if any(figures.digest_of(path) != digest for path in (*pictures, *([page] if page.exists() else []))):
        return Item(name, str(folder), "stale", "results or code changed", finished=finished)
    return Item(name, str(folder), "done", finished=finished)


def _writers(folder: Path) -> dict[Path, str]:
    """Files of a sweep that are being written, with the process that writes them."""
    writers = {}
    for temporary in (*folder.glob(".*.tmp.nc"), *folder.glob("blocks/*/.*.tmp.nc")):
        match = TEMPORARY.fullmatch(temporary.name)
        try:
            written = temporary.stat()
        except OSError:
            continue  # finished since
        if match and _is_written(match["host"], int(match["process"]), written):
            writers[temporary.with_name(match["file"])] = f"process {match['process']} on {match['host']}"
    return writers


def _is_written(host: str, process: int, file: os.stat_result) -> bool:
    if host == socket.gethostname():
        return staging.is_alive(process)
    return time.time() - file.st_mtime < SILENCE


def _jobs(study: Study) -> dict[str, tuple[str, int]]:
    """Name of the job's log, and number of files of the job, for every file of the results."""
    jobs: dict[str, tuple[str, int]] = {}
    for job in work.jobs_of(study):
        for block in job.tasks if isinstance(job.tasks, Mapping) else [""]:
            label = job.label.replace("{block}", block)
            files = [str(Path(file.replace("{block}", block))) for file in (*job.outputs, *job.blocks)]
            jobs |= dict.fromkeys(files, (label, len(files)))
    return jobs


def _modified(path: Path) -> str | None:
    """Modification time of a file. For a log this is the start of the job, which writes to it only at the end."""
    try:
        return _utc(path.stat().st_mtime)
    except OSError:
        return None


def _seconds(benchmark: Path, share: int) -> float | None:
    """Duration of a job from Snakemake's benchmark file, divided by ``share``."""
    try:
        head, values, *_ = benchmark.read_text("utf-8").splitlines()
        return float(dict(zip(head.split("\t"), values.split("\t"), strict=False))["s"]) / share
    except (OSError, ValueError, KeyError):
        return None


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _lines(part: Part, command: Sequence[str]) -> list[str]:
    """Text about one quantity."""
    counts = ", ".join(f"{number:,} {state}" for state, number in part.counts.items())
    blocks = f"{counts} block{'' if len(part.blocks) == 1 else 's'}{_times(part)}" if part.blocks else ""
    joined = _text(replace(part.whole, name="joined")) if part.whole and blocks else ""
    text = "; ".join(filter(None, (blocks, joined))) or _text(part.whole).partition(": ")[2]  # type: ignore[arg-type]
    lines = [f"{part.sweep} {part.quantity}: {text}"]
    unfinished = [item for item in part.blocks if item.state != "done"]
    lines += [f"  {_text(item)}" for item in unfinished[:SHOWN]]
    if len(unfinished) > SHOWN:
        lines.append(f"  ... and {len(unfinished) - SHOWN:,} more")
    broken = [item for item in part.items if item.state == "broken"]
    return lines + _recompute([part.whole] if broken and part.together and part.whole else broken, command)


def _recompute(broken: Sequence[Item], command: Sequence[str]) -> list[str]:
    """The command that recomputes broken files, if there are any."""
    if not broken:
        return []
    again = shlex.join([*command, "--", "--forcerun", *(item.file for item in broken)])
    return [f"  To recompute {'it' if len(broken) == 1 else 'them'}: {again}"]


def _text(item: Item) -> str:
    if item.state == "running":
        since = f" since {_local(item.started)}" if item.started else ""
        return f"{item.name}: running{since} ({item.reason})"
    reason = f" ({item.reason})" if item.reason else ""
    when = f" {_local(item.finished)}" if item.state == "done" and item.finished else ""
    return f"{item.name}: {item.state}{when}{reason}"


def _times(part: Part) -> str:
    """Completion times of the blocks, and mean duration."""
    finished = [item.finished for item in part.blocks if item.state == "done" and item.finished]
    if not finished:
        return ""
    seconds = [item.seconds for item in part.blocks if item.state == "done" and item.seconds is not None]
    took = f", {sum(seconds) / len(seconds):.1f} s a block" if seconds else ""
    first, last = min(finished), max(finished)
    return f" ({_local(last) if first == last else f'{_local(first)} to {_local(last)}'}{took})"


def _local(time_of_day: str) -> str:
    return datetime.fromisoformat(time_of_day).astimezone().strftime("%Y-%m-%d %H:%M:%S")
