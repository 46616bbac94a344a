"""Declarations of quantities: function, kind of densities, options, variables, and measured cost of a point.

Modules of this package use the decorator `quantity`, those of speciation also `criterion`. The model of a study, the JSON
schema, the plan, the tables of the documentation and the digest of the code are derived from the declarations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from scoreshock.checks import show, suggestion
from scoreshock.conventions import Status, Variable
from scoreshock.options import Grid, Options
from scoreshock.plugins import OURS, Registry

Function = TypeVar("Function", bound=Callable[..., xr.Dataset])
Formula = TypeVar("Formula", bound=Callable[..., Any])
"""What decorators take and return, so that type checkers know the arguments."""

Problems = Iterator[tuple[tuple[str | int, ...], str]]
"""Keys that lead to a problem in a sweep, and what is wrong there."""

DENSITIES = ("mixture", "wells", "networks")
"""Kinds of densities."""

ELSEWHERE = {"networks.diagnosis": f"{OURS}.networks.diagnosis"}
"""Quantities that take what this package may not import: their modules, by `Quantity.module`."""


def _none(_sweep: Any) -> Problems:
    yield from ()


def not_reducible(sweep: Any) -> str:
    """Numbers of components and features in words, if integrals over the densities of a sweep do not reduce to a line."""
    if sweep.features == 1 or sweep.components == 2 or sweep.covariances != "isotropic":  # those have a status
        return ""
    return f"this one has {sweep.components} components in {sweep.features} features"


def on_a_line_or_pairs(quantity: str) -> Callable[[Any], Problems]:
    """Problems of a quantity whose integrals over the density are computed on a line only."""

    def problems(sweep: Any) -> Problems:
        if shape := not_reducible(sweep):
            keys = ("quantities", sweep.quantities.index(quantity))
            yield keys, f"'{quantity}' is computed of mixtures on a line and of pairs; {shape}"

    return problems


@dataclass(frozen=True, eq=False)
class Quantity:
    """A quantity of a study.

    Attributes
    ----------
    name
        As a study writes it.
    function
        From a labelled density, the study's schedules where it takes ``schedules``, and options by name, to a dataset.
    density
        Kind of the densities that it takes: ``mixture``, ``wells`` or ``networks``.
    variables
        Variables that the dataset may hold.
    options
        Keys of a sweep that it takes, with the names of the function's arguments.
    seconds
        Measured seconds of one core a point: of two components, and of more for each component in each dimension of their
        span.
    problems
        Yields what makes it impossible for a sweep: numbers of components and features, or options that do not go together.
    covariances
        The same seconds of mixtures whose components have covariances, if it is computed of these too.
    """

    name: str
    function: Callable[..., xr.Dataset]
    density: str
    variables: tuple[Variable, ...]
    options: Options
    seconds: tuple[float, float]
    problems: Callable[[Any], Problems] = _none
    covariances: tuple[float, float] | None = None

    @property
    def module(self) -> str:
        """Module of this package that declares it, if it is one of ours: its name, for wells below ``wells``."""
        return self.name if self.density == "mixture" else f"{self.density}.{self.name}"

    @property
    def is_ours(self) -> bool:
        """Whether a module of this package declares it."""
        return self.function.__module__.startswith(f"{OURS}.")

    @property
    def grids(self) -> tuple[str, ...]:
        """Options of which every value makes a point of its own."""
        return tuple(name for name, option in self.options.items() if isinstance(option, Grid) and option.pointwise)

    @property
    def with_schedules(self) -> bool:
        """Whether results depend on the noise schedules."""
        return "schedules" in inspect.signature(self.function).parameters

    @property
    def meaning(self) -> str:
        """The first sentence of the function's description."""
        return (inspect.getdoc(self.function) or self.name).partition("\n\n")[0].replace("\n", " ").rstrip(".")

    def compute(self, density: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
        """The quantity of a study's content."""
        schedules = {"schedules": content["schedules"]} if self.with_schedules else {}
        return self.function(density, **schedules, **content["options"])

    def default(self, option: str) -> Any:
        """The option's default in a study: its own, else the function's."""
        if self.options[option].default is not None:
            return self.options[option].default
        argument = inspect.signature(self.function).parameters.get(option)
        return None if argument is None or argument.default is argument.empty else argument.default


DECLARED: Registry[Quantity] = Registry("quantity", "quantities")
"""Quantities of the modules that are imported, by `Quantity.module`."""


@cache
def import_all() -> None:
    """Import every module of this package, so that all of its quantities are declared."""
    package = import_module(__package__)
    for folder in ("", "wells."):
        paths = [f"{path}/{folder.rstrip('.')}" for path in package.__path__]
        for module in iter_modules(paths):
            import_module(f"{__package__}.{folder}{module.name}")
    for elsewhere in ELSEWHERE.values():
        import_module(elsewhere)


def declared(name: str, density: str = "mixture") -> Quantity:
    """The quantity of this name; of one of this package only its own module is imported.

    Raises
    ------
    ValueError
        For a quantity that is not computed of such densities.

    Examples
    --------
    >>> declared("corrections").grids, declared("layer", "wells").module
    ((), 'wells.layer')
    """
    key = f"{density}.{name}".removeprefix("mixture.")
    module = ELSEWHERE.get(key, f"{__package__}.{key}")
    if key not in DECLARED and isinstance(name, str) and name.isidentifier() and _is_module(module):
        import_module(module)
    if key not in DECLARED:
        import_all()
        known = sorted(each.name for each in DECLARED.values() if each.density == density)
        of = "mixtures" if density == "mixture" else density
        raise ValueError(
            f"quantity = {show(name)} is not computed of {of}{suggestion(name, known)}; allowed: {', '.join(known)}"
        )
    return DECLARED[key]


def _is_module(name: str) -> bool:
    """Whether there is such a module; its package may be missing."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def quantity(
    variables: Sequence[Variable],
    options: Options | None = None,
    *,
    seconds: tuple[float, float],
    density: str = "mixture",
    name: str = "",
    problems: Callable[[Any], Problems] = _none,
    covariances: tuple[float, float] | None = None,
) -> Callable[[Function], Function]:
    """Declare the decorated function as a quantity of a study.


    Parameters
    ----------
    variables
        What the dataset may hold, as `scoreshock.conventions.variables` declares them.
    options : mapping, optional
        Keys of a sweep that it takes, of the kinds in `scoreshock.options`, by the names of the function's arguments.
    seconds : pair of numbers
        Measured seconds of one core a point: of two components, and of more for each component in each dimension of their
        span.
    density : str
        Kind of the densities that it takes: ``mixture``, ``wells`` or ``networks``.
    name : str
        As a study writes it; by default the function's own name.
    problems : function, optional
        Yields what makes it impossible for a sweep.
    covariances : pair of numbers, optional
        The same seconds of mixtures whose components have covariances, if it is computed of these too.

    Returns
    -------
    function
        A decorator of a function from a labelled density (and ``schedules``, and options by name) to a dataset, which is
        returned as it is.

    Raises
    ------
    ValueError
        For a name that is taken, and for a kind of densities that is unknown.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.conventions import variables
    >>> @ss.quantity(variables("heaviest: weight of the heaviest component"), seconds=(1e-6, 1e-7))
    ... def heaviest(mixture):
    ...     return mixture.component_weight.max("component").to_dataset(name="heaviest")
    >>> float(heaviest(ss.families.pair(separation=1.0, weight=0.7)).heaviest.squeeze())
    0.7
    """
    if density not in DENSITIES:
        raise ValueError(f"density = {show(density)} is not allowed; allowed: {', '.join(DENSITIES)}")

    def declare(function: Function) -> Function:
        key = name or function.__name__
        made = Quantity(key, function, density, tuple(variables), options or {}, seconds, problems, covariances)
        DECLARED.add(made.module, made, function)
        return function

    return declare


@dataclass(frozen=True, eq=False)
class Criterion:
    """A criterion of speciation.

    Attributes
    ----------
    name, meaning
        As a study writes it, and what it says.
    function
        Formula on arrays: from arguments by name, those that the quantity ``speciation`` has, to the time and its status.
    density
        Kind of the densities that it takes.
    by_default
        Whether it is computed where nothing else is asked for.
    covariances
        Its formula for components with covariances, from `Components` ``c`` and others, if there is one.
    """

    name: str
    meaning: str
    function: Callable[..., Any]
    density: str
    by_default: bool
    covariances: Callable[..., Any] | None = None

    def __call__(self, **known: Any) -> Any:
        """The time and its status from those of the arguments that the formula takes."""
        return _called(self.function, known)

    def of_covariances(self, **known: Any) -> Any:
        """The time and its status for components with covariances; ``not_applicable`` without a formula."""
        if self.covariances is None:
            return np.array(np.nan), np.array(Status.not_applicable, dtype=np.int8)
        return _called(self.covariances, known)


def _called(formula: Callable[..., Any], known: Mapping[str, Any]) -> Any:
    return formula(**{name: known[name] for name in inspect.signature(formula).parameters if name in known})


CRITERIA: Registry[Criterion] = Registry("criterion", "criteria")
"""Criteria of the modules that are imported, by name, those of wells as ``wells.NAME``."""


def criterion(
    name: str,
    meaning: str,
    *,
    density: str = "mixture",
    by_default: bool = False,
    covariances: Callable[..., Any] | None = None,
) -> Callable[[Formula], Formula]:
    """Declare the decorated formula as a criterion of speciation.


    Parameters
    ----------
    name : str
        As a study writes it, not one that is there already.
    meaning : str
        What the criterion says, in a line.
    density : str
        Kind of the densities that it takes: ``mixture`` or ``wells``.
    by_default : bool
        Whether it is computed where no other is asked for; never where a plugin declares it.
    covariances : function, optional
        Its formula for components with covariances, from ``c`` and others; without it ``not_applicable`` there.

    Returns
    -------
    function
        A decorator of a formula on arrays: from those that it names (``means (..., k, n)``, ``weights (..., k)``,
        ``variance (...)``, or what is computed for all criteria) to the time, in units of the data squared, and its
        `Status`, ``(...)``.

    Raises
    ------
    ValueError
        For a name that is taken, and for a kind of densities that is unknown.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> @ss.criterion("a-quarter", "a quarter of the variance of the means, without a reason")
    ... def quarter(means, weights, variance):
    ...     tau = 0.25 * np.einsum("...k,...ki->...", weights, means**2)
    ...     return tau, np.zeros(tau.shape, dtype=np.int8)
    >>> float(ss.speciation(ss.families.pair(separation=2.0), criteria=["a-quarter"]).tau_star.squeeze())
    1.0
    """

    def declare(function: Formula) -> Formula:
        ours = function.__module__.startswith(f"{OURS}.")
        made = Criterion(name, meaning, function, density, by_default and ours, covariances)
        CRITERIA.add(f"{density}.{name}".removeprefix("mixture."), made, function)
        return function

    return declare


def criteria_of(density: str = "mixture", default: bool = False) -> tuple[str, ...]:
    """Names of the criteria of one kind of density: all, or those that are computed by default.

    Examples
    --------
    >>> criteria_of("wells")
    ('boundary', 'merging', 'matched-gaussian')
    """
    if density not in ("mixture", "wells"):
        return ()
    declared("speciation", density)
    return names_of(density, default)


def names_of(density: str, default: bool = False) -> tuple[str, ...]:
    """Names of the criteria that are declared so far, or of those that are computed by default."""
    return tuple(each.name for each in CRITERIA.values() if each.density == density and (each.by_default or not default))
