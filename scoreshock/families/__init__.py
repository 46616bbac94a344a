"""Families of mixtures: each a function of labelled axes, so that a sweep is one call.

Arguments that are axes of the vocabulary (``conventions.AXES``) take a number, a 1D array (which becomes a dimension of
that name, with its values as coordinate) or a DataArray; the other arguments are parameters. A family keeps means in
coordinates of their own span, so that any ambient ``dimension`` costs the same.
"""

from scoreshock.families.draws import random
from scoreshock.families.given import custom, data
from scoreshock.families.registry import FAMILIES, REQUIRED, Family, build
from scoreshock.families.shapes import collinear, hierarchy, pair, polygon, simplex

__all__ = [
    "FAMILIES",
    "REQUIRED",
    "Family",
    "build",
    "collinear",
    "custom",
    "data",
    "hierarchy",
    "pair",
    "polygon",
    "random",
    "simplex",
]
