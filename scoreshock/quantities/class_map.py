"""Which components of a mixture form which class, and arguments of kernels that tell classes apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.checks import as_array, listed, one_of, show, suggestion, whole
from scoreshock.kernels.information.classes import METHODS, SAMPLES, Method
from scoreshock.kernels.information.covariances import Along
from scoreshock.options import Classes, Whole
from scoreshock.quantities.labelled import WEIGHTS, Arguments, checked_mixture, covariance_arguments

DRAWS = Whole("draws of each component, where an expectation is not computed by quadrature", SAMPLES, low=16, high=2**30)
CLASSES = Classes("number of each component's class, such as [0, 0, 1], for all components; by default each is a class")


class ClassMap(NamedTuple):
    """Names of the classes in the order of their first components, and the components of each."""

    names: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def of_component(self) -> np.ndarray:
        """Index of each component's class."""
        result = np.empty(sum(map(len, self.groups)), dtype=int)
        for index, group in enumerate(self.groups):
            result[list(group)] = index
        return result


def class_map(mixture: xr.Dataset, classes: Any = None) -> ClassMap:
    """The classes that ``classes`` says.

    Parameters
    ----------
    classes
        By default each component is a class, called by its ``label`` where the mixture has labels. Else a class for each
        component: the name of a coordinate of the components, a DataArray with the dimension ``component``, or a list.

    Raises
    ------
    ValueError
        For any other number of classes than of components.

    Examples
    --------
    >>> import scoreshock as ss
    >>> class_map(ss.mixture([-1.0, 0.0, 1.0]), ["side", "centre", "side"])
    ClassMap(names=('side', 'centre'), groups=((0, 2), (1,)))
    """
    k = checked_mixture(mixture).sizes["component"]
    if isinstance(classes, str):
        if classes not in mixture.variables or mixture[classes].dims != ("component",):
            known = [str(name) for name in mixture.variables if mixture[name].dims == ("component",)]
            allowed = f"a list of {k} classes, or one of {listed(known)}"
            raise ValueError(f"classes = {show(classes)} is not allowed{suggestion(classes, known)}; allowed: {allowed}")
        classes = mixture[classes]
    if classes is None:
        own = mixture.label.values if "label" in mixture.variables and mixture.label.dims == ("component",) else np.arange(k)
        return ClassMap(tuple(map(str, own.tolist())), tuple((i,) for i in range(k)))
    values = as_array("classes", classes.values if isinstance(classes, xr.DataArray) else classes)
    if values.shape != (k,):
        raise ValueError(f"classes has shape {values.shape}; allowed: ({k},), a class for each component")
    of = [str(value) for value in values.tolist()]
    names = tuple(dict.fromkeys(of))
    return ClassMap(names, tuple(tuple(i for i in range(k) if of[i] == name) for name in names))


def unfit_classes(sweep: Any) -> str:
    """What is wrong with the classes of a sweep's components, if anything."""
    given, count = sweep.options["classes"], sweep.components
    if given is None or len(given) == count:
        return ""
    return f"{show(given)} has {len(given)} numbers; allowed: {count}, one for each component of this family"


def target_class(classes: ClassMap, target: Any) -> int:
    """Index of the class called ``target``; ``ValueError`` where there is none."""
    name = str(target.item() if isinstance(target, np.generic | xr.DataArray) and target.ndim == 0 else target)
    if name not in classes.names:
        known = listed(classes.names)
        raise ValueError(f"target = {show(target)} is no class{suggestion(name, classes.names)}; allowed: {known}")
    return classes.names.index(name)


def class_arguments(mixture: xr.Dataset) -> Arguments:
    """Means, weights, variances and the dimension of any mixture, as arguments of a kernel :func:`of_classes`."""
    mixture = checked_mixture(mixture)
    named, variance = covariance_arguments(mixture), mixture.component_variance
    if "component" not in variance.dims:
        variance = variance.expand_dims(component=mixture.sizes["component"], axis=-1)
    elif "eigenvalues" in named and "component" not in mixture.covariance_eigenvalue.dims:
        own = mixture.covariance_eigenvalue.expand_dims(component=mixture.sizes["component"])
        named["eigenvalues"] = (own, ("component", "direction"))
    return named | {"variance": (variance, WEIGHTS), "dimension": mixture.ambient_dimension}


def of_classes(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that takes covariances as its argument ``along``, as one of the arrays of :func:`class_arguments`."""
    return partial(_with_along, kernel)


def _with_along(kernel: Callable[..., Any], **arrays: Any) -> Any:
    eigenvalues, directions = arrays.pop("eigenvalues", None), arrays.pop("directions", None)
    return kernel(**arrays, along=None if eigenvalues is None else Along(eigenvalues, directions))


def method_of(method: Any, draws: Any, seed: Any) -> Method:
    """How expectations are computed, checked."""
    name, count = one_of("method", method, METHODS), whole("draws", draws, int(DRAWS.low), int(DRAWS.high))
    return Method(name, count, whole("seed", seed, 0))
