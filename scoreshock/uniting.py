"""Results of two folders put together: those of two machines, or of two runs of one study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoreshock import plans, records, store
from scoreshock.layout import Block

SHOWN = 5  # conflicts that an error names


@dataclass(frozen=True)
class Source:
    """The blocks of one sweep in one folder of results."""

    folder: Path
    plan: Mapping[str, Any]
    blocks: Mapping[tuple[str, str], Block]
    """By name of the block and quantity."""


def unite(folders: Sequence[str | Path], target: str | Path) -> dict[str, int]:
    """Copy into ``target`` what it has not yet of the blocks in ``folders``, when all are parts of the same sweeps.

    Nothing is written before everything was read and compared. Blocks are copied whole, checked against their checksums
    and renamed; no file is overwritten. The workflow, run on the study of both, joins them and finds nothing else to do.

    Parameters
    ----------
    folders : sequence of paths
        Folders of results, each with sweeps. They are not changed, unless one is ``target``.
    target : path
        One of the folders, or a further one, which may hold results too.

    Returns
    -------
    dict
        Number of files copied, by sweep.

    Raises
    ------
    FileNotFoundError
        When a folder holds no sweep.
    scoreshock.store.BrokenFile
        When a block is not whole, or its values differ from their checksums.
    ValueError
        When sweeps of one name differ in their parameters, split axes, code or types, with every field that differs; or
        when a block is in both with other values.
    """
    target = Path(target)
    everywhere = list(dict.fromkeys([*([target] if target.is_dir() else []), *map(Path, folders)]))
    names = {folder: _sweeps(folder) for folder in everywhere}
    for folder in map(Path, folders):
        if not names[folder]:
            raise FileNotFoundError(f"{folder} holds no results: no sweep with a {plans.PLAN}")
    copied = {}
    found = {
        sweep: [_read(folder / sweep) for folder in everywhere if sweep in names[folder]]
        for sweep in dict.fromkeys(name for folder in everywhere for name in names[folder])
    }
    problems = [f"{sweep}: {problem}" for sweep, sources in found.items() for problem in _problems(sources)]
    problems += [
        f"{sweep}: {target / sweep} holds blocks and no {plans.PLAN}; running its study there writes it"
        for sweep in found
        if sweep not in names.get(target, ()) and _files(target / sweep)
    ]
    if problems:
        raise ValueError("these results do not belong together; nothing was written:\n" + "\n".join(problems))
    for sweep, sources in found.items():
        copied[sweep] = _copy(sources, target / sweep)
    return copied


def _sweeps(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{plans.PLAN}"))


def _files(folder: Path) -> list[Path]:
    """The files of a sweep's blocks, without those that are being written."""
    return sorted(file for file in folder.glob("blocks/*/*.nc") if not file.name.startswith("."))


def _read(folder: Path) -> Source:
    """All blocks of a sweep, after comparing their values with their checksums."""
    plan = plans.read_plan(folder)
    reader = records.Reader(())
    whole = [reader.read(file, full=True) for file in _files(folder)]
    return Source(folder, plan, {(block.path.parent.name, block.path.stem): block for block in whole})


def _problems(sources: Sequence[Source]) -> Iterator[str]:
    """What speaks against putting these parts of a sweep together."""
    for key in ("family", "split"):
        yield from _several(key, {json.dumps(source.plan.get(key)): str(source.folder) for source in reversed(sources)})
    split = sources[0].plan.get("split", [])
    for quantity in sorted({quantity for source in sources for _, quantity in source.blocks}):
        yield from _differing(sources, quantity, split)
    yield from _conflicts(sources)


def _differing(sources: Sequence[Source], quantity: str, split: Sequence[str]) -> Iterator[str]:
    """A line for each field in which blocks of a quantity differ; what only some have differs too."""
    blocks = [
        (f"{source.folder}, block {name}", block)
        for source in sources
        for (name, of), block in source.blocks.items()
        if of == quantity
    ]
    said: dict[str, dict[str, str]] = {}
    having: dict[frozenset[str], str] = {}  # names of fields that go together, and a block that has these
    for place, block in blocks:
        fields = _fields(block, split)
        having.setdefault(frozenset(fields), place)
        for name, value in fields.items():
            said.setdefault(name, {}).setdefault(value, place)
    for name, values in said.items():
        lacking = [place for names, place in having.items() if name not in names]
        if lacking and not (name.startswith("schedules.") and "schedule" in split):  # of which each block has its own
            values["not there"] = lacking[0]
        yield from _several(f"{quantity}: {name}", values)


def _several(field: str, values: Mapping[str, str]) -> Iterator[str]:
    """A line on a field that has more than one value, each with the place of one that has it."""
    if len(values) > 1:
        yield f"{field} differs: " + "; ".join(f"{value:.64} ({place})" for value, place in values.items())


def _fields(block: Block, split: Sequence[str]) -> dict[str, str]:
    """All that must not differ between blocks of one quantity, as text by a name: parameters, code, format, types."""
    content = json.loads(str(block.attributes.get("scoreshock_parameters", "{}")))
    content["axes"] = {axis: spec for axis, spec in content.get("axes", {}).items() if axis not in split}
    schedules = {} if "schedule" in split else {"schedules": json.dumps(list(content.get("schedules", {})))}
    fields = dict(_flat(content)) | schedules
    fields |= {f"type of {name}": f"{v.dtype.name}({', '.join(v.dims)})" for name, v in block.variables.items()}
    fields["code digest"] = str(block.attributes.get("scoreshock_code_digest"))
    fields["format"] = str(block.attributes.get(store.FORMAT_NAME, 1))
    return fields


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parameters, axes and options each by its name, as JSON."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", json.dumps(inner)) for name, inner in value.items())
        else:
            yield key, json.dumps(value)


def _conflicts(sources: Sequence[Source]) -> Iterator[str]:
    """Blocks that are in several places with other values."""
    seen: dict[tuple[str, str], tuple[Source, Block]] = {}
    for source in sources:
        for key, block in source.blocks.items():
            first, other = seen.setdefault(key, (source, block))
            shared = sorted(block.variables.keys() & other.variables.keys())
            differing = [name for name in shared if block.checksum(name) != other.checksum(name)]
            if differing or block.variables.keys() != other.variables.keys():
                words = ", ".join(differing[:SHOWN]) or "its variables"
                yield f"{key[1]} of block {key[0]} is in {first.folder} and {source.folder}, with different {words}"


def _copy(sources: Sequence[Source], target: Path) -> int:
    """Write the plan of all, and copy what ``target`` lacks; return the number of blocks copied.

    In this order, so that after an interruption the same call goes on.
    """
    plans.write_plan(target, _plan_of_all([source.plan for source in sources]))
    there = {key for source in sources if source.folder == target for key in source.blocks}
    copied = 0
    for source in sources:
        for (name, quantity), block in source.blocks.items():
            if (name, quantity) not in there:
                there.add((name, quantity))
                _copy_block(block, source.folder, target)
                copied += 1
    return copied


def _copy_block(block: Block, folder: Path, target: Path) -> None:
    """Copy a block with its benchmark and log. Its time is that of copying: what was joined before is then made again."""
    path = target / block.path.relative_to(folder)
    with store.staged(path) as temporary:
        shutil.copyfile(block.path, temporary)
        records.refuse_changed(block.path, block.marker, store.check(temporary, full=True).attributes)
    stem = f"{path.parent.name}.{path.stem}"
    benchmark, log = Path("benchmarks", f"{stem}.tsv"), Path("logs", f"{stem}.log")
    # Written as jobs write them: half of one is passed over by whoever reads it.
    for text in (benchmark, log):
        (target / text).parent.mkdir(exist_ok=True)
    if (folder / benchmark).is_file():
        shutil.copyfile(folder / benchmark, target / benchmark)
    said = (folder / log).read_text("utf-8") if (folder / log).is_file() else ""
    (target / log).write_text(said + records.receipt(path), "utf-8")


def _plan_of_all(all_plans: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first plan, with the blocks and quantities that only others have added; values that ascend go on ascending."""
    blocks: dict[str, dict[str, Any]] = {}
    for plan in all_plans:
        for block in plan["blocks"]:
            first = blocks.setdefault(block["name"], block)
            blocks[block["name"]] = {**first, "contents": {**block.get("contents", {}), **first.get("contents", {})}}
    quantities = dict.fromkeys(quantity for plan in all_plans for quantity in plan["quantities"])
    positions = {axis: _positions(axis, all_plans[0]["blocks"], blocks.values()) for axis in all_plans[0]["split"]}
    ordered = sorted(blocks.values(), key=lambda block: [positions[axis][value] for axis, value in block["values"].items()])
    return {**all_plans[0], "quantities": list(quantities), "blocks": ordered}


def _positions(axis: str, first: Iterable[Mapping[str, Any]], every: Iterable[Mapping[str, Any]]) -> dict[Any, int]:
    """Position of each value of a split axis: in their order, where those of the first plan are, else as they come."""
    own, found = ([*dict.fromkeys(block["values"][axis] for block in blocks)] for blocks in (first, every))
    is_ordered = not any(isinstance(value, str) for value in found) and own == sorted(own)
    return {value: position for position, value in enumerate(sorted(found) if is_ordered else found)}
