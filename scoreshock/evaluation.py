"""From a study's content to a labelled result: build the density, chunk it, call the quantity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

import xarray as xr

from scoreshock import axes, families, sources
from scoreshock.checks import show
from scoreshock.conventions import AXES, attributes

POINTS_PER_CHUNK = 100_000
"""Most points of one chunk, of a pair in one schedule's clock: enough that labelling and chunking cost a few percent of
the cheapest kernel (twice as few cost a third of it), and some 15 MB of results."""


CHEAP = ("component_variance", "ambient_dimension")
"""Variables of a mixture for which nothing is solved anew."""


CONTENT = ("family", "parameters", "axes", "schedules", "quantity", "options")
"""Keys of every content."""


class HasContent(Protocol):
    """A sweep or a block of a study."""

    def content(self, quantity: str) -> dict[str, Any]:
        """What ``quantity`` is computed from, as plain values."""


def evaluate(source: Mapping[str, Any] | HasContent, quantity: str | None = None, chunked: bool = True) -> xr.Dataset:
    """The labelled result of one quantity over a sweep, a block, or a resolved content.

    Parameters
    ----------
    source
        A sweep or block of a study (then ``quantity`` names what to compute), or the content of one.
    quantity
        One of ``scoreshock.conventions.QUANTITIES``; of wells ``scores``, ``speciation`` or ``layer``.
    chunked
        Lazily, in Dask chunks of bounded size (the numbers are the same), or at once.

    Returns
    -------
    Dataset
        The quantity over the sweep's axes, in the order of the axes, own dimensions last.

    Examples
    --------
    >>> import scoreshock as ss
    >>> content = {"family": "pair", "parameters": {}, "axes": {"separation": {"values": [1.0, 2.0]}},
    ...            "schedules": {}, "quantity": "speciation", "options": {}}
    >>> ss.evaluate(content).tau_star.sel(criterion="boundary").values
    array([0. , 1.5])
    """
    if isinstance(source, Mapping):
        content: Mapping[str, Any] = source
    else:
        if not callable(getattr(source, "content", None)):
            allowed = "a sweep or block of a study (ss.load_study(...).sweeps[name]), or the content of one"
            raise ValueError(f"source = {show(source)} is not allowed; allowed: {allowed}")
        if quantity is None:
            raise ValueError("quantity: missing; a sweep or block needs the name of the quantity to compute")
        content = source.content(quantity)
    if lacking := [key for key in CONTENT if key not in content]:
        raise ValueError(f"source = {show(source)} has no {', '.join(lacking)}; allowed: the content of a sweep or block")
    if quantity not in (None, content["quantity"]):
        raise ValueError(f"quantity = {show(quantity)} is not that of the content, {content['quantity']!r}; leave it out")
    # Imported by name: a job loads, and its code digest covers, only what its quantity computes with.
    module = import_module(f"scoreshock.quantities.{families.module_of(content['family'], content['quantity'])}")
    density = density_of(content)
    if chunked:
        density = density.chunk(_chunks(content, density))
    result = module.compute(density, content)
    return _in_order(result, density, list(content["axes"]))


def density_of(content: Mapping[str, Any]) -> xr.Dataset:
    """The labelled density, a mixture or wells, over all its axes, that a content names.

    Raises
    ------
    ValueError
        When the data file is no longer the one whose digest the content has.
    """
    named = {name: axes.values(spec) for name, spec in content["axes"].items()}
    density = families.build(content["family"], named, content["parameters"])
    if "data" in content:
        file = content["parameters"]["file"]
        digest = sources.digest(file)
        if digest != content["data"]:
            raise ValueError(
                f"file = {file!r} has changed: sha256 {digest}, expected {content['data']}; run the study again"
            )
    return density


def densities_per_chunk(content: Mapping[str, Any], components: int) -> int:
    """Most densities of one chunk: fewer where each has a grid, several schedules or many components."""
    profile = math.prod(axes.size(grid) for grid in content["options"].values() if isinstance(grid, Mapping))
    return max(1, POINTS_PER_CHUNK // (profile * max(1, len(content["schedules"])) * max(1, components // 2)))


def _chunks(content: Mapping[str, Any], density: xr.Dataset) -> dict[str, int]:
    """Chunk lengths of the sweep's axes: few enough points that their results fit, as many as that allows.

    What is solved for the means and weights serves every variance, so axes that only the variance has (and the dimension)
    are kept whole first; then the last axes, so that a chunk lies together in memory and in the file.
    """
    room = densities_per_chunk(content, density.sizes.get("component", 2))
    solved = {dim for name, variable in density.data_vars.items() if name not in CHEAP for dim in variable.dims}
    chunks = {}
    last_first = list(content["axes"])[::-1]
    for name in sorted(last_first, key=solved.__contains__):
        chunks[name] = min(axes.size(content["axes"][name]), max(1, room))
        room //= chunks[name]
    return chunks


def _in_order(result: xr.Dataset, density: xr.Dataset, names: list[str]) -> xr.Dataset:
    """Dimensions in the order of the axes, own dimensions last; every axis has its coordinate, described."""
    coordinates = {name: (name, density[name].values, attributes(name)) for name in names if name in density.coords}
    labelled = result.drop_vars([n for n in result.coords if n in AXES]).assign_coords(coordinates)
    return labelled.transpose(*[name for name in names if name in labelled.dims], ...)
