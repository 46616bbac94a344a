"""Results of a sweep: what it is to hold, and opening what there is of a quantity, whole or in part."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from scoreshock import provenance, store
from scoreshock.layout import Block, Layout, Place, agree, arrange, read_block
from scoreshock.merging import merge

__all__ = ["merge", "open_files", "open_results", "write_plan"]

PLAN = "sweep.json"
DECODED = ("coordinates", "missing_value", "_Encoding")  # attributes that xarray turns into structure on opening


def write_plan(folder: str | Path, plan: Mapping[str, Any]) -> None:
    """Write what a sweep is to hold as ``sweep.json`` in its ``folder``; an unchanged plan is left untouched.

    Parameters
    ----------
    folder : path
        The sweep's folder among the results.
    plan : mapping
        ``split`` (names of axes), ``quantities`` (names), ``blocks`` (each with ``name`` and ``values`` by split axis, in
        the order of the results); what else it holds is kept.
    """
    path = Path(folder) / PLAN
    text = json.dumps(plan, indent=1, allow_nan=False) + "\n"
    if path.is_file() and path.read_text("utf-8") == text:
        return
    store.write_text(text, path)


def open_files(paths: Iterable[str | Path]) -> dict[str, xr.Dataset]:
    """Open whole files lazily, by their names without folder and ending (``speciation``, ``comparison``)."""
    return {Path(path).stem: store.open_file(path) for path in paths}


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
        The joined file where it is whole and has all that the study lists, else the blocks that are whole, put together.
        In place of the others floats are NaN, flags and integers -1.

    Warns
    -----
    UserWarning
        Names each block that is missing, broken or of another code version; the same text is in the attribute
        ``scoreshock_warnings``.

    Raises
    ------
    FileNotFoundError
        When there is no such sweep, or nothing whole of this quantity.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> one = xr.Dataset({"tau_star": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]})
    >>> store.write(one, folder / "pair" / "speciation.nc", {"scoreshock_code_digest": provenance.code_digest("speciation")})
    >>> float(open_results(folder, "pair", "speciation").tau_star.sel(separation=2.0))
    2.0
    """
    folder = Path(path) / sweep
    if not folder.is_dir():
        raise FileNotFoundError(f"no sweep {sweep!r} in {path}; there: {_names_of_folders(Path(path)) or 'none'}")
    dataset, notes = _open_best(folder, _read_plan(folder), quantity)
    if not notes:
        return dataset
    text = "\n".join(notes)
    warnings.warn(text, UserWarning, stacklevel=2)
    return dataset.assign_attrs(scoreshock_warnings=text)


def _open_best(folder: Path, plan: Mapping[str, Any], quantity: str) -> tuple[xr.Dataset, list[str]]:
    """The joined file, unless it is not whole or blocks hold more; and what is to be said about it."""
    joined = folder / f"{quantity}.nc"
    inspection = store.inspect(joined)
    if inspection.state == "missing":
        return _open_blocks(folder, plan, quantity, [])
    if inspection.state != "ok":
        note = f"{joined} is {inspection.state}: {inspection.reason}; reading the blocks instead"
        return _open_blocks(folder, plan, quantity, [note])
    dataset = store.open_file(joined)
    lacking = [name for name, values in _expected(plan).items() if not _holds(dataset, values)]
    if any(store.inspect(_block_file(folder, name, quantity)).state == "ok" for name in lacking):
        dataset.close()
        note = f"{joined} lacks {', '.join(lacking)}; reading the blocks instead"
        return _open_blocks(folder, plan, quantity, [note])
    notes = [f"{joined} lacks {', '.join(lacking)}"] if lacking else []
    return dataset, notes + _foreign_code(joined, inspection.attributes, quantity)


def _open_blocks(folder: Path, plan: Mapping[str, Any], quantity: str, said: Sequence[str]) -> tuple[xr.Dataset, list[str]]:
    """The whole ones of the blocks that the plan lists, as one lazy dataset; and what is to be said about it."""
    split = plan.get("split", [])
    blocks, notes = [], list(said)
    for name in _expected(plan):
        file = _block_file(folder, name, quantity)
        inspection = store.inspect(file)
        if inspection.state == "ok":
            blocks.append(read_block(file, split))
            notes += _foreign_code(f"block {name}", inspection.attributes, quantity)
        else:
            notes.append(f"block {name} is {inspection.state}: {inspection.reason} ({file})")
    if not blocks:
        reasons = "\n".join(notes) or f"no {quantity}.nc, and no {PLAN} that lists blocks"
        raise FileNotFoundError(f"nothing whole of {quantity!r} in {folder}:\n{reasons}")
    values = _expected(plan).values()
    order = {axis: tuple(dict.fromkeys(value[axis] for value in values)) for axis in split}
    layout = arrange(blocks, split, order)
    return _lazy(layout), notes + _differing_shares(layout)


def _block_file(folder: Path, name: str, quantity: str) -> Path:
    return folder / "blocks" / name / f"{quantity}.nc"


def _read_plan(folder: Path) -> dict[str, Any]:
    path = folder / PLAN
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _expected(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Values of the split axes by name of the block."""
    return {block["name"]: block["values"] for block in plan.get("blocks", [])}


def _holds(dataset: xr.Dataset, values: Mapping[str, Any]) -> bool:
    return all(value in dataset[axis].values for axis, value in values.items() if axis in dataset.dims)


def _names_of_folders(path: Path) -> str:
    return ", ".join(sorted(child.name for child in path.iterdir() if child.is_dir())) if path.is_dir() else ""


def _foreign_code(owner: object, attributes: Mapping[str, Any], quantity: str) -> list[str]:
    return [] if provenance.is_of_this_code(attributes, quantity) else [f"{owner} is of another code version"]


def _lazy(layout: Layout) -> xr.Dataset:
    """The blocks of a layout as one lazy dataset."""
    opened = {block.path: store.open_file(block.path) for block in layout.blocks}
    variables = {name: _lazy_variable(layout, name, opened) for name in layout.variables}
    coordinates = {name for dataset in opened.values() for name in dataset.coords}
    return xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in coordinates},
        {name: variable for name, variable in variables.items() if name in coordinates},
        layout.common_attributes() | {"scoreshock_blocks": json.dumps(layout.own_attributes())},
    )


def _lazy_variable(layout: Layout, name: str, opened: Mapping[Path, xr.Dataset]) -> xr.Variable:
    stored = layout.variables[name]
    plain = {key: value for key, value in stored.attributes.items() if key not in DECODED}
    if stored.text is not None:
        return xr.Variable(stored.dims, layout.text(name), plain)
    if name in layout.axes:
        return xr.Variable(stored.dims, np.array(layout.axes[name], stored.dtype), plain)
    parts = np.empty([len(layout.axes[dim]) if dim in layout.axes else 1 for dim in stored.dims], dtype=object)
    for place in layout.places(name):
        parts[layout.corner(name, place)] = _lazy_part(layout, name, place, opened)
    joined = da.block(parts.tolist())
    return xr.Variable(stored.dims, joined.compute() if (name,) == stored.dims else joined, plain)


def _lazy_part(layout: Layout, name: str, place: Place, opened: Mapping[Path, xr.Dataset]) -> da.Array:
    shape = layout.region_shape(name)
    stored = layout.variables[name]
    source = layout.sources.get((name, place))
    if source is None:
        return da.full(shape, stored.fill, dtype=stored.dtype, chunks=stored.chunks or -1)
    values = da.asarray(opened[source.path][name].variable.data)
    lacking = [(0, wanted - given) for wanted, given in zip(shape, values.shape, strict=True)]
    return da.pad(values, lacking, constant_values=stored.fill) if any(n for _, n in lacking) else values


def _differing_shares(layout: Layout) -> list[str]:
    """Notes on variables that blocks share but hold differently."""
    return [
        f"{name} differs between {layout.sources[name, place].name} and {block.name}; the first is shown"
        for block in layout.blocks
        for name, place in layout.shared(block)
        if not _agree(layout.sources[name, place], block, name)
    ]


def _agree(one: Block, other: Block, name: str) -> bool:
    if one.variables[name].text is not None:
        return False
    with store.open_raw(one.path) as left, store.open_raw(other.path) as right:
        shape = tuple(map(min, left[name].shape, right[name].shape))
        return all(agree(left[name][piece], right[name][piece]) for piece in store.stored_chunks(shape, right[name]))
