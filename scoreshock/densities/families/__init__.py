"""Families of mixtures and of wells: each a function of labelled axes, so that a sweep is one call.

Arguments that are axes of the vocabulary (``conventions.AXES``) take a number, a 1D array (which becomes a dimension of
that name, with its values as coordinate) or a DataArray; the other arguments are parameters. A family keeps means in
coordinates of their own span, so that any ambient ``dimension`` costs the same. Each is here by the name of its function,
those that a session or a plugin declares included.
"""

from typing import TYPE_CHECKING, Any

# isort: off
# In the order of messages and of the documentation.
from scoreshock.densities.families import shapes, draws, means, wells, learned

# isort: on
from scoreshock.densities.families.registry import FAMILIES, REQUIRED, Family, build, family, family_of

if TYPE_CHECKING:  # what `__getattr__` finds, for type checkers and editors
    from scoreshock.densities.families.draws import random as random
    from scoreshock.densities.families.learned import networks as networks
    from scoreshock.densities.families.means import custom as custom
    from scoreshock.densities.families.means import data as data
    from scoreshock.densities.families.shapes import collinear as collinear
    from scoreshock.densities.families.shapes import hierarchy as hierarchy
    from scoreshock.densities.families.shapes import pair as pair
    from scoreshock.densities.families.shapes import polygon as polygon
    from scoreshock.densities.families.shapes import simplex as simplex
    from scoreshock.densities.families.wells import quartic as quartic
    from scoreshock.densities.families.wells import tilted_quartic as tilted_quartic

__all__ = ["FAMILIES", "REQUIRED", "Family", "build", "draws", "family", "family_of", "learned", "means", "shapes", "wells"]


def __getattr__(name: str) -> Any:
    for each in FAMILIES.values():
        if each.function.__name__ == name:
            return each.function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *(each.function.__name__ for each in FAMILIES.values())])
