"""Families of densities with two wells: quartic potentials, as their labelled parameters."""

from __future__ import annotations

from typing import Any

import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.conventions import attributes
from scoreshock.densities.families.registry import family


@family(density="wells")
def quartic(quartic_coefficient: Any = 1.0, half_distance: Any = 1.0) -> xr.Dataset:
    r"""Densities ``p0 ~ exp(-U)`` with two wells of equal depth.

    .. math:: U(x) = c\,(x^2 - b^2)^2

    Parameters
    ----------
    quartic_coefficient, half_distance
        c > 0, and half the distance b >= 0 of the wells, which are at -b and +b.

    Returns
    -------
    xarray.Dataset
        The parameters alone, ``well_quartic_coefficient, well_half_distance, well_tilt``: what ``ss.well_speciation`` and
        the like take. ``ss.well`` also finds wells and barrier.

    References
    ----------
    arXiv:2604.07404, section 10, (95).

    Examples
    --------
    >>> import scoreshock as ss
    >>> dict(ss.families.quartic(half_distance=[1.0, 2.0]).sizes)
    {'half_distance': 2}
    """
    return tilted_quartic(quartic_coefficient, half_distance, 0.0)


@family(density="wells")
def tilted_quartic(quartic_coefficient: Any = 1.0, half_distance: Any = 1.0, tilt: Any = 0.0) -> xr.Dataset:
    r"""Densities ``p0 ~ exp(-U)`` with two wells of unequal depth; a tilt of size ``8 c b^3/(3 sqrt 3)`` or more leaves one.

    .. math:: U(x) = c\,(x^2 - b^2)^2 - h\,x

    Parameters and result as in :func:`quartic`, with the ``tilt`` h, a finite number; the tilt is ours.

    Examples
    --------
    >>> import scoreshock as ss
    >>> float(ss.families.tilted_quartic(tilt=0.1).well_tilt)
    0.1
    """
    parameters = {"quartic_coefficient": quartic_coefficient, "half_distance": half_distance, "tilt": tilt}
    dataset = xr.Dataset({f"well_{name}": as_axis(name, value) for name, value in parameters.items()})
    for name in map(str, dataset.variables):
        dataset[name].attrs = attributes(name)
    return dataset
