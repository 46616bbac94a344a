"""Names that a study may use: declared by the package, by the session and by the study's plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scoreshock.densities.families import FAMILIES
from scoreshock.figures import FIGURES
from scoreshock.plugins import Plugin, Registry
from scoreshock.quantities import declaration
from scoreshock.quantities.declaration import CRITERIA, DECLARED, Quantity
from scoreshock.schedules.schedule import KINDS


@dataclass(frozen=True)
class Vocabulary:
    """Names of families, kinds of schedules, criteria, axes of files and figures; quantities."""

    families: tuple[str, ...]
    kinds: tuple[str, ...]
    criteria: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    file_axes: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    @property
    def quantity_names(self) -> tuple[str, ...]:
        """Names of the quantities of any density."""
        return tuple(dict.fromkeys(each.name for each in self.quantities))

    @property
    def options(self) -> tuple[str, ...]:
        """Options of any quantity."""
        return tuple(dict.fromkeys(name for each in self.quantities for name in each.options))

    def quantities_with(self, option: str) -> list[Quantity]:
        """The quantities that take an option."""
        return [each for each in self.quantities if option in each.options]

    def of(self, density: str) -> dict[str, Quantity]:
        """The quantities of one kind of density by name."""
        return {each.name: each for each in self.quantities if each.density == density}

    def criteria_of(self, density: str) -> tuple[str, ...]:
        """The criteria of one kind of density."""
        return tuple(name for name in declaration.criteria_of(density) if name in self.criteria)


def vocabulary(plugins: Iterable[Plugin] | None = None) -> Vocabulary:
    """The names that a study with these plugins may use; without an argument, those of the package alone.

    Examples
    --------
    >>> [each.name for each in vocabulary().quantities_with("order")]
    ['corrections']
    """
    declaration.import_all()
    known = None if plugins is None else tuple(plugins)

    def names(registry: Registry[Any]) -> tuple[str, ...]:
        return registry.builtin() if known is None else registry.visible(known)

    def mixtures_first(keys: Iterable[str]) -> list[str]:  # whatever module was imported first
        return sorted(keys, key=lambda key: "." in key)

    criteria = dict.fromkeys(CRITERIA[key].name for key in mixtures_first(names(CRITERIA)))
    quantities = (DECLARED[key] for key in mixtures_first(sorted(names(DECLARED))))
    return Vocabulary(names(FAMILIES), names(KINDS), tuple(criteria), tuple(quantities), figures=names(FIGURES))


def file_axes(study: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the axes of all files in a study; problems of the files are reported later."""
    names: dict[str, None] = {}
    for sweep in map(_mapping, _mapping(study.get("sweeps")).values()):
        family = FAMILIES.get(str(sweep.get("family")))
        with suppress(ValueError, TypeError, OSError):
            names |= dict.fromkeys(family.axes_of(_mapping(sweep.get("parameters"))) if family else ())
    return tuple(names)


def load_installed(study: Mapping[str, Any]) -> list[Plugin]:
    """Load the installed plugins whose entry points declare names that a study uses and nothing else declares."""
    declaration.import_all()
    loaded: list[Plugin] = []
    for registry, names in _named(study):
        unknown = {name for name in names if isinstance(name, str)} - {name.rpartition(".")[2] for name in registry}
        for name in sorted(unknown & registry.entry_points()) if unknown else ():
            loaded += registry.installed(name)
    return loaded


def _named(study: Mapping[str, Any]) -> list[tuple[Registry[Any], list[Any]]]:
    """Names in a study, which may be anything, by the registry that could have them."""
    schedules = _mapping(study.get("schedules"))
    sweeps = [_mapping(sweep) for sweep in _mapping(study.get("sweeps")).values()]
    labels = [label for sweep in sweeps for label in _list(_mapping(sweep.get("axes")).get("schedule"))]
    kinds = [_mapping(spec).get("kind", spec) for spec in schedules.values()]
    return [
        (KINDS, kinds + [label for label in labels if label not in schedules]),
        (FAMILIES, [sweep.get("family") for sweep in sweeps]),
        (DECLARED, [name for sweep in sweeps for name in _list(sweep.get("quantities"))]),
        (CRITERIA, [name for sweep in sweeps for name in _list(sweep.get("criteria"))]),
    ]


def _list(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
