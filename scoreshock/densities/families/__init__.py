"""Families of mixtures and of wells: each a function of labelled axes, so that a sweep is one call.

Arguments that are axes of the vocabulary (``conventions.AXES``) take a number, a 1D array (which becomes a dimension of
that name, with its values as coordinate) or a DataArray; the other arguments are parameters. A family keeps means in
coordinates of their own span, so that any ambient ``dimension`` costs the same.
"""

from scoreshock.densities.families.draws import random
from scoreshock.densities.families.means import custom, data
from scoreshock.densities.families.registry import FAMILIES, REQUIRED, Family, Kind, build, module_of
from scoreshock.densities.families.shapes import collinear, hierarchy, pair, polygon, simplex
from scoreshock.densities.families.wells import quartic, tilted_quartic

__all__ = [
    "FAMILIES",
    "REQUIRED",
    "Family",
    "Kind",
    "build",
    "collinear",
    "custom",
    "data",
    "hierarchy",
    "module_of",
    "pair",
    "polygon",
    "quartic",
    "random",
    "simplex",
    "tilted_quartic",
]
