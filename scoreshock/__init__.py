"""scoreshock: labelled parameter sweeps over the Burgers structure of diffusion scores.

A mixture is a labelled dataset, and a sweep is broadcasting: every dimension that a mixture carries besides its own is
a sweep dimension, and every quantity carries it on. Formulas and numbers of theorems: arXiv:2604.07404.
"""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import lazy_loader

__version__ = version("scoreshock")

# Names are imported on first use, so that a job loads only what it needs.
_public, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A public name, with which ``data.scoreshock`` comes into being: registering it takes xarray's import."""
    value = _public(name)
    import_module("scoreshock.accessor")
    return value


if "xarray" in sys.modules:
    import_module("scoreshock.accessor")
