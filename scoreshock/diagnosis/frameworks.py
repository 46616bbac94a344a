"""Functions of NumPy, PyTorch and JAX behind one face: NumPy arrays in, NumPy arrays out, and Jacobians by autograd.

A framework is imported only where a model of it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from scoreshock.checks import one_of

FRAMEWORKS = ("numpy", "torch", "jax")

Composed = Callable[[Any, Any], Any]
"""A function of positions (N, d) and numbers of each point (N, m), arrays of a framework, to (N, d)."""

ROUNDING = {"float32": 6e-8, "float64": 1.2e-16, "float16": 5e-4, "bfloat16": 4e-3}
"""Half a unit in the last place, relative, of what a model computes in."""

SUMS = 16
"""Rounding of a value of a network, in units of `ROUNDING`."""

CHUNK = 256
"""Points whose Jacobians are computed together."""


def framework_of(model: Any, stated: str | None = None) -> str:
    """The framework of a model: as stated, else by its type, NumPy for any other function.

    Examples
    --------
    >>> framework_of(lambda x, tau: -x)
    'numpy'
    """
    if stated is not None:
        one_of("framework", stated, FRAMEWORKS)
        if stated != "numpy":
            _imported(stated)
        return stated
    torch = sys.modules.get("torch")
    return "torch" if torch is not None and isinstance(model, torch.nn.Module) else "numpy"


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        install = "torch==2.13.0" if name == "torch" else name
        raise ModuleNotFoundError(f"a score of {name} needs {name}: python -m pip install '{install}'") from None


def precision_of(model: Any, framework: str) -> str:
    """Name of the type that a model computes in: that of its parameters, else float64."""
    if framework == "jax":
        return "float64" if _imported("jax").config.jax_enable_x64 else "float32"
    parameters = getattr(model, "parameters", None)
    first = next(iter(parameters()), None) if framework == "torch" and parameters is not None else None
    return "float64" if first is None else str(first.dtype).removeprefix("torch.")


def evaluated(function: Composed, framework: str, precision: str, x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Values (N, d) of a composed function at ``x (N, d)`` and ``numbers (N, m)`` as float64."""
    if framework == "torch":
        torch = _imported("torch")
        kind = getattr(torch, precision)
        with torch.no_grad():
            found = function(torch.as_tensor(x, dtype=kind), torch.as_tensor(numbers, dtype=kind))
        return found.detach().cpu().double().numpy()
    if framework == "jax":
        array = _imported("jax").numpy.asarray
        return np.asarray(function(array(x), array(numbers)), dtype=float)
    return np.asarray(function(x, numbers), dtype=float)


def jacobian(
    function: Composed, framework: str, precision: str, x: np.ndarray, numbers: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Jacobian (N, d, d), derivative of row i by column j, and an estimate of its error (N,), that of the largest entry.

    By automatic differentiation in PyTorch and JAX, where the error is that of their arithmetic; else by central differences
    with steps in proportion to ``scale (N,)``, the length over which the function changes.
    """
    if framework == "numpy":
        return _differences(function, precision, x, numbers, scale)
    made = {"torch": _torch_jacobian, "jax": _jax_jacobian}[framework]
    cuts = [slice(first, first + CHUNK) for first in range(0, len(x), CHUNK)]
    found = np.concatenate([made(function, precision, x[cut], numbers[cut]) for cut in cuts])
    size = np.abs(found).max(axis=(1, 2), initial=0.0) + 1 / scale**2  # of which parts may cancel
    return found, SUMS * ROUNDING[precision] * size


def _torch_jacobian(function: Composed, precision: str, x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    torch = _imported("torch")
    kind = getattr(torch, precision)
    with torch.no_grad():
        found = torch.func.vmap(torch.func.jacrev(_of_one(function)))(
            torch.as_tensor(x, dtype=kind), torch.as_tensor(numbers, dtype=kind)
        )
    return found.detach().cpu().double().numpy()


def _jax_jacobian(function: Composed, _precision: str, x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    jax = _imported("jax")
    found = jax.vmap(jax.jacrev(_of_one(function)))(jax.numpy.asarray(x), jax.numpy.asarray(numbers))
    return np.asarray(found, dtype=float)


def _of_one(function: Composed) -> Composed:
    """The function of one point, (d,) and (m,) to (d,)."""
    return lambda point, numbers: function(point[None], numbers[None])[0]


def _differences(
    function: Composed, precision: str, x: np.ndarray, numbers: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Central differences at a step and at twice it, extrapolated; their error from both steps and from rounding."""
    rounding = ROUNDING[precision]
    step = rounding ** (1 / 5) * scale
    found, error = np.empty((2, *x.shape, x.shape[1])), np.zeros(len(x))
    for column in range(x.shape[1]):
        for row, factor in enumerate((1.0, 2.0)):
            high, low = x.copy(), x.copy()
            high[:, column] += factor * step
            low[:, column] -= factor * step
            above, below = (np.asarray(function(side, numbers), dtype=float) for side in (high, low))
            found[row, :, :, column] = (above - below) / (high[:, column] - low[:, column])[:, None]
            error = np.maximum(error, SUMS * rounding * np.abs(above).max(axis=1) / step)
    better = found[0] + (found[0] - found[1]) / 3
    return better, error + np.abs(better - found[0]).max(axis=(1, 2))
