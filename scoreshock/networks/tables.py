"""Files that the workflow makes of networks: their diagnosis, the table of symptoms, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.densities.families.learned import networks as family
from scoreshock.figures import save
from scoreshock.figures.captions import caption
from scoreshock.figures.description import FIGURES
from scoreshock.networks.diagnosis import diagnosis
from scoreshock.networks.files import worded
from scoreshock.networks.mode_weights import weight_errors
from scoreshock.networks.symptoms import as_markdown, symptom_table
from scoreshock.networks.workflow import KINDS, OF_EACH, table_files
from scoreshock.storage import store
from scoreshock.storage.staging import write_file


def write_diagnosis(
    networks: Path, path: Path, part: int = 0, parts: int = 1, attributes: Mapping[str, Any] | None = None, **options: Any
) -> None:
    """Write the diagnosis of the networks of a file, or of one part of them, with words for ``damage``.

    Parameters
    ----------
    networks
        File of networks.
    path
        File of the diagnosis.
    part, parts
        Every so many networks along the longest of their dimensions, from ``part`` on.
    attributes
        Global attributes.
    options
        ``levels``, ``samples`` and ``seed`` of the diagnosis.
    """
    learned = family(file=str(networks))
    own = [str(dim) for dim in learned.network_parameter.dims if dim != "parameter"]
    longest = max(own, key=learned.sizes.__getitem__)
    chosen = learned.isel({longest: slice(part, None, parts)})
    found = diagnosis(chosen, **{f"diagnosis_{name}": value for name, value in options.items()})
    words = {name: worded(chosen[name]) for name in own}
    store.write(
        found.assign_coords(words), path, {**(attributes or {}), "features": learned.sizes["feature"], "part_of": longest}
    )


def join_diagnoses(parts: Sequence[Path], path: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Write one file of the parts that `write_diagnosis` wrote, in their order, with the networks in that of their file."""
    opened = [_loaded(part) for part in parts]
    cut = opened[0].attrs["part_of"]
    whole = xr.concat(opened, cut, data_vars="minimal", coords="minimal", compat="override")
    places = [np.arange(each.sizes[cut]) * len(opened) + part for part, each in enumerate(opened)]
    ordered = whole.isel({cut: np.argsort(np.concatenate(places))})
    store.write(ordered, path, {**(attributes or {}), "features": opened[0].attrs["features"]})


def write_tables(
    diagnoses: Mapping[str, Path],
    courses: Mapping[str, Path],
    folder: Path,
    attributes: Mapping[str, Any] | None = None,
    digest: str = "",
) -> list[Path]:
    """Write the table of symptoms, the errors of mode weights and the figures of the networks of data sets by name.

    Parameters
    ----------
    diagnoses, courses
        Files of diagnoses of networks by damage and seed, and of good ones by training step and seed.
    folder, attributes, digest
        Where the files are written, and what is in them.

    Returns
    -------
    list of Path
        Those of `table_files`, in ``folder``.
    """
    found = {name: _loaded(path) for name, path in diagnoses.items()}
    tables = {"symptoms": symptom_table(found), "mode-weights": weight_errors(found)}
    for name, table in tables.items():
        store.write(table, folder / f"{name}.nc", attributes)
    write_file(as_markdown(tables["symptoms"]).encode(), folder / "symptoms.md")
    drawn = {name: (name, table) for name, table in tables.items()}
    of_each = (found, {name: _loaded(path) for name, path in courses.items()})
    drawn |= {
        f"{name}-{figure}": (figure, each[name]) for figure, each in zip(OF_EACH, of_each, strict=True) for name in found
    }
    for name, (figure, data) in drawn.items():
        panels = FIGURES[figure].panels({FIGURES[figure].of: data})
        words = caption(FIGURES[figure].words, panels)
        for kind in KINDS:
            save(panels, folder / f"{name}.{kind}", name, words, digest)
    return [folder / name for name in table_files(found)]


def _loaded(path: Path) -> xr.Dataset:
    with store.open_file(path) as opened:
        return opened.load()
