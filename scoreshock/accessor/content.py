"""What results say about how they were computed: their content, and whether this code computes them."""

from __future__ import annotations

import json
from typing import Any

import xarray as xr

PARAMETERS = "scoreshock_parameters"
"""Attribute with the content of results, as JSON."""


def content_of(data: xr.Dataset | xr.DataArray, needed: bool = True) -> dict[str, Any] | None:
    """The content that the results were computed from.

    Raises
    ------
    ValueError
        If it is ``needed`` and the data do not have it, or it cannot be read.
    """
    text = data.attrs.get(PARAMETERS)
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        content = None
    if isinstance(content, dict):
        return content
    if needed:
        raise ValueError(
            f"the attribute {PARAMETERS}: missing, so it is not known how these results were computed; allowed: results of "
            "ss.open_results, whose attributes are kept (xr.set_options(keep_attrs=True))"
        )
    return None
