"""Labelled results of the contents of a study: build the density, chunk it, compute the quantity."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Protocol

import xarray as xr

from scoreshock import axes
from scoreshock.checks import show, switch
from scoreshock.conventions import AXES, attributes
from scoreshock.densities import families, sources
from scoreshock.densities.tables.reading import data_files
from scoreshock.quantities.declaration import declared

POINTS_PER_CHUNK = 100_000
"""Maximum number of points of one chunk, for a pair with one schedule, about 15 MB of results: labelling and chunking then
take a few percent of the time of the cheapest kernel."""


CHEAP = ("component_variance", "ambient_dimension")
"""Variables of a mixture on which no equation depends that is expensive to solve."""


CONTENT = ("family", "parameters", "axes", "schedules", "quantity", "options")
"""Keys of every content."""


class HasContent(Protocol):
    """A block of a study with its content, or a sweep with the method that returns the content of a quantity."""

    @property
    def content(self) -> dict[str, Any] | Callable[[str], dict[str, Any]]: ...


def evaluate(
    source: Mapping[str, Any] | HasContent,
    quantity: str | None = None,
    chunked: bool | Literal["several"] = True,
) -> xr.Dataset:
    """The labelled result of one quantity over a sweep, a block, or a resolved content.

    Parameters
    ----------
    source
        A sweep of a study (then ``quantity`` names what to compute), a block of one, or the content of either.
    quantity
        A quantity that is computed of the family, such as ``speciation``.
    chunked
        Lazily, in Dask chunks of bounded size (the numbers are the same), or at once; with ``"several"`` lazily where there
        are several chunks.

    Returns
    -------
    Dataset
        The quantity over the sweep's axes, in the order of the axes, dimensions of the quantity last. With the units
        of the quantity.

    Raises
    ------
    ValueError
        For what is no sweep, block or content, another quantity than that of the content, or a data file that has
        changed.

    Examples
    --------
    >>> import scoreshock as ss
    >>> content = {"family": "pair", "parameters": {}, "axes": {"separation": {"values": [1.0, 2.0]}},
    ...            "schedules": {}, "quantity": "speciation", "options": {}}
    >>> ss.evaluate(content).tau_star.sel(criterion="boundary").values
    array([0. , 1.5])
    """
    content: Any = source if isinstance(source, Mapping) else getattr(source, "content", None)
    if callable(content):
        if quantity is None:
            raise ValueError("quantity: missing; a sweep needs the name of the quantity to compute")
        content = content(quantity)
    if not isinstance(content, Mapping):
        allowed = "a sweep or block of a study (ss.load_study(...).sweeps[name]), or the content of one"
        raise ValueError(f"source = {show(source)} is not allowed; allowed: {allowed}")
    if lacking := [key for key in CONTENT if key not in content]:
        raise ValueError(f"source = {show(source)} has no {', '.join(lacking)}; allowed: the content of a sweep or block")
    if quantity not in (None, content["quantity"]):
        raise ValueError(f"quantity = {show(quantity)} is not that of the content, {content['quantity']!r}; leave it out")
    density = density_of(content)
    chunks = _chunks(content, density)
    is_several = any(length < axes.size(content["axes"][name]) for name, length in chunks.items())
    lazily = is_several if isinstance(chunked, str) and chunked == "several" else switch("chunked", chunked)
    return _computed(content, density.chunk(chunks) if lazily else density)


def template(content: Mapping[str, Any]) -> xr.Dataset:
    """Layout of the result of `evaluate`: dimensions, coordinates, types and descriptions, without numbers.

    Nothing is computed: it is the lazy result of one point, expanded along the axes.

    Parameters
    ----------
    content
        A resolved content.

    Returns
    -------
    Dataset
        Zeros in place of results, which take no memory; ``nbytes`` is the size of all results before compression.

    Examples
    --------
    >>> content = {"family": "pair", "parameters": {}, "axes": {"separation": {"start": 1.0, "stop": 2.0, "num": 1000}},
    ...            "schedules": {}, "quantity": "speciation", "options": {}}
    >>> dict(template(content).tau_star.sizes)
    {'separation': 1000, 'criterion': 7}
    """
    first = {name: [spec["values"][0] if "values" in spec else spec["start"]] for name, spec in content["axes"].items()}
    density = _point(json.dumps([content["family"], first, content["parameters"]]))
    result = _computed({**content, "axes": {name: {"values": value} for name, value in first.items()}}, density.chunk())
    labels = {name: axes.values(spec) for name, spec in content["axes"].items() if name in result.xindexes}
    return axes.expanded(
        result, {name: values.astype(result[name].dtype) for name, values in labels.items()}, one_chunk=True
    )


@lru_cache(maxsize=64)
def _point(text: str) -> xr.Dataset:
    """The density at one value of every axis, which is the same for all quantities of a sweep."""
    return families.build(*json.loads(text))


def _computed(content: Mapping[str, Any], density: xr.Dataset) -> xr.Dataset:
    quantity = declared(content["quantity"], families.family_of(content["family"]).density)
    result = _in_order(quantity.compute(density, content), density, list(content["axes"]))
    # What is known of data, such as their units, and how they were read.
    told = density.attrs if "data_units" in density.attrs else {}
    return result.assign_attrs({f"data_{name.removeprefix('data_')}": value for name, value in told.items()})


def density_of(content: Mapping[str, Any]) -> xr.Dataset:
    """The labelled density of a content, a mixture or wells, over all its axes.

    Raises
    ------
    ValueError
        If the data file has changed since the content was written.
    """
    named = {name: axes.values(spec) for name, spec in content["axes"].items()}
    density = families.build(content["family"], named, content["parameters"])
    if "data" in content:
        files = data_files(content["parameters"])
        digest = sources.digest(*files)
        if digest != content["data"]:
            raise ValueError(
                f"file = {' or '.join(map(repr, files))} has changed: sha256 {digest}, "
                f"expected {content['data']}; run the study again"
            )
    return density


def densities_per_chunk(content: Mapping[str, Any], components: int) -> int:
    """Maximum number of densities of one chunk; it decreases with grids, schedules and components."""
    profile = math.prod(axes.size(grid) for grid in content["options"].values() if isinstance(grid, Mapping))
    return max(1, POINTS_PER_CHUNK // (profile * max(1, len(content["schedules"])) * max(1, components // 2)))


def _chunks(content: Mapping[str, Any], density: xr.Dataset) -> dict[str, int]:
    """Chunk lengths of the sweep's axes, as long as the results of a chunk fit into memory.

    Equations of the means and weights are solved once for all variances, so axes that only the variance (or the dimension)
    has are divided last; before them the last axes, so that a chunk is contiguous in memory and in the file.
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
    """Dimensions in the order of the axes, dimensions of the quantity last; every axis has its coordinate, described."""
    swept = [name for name in names if name in density.coords]
    described = {name: attributes(name) if name in AXES else density[name].attrs for name in swept}
    coordinates = {name: (name, density[name].values, described[name]) for name in swept}
    labelled = result.drop_vars([n for n in result.coords if n in (*AXES, *swept)]).assign_coords(coordinates)
    return labelled.transpose(*[name for name in names if name in labelled.dims], ...)
