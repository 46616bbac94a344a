"""What a sweep is to hold: the file ``sweep.json`` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from scoreshock import staging, store
from scoreshock.provenance import FORMAT

PLAN = "sweep.json"


class Planned(NamedTuple):
    """A block that a sweep is to hold: its values of the split axes, and by quantity the digest of its parameters."""

    values: Mapping[str, Any]
    contents: Mapping[str, str]


def write_plan(folder: str | Path, plan: Mapping[str, Any]) -> None:
    """Write what a sweep is to hold as ``sweep.json`` in its ``folder``; an unchanged plan is left untouched.

    Parameters
    ----------
    folder : path
        The sweep's folder among the results.
    plan : mapping
        ``split`` (names of axes), ``quantities`` (names), ``blocks`` (each with ``name``, ``values`` by split axis and
        ``contents``, digests by quantity, in the order of the results); what else it holds is kept.

    Raises
    ------
    scoreshock.store.BrokenFile
        Where a newer scoreshock wrote the plan that is there: its results must not be mixed with older ones.
    """
    path = Path(folder) / PLAN
    text = json.dumps({"format": FORMAT, **plan}, indent=1, allow_nan=False) + "\n"
    if path.is_file() and path.read_bytes() == text.encode():
        return
    try:
        before = read_plan(Path(folder)).get("format", 1)
    except store.BrokenFile:
        before = 1  # damaged, and made anew here
    if before > FORMAT:
        raise store.BrokenFile(
            f"{path} is newer: of format {before}, and this scoreshock writes format {FORMAT}: update scoreshock, or write "
            "results to another folder"
        )
    staging.write_text(text, path)


def read_plan(folder: Path) -> dict[str, Any]:
    """What the sweep in ``folder`` is to hold; nothing where it has no plan. `BrokenFile` where it is none of ours."""
    path = folder / PLAN
    if not path.is_file():
        return {}
    try:
        plan = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        _check(plan)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise store.BrokenFile(
            f"{path} is not a plan that scoreshock wrote ({error}); running the study again writes it anew"
        ) from None
    return plan


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}")


def _check(plan: Any) -> None:
    """Refuse what no study writes: above all names of blocks that lead out of the folder."""
    if not isinstance(plan, dict) or not isinstance(plan.get("format", 1), int):
        raise TypeError("no mapping with a format")
    for block in plan.get("blocks", []):
        name, values = block["name"], block["values"]
        if not is_name(name):
            raise ValueError(f"a block is named {name!r:.60}")
        if not isinstance(values, dict) or not all(isinstance(value, int | float | str) for value in values.values()):
            raise TypeError(f"the block {name} has the values {values!r:.60}")
        if not isinstance(block.get("contents", {}), dict):
            raise TypeError(f"the block {name} has the contents {block['contents']!r:.60}")


def is_name(name: Any) -> bool:
    """Whether this can be the name of a block, which is that of a folder and leads nowhere else."""
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name and "\0" not in name


def is_readable(folder: Path) -> bool:
    """Whether the sweep in ``folder`` has a plan that scoreshock wrote."""
    try:
        return bool(read_plan(folder))
    except store.BrokenFile:
        return False


def planned(folder: Path) -> dict[str, Planned]:
    """The blocks by name, in the order of the results; none where the sweep in ``folder`` has no plan."""
    blocks = read_plan(folder).get("blocks", [])
    return {block["name"]: Planned(block["values"], block.get("contents", {})) for block in blocks}
