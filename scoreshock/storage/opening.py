"""Open what there is of a quantity of a sweep: its file, or its blocks put together lazily."""

from __future__ import annotations

import itertools
import os
import secrets
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import BackendArray, CachingFileManager
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from scoreshock.checks import show
from scoreshock.conventions import Status
from scoreshock.storage import provenance, store
from scoreshock.storage.joining import layout
from scoreshock.storage.netcdf_lock import NETCDF_LOCK
from scoreshock.storage.plans import PLAN, Planned, is_name, planned

__all__ = ["open_files", "open_results"]

NOTED = 50  # things that a warning says; of ten thousand missing blocks nobody reads all


def open_files(paths: Iterable[str | Path], chunks: Any = "stored") -> dict[str, xr.Dataset]:
    """Open whole files lazily, by names without folder and ending (``speciation``); ``chunks`` as in `store.open_file`."""
    return {path.stem: store.open_file(path, chunks) for path in map(Path, paths)}


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
        The file of the quantity where it is whole and what the study lists, else the blocks that are there, put together.
        In place of the others floats are NaN, flags and integers -1. Blocks are looked for by their names alone, and checked
        when their values are loaded.

    Warns
    -----
    UserWarning
        Names blocks that are missing, the first `NOTED` of them, and says where results are of other parameters than the
        study lists or of another code version; the same text is in the attribute ``scoreshock_warnings``.

    Raises
    ------
    FileNotFoundError
        When there is no such sweep, or nothing of this quantity; what is there is named.
    ValueError
        For arguments that are no path and no names.
    scoreshock.storage.store.BrokenFile
        For a file that is not whole, and on loading values of one, naming it.

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
    dataset, notes = _open_best(folder, planned(folder).get(quantity), quantity)
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


def _open_best(folder: Path, part: Planned | None, quantity: str) -> tuple[xr.Dataset, list[str]]:
    """The file of the quantity where it is what the study lists, else its blocks, else the file; and what is to be said."""
    file = folder / f"{quantity}.nc"
    seen = store.inspect(file)
    differs = part is not None and seen.attributes.get(provenance.DIGEST) != part.digest
    if seen.state == "ok" and not differs:
        return store.open_file(file), _foreign_code(file, seen.attributes, quantity)
    notes = []
    if seen.state not in ("ok", "missing"):
        notes.append(f"{file} is {seen.state}: {seen.reason}")
    elif seen.state == "ok":
        notes.append(f"{file} is of other parameters, blocks or code than the study lists")
    there = _blocks(folder, part) if part is not None and part.split else {}
    if part is not None and there:
        said = [f"{note}; reading the blocks instead" for note in notes]
        dataset, of_blocks = _put_together(folder, part, there, quantity)
        return dataset, said + of_blocks
    if seen.state == "ok":
        return store.open_file(file), [*notes, *_foreign_code(file, seen.attributes, quantity)]
    if notes:
        raise store.BrokenFile("; ".join(notes))
    raise FileNotFoundError(
        f"nothing of {quantity!r:.80} in {folder!s:.160}; there: {_names_of_quantities(folder) or 'none'}"
        + ("" if part or not any(folder.glob(f"blocks/{quantity}-*")) else f"; {PLAN} is not: running the study writes it")
    )


def _blocks(folder: Path, part: Planned) -> dict[str, Path]:
    """The blocks that are there and that the study lists, by name."""
    try:
        there = set(os.listdir(folder / part.folder))
    except OSError:
        return {}
    return {name: folder / part.folder / f"{name}.nc" for name, _ in part.blocks() if f"{name}.nc" in there}


def _put_together(folder: Path, part: Planned, there: Mapping[str, Path], quantity: str) -> tuple[xr.Dataset, list[str]]:
    """Blocks as one lazy dataset, by the layout of the first whole one, and what is to be said about it."""
    names = [name for name, _ in part.blocks()]
    files = np.full([len(named) for named in part.split.values()], None, dtype=object)
    for position, name in enumerate(names):
        if name in there:
            files.flat[position] = CachingFileManager[Any](
                _open, there[name], part.blocks_digest, mode="r", lock=NETCDF_LOCK
            )
    one = store.open_file(_first_whole(there.values(), part.blocks_digest))
    whole, opening = layout(one, part.split), secrets.token_hex(8)
    for name in map(str, whole.variables.keys() - whole.xindexes.keys()):
        dims = one[name].dims
        if set(dims).isdisjoint(part.split):
            whole[name] = one[name]
            continue
        carriers = _first_along(files, [i for i, axis in enumerate(part.split) if axis not in dims])
        axes = [dims.index(axis) for axis in part.split if axis in dims]
        lazy = LazilyIndexedArray(_Blocks(carriers, name, axes, whole[name].shape, one[name].dtype))
        steps = {dim: lengths[0] for dim, lengths in one[name].chunksizes.items()}
        # A name of its own: Dask's, a digest of all that the array holds, takes seconds where there are many blocks.
        whole[name] = xr.Variable(dims, lazy, one[name].attrs).chunk(steps, name=f"{name}-{opening}")
    known = {key: value for key, value in one.attrs.items() if key not in (provenance.DIGEST, store.MARKER)}
    notes = [f"block {name} is missing ({folder / part.folder / name}.nc)" for name in names if name not in there]
    foreign = _foreign_code("the first block", one.attrs, quantity)
    whole.attrs = known | provenance.of_content(part.content)
    return whole, notes + foreign


def _first_whole(paths: Iterable[Path], digest: str) -> Path:
    """The first block that is whole and of its digest, whose layout is that of all."""
    wrong = []
    for path in paths:
        try:
            with NETCDF_LOCK:
                _open(path, digest).close()
            return path
        except store.BrokenFile as error:
            wrong.append(error)
    raise wrong[0]


def _first_along(files: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """The first file that is there along some axes, which are gone."""
    for axis in sorted(axes, reverse=True):
        there = np.frompyfunc(lambda file: file is not None, 1, 1)(files).astype(bool)
        files = np.take_along_axis(files, np.expand_dims(there.argmax(axis), axis), axis).squeeze(axis)
    return files


def _open(path: Path, digest: str, mode: str = "r") -> netCDF4.Dataset:  # noqa: ARG001 - xarray pickles no manager without one
    """A block, open; `BrokenFile` where it is not whole or not what its folder says."""
    file, seen = store.open_whole(path)
    if seen.attributes.get(provenance.DIGEST) != digest:
        file.close()
        raise store.BrokenFile(f"{path} is of other code or parameters than its folder says")
    return file


class _Blocks(BackendArray):
    """A variable over all blocks, each of which is opened and checked when its values are read.

    ``files`` are managers of the blocks' files, None where there is none, along those of its ``axes`` that are split.
    """

    def __init__(self, files: np.ndarray, name: str, axes: Sequence[int], shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.files, self.name, self.axes, self.shape, self.dtype = files, name, axes, shape, dtype

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        wanted = [np.arange(n)[k] for n, k in zip(self.shape, key, strict=True)]
        along = [np.atleast_1d(wanted[axis]) for axis in self.axes]
        fill = np.nan if self.dtype.kind == "f" else "" if self.dtype.kind in "US" else int(Status.missing)
        result = np.full([np.size(each) for each in wanted], fill, self.dtype)
        for places in itertools.product(*(range(len(each)) for each in along)):
            file = self.files[tuple(each[i] for each, i in zip(along, places, strict=True))]
            if file is None:
                continue
            inner, region = list(key), [slice(None)] * len(key)
            for axis, place in zip(self.axes, places, strict=True):
                inner[axis], region[axis] = slice(0, 1), slice(place, place + 1)
            result[tuple(region)] = self._piece(file, tuple(inner)).reshape(result[tuple(region)].shape)
        return result.reshape([np.size(each) for each in wanted if np.ndim(each)])

    def _piece(self, manager: CachingFileManager, key: tuple[Any, ...]) -> np.ndarray:
        with NETCDF_LOCK:
            file = manager.acquire()
            with store.reading(file.filepath()):
                return np.asarray(store.read(file[self.name], key))


def _names_of_folders(path: str | Path) -> str:
    listed = os.listdir(path) if os.path.isdir(path) else []
    return f"{', '.join(sorted(name for name in listed if Path(path, name).is_dir())):.160}"


def _names_of_quantities(folder: Path) -> str:
    names = {file.stem for file in folder.glob("*.nc")} | {file.name.rpartition("-")[0] for file in folder.glob("blocks/*")}
    return f"{', '.join(sorted(names)):.160}"


def _foreign_code(owner: object, attributes: Mapping[str, Any], quantity: str) -> list[str]:
    return [] if provenance.is_of_this_code(attributes, quantity) else [f"{owner} is of another code version"]
