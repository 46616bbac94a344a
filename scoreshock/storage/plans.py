"""Plan of a sweep: the file ``sweep.json`` in its folder, and the names of its expected files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from scoreshock.storage import staging
from scoreshock.storage.provenance import FORMAT
from scoreshock.storage.staging import BrokenFile

PLAN = "sweep.json"
INDEX = "index.html"  # the page of the study, in the folder of the results
NAME_LENGTH = 120  # longer names are hashed: file systems allow 255 bytes, and temporary names are longer

Value = int | float | str


@dataclass(frozen=True)
class Planned:
    """Plan of one quantity of a sweep.

    Attributes
    ----------
    digest
        Digest of the code, including that of joining, and of the content; an attribute of the quantity's file.
    blocks_digest
        Digest of the code and of the content without the values of split axes; part of the name of the blocks' folder and an
        attribute of every block. Empty if the quantity is not split.
    split
        Values of each split axis in their order, with their texts in names; each value is a separate block.
    joined
        Whether the blocks are joined into one file.
    module
        Module of ``scoreshock.quantities`` that computes the quantity.
    content
        Everything that determines the numbers, as plain values.
    """

    digest: str
    blocks_digest: str
    split: Mapping[str, Mapping[Value, str]]
    joined: bool
    module: str
    content: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Folder of the blocks, relative to that of the sweep."""
        return f"blocks/{self.content['quantity']}-{self.blocks_digest}"

    @property
    def files(self) -> dict[str, dict[str, Value]]:
        """Computed files, relative to the folder of the sweep, with their values on the split axes."""
        if not self.split:
            return {f"{self.content['quantity']}.nc": {}}
        return {f"{self.folder}/{name}.nc": values for name, values in self.blocks()}

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """Values of each split axis."""
        return {axis: np.array(list(named)) for axis, named in self.split.items()}

    def blocks(self) -> Iterator[tuple[str, dict[str, Value]]]:
        """Name and values of every block, in the order of the results."""
        for values in product(*self.split.values()):
            chosen = dict(zip(self.split, values, strict=True))
            yield block_name({axis: self.split[axis][value] for axis, value in chosen.items()}), chosen

    def content_of(self, values: Mapping[str, Value | Sequence[Value]]) -> dict[str, Any]:
        """Content of the block with these values on the split axes; with several values of an axis, of these blocks."""
        content = dict(self.content)
        fixed = {axis: list(value) if isinstance(value, list | tuple) else [value] for axis, value in values.items()}
        content["axes"] = {
            axis: {"values": fixed[axis]} if axis in fixed else spec for axis, spec in content["axes"].items()
        }
        if "schedule" in fixed:
            content["schedules"] = {label: content["schedules"][label] for label in fixed["schedule"]}
        return content

    def plain(self) -> dict[str, Any]:
        """The plan as plain values for JSON."""
        split = {axis: [[value, text] for value, text in named.items()] for axis, named in self.split.items()}
        return asdict(self) | {"split": split}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Planned:
        """The plan from the result of `plain`."""
        return cls(**{**plain, "split": {axis: dict(map(tuple, pairs)) for axis, pairs in plain["split"].items()}})


def unsplit(content: Mapping[str, Any], split: Container[str]) -> dict[str, Any]:
    """The content without the values of the ``split`` axes: what all blocks have in common."""
    common = {**content, "axes": {axis: spec for axis, spec in content["axes"].items() if axis not in split}}
    if "schedule" in split:
        del common["schedules"]  # each block has one, with its digest in the name
    return common


def block_name(texts: Mapping[str, str]) -> str:
    """Name of a block from the texts of its values, sorted by axis; a hash if it is too long.

    Examples
    --------
    >>> block_name({"weight": "0.5", "dimension": "64"})
    'dimension=64,weight=0.5'
    """
    text = ",".join(f"{axis}={texts[axis]}" for axis in sorted(texts))
    return text if len(text) <= NAME_LENGTH else hashlib.sha256(text.encode()).hexdigest()[:16]


def write_plan(folder: str | Path, plan: Mapping[str, Any]) -> None:
    """Write the plan of a sweep as ``sweep.json``, unless it is unchanged.

    Parameters
    ----------
    folder : path
        Folder of the sweep.
    plan : mapping
        ``sweep``, ``family`` and ``quantities``, a mapping from names to `Planned.plain`.

    Raises
    ------
    scoreshock.storage.store.BrokenFile
        If a newer scoreshock wrote the existing plan, because its results must not be mixed with older ones.
    """
    path = Path(folder) / PLAN
    text = json.dumps({"format": FORMAT, **plan}, indent=1, allow_nan=False) + "\n"
    if path.is_file() and path.read_bytes() == text.encode():
        return
    refuse_newer(Path(folder))
    staging.write_file(text, path)


def refuse_newer(folder: Path) -> None:
    """Raise `BrokenFile` if a newer scoreshock wrote the plan in ``folder``."""
    try:
        number = _format(json.loads((folder / PLAN).read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return  # missing or damaged plans are rewritten
    if number > FORMAT:
        raise BrokenFile(
            f"{folder / PLAN} is newer: of format {number}, and this scoreshock writes format {FORMAT}: update scoreshock, "
            "or write results to another folder"
        )


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan of the sweep in ``folder``, empty if there is none; `BrokenFile` if scoreshock did not write it."""
    path = folder / PLAN
    if not path.is_file():
        return {}
    refuse_newer(folder)
    try:
        plan = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        if _format(plan) != FORMAT:
            raise ValueError(f"it is of format {_format(plan)}, and this scoreshock reads format {FORMAT}")
        for name, plain in plan["quantities"].items():
            _check(name, Planned.of(plain))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenFile(
            f"{path} is not a plan that this scoreshock wrote ({error}); running the study again rewrites it"
        ) from None
    return plan


def drop_damaged(folder: Path) -> None:
    """Remove the plan in ``folder`` if scoreshock did not write it, so that a run rewrites it."""
    try:
        read_plan(folder)
    except BrokenFile:
        refuse_newer(folder)
        (folder / PLAN).unlink(missing_ok=True)


def planned(folder: Path) -> dict[str, Planned]:
    """Plans of the quantities by name; empty if the sweep in ``folder`` has no plan."""
    return {name: Planned.of(plain) for name, plain in read_plan(folder).get("quantities", {}).items()}


def is_name(name: Any) -> bool:
    """Whether this is a name of a file or folder that cannot refer to another folder."""
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name and "\0" not in name


def _format(plan: Any) -> int:
    if not isinstance(plan, dict):
        raise TypeError("it is no mapping")
    number = plan.get("format", 1)
    if not isinstance(number, int):
        raise TypeError(f"its format is {number!r:.20}")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}")


def _check(name: str, part: Planned) -> None:
    """Check the plan, in particular that no name refers to another folder."""
    texts = [text for named in part.split.values() for text in named.values()]
    names = [name, part.digest, *([part.blocks_digest] if part.split else []), *part.split, *texts]
    for each in names:
        if not is_name(each):
            raise ValueError(f"{name} has the name {each!r:.60}")
    if part.content["quantity"] != name:
        raise ValueError(f"{name} has the content of {part.content['quantity']!r:.60}")
