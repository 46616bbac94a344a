"""Merging of results from two folders, for example from two machines or two runs of one study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoreshock.storage import plans, provenance, store
from scoreshock.storage.plans import Planned, Value

SHOWN = 5  # maximum number of conflicts in an error


@dataclass(frozen=True)
class Source:
    """The results of one sweep in one folder.

    Attributes
    ----------
    folder, family, note
        Folder and family of the sweep, and what it shows.
    planned
        Plans by quantity.
    files
        Existing blocks, and files of quantities that are not split, relative to the folder, with their global attributes.
    """

    folder: Path
    family: str
    note: str
    planned: Mapping[str, Planned]
    files: Mapping[str, Mapping[str, Any]]


def unite(folders: Sequence[str | Path], target: str | Path) -> dict[str, int]:
    """Copy to ``target`` the results in ``folders`` that it lacks, if all are parts of the same sweeps.

    Everything is read and compared before anything is written. Files are copied, verified and renamed; none is overwritten.
    Running the workflow with a study that covers both then joins the blocks without computing.

    Parameters
    ----------
    folders : sequence of paths
        Folders of results. They are not changed, unless one is ``target``.
    target : path
        One of the folders, or another one, which may have results.

    Returns
    -------
    dict
        Number of copied files by sweep.

    Raises
    ------
    FileNotFoundError
        If a folder has no sweep.
    scoreshock.storage.store.BrokenFile
        If a file is damaged.
    ValueError
        If sweeps of one name differ in parameters, split axes or code, with all differences, or if a file exists in both
        with different values.
    """
    target = Path(target)
    everywhere = list(dict.fromkeys([*([target] if target.is_dir() else []), *map(Path, folders)]))
    names = {folder: sorted(path.parent.name for path in folder.glob(f"*/{plans.PLAN}")) for folder in everywhere}
    for folder in map(Path, folders):
        if not names[folder]:
            raise FileNotFoundError(f"{folder} has no results: no sweep with a {plans.PLAN}")
    sweeps = {
        sweep: [_read(folder / sweep) for folder in everywhere if sweep in names[folder]]
        for sweep in dict.fromkeys(name for folder in everywhere for name in names[folder])
    }
    problems = [f"{sweep}: {problem}" for sweep, sources in sweeps.items() for problem in _problems(sources)]
    problems += [
        f"{sweep}: {target / sweep} has results but no {plans.PLAN}; running its study there writes it"
        for sweep in sweeps
        if sweep not in names.get(target, ()) and any((target / sweep).rglob("*.nc"))
    ]
    if problems:
        raise ValueError("the results are incompatible; nothing was written:\n" + "\n".join(problems))
    return {sweep: _copy(sweep, sources, target / sweep) for sweep, sources in sweeps.items()}


def _read(folder: Path) -> Source:
    """Results of a sweep, with all checksums verified."""
    plan, planned = plans.read_plan(folder), plans.planned(folder)
    present = (file for part in planned.values() for file in part.files if (folder / file).exists())
    files = {file: store.check(folder / file, full=True).attributes for file in present}
    return Source(folder, plan["family"], plan.get("note", ""), planned, files)


def _problems(sources: Sequence[Source]) -> Iterator[str]:
    """Reasons why these parts of a sweep are incompatible."""
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
                conflicts.append(f"{file} has different values in {first[1].folder} and in {source.folder}")
    yield from conflicts[:SHOWN]
    if conflicts[SHOWN:]:
        yield f"... and {len(conflicts) - SHOWN:,} more"


def _differing(quantity: str, parts: Sequence[tuple[Planned, Path]]) -> Iterator[str]:
    """A line for each difference of the plans of a quantity, except for values of split axes."""
    if len({(part.blocks_digest or part.digest, tuple(part.split)) for part, _ in parts}) > 1:
        fields = [(_fields(part), folder) for part, folder in parts]
        lines = [
            line
            for name in dict.fromkeys(name for each, _ in fields for name in each)
            for line in _several(f"{quantity}: {name}", [(each.get(name, "missing"), folder) for each, folder in fields])
        ]
        yield from lines or [f"{quantity}: code differs ({', '.join(str(folder) for _, folder in parts)})"]
        return
    for axis in parts[0][0].split:
        for value in dict.fromkeys(value for part, _ in parts for value in part.split[axis]):
            texts = [(part.split[axis][value], folder) for part, folder in parts if value in part.split[axis]]
            yield from _several(f"{quantity}: {axis} {value}", texts)


def _several(field: str, values: Sequence[tuple[str, Path]]) -> Iterator[str]:
    """A line about a field that has several values, each with the first folder that has it."""
    first = dict(reversed(values))
    if len(first) > 1:
        listed = "; ".join(f"{value:.64} ({first[value]})" for value in dict.fromkeys(value for value, _ in values))
        yield f"{field} differs: {listed}"


def _fields(part: Planned) -> dict[str, str]:
    """Fields that must agree between parts of one quantity, as text by name."""
    return {"split": json.dumps(list(part.split)), **dict(_flat(plans.unsplit(part.content, part.split)))}


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parameters, axes and options as JSON, by name."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", json.dumps(inner)) for name, inner in value.items())
        else:
            yield key, json.dumps(value)


def _copy(sweep: str, sources: Sequence[Source], target: Path) -> int:
    """Write the merged plan, then all missing files; after an interruption the same call continues."""
    quantities = dict.fromkeys(name for source in sources for name in source.planned)
    merged = {name: _merged([s.planned[name] for s in sources if name in s.planned]).plain() for name in quantities}
    note = " ".join(dict.fromkeys(source.note for source in sources if source.note))
    plans.write_plan(target, {"sweep": sweep, "family": sources[0].family, "note": note, "quantities": merged})
    copied = 0
    for source in sources:
        for file, attributes in source.files.items():
            if source.folder == target or (target / file).exists():
                continue
            with store.staged(target / file) as temporary:
                shutil.copyfile(source.folder / file, temporary)
                if store.check(temporary, full=True).attributes[store.MARKER] != attributes[store.MARKER]:
                    raise store.BrokenFile(f"{source.folder / file} changed during the merge")
            copied += 1
    return copied


def _merged(parts: Sequence[Planned]) -> Planned:
    """The first plan, extended by the split values of the others; ascending values stay ascending."""
    first, *others = parts
    if not others or not first.split:
        return first
    split = {axis: _ordered([part.split[axis] for part in parts]) for axis in first.split}
    content = dict(first.content)
    fixed = {axis: {"values": list(values)} for axis, values in split.items() if axis != "schedule"}
    content["axes"] = {axis: fixed.get(axis, spec) for axis, spec in content["axes"].items()}
    if "schedule" in split:
        schedules = {label: spec for part in parts for label, spec in part.content["schedules"].items()}
        content["schedules"] = {label: schedules[label] for label in split["schedule"]}
    digest = provenance.parameters_digest({"blocks": first.blocks_digest, "content": content})[: len(first.digest)]
    return replace(first, digest=digest, split=split, content=content)


def _ordered(named: Sequence[Mapping[Value, str]]) -> dict[Value, str]:
    """All values with their texts: ascending if those of the first are, otherwise in order of occurrence."""
    texts = {value: text for each in reversed(named) for value, text in each.items()}
    values = list(dict.fromkeys(value for each in named for value in each))
    first = list(named[0])
    is_ascending = not any(isinstance(value, str) for value in values) and first == sorted(first)  # type: ignore[type-var]
    return {value: texts[value] for value in (sorted(values) if is_ascending else values)}  # type: ignore[type-var]
