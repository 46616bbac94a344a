"""What of a study is done, running, missing, broken or stale, as text and as JSON, also while a run goes on.

A file is *running* while its temporary file is being written: by a living process of this host, or on another host within
the last hour. It is *stale* where it was made from other parameters or by other code than the study would make it now,
*broken* where it is not whole. Of a block its name says all but whether it is whole, which only ``full`` finds out.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from scoreshock import figures
from scoreshock.storage import provenance, staging, store
from scoreshock.study import work
from scoreshock.study.blocks import PRODUCTS, Sweep
from scoreshock.study.study import Study

State = Literal["done", "running", "missing", "broken", "stale"]

FORMAT = 2  # of the JSON: raised when a key changes its meaning or goes
SHOWN = 20  # blocks that are not done, named for each quantity; the rest are counted
SILENCE = 3600.0  # seconds; a file of another host, unfinished and unchanged for longer, is taken for abandoned
TEMPORARY = re.compile(r"\.(?P<file>[^/]+\.nc)\.(?P<host>.+)\.(?P<process>\d+)\.[0-9a-f]+\.tmp\.nc")


@dataclass(frozen=True)
class Item:
    """A file of the results: of a block, of a whole quantity or sweep.

    Attributes
    ----------
    name, file
        Name of the block, of the quantity, or of what is made of the whole sweep (``comparison`` or ``figures``), and its
        file or folder.
    state, reason
        ``done``, ``running``, ``missing``, ``broken`` or ``stale``, and why it is not done.
    started
        When the job that is making it began, in UTC (ISO 8601).
    finished, seconds
        When the file was finished, in UTC, and how long its job took for it: of a job that made several files, its share.
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
    """State of one quantity of a sweep: its blocks, if any, and its file, None where the blocks stay the dataset.

    ``together`` says that one job makes all of them, so that it is the file that is asked for and not a block.
    """

    sweep: str
    quantity: str
    blocks: Sequence[Item]
    whole: Item | None
    together: bool = False

    @property
    def items(self) -> list[Item]:
        """Its blocks and its file."""
        return [*self.blocks, *([self.whole] if self.whole else [])]

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do for it."""
        return all(item.state == "done" for item in self.items)

    @property
    def counts(self) -> dict[str, int]:
        """Number of blocks by state."""
        return dict(Counter(item.state for item in self.blocks))


@dataclass(frozen=True)
class Progress:
    """State of a sweep: its quantities, what is made of all of them, and folders of blocks that the study does not list."""

    sweep: str
    parts: Sequence[Part]
    products: Sequence[Item]
    unlisted: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do for it."""
        return all(part.complete for part in self.parts) and all(item.state == "done" for item in self.products)


def progress(study: Study, full: bool = False) -> list[Progress]:
    """The state of every sweep; with ``full`` after comparing every value with its checksum."""
    jobs = _jobs(study)
    return [_progress(Path(study.output) / name, sweep, jobs, full) for name, sweep in study.sweeps.items()]


def as_json(study: Study, found: Sequence[Progress]) -> str:
    """The state as JSON: keys as of `Item`, by sweep and quantity, documented in ``docs/results.md``."""
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
        for each in found
    }
    content = {
        "format": FORMAT,
        "time": _utc(time.time()),
        "output": study.output,
        "complete": all(each.complete for each in found),
        "sweeps": sweeps,
    }
    return json.dumps(content, indent=1, allow_nan=False)


def as_text(found: Sequence[Progress], flags: Sequence[str] = ()) -> str:
    """The state as text, with the command, which takes ``flags``, that makes broken files again."""
    lines = []
    for each in found:
        lines += [line for part in each.parts for line in _lines(part, flags)]
        if each.products:
            lines.append(f"{each.sweep} {'; '.join(map(_said, each.products))}")
        lines += _again([item for item in each.products if item.state == "broken"], flags)
        if each.unlisted:
            named = ", ".join(each.unlisted[:SHOWN]) + (", ..." if each.unlisted[SHOWN:] else "")
            lines.append(f"{each.sweep}: of other parameters or code, left alone until `scoreshock clean`: {named}")
    return "\n".join(lines)


def _progress(folder: Path, sweep: Sweep, jobs: Mapping[str, tuple[str, int]], full: bool) -> Progress:
    writers = _writers(folder)

    def known(item: Item) -> Item:
        """The item, running where its file is being written, with when its job began or how long it took."""
        label, share = jobs.get(item.file, ("", 1))
        if writer := writers.get(Path(item.file)):
            return Item(item.name, item.file, "running", writer, started=_modified(folder.parent / "logs" / f"{label}.log"))
        if item.state != "done":
            return item
        return replace(item, seconds=_seconds(folder.parent / "benchmarks" / f"{label}.tsv", share))

    parts = [_part(folder, sweep, quantity, known, full) for quantity in sweep.quantities]
    parts = [replace(part, together=len({jobs.get(item.file) for item in part.items}) == 1) for part in parts]
    of = {name: [part for part in parts if part.quantity in sweep.made_of(name)] for name in sweep.products}
    products = [known(_product(folder, sweep, name, of[name], full)) for name in sweep.products]
    return Progress(sweep.name, parts, products, unlisted(folder, sweep))


def unlisted(folder: Path, sweep: Sweep) -> list[str]:
    """Folders and files of blocks in a sweep's folder that the study does not list, relative to it."""
    listed = {part.folder: part for part in map(sweep.planned, sweep.quantities) if part.split}
    found = []
    for each in sorted((folder / "blocks").glob("*")):
        name = f"blocks/{each.name}"
        if name not in listed:
            found.append(name)
        elif each.is_dir():
            names = {f"{block}.nc" for block, _ in listed[name].blocks()}
            others = (file for file in os.listdir(each) if file not in names and not file.startswith("."))
            found += sorted(f"{name}/{other}" for other in others)
    return found


def _part(folder: Path, sweep: Sweep, quantity: str, known: Callable[[Item], Item], full: bool) -> Part:
    part = sweep.planned(quantity)
    blocks = []
    if part.split:
        there = _listed(folder / part.folder)
        for name, _ in part.blocks():
            file = folder / part.folder / f"{name}.nc"
            if full:
                blocks.append(known(_made(name, file, part.blocks_digest, full)))
            else:
                finished = there.get(file.name)
                blocks.append(known(Item(name, str(file), "done" if finished else "missing", finished=finished)))
    if not part.joined:
        return Part(sweep.name, quantity, blocks, None)
    whole = known(_made(quantity, folder / f"{quantity}.nc", part.digest, full))
    return Part(sweep.name, quantity, blocks, whole)


def _listed(folder: Path) -> dict[str, str]:
    """Files of a folder, each with the time of its last change."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: _utc(entry.stat().st_mtime) for entry in entries}
    except OSError:
        return {}


def _made(name: str, file: Path, digest: str, full: bool) -> Item:
    """A file, which must carry the digest of what the study would make it from."""
    seen = store.inspect(file, full=full)
    finished = _modified(file)
    if seen.state == "missing" or finished is None:  # or removed meanwhile: its job runs again
        return Item(name, str(file), "missing")
    if seen.state != "ok":
        return Item(name, str(file), "broken", f"{seen.state}: {seen.reason}", finished=finished)
    if seen.attributes.get(provenance.DIGEST) != digest:
        return Item(name, str(file), "stale", "of other parameters, blocks or code", finished=finished)
    return Item(name, str(file), "done", finished=finished)


def _product(folder: Path, sweep: Sweep, name: str, parts: Sequence[Part], full: bool) -> Item:
    """The comparison, or the figures."""
    files = [folder / file for file in PRODUCTS[name]]
    digest = sweep.product_digest(name)
    item = _drawn(name, files[0], digest) if name == "figures" else _made(name, files[0], digest, full)
    if item.state == "done" and not all(file.exists() for file in files):
        return Item(name, str(files[0]), "missing", f"without {files[-1].name}")
    if item.state == "done" and not all(part.complete for part in parts):
        return replace(item, state="stale", reason="of results that are not done")
    return item


def _drawn(name: str, folder: Path, digest: str) -> Item:
    """A folder of figures, in which Snakemake keeps the time when it was finished."""
    finished = _modified(folder / ".snakemake_timestamp")
    if finished is None:
        return Item(name, str(folder), "missing", "not finished" if folder.exists() else "")
    pictures = (path for path in folder.iterdir() if path.suffix in (".html", ".png", ".svg"))
    if any(figures.digest_of(path) != digest for path in pictures):
        return Item(name, str(folder), "stale", "of other results or code", finished=finished)
    return Item(name, str(folder), "done", finished=finished)


def _writers(folder: Path) -> dict[Path, str]:
    """What is being written in the folder of a sweep, by the file that it is to be: by whom."""
    found = {}
    for temporary in (*folder.glob(".*.tmp.nc"), *folder.glob("blocks/*/.*.tmp.nc")):
        match = TEMPORARY.fullmatch(temporary.name)
        try:
            written = temporary.stat()
        except OSError:
            continue  # finished meanwhile
        if match and _is_written(match["host"], int(match["process"]), written):
            found[temporary.with_name(match["file"])] = f"process {match['process']} on {match['host']}"
    return found


def _is_written(host: str, process: int, file: os.stat_result) -> bool:
    if host == socket.gethostname():
        return staging.is_alive(process)
    return time.time() - file.st_mtime < SILENCE


def _jobs(study: Study) -> dict[str, tuple[str, int]]:
    """Of every file of the results the name of its job's log, and how many files the job makes."""
    found: dict[str, tuple[str, int]] = {}
    for job in work.jobs_of(study):
        for block in job.tasks if isinstance(job.tasks, Mapping) else [""]:
            label = job.label.replace("{block}", block)
            files = [str(Path(file.replace("{block}", block))) for file in (*job.outputs, *job.blocks)]
            found |= dict.fromkeys(files, (label, len(files)))
    return found


def _modified(path: Path) -> str | None:
    """When a file was last changed: of the log of a job, when the job began, for it says nothing before the end."""
    try:
        return _utc(path.stat().st_mtime)
    except OSError:
        return None


def _seconds(benchmark: Path, share: int) -> float | None:
    """Seconds that a job took for each of its files, from what Snakemake wrote of it."""
    try:
        head, values, *_ = benchmark.read_text("utf-8").splitlines()
        return float(dict(zip(head.split("\t"), values.split("\t"), strict=False))["s"]) / share
    except (OSError, ValueError, KeyError):
        return None


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _lines(part: Part, flags: Sequence[str]) -> list[str]:
    """What is said of one quantity."""
    counts = ", ".join(f"{number:,} {state}" for state, number in part.counts.items())
    blocks = f"{counts} block{'' if len(part.blocks) == 1 else 's'}{_times(part)}" if part.blocks else ""
    whole = _said(replace(part.whole, name="joined")) if part.whole and blocks else ""
    said = "; ".join(filter(None, (blocks, whole))) or _said(part.whole).partition(": ")[2]  # type: ignore[arg-type]
    lines = [f"{part.sweep} {part.quantity}: {said}"]
    wrong = [item for item in part.blocks if item.state != "done"]
    lines += [f"  {_said(item)}" for item in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        lines.append(f"  ... and {len(wrong) - SHOWN:,} more")
    broken = [item for item in part.items if item.state == "broken"]
    return lines + _again([part.whole] if broken and part.together and part.whole else broken, flags)


def _again(broken: Sequence[Item], flags: Sequence[str]) -> list[str]:
    """The command that makes broken files again, where there are any."""
    if not broken:
        return []
    again = shlex.join(["snakemake", "--cores", "all", *flags, "--forcerun", *(item.file for item in broken)])
    return [f"  To make {'it' if len(broken) == 1 else 'them'} again: {again}"]


def _said(item: Item) -> str:
    if item.state == "running":
        since = f" since {_local(item.started)}" if item.started else ""
        return f"{item.name}: running{since} ({item.reason})"
    reason = f" ({item.reason})" if item.reason else ""
    when = f" {_local(item.finished)}" if item.state == "done" and item.finished else ""
    return f"{item.name}: {item.state}{when}{reason}"


def _times(part: Part) -> str:
    """When the blocks were finished, and how long they took."""
    finished = [item.finished for item in part.blocks if item.state == "done" and item.finished]
    if not finished:
        return ""
    seconds = [item.seconds for item in part.blocks if item.state == "done" and item.seconds is not None]
    took = f", {sum(seconds) / len(seconds):.1f} s a block" if seconds else ""
    first, last = min(finished), max(finished)
    return f" ({_local(last) if first == last else f'{_local(first)} to {_local(last)}'}{took})"


def _local(time_of_day: str) -> str:
    return datetime.fromisoformat(time_of_day).astimezone().strftime("%Y-%m-%d %H:%M:%S")
