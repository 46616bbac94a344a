"""scoreshock: labelled parameter sweeps over the Burgers structure of diffusion scores.

A mixture is a labelled dataset, and a sweep is broadcasting: every dimension that a mixture carries besides its own is
a sweep dimension, and every quantity carries it on. Formulas and numbers of theorems: arXiv:2604.07404.
"""

from importlib.metadata import version

import lazy_loader

__version__ = version("scoreshock")

# Names are imported on first use, so that a job loads only what it needs.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
