"""The catalogue of a quantity: one small file that lists its blocks, their values, digests and checksums.

It is written beside the joined file, and instead of it where that would be too large: the blocks then stay the dataset, and
the catalogue is what opens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from scoreshock import provenance, store
from scoreshock.layout import Block, Layout, Value, interned
from scoreshock.plans import is_name
from scoreshock.records import Record, plain

SUFFIX = ".catalogue.nc"
COMMON = "scoreshock_common"
ROWS = 1000  # that are turned into arrays of text at a time
CHECKSUMS = "S64"

SAID = {
    "path": "file of the block, relative to the catalogue",
    "size": "size of the file",
    "changed": "time at which the file was last changed",
    "form": "digest of the file's variables, dimensions and types",
    "marker": "completeness marker of the file: digest of its header",
    "checksum": "SHA-256 of the values of each variable",
    "attributes": "global attributes of the file that not all blocks share, as JSON",
}
UNITS = {"size": "byte", "changed": "nanoseconds since 1970-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Catalogue:
    """What a catalogue says: records, and values of the split axes, by name of the block and in the order of the results."""

    records: Mapping[str, Record] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


def catalogue_file(folder: Path, quantity: str) -> Path:
    """The catalogue of a quantity in the folder of its sweep."""
    return folder / f"{quantity}{SUFFIX}"


def write(layout: Layout, path: str | Path) -> None:
    """Write the catalogue of the blocks of a layout, some 0.6 kB a block.

    Parameters
    ----------
    layout : Layout
        Of whole blocks, in their order.
    path : path
        Its place, among the results of the sweep: blocks are named relative to it.
    """
    folder = Path(path).parent
    common = plain(layout.common_attributes())
    names = sorted(layout.variables)
    own = [
        {name: value for name, value in plain(block.attributes).items() if name not in common and name != store.MARKER}
        for block in layout.blocks
    ]
    columns: dict[str, Any] = {
        "path": _texts([os.path.relpath(block.path, folder) for block in layout.blocks]),
        "size": [block.size for block in layout.blocks],
        "changed": [block.changed for block in layout.blocks],
        "form": _texts([block.form for block in layout.blocks]),
        "marker": _texts([block.marker for block in layout.blocks]),
        "attributes": _texts([json.dumps(attributes) for attributes in own]),
    }
    columns |= {axis: [block.values[axis] for block in layout.blocks] for axis in layout.axes}
    dataset = xr.Dataset(
        {name: ("block", column, _described(name)) for name, column in columns.items()},
        {
            "block": ("block", layout.labels(), {"long_name": "name of the block"}),
            "variable": ("variable", names, {"long_name": "name of the variable"}),
        },
    )
    checksums = da.concatenate(
        [
            da.from_delayed(
                dask.delayed(partial(_checksums, layout.blocks[start : start + ROWS], names))(),
                (min(ROWS, len(layout.blocks) - start), len(names)),
                CHECKSUMS,
            )
            for start in range(0, len(layout.blocks), ROWS)
        ]
    )
    dataset["checksum"] = (("block", "variable"), checksums, _described("checksum"))
    store.write(dataset, path, _attributes(layout, common))


def _checksums(blocks: Sequence[Block], names: Sequence[str]) -> np.ndarray:
    return np.array([[b.checksum(name) if name in b.variables else "" for name in names] for b in blocks], CHECKSUMS)


def _texts(column: Sequence[str]) -> da.Array:
    """A column of text, encoded, because xarray would hold all of it at once to encode it."""
    encoded = [text.encode() for text in column]
    kind = f"S{max(map(len, encoded))}"
    rows = [encoded[start : start + ROWS] for start in range(0, len(encoded), ROWS)]
    parts = [da.from_delayed(dask.delayed(partial(np.array, part, kind))(), (len(part),), kind) for part in rows]
    return da.concatenate(parts)


def read(path: str | Path) -> Catalogue:
    """Return what the catalogue at ``path`` says; nothing where it is not there or not whole."""
    if store.inspect(path).state != "ok":
        return Catalogue()
    with store.open_file(path, chunks=None) as dataset:
        columns = {str(name): variable.values.tolist() for name, variable in dataset.variables.items()}
        common = json.loads(dataset.attrs[COMMON])
    axes = [name for name in columns if name not in {*SAID, "block", "variable"}]
    blocks = columns["block"]
    if not all(map(is_name, blocks)):
        return Catalogue()  # of files that lie elsewhere
    records = {
        name: Record(
            size=columns["size"][i],
            changed=columns["changed"][i],
            form=columns["form"][i],
            checksums=bytes.fromhex("".join(columns["checksum"][i])),
            attributes=interned(common | json.loads(columns["attributes"][i]) | {store.MARKER: columns["marker"][i]}),
        )
        for i, name in enumerate(blocks)
    }
    return Catalogue(records, {name: {axis: columns[axis][i] for axis in axes} for i, name in enumerate(blocks)})


def _attributes(layout: Layout, common: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: common[name] for name in ("Conventions", "references", "scoreshock_quantity") if name in common}
    return kept | {
        "title": f"catalogue of {common.get('title', 'blocks')}",
        "source": f"scoreshock {provenance.package_version()}",
        "history": provenance.history(f"scoreshock catalogued {len(layout.blocks)} blocks"),
        COMMON: json.dumps(common),
    }


def _described(name: str) -> dict[str, str]:
    """What is said of a column; that of a split axis has its meaning from the vocabulary."""
    if name not in SAID:
        return {}
    return {"long_name": SAID[name]} | ({"units": UNITS[name]} if name in UNITS else {"_Encoding": "utf-8"})
