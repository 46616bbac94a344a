"""A plugin, and a process that forgets it afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoreshock import figures, plugins
from scoreshock.densities.families import FAMILIES
from scoreshock.quantities.declaration import CRITERIA, DECLARED
from scoreshock.schedules.schedule import KINDS
from scoreshock.study.vocabulary import vocabulary

SOURCE = Path(__file__).with_name("offgrid.py")
REGISTRIES = (FAMILIES, KINDS, DECLARED, CRITERIA, figures.FIGURES)


@contextmanager
def forgotten() -> Iterator[None]:
    """Whatever the body declares and loads is unknown after it."""
    vocabulary()  # imports all of ours
    kept = [(dict(each), dict(each._functions)) for each in REGISTRIES]
    try:
        yield
    finally:
        for registry, (declared, functions) in zip(REGISTRIES, kept, strict=True):
            registry.clear()
            registry.update(declared)
            registry._functions = functions
        for name in list(plugins.LOADED):
            del plugins.LOADED[name]
            sys.modules.pop(name, None)
