"""What of a study is done, running, missing, broken or stale, as text and as JSON, also while a run goes on.

A block is *running* while its temporary file is being written: by a living process of this host, or on another host within
the last hour, or the last day where that writes to a disk of its own (`scoreshock.staging.scratch`). It is *stale* where it
was computed from other parameters or by other code than the study would compute it now, *broken* where its file is not
whole.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from scoreshock import catalogue, provenance, records, staging, store
from scoreshock.study import Block, Study, Sweep
from scoreshock.study.blocks import PRODUCTS

State = Literal["done", "running", "missing", "broken", "stale"]

FORMAT = 1  # of the JSON: raised when a key changes its meaning or goes
SHOWN = 20  # blocks that are not done, named for each quantity; the rest are counted
SILENCE = 3600.0  # seconds; a file of another host, unfinished and unchanged for longer, is taken for abandoned
SILENCE_ELSEWHERE = 86400.0  # the same for an empty one, which stands for what is written to that host's own disk
TEMPORARY = re.compile(r"\.(?P<file>[^/]+\.nc)\.(?P<host>.+)\.(?P<process>\d+)\.[0-9a-f]+\.tmp\.nc")


@dataclass(frozen=True)
class Item:
    """A file of the results: of a block, of a whole quantity or sweep.

    Attributes
    ----------
    name, file
        Name of the block (of what joins the blocks: ``joined`` or ``catalogue``; of what is made of the whole sweep:
        ``comparison`` or ``figures``), and its file or folder.
    state, reason
        ``done``, ``running``, ``missing``, ``broken`` or ``stale``, and why it is not done.
    started
        When a running job began to write, in UTC (ISO 8601).
    finished, seconds
        When the file was finished, in UTC, and how long its job took.
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
    """State of one quantity of a sweep: its blocks, and the file that joins or lists them."""

    sweep: str
    quantity: str
    blocks: Sequence[Item]
    whole: Item

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do for it."""
        return all(item.state == "done" for item in (*self.blocks, self.whole))

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
    return [_progress(study, sweep, full) for sweep in study.sweeps.values()]


def as_json(study: Study, found: Sequence[Progress]) -> str:
    """The state as JSON: keys as of `Item`, by sweep and quantity, documented in ``docs/results.md``."""
    sweeps = {
        each.sweep: {
            "quantities": {
                part.quantity: {
                    "complete": part.complete,
                    "counts": part.counts,
                    "whole": asdict(part.whole),
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
            number = f"{len(each.unlisted):,} block{'' if len(each.unlisted) == 1 else 's'}"
            named = ", ".join(each.unlisted[:SHOWN])
            lines.append(f"{each.sweep}: {number} that the study does not list, left alone: {named}")
    return "\n".join(lines)


def _progress(study: Study, sweep: Sweep, full: bool) -> Progress:
    folder = Path(study.output) / sweep.name
    writers = _writers(folder)
    parts = [_part(folder, sweep, quantity, writers, full) for quantity in sweep.quantities]
    of = {name: [part for part in parts if part.quantity in sweep.made_of(name)] for name in sweep.products}
    products = [_product(folder, name, of[name], writers, full) for name in sweep.products]
    known = {block.name for block in sweep.iterate()}
    others = sorted(path.name for path in (folder / "blocks").glob("*") if path.name not in known and path.is_dir())
    return Progress(sweep.name, parts, products, others)


def _part(folder: Path, sweep: Sweep, quantity: str, writers: Mapping[Path, Item], full: bool) -> Part:
    listed = catalogue.read(catalogue.catalogue_file(folder, quantity))
    reader = records.Reader(list(sweep.split), listed.records)
    blocks = []
    for block in sweep.iterate():
        file = folder / "blocks" / block.name / f"{quantity}.nc"
        blocks.append(writers.get(file) or _block(file, block, quantity, reader, full))
    return Part(sweep.name, quantity, blocks, _whole(folder, sweep, quantity, blocks, listed, writers, full))


def _block(file: Path, block: Block, quantity: str, reader: records.Reader, full: bool) -> Item:
    record = None if full else reader.record(file)
    seen = store.inspect(file, full=full) if record is None else store.Inspection("ok", "", record.attributes)
    item = _seen(block.name, file, seen)
    if item.state != "done":
        return item
    benchmark = file.parents[2] / "benchmarks" / f"{block.name}.{quantity}.tsv"
    item = replace(item, seconds=_seconds(benchmark))
    if seen.attributes.get("scoreshock_parameters_digest") != provenance.parameters_digest(block.content(quantity)):
        return replace(item, state="stale", reason="other parameters")
    if not provenance.is_of_this_code(seen.attributes, quantity):
        return replace(item, state="stale", reason="other code")
    return item


def _whole(
    folder: Path,
    sweep: Sweep,
    quantity: str,
    blocks: Sequence[Item],
    listed: catalogue.Catalogue,
    writers: Mapping[Path, Item],
    full: bool,
) -> Item:
    """The joined file, or the catalogue where the blocks stay the dataset."""
    joined, listing = sweep.is_joined(quantity), catalogue.catalogue_file(folder, quantity)
    name, file = ("joined", folder / f"{quantity}.nc") if joined else ("catalogue", listing)
    if file in writers:
        return replace(writers[file], name=name)
    item = _seen(name, file, store.inspect(file, full=full))
    if joined and item.state == "done":
        beside = _seen(name, listing, store.inspect(listing))
        if beside.state != "done":
            return replace(beside, reason=": ".join(filter(None, ("its catalogue", beside.reason))))
    if item.state != "done":
        return item
    rule = "merge" if joined else "catalogue"
    item = replace(item, seconds=_seconds(folder / "benchmarks" / f"{rule}.{quantity}.tsv"))
    if list(listed.values) != [block.name for block in blocks]:
        return replace(item, state="stale", reason="of other blocks")
    if any(block.finished is not None and block.finished > str(item.finished) for block in blocks):
        return replace(item, state="stale", reason="older than its blocks")
    return replace(item, state="stale", reason="of stale blocks") if any(b.state == "stale" for b in blocks) else item


def _product(folder: Path, name: str, parts: Sequence[Part], writers: Mapping[Path, Item], full: bool) -> Item:
    """The comparison, or the figures."""
    files = [folder / file for file in PRODUCTS[name]]
    if files[0] in writers:
        return replace(writers[files[0]], name=name)
    if name == "figures":
        item = _drawn(name, files[0])
    else:
        seen = store.inspect(files[0], full=full)
        item = _seen(name, files[0], seen)
        if item.state == "done" and not all(file.exists() for file in files):
            item = Item(name, str(files[0]), "missing", f"without {files[-1].name}")
        if item.state == "done" and not provenance.is_of_this_code(seen.attributes, name):
            item = replace(item, state="stale", reason="other code")
    if item.state != "done":
        return item
    item = replace(item, seconds=_seconds(folder / "benchmarks" / f"{name}.tsv"))
    if not all(part.complete for part in parts):
        return replace(item, state="stale", reason="of results that are not done")
    if any(str(part.whole.finished) > str(item.finished) for part in parts):
        return replace(item, state="stale", reason="older than its results")
    return item


def _drawn(name: str, folder: Path) -> Item:
    """A folder of figures, in which Snakemake keeps the time when it was finished."""
    try:
        return Item(name, str(folder), "done", finished=_utc((folder / ".snakemake_timestamp").stat().st_mtime))
    except OSError:
        return Item(name, str(folder), "missing", "not finished" if folder.exists() else "")


def _seen(name: str, file: Path, seen: store.Inspection) -> Item:
    if seen.state == "missing":
        return Item(name, str(file), "missing")
    try:
        finished = _utc(file.stat().st_mtime)
    except OSError:
        return Item(name, str(file), "missing")  # removed meanwhile: its job runs again
    if seen.state != "ok":
        return Item(name, str(file), "broken", f"{seen.state}: {seen.reason}", finished=finished)
    return Item(name, str(file), "done", finished=finished)


def _writers(folder: Path) -> dict[Path, Item]:
    """Items of what is being written in the folder of a sweep, by the file that it is to be."""
    found = {}
    for temporary in (*folder.glob(".*.tmp.nc"), *folder.glob("blocks/*/.*.tmp.nc")):
        match = TEMPORARY.fullmatch(temporary.name)
        try:
            written = temporary.stat()
        except OSError:
            continue  # finished meanwhile
        if match and _is_written(match["host"], int(match["process"]), written):
            file = temporary.with_name(match["file"])
            reason = f"process {match['process']} on {match['host']}"
            found[file] = Item(file.parent.name, str(file), "running", reason, started=_began(folder, file))
    return found


def _is_written(host: str, process: int, file: os.stat_result) -> bool:
    if host == socket.gethostname():
        return staging.is_alive(process)
    return time.time() - file.st_mtime < (SILENCE if file.st_size else SILENCE_ELSEWHERE)


def _began(folder: Path, file: Path) -> str | None:
    """When the job that writes a file began: it opens its log first, and says nothing in it before the end."""
    made = file.name.split(".")[0]
    whole = "catalogue." if file.name.endswith(catalogue.SUFFIX) else "merge."
    label = "" if made in PRODUCTS else whole if file.parent == folder else f"{file.parent.name}."
    try:
        return _utc((folder / "logs" / f"{label}{made}.log").stat().st_mtime)
    except OSError:
        return None


def _seconds(benchmark: Path) -> float | None:
    """Seconds that a job took, from what Snakemake wrote of it."""
    try:
        head, values, *_ = benchmark.read_text("utf-8").splitlines()
        return float(dict(zip(head.split("\t"), values.split("\t"), strict=False))["s"])
    except (OSError, ValueError, KeyError):
        return None


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _lines(part: Part, flags: Sequence[str]) -> list[str]:
    """What is said of one quantity."""
    counts = ", ".join(f"{number:,} {state}" for state, number in part.counts.items())
    lines = [f"{part.sweep} {part.quantity}: {counts}{_times(part)}; {_said(part.whole)}"]
    wrong = [item for item in part.blocks if item.state != "done"]
    lines += [f"  {_said(item)}" for item in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        lines.append(f"  ... and {len(wrong) - SHOWN:,} more")
    return lines + _again([item for item in (*part.blocks, part.whole) if item.state == "broken"], flags)


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
