"""Profile of the score and the density along the line through the layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, attributes
from scoreshock.quantities.fields import log_density, score
from scoreshock.quantities.labelled import Output, apply, means_and_weights
from scoreshock.quantities.points import axis, diffusion_times, line_through_layer


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    return scores(mixture, content["options"]["x"], content["options"]["tau"])


def scores(mixture: xr.Dataset, x: Mapping[str, Any], tau: Mapping[str, Any]) -> xr.Dataset:
    """Profile of score and density along the line through the layer, at several diffusion times.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    x
        Grid along the line, as in a study: values or ``start, stop, num``, and ``unit``: ``absolute``, ``separation`` (half
        the means' extent along the line) or ``layer`` (the layer's width ``v/a``, (34)).
    tau
        Diffusion times, likewise; ``unit``: ``absolute`` or ``speciation`` (multiples of the leading time (77)).

    Returns
    -------
    Dataset
        ``score(..., feature)``, ``score_along``, ``log_density``, ``position(..., feature)`` and ``score_status``. The line
        runs through the midpoint of a pair, or else through the weighted mean along the leading eigenvector.
    """
    line = apply(
        line_through_layer,
        means_and_weights(mixture),
        [Output("centre", ("feature",)), Output("direction", ("feature",)), Output("extent")],
    )
    times = diffusion_times(mixture, tau)
    grid = axis(x, "x_scaled" if x.get("unit", "absolute") != "absolute" else "x")
    variance = mixture.component_variance + 2 * times
    one = xr.DataArray(1.0)
    unit = {"absolute": one, "separation": line.extent, "layer": variance / line.extent}[x.get("unit", "absolute")]
    position = (line.centre + grid * unit * line.direction).transpose(..., "feature")
    found = score(mixture, position, times)
    outside = np.isnan(times) | ~np.isfinite(unit)
    status = xr.where(outside, Status.no_transition, xr.where(variance > 0, Status.ok, Status.singular)).astype(np.int8)
    return xr.Dataset(
        {
            "score": found,
            "score_along": (found * line.direction).sum("feature", skipna=False),
            "log_density": log_density(mixture, position, times),
            "position": position,
            "score_status": status,
            **({"tau": times} if "tau" not in times.dims else {}),
        }
    ).map(lambda variable: variable.assign_attrs(attributes(str(variable.name))))
