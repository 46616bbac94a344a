"""Results of two folders put together: those of two machines, or of two runs of one study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoreshock.storage import plans, provenance, store
from scoreshock.storage.plans import Planned, Value

SHOWN = 5  # conflicts that an error names


@dataclass(frozen=True)
class Source:
    """The results of one sweep in one folder.

    Attributes
    ----------
    folder, family
        The sweep's folder, and its family.
    planned
        What it is to hold, by quantity.
    files
        What is there of it, relative to the folder, with global attributes: blocks, and quantities that are not split.
    """

    folder: Path
    family: str
    planned: Mapping[str, Planned]
    files: Mapping[str, Mapping[str, Any]]


def unite(folders: Sequence[str | Path], target: str | Path) -> dict[str, int]:
    """Copy into ``target`` what it has not yet of the results in ``folders``, when all are parts of the same sweeps.

    Nothing is written before everything was read and compared. Files are copied whole, checked against their checksums and
    renamed; none is overwritten. The workflow, run on the study of both, joins blocks and finds nothing else to compute.

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
    scoreshock.storage.store.BrokenFile
        When a file is not whole, or its values differ from their checksums.
    ValueError
        When sweeps of one name differ in their parameters, split axes or code, with every field that differs; or when a file
        is in both with other values.
    """
    target = Path(target)
    everywhere = list(dict.fromkeys([*([target] if target.is_dir() else []), *map(Path, folders)]))
    names = {folder: sorted(path.parent.name for path in folder.glob(f"*/{plans.PLAN}")) for folder in everywhere}
    for folder in map(Path, folders):
        if not names[folder]:
            raise FileNotFoundError(f"{folder} holds no results: no sweep with a {plans.PLAN}")
    found = {
        sweep: [_read(folder / sweep) for folder in everywhere if sweep in names[folder]]
        for sweep in dict.fromkeys(name for folder in everywhere for name in names[folder])
    }
    problems = [f"{sweep}: {problem}" for sweep, sources in found.items() for problem in _problems(sources)]
    problems += [
        f"{sweep}: {target / sweep} holds results and no {plans.PLAN}; running its study there writes it"
        for sweep in found
        if sweep not in names.get(target, ()) and any((target / sweep).rglob("*.nc"))
    ]
    if problems:
        raise ValueError("these results do not belong together; nothing was written:\n" + "\n".join(problems))
    return {sweep: _copy(sweep, sources, target / sweep) for sweep, sources in found.items()}


def _read(folder: Path) -> Source:
    """What is there of a sweep, after comparing all values with their checksums."""
    plan, planned = plans.read_plan(folder), plans.planned(folder)
    there = (file for part in planned.values() for file in part.files if (folder / file).exists())
    files = {file: store.check(folder / file, full=True).attributes for file in there}
    return Source(folder, plan["family"], planned, files)


def _problems(sources: Sequence[Source]) -> Iterator[str]:
    """What speaks against putting these parts of a sweep together."""
    yield from _several("family", [(source.family, source.folder) for source in sources])
    for quantity in dict.fromkeys(name for source in sources for name in source.planned):
        parts = [(source.planned[quantity], source.folder) for source in sources if quantity in source.planned]
        yield from _differing(quantity, parts)
    seen: dict[str, tuple[str, Source]] = {}
    conflicts = []
    for source in sources:
        for file, attributes in source.files.items():
            values = attributes[store.CHECKSUMS]
            first = seen.setdefault(file, (values, source))
            if values != first[0]:
                conflicts.append(f"{file} has other values in {first[1].folder} than in {source.folder}")
    yield from conflicts[:SHOWN]
    if conflicts[SHOWN:]:
        yield f"... and {len(conflicts) - SHOWN:,} more"


def _differing(quantity: str, parts: Sequence[tuple[Planned, Path]]) -> Iterator[str]:
    """A line for each field in which what is planned of a quantity differs, but for values of split axes."""
    if len({(part.blocks_digest or part.digest, tuple(part.split)) for part, _ in parts}) > 1:
        fields = [(_fields(part), folder) for part, folder in parts]
        lines = [
            line
            for name in dict.fromkeys(name for each, _ in fields for name in each)
            for line in _several(f"{quantity}: {name}", [(each.get(name, "not there"), folder) for each, folder in fields])
        ]
        yield from lines or [f"{quantity}: code differs ({', '.join(str(folder) for _, folder in parts)})"]
        return
    for axis in parts[0][0].split:
        for value in dict.fromkeys(value for part, _ in parts for value in part.split[axis]):
            texts = [(part.split[axis][value], folder) for part, folder in parts if value in part.split[axis]]
            yield from _several(f"{quantity}: {axis} {value}", texts)


def _several(field: str, values: Sequence[tuple[str, Path]]) -> Iterator[str]:
    """A line on a field that has more than one value, each with a place that has it."""
    first = dict(reversed(values))
    if len(first) > 1:
        said = "; ".join(f"{value:.64} ({first[value]})" for value in dict.fromkeys(value for value, _ in values))
        yield f"{field} differs: {said}"


def _fields(part: Planned) -> dict[str, str]:
    """All that must not differ between parts of one quantity, as text by a name."""
    content = dict(part.content)
    content["axes"] = {axis: spec for axis, spec in content["axes"].items() if axis not in part.split}
    if "schedule" in part.split:
        del content["schedules"]
    return {"split": json.dumps(list(part.split)), **dict(_flat(content))}


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parameters, axes and options each by its name, as JSON."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", json.dumps(inner)) for name, inner in value.items())
        else:
            yield key, json.dumps(value)


def _copy(sweep: str, sources: Sequence[Source], target: Path) -> int:
    """Write the plan of all, then every file that is not there yet; after an interruption the same call goes on."""
    quantities = dict.fromkeys(name for source in sources for name in source.planned)
    united = {name: _united([s.planned[name] for s in sources if name in s.planned]).plain() for name in quantities}
    plans.write_plan(target, {"sweep": sweep, "family": sources[0].family, "quantities": united})
    copied = 0
    for source in sources:
        for file, attributes in source.files.items():
            if source.folder == target or (target / file).exists():
                continue
            with store.staged(target / file) as temporary:
                shutil.copyfile(source.folder / file, temporary)
                if store.check(temporary, full=True).attributes[store.MARKER] != attributes[store.MARKER]:
                    raise store.BrokenFile(f"{source.folder / file} was written again while results were merged")
            copied += 1
    return copied


def _united(parts: Sequence[Planned]) -> Planned:
    """The first part, with the values of split axes that only others have; values that ascend go on ascending."""
    first, *others = parts
    if not others or not first.split:
        return first
    split = {axis: _ordered([part.split[axis] for part in parts]) for axis in first.split}
    content = dict(first.content)
    fixed = {axis: {"values": list(values)} for axis, values in split.items() if axis != "schedule"}
    content["axes"] = {axis: fixed.get(axis, spec) for axis, spec in content["axes"].items()}
    if "schedule" in split:
        known = {label: spec for part in parts for label, spec in part.content["schedules"].items()}
        content["schedules"] = {label: known[label] for label in split["schedule"]}
    digest = provenance.parameters_digest({"blocks": first.blocks_digest, "content": content})[: len(first.digest)]
    return replace(first, digest=digest, split=split, content=content)


def _ordered(named: Sequence[Mapping[Value, str]]) -> dict[Value, str]:
    """The values of all, each with its text: ascending where those of the first do, else as they come."""
    found = {value: text for each in reversed(named) for value, text in each.items()}
    values = list(dict.fromkeys(value for each in named for value in each))
    own = list(named[0])
    is_ascending = not any(isinstance(value, str) for value in values) and own == sorted(own)  # type: ignore[type-var]
    return {value: found[value] for value in (sorted(values) if is_ascending else values)}  # type: ignore[type-var]
