"""Files of data: digests, and NetCDF files as arrays.

Files are data and never code: what a file declares is measured before any of it is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from scoreshock.checks import listed, readable_file, shortened, show
from scoreshock.densities.tables.arrays import UNPACKED_LIMIT, UNREADABLE, refuse_large_netcdf


def digest(*files: str | Path) -> str:
    """SHA-256 of a data file, 64 hexadecimal digits; of several the digest of theirs in order."""
    digests = []
    for file in files:
        with Path(file).open("rb") as opened:
            digests.append(hashlib.file_digest(opened, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def existing_netcdf(file: str | Path) -> Path:
    """The path, if there is such a file and it is NetCDF by its suffix."""
    if not isinstance(file, str | os.PathLike):
        raise ValueError(f"file = {show(file)} is not a path; allowed: a path to .nc")
    path = Path(file)
    if path.suffix.lower() != ".nc":
        raise ValueError(f"file {path} has the suffix {path.suffix!r}; allowed: .nc")
    return readable_file(path)


def read_netcdf(path: Path) -> dict[str, xr.Variable]:
    """All arrays of a NetCDF file."""
    try:
        refuse_large_netcdf(path, UNPACKED_LIMIT)
        with xr.open_dataset(path, engine="netcdf4") as stored:
            dataset = stored.load()
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {shortened(error)}") from error
    return {str(name): variable for name, variable in dataset.variables.items()}


def read_attributes(path: Path) -> dict[str, Any]:
    """Global attributes of a NetCDF file that can be read."""
    with xr.open_dataset(path, engine="netcdf4") as stored:
        return {str(name): value for name, value in stored.attrs.items()}


def refuse_unused(path: Path, held: Mapping[str, xr.Variable], used: Iterable[str], allowed: str) -> None:
    """Refuse a variable that would be ignored: all but coordinates, which label a dimension of the used ones."""
    dims = {dim for name in used if name in held for dim in held[name].dims}
    unused = [name for name, array in held.items() if name not in used and not (name in dims and array.dims == (name,))]
    if unused:
        raise ValueError(f"file {path} has {listed(unused)}, which would be ignored; allowed: {allowed} (remove the rest)")
