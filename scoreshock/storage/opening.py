"""Open the results of a quantity: its file, or its blocks combined lazily."""

from __future__ import annotations

import itertools
import os
import secrets
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import BackendArray, CachingFileManager
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from scoreshock.axes import expanded
from scoreshock.checks import listed, show
from scoreshock.conventions import Status
from scoreshock.storage import provenance, store
from scoreshock.storage.netcdf_lock import NETCDF_LOCK
from scoreshock.storage.plans import PLAN, Planned, is_name, planned

__all__ = ["open_files", "open_results"]

NOTED = 50  # maximum number of lines of a warning


def open_files(paths: Iterable[str | Path], chunks: Any = "stored") -> dict[str, xr.Dataset]:
    """Open intact files lazily, by their stems (``speciation``); ``chunks`` as in `store.open_file`."""
    return {path.stem: store.open_file(path, chunks) for path in map(Path, paths)}


@overload
def open_results(path: str | Path, sweep: str, quantity: str) -> xr.Dataset: ...
@overload
def open_results(path: str | Path, sweep: str | None = None) -> xr.DataTree: ...
def open_results(path: str | Path, sweep: str | None = None, quantity: str | None = None) -> xr.Dataset | xr.DataTree:
    """Open results lazily: those of a quantity, all of a sweep, or all of a folder; warn about what is missing.

    Parameters
    ----------
    path : path
        Folder of the results.
    sweep : str, optional
        Name of a sweep; by default all sweeps.
    quantity : str, optional
        Name of a quantity; by default all of the sweep, its comparison included.

    Returns
    -------
    Dataset or DataTree
        Of a quantity its file if it is intact and matches the study, otherwise the existing blocks. Missing values are NaN
        for floats and -1 for flags and integers. Blocks are located by their names and verified when values are loaded.
        Without a quantity a tree with a node for each (``tree["sweep/quantity"]``, of a sweep ``tree["quantity"]``): only
        headers and axes are read, and a quantity that is missing or damaged is an empty node with the reason.

    Warns
    -----
    UserWarning
        Lists missing blocks, missing and damaged files (at most `NOTED` lines) and results whose parameters or code differ
        from the study; the text is also in the attribute ``scoreshock_warnings``, of a tree and of the node.

    Raises
    ------
    FileNotFoundError
        If the folder, the sweep or the quantity has no results; the message lists the available ones.
    ValueError
        If ``path`` is not a path, or a name is not a name.
    scoreshock.storage.store.BrokenFile
        For a damaged file of a quantity, also when values are loaded later.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import xarray as xr
    >>> import scoreshock as ss
    >>> from scoreshock.storage import provenance, store
    >>> folder = Path(tempfile.mkdtemp())
    >>> one = xr.Dataset({"tau": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]})
    >>> store.write(one, folder / "pair" / "speciation.nc", {"scoreshock_code_digest": provenance.code_digest("speciation")})
    >>> float(ss.open_results(folder, "pair", "speciation").tau.sel(separation=2.0))
    2.0
    >>> ss.open_results(folder)["pair/speciation"].tau.values
    array([0.5, 2. ])
    """
    results: xr.Dataset | xr.DataTree
    if quantity is None:
        results, notes = _tree(_results_folder(path), sweep)
    else:
        folder = _folder(path, sweep, quantity)
        results, notes = _open_best(folder, planned(folder).get(quantity), quantity)
    if notes:
        results.attrs["scoreshock_warnings"] = _text_of(notes)
        warnings.warn(_text_of(notes), UserWarning, stacklevel=2)
    return results


def _text_of(notes: list[str]) -> str:
    if len(notes) > NOTED:
        notes = [*notes[:NOTED], f"... and {len(notes) - NOTED:,} more; `scoreshock status` lists them"]
    return "\n".join(notes)


def _tree(path: Path, sweep: str | None) -> tuple[xr.DataTree, list[str]]:
    """All results of a folder, or of one sweep, as a tree; also the warnings."""
    names = [sweep] if sweep is not None else _sweeps(path)
    nodes, notes = {}, []
    for name in names:
        folder = _folder(path, name)
        quantities, noted = _quantities(folder)
        opened = {quantity: _node(folder, part, quantity) for quantity, part in quantities.items()}
        title = {"title": f"results of the sweep {name}", "scoreshock_warnings": "\n".join(noted)}
        nodes[f"/{name}"] = xr.Dataset(attrs={key: text for key, text in title.items() if text})
        nodes |= {f"/{name}/{quantity}": dataset for quantity, (dataset, _) in opened.items()}
        notes += [*noted, *(f"{name}/{quantity}: {note}" for quantity, (_, own) in opened.items() for note in own)]
    if not any(nodes[node].data_vars for node in nodes):
        raise FileNotFoundError(_text_of([f"no results in {path!s:.160}; available: {_names_of_folders(path)}", *notes]))
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"title": f"results in {path}"}), **nodes})
    return (tree if sweep is None else _alone(tree, sweep)), notes


def _alone(tree: xr.DataTree, sweep: str) -> xr.DataTree:
    node = tree.children[sweep].copy()
    node.orphan()
    return node


def _sweeps(path: Path) -> list[str]:
    """Folders that have a plan, files of quantities or blocks."""
    folders = sorted(each for each in path.iterdir() if each.is_dir())
    return [each.name for each in folders if any((each / PLAN).exists() or any(each.glob(p)) for p in ("*.nc", "blocks/*"))]


def _quantities(folder: Path) -> tuple[dict[str, Planned | None], list[str]]:
    """Quantities of the sweep in a folder with their plans: first those of its plan; also what is wrong with the plan."""
    try:
        parts, notes = planned(folder), []
    except store.BrokenFile as error:
        parts, notes = {}, [str(error)]
    return {**parts, **dict.fromkeys(sorted({path.stem for path in folder.glob("*.nc")} - set(parts)))}, notes


def _node(folder: Path, part: Planned | None, quantity: str) -> tuple[xr.Dataset, list[str]]:
    """A quantity as `_open_best` opens it, or an empty dataset with the reason; also the warnings."""
    try:
        dataset, notes = _open_best(folder, part, quantity)
    except (store.BrokenFile, FileNotFoundError) as error:
        dataset, notes = xr.Dataset(), [str(error)]
    dataset.attrs |= {"scoreshock_warnings": _text_of(notes)} if notes else {}
    return dataset, notes


def _results_folder(path: Any) -> Path:
    """The folder of all results; raises if this is no path, or the folder does not exist."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path = {show(path)} is not allowed; allowed: a path")
    folder = Path(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no folder {folder!s:.160}; paths are relative to the folder {Path.cwd()!s:.100}")
    return folder


def _folder(path: str | Path, sweep: Any, *quantity: Any) -> Path:
    """Folder of a sweep; raises if the arguments are invalid or the folder does not exist."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path = {show(path)} is not allowed; allowed: a path")
    for argument, name in zip(("sweep", "quantity"), (sweep, *quantity), strict=False):
        if not is_name(name):
            raise ValueError(f"{argument} = {show(name)} is not allowed; allowed: a name")
    folder = Path(path) / sweep
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no sweep {sweep!r:.80} in {path!s:.120}; available: {_names_of_folders(path)}")
    return folder


def _open_best(folder: Path, part: Planned | None, quantity: str) -> tuple[xr.Dataset, list[str]]:
    """The file of the quantity if it matches the study, else its blocks, else the file; also the warnings."""
    file = folder / f"{quantity}.nc"
    inspected = store.inspect(file)
    differs = part is not None and inspected.attributes.get(provenance.DIGEST) != part.digest
    if inspected.state == "ok" and not differs:
        return store.open_file(file), _other_code(file, inspected.attributes, quantity)
    notes = []
    if inspected.state not in ("ok", "missing"):
        notes.append(f"{file} is {inspected.state}: {inspected.reason}")
    elif inspected.state == "ok":
        notes.append(f"{file} does not match the parameters, blocks or code of the study")
    paths = _blocks(folder, part) if part is not None and part.split else {}
    if part is not None and paths:
        dataset, warned = _combined(folder, part, paths, quantity)
        return dataset, [f"{note}; reading the blocks instead" for note in notes] + warned
    if inspected.state == "ok":
        return store.open_file(file), [*notes, *_other_code(file, inspected.attributes, quantity)]
    if notes:
        raise store.BrokenFile("; ".join(notes))
    unplanned = not part and any(folder.glob(f"blocks/{quantity}-*"))
    raise FileNotFoundError(
        f"no results of {quantity!r:.80} in {folder!s:.160}; available: {_names_of_quantities(folder)}"
        + (f"; {PLAN} is missing: running the study writes it" if unplanned else "")
    )


def _blocks(folder: Path, part: Planned) -> dict[str, Path]:
    """Existing blocks of the plan, by name."""
    try:
        present = set(os.listdir(folder / part.folder))
    except OSError:
        return {}
    return {name: folder / part.folder / f"{name}.nc" for name, _ in part.blocks() if f"{name}.nc" in present}


def _combined(folder: Path, part: Planned, paths: Mapping[str, Path], quantity: str) -> tuple[xr.Dataset, list[str]]:
    """Blocks as one lazy dataset, in the layout of the first intact one; also the warnings."""
    names = [name for name, _ in part.blocks()]
    files = np.full([len(named) for named in part.split.values()], None, dtype=object)
    for position, name in enumerate(names):
        if name in paths:
            files.flat[position] = CachingFileManager[Any](
                _open, paths[name], part.blocks_digest, mode="r", lock=NETCDF_LOCK
            )
    one = store.open_file(_first_intact(paths.values(), part.blocks_digest))
    result, opening = expanded(one, part.labels), secrets.token_hex(8)
    for name in map(str, result.variables.keys() - result.xindexes.keys()):
        dims = one[name].dims
        if set(dims).isdisjoint(part.split):
            result[name] = one[name]
            continue
        present = _first_along(files, [i for i, axis in enumerate(part.split) if axis not in dims])
        axes = [dims.index(axis) for axis in part.split if axis in dims]
        lazy = LazilyIndexedArray(_Blocks(present, name, axes, result[name].shape, one[name].dtype))
        steps = {dim: lengths[0] for dim, lengths in one[name].chunksizes.items()}
        # An explicit name, because Dask's default, a digest of the array, takes seconds for many blocks.
        result[name] = xr.Variable(dims, lazy, one[name].attrs).chunk(steps, name=f"{name}-{opening}")
    kept = {key: value for key, value in one.attrs.items() if key not in (provenance.DIGEST, store.MARKER)}
    notes = [f"block {name} is missing ({folder / part.folder / name}.nc)" for name in names if name not in paths]
    result.attrs = kept | provenance.of_content(part.content)
    return result, notes + _other_code("the first block", one.attrs, quantity)


def _first_intact(paths: Iterable[Path], digest: str) -> Path:
    """The first block that is intact and has this digest; it has the layout of all blocks."""
    errors = []
    for path in paths:
        try:
            with NETCDF_LOCK:
                _open(path, digest).close()
            return path
        except store.BrokenFile as error:
            errors.append(error)
    raise errors[0]


def _first_along(files: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """The first entry along ``axes`` that is not None; these axes are removed."""
    for axis in sorted(axes, reverse=True):
        present = np.frompyfunc(lambda file: file is not None, 1, 1)(files).astype(bool)
        files = np.take_along_axis(files, np.expand_dims(present.argmax(axis), axis), axis).squeeze(axis)
    return files


def _open(path: Path, digest: str, mode: str = "r") -> netCDF4.Dataset:  # noqa: ARG001 - CachingFileManager pickles only with a mode
    """Open a block; `BrokenFile` if it is damaged or its digest is not that of its folder."""
    file, inspected = store.open_whole(path)
    if inspected.attributes.get(provenance.DIGEST) != digest:
        file.close()
        raise store.BrokenFile(f"{path} has other code or parameters than its folder")
    return file


class _Blocks(BackendArray):
    """A variable over all blocks, which are opened and verified when their values are read.

    ``files`` are managers of the blocks' files, None for missing ones, along those of its ``axes`` that are split.
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
        for indices in itertools.product(*(range(len(each)) for each in along)):
            file = self.files[tuple(each[i] for each, i in zip(along, indices, strict=True))]
            if file is None:
                continue
            inner, region = list(key), [slice(None)] * len(key)
            for axis, index in zip(self.axes, indices, strict=True):
                inner[axis], region[axis] = slice(0, 1), slice(index, index + 1)
            result[tuple(region)] = self._piece(file, tuple(inner)).reshape(result[tuple(region)].shape)
        return result.reshape([np.size(each) for each in wanted if np.ndim(each)])

    def _piece(self, manager: CachingFileManager, key: tuple[Any, ...]) -> np.ndarray:
        with NETCDF_LOCK:
            file = manager.acquire()
            with store.reading(file.filepath()):
                return np.asarray(store.read(file[self.name], key))


def _names_of_folders(path: str | Path) -> str:
    return listed(_sweeps(Path(path)) if os.path.isdir(path) else [])


def _names_of_quantities(folder: Path) -> str:
    return listed(
        sorted({*(f.stem for f in folder.glob("*.nc")), *(b.name.rpartition("-")[0] for b in folder.glob("blocks/*"))})
    )


def _other_code(what: object, attributes: Mapping[str, Any], quantity: str) -> list[str]:
    return [] if provenance.is_of_this_code(attributes, quantity) else [f"{what} was computed by another code version"]
