"""Labelled results of array kernels: prepare dimensions, call ``apply_ufunc``, and describe the results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from dask.base import is_dask_collection
from threadpoolctl import ThreadpoolController

from scoreshock.checks import repeated, shortened, show, suggestion
from scoreshock.conventions import AXES, Variable, attributes_among
from scoreshock.densities.component_covariances import PARTS, structure
from scoreshock.kernels.covariances.components import Components

if TYPE_CHECKING:
    import dask.array as da

MEANS = ("component", "feature")
WEIGHTS = ("component",)

Argument = xr.DataArray | tuple[xr.DataArray, tuple[str, ...]]
"""An array, alone or with the dimensions that a kernel consumes."""

Arguments = dict[str, Argument]
"""Arguments by their names in the kernel."""


@dataclass
class _SingleThreadedBlas:
    """BLAS at one thread while any kernel runs: its results then do not depend on the number of threads.

    Counted, because the limit belongs to the process and kernels run in several Dask threads at once.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0
    limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            if self.running == 0:
                self.limit = _blas_controller().limit(limits=1, user_api="blas")
            self.running += 1
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1
                if self.running == 0:
                    self.limit.restore_original_limits()


@cache
def _blas_controller() -> ThreadpoolController:
    return ThreadpoolController()


_single_threaded_blas = _SingleThreadedBlas()


@dataclass(frozen=True)
class _Kernel:
    """A kernel as ``apply_ufunc`` calls it, on one chunk (a class, so that a Dask cluster can pickle it)."""

    function: Callable[..., Any]
    inputs: Mapping[str, tuple[str, ...]]  # own dimensions of each argument
    outputs: tuple[Variable, ...]
    sizes: Mapping[str, int]  # of the outputs' own dimensions
    options: Mapping[str, Any]

    def __call__(self, *arrays: Any) -> Any:
        results = self._lazily(arrays) if any(map(is_dask_collection, arrays)) else self._at_once(*arrays)
        return results[0] if len(results) == 1 else results

    def _at_once(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        wide = [a.astype(float, copy=False) if a.dtype.kind == "f" else a for a in arrays]
        with _single_threaded_blas(), np.errstate(all="ignore"):
            results = self.function(**dict(zip(self.inputs, wide, strict=True)), **self.options)
        if hasattr(results, "_asdict"):
            results = results._asdict()
        if isinstance(results, Mapping):
            results = tuple(results[output.name] for output in self.outputs)
        elif len(self.outputs) == 1 and not isinstance(results, tuple):
            results = (results,)
        inputs = zip(arrays, self.inputs.values(), strict=True)
        shape = np.broadcast_shapes(*(array.shape[: array.ndim - len(dims)] for array, dims in inputs))
        return tuple(_filled(result, shape, output) for result, output in zip(results, self.outputs, strict=True))

    def _lazily(self, arrays: Sequence[Any]) -> tuple[da.Array, ...]:
        """The results chunk by chunk: one task computes all results of a chunk, and one for each of them picks it.

        Not ``apply_gufunc``, which adds a transposition to each result of each chunk and costs more than cheap kernels.
        """
        import dask.array as da  # as slow to import as a small sweep to compute

        inputs = list(zip(arrays, self.inputs.values(), strict=True))
        count = max(array.ndim - len(dims) for array, dims in inputs)
        sweep = tuple(f"sweep {i}" for i in range(count))
        pairs: list[Any] = []
        for array, dims in inputs:
            pairs += [da.asarray(array), sweep[count - array.ndim + len(dims) :] + dims]
        chunks = da.blockwise(self._at_once, sweep, *pairs, concatenate=True, meta=np.empty((0,) * len(sweep), dtype=object))
        return tuple(
            da.blockwise(
                itemgetter(i),
                (*sweep, *output.dims),
                chunks,
                sweep,
                new_axes={dim: self.sizes[dim] for dim in output.dims},
                meta=np.empty((0,) * (len(sweep) + len(output.dims)), dtype=output.dtype),
            )
            for i, output in enumerate(self.outputs)
        )


def _filled(result: Any, shape: tuple[int, ...], output: Variable) -> np.ndarray:
    """A kernel's result over all points of the chunk, in the type that the output states."""
    array = np.asarray(result).astype(output.dtype, copy=False)
    own = array.shape[array.ndim - len(output.dims) :]
    return np.broadcast_to(array, (*shape, *own))


def apply(
    kernel: Callable[..., Any],
    arguments: Mapping[str, Argument],
    outputs: Sequence[Variable],
    sizes: Mapping[str, int] | None = None,
    **options: Any,
) -> xr.Dataset:
    """Run ``kernel`` on labelled arguments, eager or chunk by chunk with the same numbers.

    Parameters
    ----------
    kernel
        Array function; takes the arguments with their own dimensions last, returns a NamedTuple or a mapping with an
        array for each output (others are left out), or one array an output in their order.
    arguments
        Arrays by the names of the kernel's arguments, with the dimensions that it consumes, if any; all other dimensions
        are broadcast.
    outputs
        Name, own dimensions and type of each result.
    sizes
        Lengths of the outputs' dimensions that no argument has.
    options
        Further keyword arguments of the kernel.

    Returns
    -------
    Dataset
        One variable an output, described by the vocabulary; own dimensions last. Floats of any precision are converted to
        float64, in which all is computed.

    Raises
    ------
    ValueError
        For an argument of complex numbers, text or dates.
    """
    pairs = {name: each if isinstance(each, tuple) else (each, ()) for name, each in arguments.items()}
    for name, (array, _) in pairs.items():
        if array.dtype.kind in "cSUTmM":
            raise ValueError(f"{array.name or name} has the type {array.dtype}; allowed: real numbers")
    # The arguments' order determines that of the results' dimensions.
    ordered = dict(sorted(pairs.items(), key=lambda item: _first_axis(item[1][0])))
    known = {dim: array.sizes[dim] for array, dims in ordered.values() for dim in dims} | dict(sizes or {})
    inputs = {name: dims for name, (_, dims) in ordered.items()}
    compute = _Kernel(kernel, inputs, tuple(outputs), known, options)
    try:
        results = xr.apply_ufunc(
            compute,
            *[_whole(array, dims) for array, dims in ordered.values()],
            input_core_dims=[list(dims) for dims in inputs.values()],
            output_core_dims=[list(output.dims) for output in outputs],
            join="exact",
            dask="allowed",
            keep_attrs="override",
        )
    except xr.AlignmentError as error:
        raise ValueError(
            f"arguments disagree on a dimension that they share; allowed: the same points ({shortened(error)})"
        ) from None
    arrays = (results,) if isinstance(results, xr.DataArray) else results
    return xr.Dataset(
        {o.name: (a.dims, a.data, attributes_among(o, outputs)) for o, a in zip(outputs, arrays, strict=True)},
        arrays[0].coords,
    )


def _first_axis(array: xr.DataArray) -> int:
    """Index in the vocabulary of the first axis of an array."""
    return min((index for index, name in enumerate(AXES) if name in array.dims), default=len(AXES))


def _whole(array: xr.DataArray, dims: tuple[str, ...]) -> xr.DataArray:
    """The array with each consumed dimension in one chunk and without coordinates that only it carries."""
    bare = array.drop_vars([name for name, c in array.coords.items() if set(c.dims) & set(dims)])
    return bare.chunk(dict.fromkeys(dims, -1)) if bare.chunks else bare


MIXTURE = {name: dims for name, dims in PARTS.items() if not name.startswith("covariance") and name != "component_variance"}
"""Variables of every mixture, and those of their dimensions that are no sweep's; the variance may have none."""


def checked_mixture(given: Any, name: str = "mixture") -> xr.Dataset:
    """The argument, where it is a labelled mixture; else ``ValueError`` naming it."""
    if isinstance(given, xr.Dataset):
        known = {**MIXTURE, "component_variance": ()}
        lacking = [part for part, dims in known.items() if part not in given or not set(dims) <= set(given[part].dims)]
        if not lacking:
            return given
    why = f" (no {lacking[0]})" if isinstance(given, xr.Dataset) else ""
    raise ValueError(
        f"{name} = {show(given)} is not a mixture{why}; allowed: one from ss.mixture, ss.families or ss.from_labelled"
    )


def is_general(mixture: xr.Dataset) -> bool:
    """Whether a mixture's components have covariances, and not one variance."""
    return structure(checked_mixture(mixture)) != "isotropic"


def isotropic_only(mixture: xr.Dataset, what: str = "this quantity") -> xr.Dataset:
    """The mixture, if it is isotropic, as a quantity needs that is not defined for covariances."""
    if is_general(mixture):
        raise ValueError(
            f"mixture has {structure(mixture)} covariances, for which {what} is not defined; allowed: one variance of all "
            "components, as of ss.isotropic(mixture)"
        )
    return mixture


def means_and_weights(mixture: xr.Dataset) -> Arguments:
    """The mixture's ``means`` and ``weights`` as arguments of :func:`apply`."""
    mixture = checked_mixture(mixture)
    return {"means": (mixture.component_mean, MEANS), "weights": (mixture.component_weight, WEIGHTS)}


def mixture_arguments(mixture: xr.Dataset, **others: Argument) -> Arguments:
    """The ``means``, ``weights`` and ``variance`` of an isotropic mixture, and ``others``, as arguments of :func:`apply`."""
    return {**means_and_weights(isotropic_only(mixture)), "variance": mixture.component_variance, **others}


SHARED = "shared"
"""Dimension of length 1 in place of the components where they share a covariance."""


def covariance_arguments(mixture: xr.Dataset, **others: Argument) -> Arguments:
    """Means, weights and covariances of any mixture, and ``others``, as arguments of a kernel :func:`of_components`."""
    named: Arguments = means_and_weights(mixture)
    names = {"variance": "component_variance", "eigenvalues": "covariance_eigenvalue", "directions": "covariance_direction"}
    for argument, name in names.items():
        if name in mixture:
            array = mixture[name]
            first = "component" if "component" in array.dims else SHARED
            array = array if first in array.dims else array.expand_dims(SHARED)
            named[argument] = (array, (first, *PARTS[name][1:]))
    return {**named, **others}


def of_components(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that takes `Components` as its argument ``c``, as one of the arrays of :func:`covariance_arguments`."""
    return partial(_with_components, kernel)


def _with_components(kernel: Callable[..., Any], **arrays: Any) -> Any:
    return kernel(c=Components(*(arrays.pop(name, None) for name in Components._fields)), **arrays)


def without_variance(mixture: xr.Dataset, array: xr.DataArray) -> xr.DataArray:
    """``array``, which depends only on means and weights, without the dimensions that only the variance has.

    Thus one call of a kernel can compute variables with and without the dimensions of the variance.
    """
    known = {*checked_mixture(mixture).component_mean.dims, *mixture.component_weight.dims}
    only = [dim for dim in mixture.component_variance.dims if dim not in known]
    return array.isel(dict.fromkeys(only, 0), drop=True)


def number_of_components(mixture: xr.Dataset) -> int:
    """k, at least two: one component has no layer and no transition."""
    count = checked_mixture(mixture).sizes["component"]
    if count < 2:
        raise ValueError(f"component: the mixture has {count}; allowed: at least 2 components")
    return count


def checked_names(what: str, given: Any, allowed: Sequence[str]) -> tuple[str, ...]:
    """One name or several as a tuple; ``ValueError`` unless there is at least one, none twice, and each is ``allowed``."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    names = (given,) if isinstance(given, str) else tuple(map(str, given)) if several else ()
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        meant = suggestion(unknown[0], allowed) if unknown else ""
        raise ValueError(f"{what}: {show(unknown or given)} is not allowed{meant}; allowed: {', '.join(allowed)}")
    if again := repeated(names):
        raise ValueError(f"{what}: {show(again[0])} is there more than once; allowed: each once")
    return names
