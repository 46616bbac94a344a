"""What is known of block files without opening them: records, in a catalogue or in the log of the job that wrote the block.

Opening a NetCDF file of thirty variables takes 7 ms, so ten thousand take more than a minute. A record holds the header of
one file, with what tells it from another; it counts as long as the file is that one still.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scoreshock import layout, store
from scoreshock.layout import Block, Stored, Value

RECEIPT = "receipt: "
LOG_BYTES = 2**20  # a log of more is not searched for its receipt


@dataclass(frozen=True)
class Record:
    """The header of one block file; fields as in `scoreshock.layout.Block`."""

    size: int
    changed: int
    form: str
    checksums: bytes
    attributes: Mapping[str, Any]
    inode: int | None = None

    def is_of(self, status: os.stat_result) -> bool:
        """Whether the file is the one that was recorded: of its size, and unchanged since or at least not replaced.

        Snakemake sets the time of a file anew when its job has ended; a file that replaces it has another inode.
        """
        same = self.changed == status.st_mtime_ns or self.inode == status.st_ino
        return same and self.size == status.st_size

    def block(self, path: Path, values: Mapping[str, Value], variables: Mapping[str, Stored]) -> Block:
        """The block that it records."""
        carried = {axis: value for axis, value in values.items() if axis in variables}
        status = path.stat()
        return Block(
            path=path,
            size=status.st_size,
            changed=status.st_mtime_ns,
            inode=status.st_ino,
            values=carried,
            form=self.form,
            variables=variables,
            checksums=self.checksums,
            attributes=self.attributes,
        )


@dataclass
class Reader:
    """Gives the headers of block files, from their records where these are still of the files.

    Attributes
    ----------
    split
        The split axes.
    records
        What a catalogue holds, by name of the block.
    forms
        Variables by form, each read from one file.
    """

    split: Sequence[str]
    records: Mapping[str, Record] = field(default_factory=dict)
    forms: dict[str, Mapping[str, Stored]] = field(default_factory=dict)

    def read(self, path: Path, values: Mapping[str, Value] | None = None, full: bool = False) -> Block:
        """Return the header of the block file at ``path``, whose ``values`` of the split axes are known where given.

        With ``full`` all values are read and compared with their checksums.

        Raises
        ------
        scoreshock.store.BrokenFile
            When the file has to be opened, and is not whole.
        ValueError
            When it has more than one value of a split axis.
        """
        record = None if values is None or full else self.record(path)
        if record is None or values is None or record.form not in self.forms:
            return self._opened(path, full)
        return record.block(path, values, self.forms[record.form])

    def record(self, path: Path) -> Record | None:
        """What is recorded of the file at ``path`` as it is now, in the catalogue or in the log of its job."""
        try:
            status = path.stat()
        except OSError:
            return None
        listed = self.records.get(path.parent.name)
        if listed is not None and listed.is_of(status):
            return listed
        written = receipt_of(path)
        return written if written is not None and written.is_of(status) else None

    def _opened(self, path: Path, full: bool) -> Block:
        block = layout.read_block(path, self.split, full)
        return replace(block, variables=self.forms.setdefault(block.form, block.variables))


def receipt(path: str | Path) -> str:
    """Return the line by which the log of the job that wrote ``path`` tells what it wrote."""
    block = layout.read_block(path, ())
    content = {"size": block.size, "changed": block.changed, "inode": block.inode, "form": block.form}
    header = {"checksums": block.checksums.hex(), "attributes": plain(block.attributes)}
    return RECEIPT + json.dumps(content | header) + "\n"


def receipt_of(path: Path) -> Record | None:
    """Return the record that the log of the block file ``path`` ends with, where there is one."""
    log = path.parents[2] / "logs" / f"{path.parent.name}.{path.stem}.log"
    try:
        with log.open("rb") as file:
            lines = file.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
        content = json.loads(next(line for line in reversed(lines) if line.startswith(RECEIPT)).removeprefix(RECEIPT))
        exact = {"checksums": bytes.fromhex(content["checksums"]), "attributes": layout.interned(content["attributes"])}
        _ = content["attributes"][store.MARKER]
        return Record(**content | exact)
    except (OSError, StopIteration, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # no such log, or cut short


def refuse_changed(path: Path, marker: str, attributes: Mapping[str, Any]) -> None:
    """Refuse a file whose global attributes show that it is no longer the one whose header was read."""
    if attributes.get(store.MARKER) != marker:
        raise store.BrokenFile(f"{path} was written again since its header was read, by another run")


def plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as JSON holds them."""
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in attributes.items()}
