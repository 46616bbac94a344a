"""Results of a sweep: what it is to hold, and opening what there is of a quantity, whole or in part."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from scoreshock import catalogue, provenance, store
from scoreshock.assembly import assembled, differing_shares
from scoreshock.checks import show
from scoreshock.layout import arrange
from scoreshock.merging import merge
from scoreshock.plans import Planned, is_name, planned, write_plan
from scoreshock.records import Reader

__all__ = ["merge", "open_files", "open_results", "write_plan"]

NOTED = 50  # things that a warning says; of ten thousand missing blocks nobody reads all


def open_files(paths: Iterable[str | Path], chunks: Any = "stored") -> dict[str, xr.Dataset]:
    """Open whole files, or what catalogues list, lazily, by names without folder and ending (``speciation``).

    ``chunks`` is that of `store.open_file`, for whole files.
    """
    opened = {}
    for path in map(Path, paths):
        if path.name.endswith(catalogue.SUFFIX):
            name = path.name.removesuffix(catalogue.SUFFIX)
            opened[name] = _open_catalogued(path.parent, name)
        else:
            opened[path.stem] = store.open_file(path, chunks)
    return opened


def open_results(path: str | Path, sweep: str, quantity: str) -> xr.Dataset:
    """Open what there is of one quantity of a sweep, lazily and aligned, and say what is not there.

    Parameters
    ----------
    path : path
        Folder of the results.
    sweep, quantity : str
        Names of the sweep and the quantity.

    Returns
    -------
    Dataset
        The joined file where it is whole and of what the study lists, else the blocks that are, put together.
        In place of the others floats are NaN, flags and integers -1.

    Warns
    -----
    UserWarning
        Names blocks that are missing, broken, of other parameters or another code version, the first `NOTED` of them; the
        same text is in the attribute ``scoreshock_warnings``.

    Raises
    ------
    FileNotFoundError
        When there is no such sweep, or nothing whole of this quantity; what is there is named.
    ValueError
        For arguments that are no path and no names.
    scoreshock.store.BrokenFile
        On loading values of a file that is no longer whole, naming it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> one = xr.Dataset({"tau_star": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]})
    >>> store.write(one, folder / "pair" / "speciation.nc", {"scoreshock_code_digest": provenance.code_digest("speciation")})
    >>> float(open_results(folder, "pair", "speciation").tau_star.sel(separation=2.0))
    2.0
    """
    folder = _folder(path, sweep, quantity)
    dataset, notes = _open_best(folder, planned(folder), quantity)
    if not notes:
        return dataset
    if len(notes) > NOTED:
        notes = [*notes[:NOTED], f"... and {len(notes) - NOTED:,} more; `scoreshock status` names them"]
    text = "\n".join(notes)
    warnings.warn(text, UserWarning, stacklevel=2)
    return dataset.assign_attrs(scoreshock_warnings=text)


def _folder(path: str | Path, sweep: str, quantity: str) -> Path:
    """The folder of a sweep among the results; an error where the arguments name none."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path = {show(path)} is not allowed; allowed: a path")
    for argument, name in (("sweep", sweep), ("quantity", quantity)):
        if not is_name(name):
            raise ValueError(f"{argument} = {show(name)} is not allowed; allowed: a name")
    folder = Path(path) / sweep
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no sweep {sweep!r:.80} in {path!s:.120}; there: {_names_of_folders(path) or 'none'}")
    return folder


def _open_best(folder: Path, planned: Mapping[str, Planned], quantity: str) -> tuple[xr.Dataset, list[str]]:
    """The joined file, unless it is not whole or not of what the study lists; and what is to be said about it."""
    joined = folder / f"{quantity}.nc"
    inspection = store.inspect(joined)
    if inspection.state == "missing":
        return _open_blocks(folder, planned, quantity, [])
    if inspection.state != "ok":
        note = f"{joined} is {inspection.state}: {inspection.reason}; reading the blocks instead"
        return _open_blocks(folder, planned, quantity, [note])
    dataset = store.open_file(joined)
    differing = _differing(dataset, planned, quantity)
    said = [f"{joined} {differing}"] * bool(differing) + _foreign_code(joined, inspection.attributes, quantity)
    if not differing and not (said and _is_made_again(folder, planned, quantity)):
        return dataset, said
    try:
        blocks, notes = _open_blocks(folder, planned, quantity, [f"{said[0]}; reading the blocks instead"])
    except FileNotFoundError:
        return dataset, said  # the joined file is all that there is
    except (ValueError, store.BrokenFile):
        if differing:
            raise
        return dataset, said  # blocks of several codes, of which the joined file is one
    if not differing and len(notes) > 1:
        return dataset, said  # not all blocks were made again
    dataset.close()
    return blocks, notes


def _is_made_again(folder: Path, planned: Mapping[str, Planned], quantity: str) -> bool:
    """Whether the first block is of the code as it is now: where it is not, the others need not be looked at."""
    first = next(iter(planned), None)
    seen = store.inspect(_block_file(folder, first, quantity)) if first is not None else None
    return seen is not None and seen.state == "ok" and provenance.is_of_this_code(seen.attributes, quantity)


def _differing(dataset: xr.Dataset, planned: Mapping[str, Planned], quantity: str) -> str:
    """How a joined file differs from what the study lists."""
    split = next(iter(planned.values())).values if planned else ()
    held = {axis: set(dataset[axis].values.tolist()) for axis in split if axis in dataset.dims}
    lacking = [name for name, block in planned.items() if not _holds(held, block.values)]
    if lacking:
        return f"lacks {', '.join(lacking[:NOTED])}" + (f" and {len(lacking) - NOTED:,} more" if lacking[NOTED:] else "")
    listed = {name: block.contents[quantity] for name, block in planned.items() if quantity in block.contents}
    said = dataset.attrs.get(provenance.CONTENTS)
    known = said is not None and len(listed) == len(planned) > 0
    return (
        "is of other parameters or blocks than the study lists"
        if known and said != provenance.contents_digest(listed)
        else ""
    )


def _open_blocks(
    folder: Path, planned: Mapping[str, Planned], quantity: str, said: Sequence[str]
) -> tuple[xr.Dataset, list[str]]:
    """The whole ones of the blocks that the plan lists, as one lazy dataset; and what is to be said about it."""
    listed = catalogue.read(catalogue.catalogue_file(folder, quantity))
    expected = planned or {name: Planned(values, {}) for name, values in listed.values.items()}
    split = list(next((block.values for block in expected.values()), ()))
    reader = Reader(split, listed.records)
    blocks, notes = [], list(said)
    for name, (values, contents) in expected.items():
        file = _block_file(folder, name, quantity)
        try:
            block = reader.read(file, values)
        except store.BrokenFile:
            seen = store.inspect(file)
            notes.append(f"block {name} is {seen.state}: {seen.reason} ({file})")
            continue
        if block.contents != contents.get(quantity, block.contents):
            notes.append(f"block {name} is of other parameters than the study's ({file})")
            continue
        blocks.append(block)
        notes += _foreign_code(f"block {name}", block.attributes, quantity)
    if not blocks:
        reasons = [*notes[:3], *[f"and {len(notes) - 3:,} more"][: len(notes[3:])]]
        there = "; ".join(reasons) or f"there: {_names_of_quantities(folder) or 'none'}"
        raise FileNotFoundError(f"nothing whole of {quantity!r:.80} in {folder!s:.160}; {there}")
    order = {axis: tuple(dict.fromkeys(block.values[axis] for block in expected.values())) for axis in split}
    layout = arrange(blocks, split, order)
    unlisted = math.prod(map(len, order.values())) - len(expected)
    if unlisted:
        notes.append(f"{unlisted:,} of the combinations of {', '.join(split)} are in no block that the study lists")
    return assembled(layout), notes + differing_shares(layout)


def _open_catalogued(folder: Path, quantity: str) -> xr.Dataset:
    """All the blocks that a catalogue lists; whoever reads them for the workflow must have all."""
    dataset, notes = _open_blocks(folder, {}, quantity, [])
    if notes:
        raise store.BrokenFile("\n".join(notes))
    return dataset


def _block_file(folder: Path, name: str, quantity: str) -> Path:
    return folder / "blocks" / name / f"{quantity}.nc"


def _holds(held: Mapping[str, set[Any]], values: Mapping[str, Any]) -> bool:
    return all(value in held[axis] for axis, value in values.items() if axis in held)


def _names_of_folders(path: str | Path) -> str:
    listed = os.listdir(path) if os.path.isdir(path) else []
    return f"{', '.join(sorted(name for name in listed if Path(path, name).is_dir())):.160}"


def _names_of_quantities(folder: Path) -> str:
    names = {file.name.split(".")[0] for file in folder.glob("*.nc")} | {file.stem for file in folder.glob("blocks/*/*.nc")}
    return f"{', '.join(sorted(names)):.160}"


def _foreign_code(owner: object, attributes: Mapping[str, Any], quantity: str) -> list[str]:
    return [] if provenance.is_of_this_code(attributes, quantity) else [f"{owner} is of another code version"]
