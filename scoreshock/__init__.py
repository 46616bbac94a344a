"""scoreshock: labelled parameter sweeps over the Burgers structure of diffusion scores.

A mixture is a labelled dataset, and a sweep is broadcasting: every dimension that a mixture carries besides its own is
a sweep dimension, and every quantity carries it on. Formulas and numbers of theorems: arXiv:2604.07404.
"""

import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from types import ModuleType
from typing import Any

import lazy_loader

__version__ = version("scoreshock")

# Names are imported on first use, so that a job loads only what it needs.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _AfterXarray(MetaPathFinder):
    """Registers ``data.scoreshock`` when somebody imports xarray, which takes half a second and is not always needed."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != "xarray":
            return None
        found = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                sys.meta_path.remove(self)
                execute(module)
                import_module("scoreshock.accessor")

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "xarray" in sys.modules:
    import_module("scoreshock.accessor")
else:
    sys.meta_path.insert(0, _AfterXarray())
