r"""Multilayer perceptrons as scores, in NumPy: networks that PyTorch trained are evaluated without it.

The network F stands inside EDM's preconditioning (Karras et al. 2022, table 1): the denoiser is
:math:`c_{skip} x + c_{out} F(c_{in} x, \ln(\sigma)/4)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, prod
from typing import Any

import numpy as np

from scoreshock.diagnosis.frameworks import ROUNDING, SUMS
from scoreshock.diagnosis.scores import Reading, Score, learned_score

FREQUENCIES = (2.0, 4.0, 8.0, 16.0)
"""Of the embedding of c_noise, whose sines and cosines they multiply: periods of 12.6 to 1.6 in ln sigma."""

EMBEDDED = 1 + 2 * len(FREQUENCIES)
"""Inputs that say the noise level: c_noise, and its sines and cosines."""

ACTIVATION, PREDICTS = "silu", "edm"
EMBEDDING = "c_noise, and sine and cosine of 2, 4, 8 and 16 times it"

ROWS = 96
"""Points in one matrix product: a multiple of the widths of BLAS kernels, so that in double precision a
point's bits depend on it alone."""

READING = Reading(PREDICTS, "preconditioned", "c_noise")


@dataclass(frozen=True)
class Architecture:
    """A perceptron with ``layers`` hidden layers of ``hidden`` units, for data of ``features`` coordinates.

    ``sigma_data`` is that of EDM's preconditioning; ``sigma_range`` are the noise levels of the training.
    """

    features: int
    hidden: int
    layers: int
    sigma_data: float
    sigma_range: tuple[float, float] = (0.0, inf)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of weight (in, out) and bias (out,) of one layer after another."""
        widths = [self.features + EMBEDDED, *[self.hidden] * self.layers, self.features]
        return tuple(shape for i, o in pairwise(widths) for shape in ((i, o), (o,)))

    @property
    def size(self) -> int:
        """Number of parameters of one network."""
        return sum(map(prod, self.shapes))

    def split(self, parameters: Any) -> list[Any]:
        """Weights and biases (..., *shape) in order, from parameters (..., P): arrays of NumPy or tensors."""
        found, first = [], 0
        for shape in self.shapes:
            found.append(parameters[..., first : first + prod(shape)].reshape(*parameters.shape[:-1], *shape))
            first += prod(shape)
        return found


def embedded(c_noise: Any, stack: Callable[..., Any] = np.stack, functions: Any = np) -> Any:
    """Inputs (..., EMBEDDED) that say the noise level, from ``c_noise (...)``, in arrays of NumPy or another library."""
    angles = [frequency * c_noise for frequency in FREQUENCIES]
    waves = [wave(angle) for wave in (functions.sin, functions.cos) for angle in angles]
    return stack([c_noise, *waves], -1)


def forward(architecture: Architecture, parameters: np.ndarray, x: np.ndarray, c_noise: np.ndarray) -> np.ndarray:
    """Values F (N, d) of the network at ``x (N, d)``, already preconditioned, and ``c_noise (N,)``, in the parameters' type.

    Examples
    --------
    >>> tiny = Architecture(features=1, hidden=2, layers=1, sigma_data=1.0)
    >>> forward(tiny, np.ones(tiny.size), np.zeros((1, 1)), np.zeros(1)).shape
    (1, 1)
    """
    layers = architecture.split(np.asarray(parameters))
    return _by_rows(lambda rows: _forward(layers, rows), x, c_noise, parameters.dtype)


def jacobian(architecture: Architecture, parameters: np.ndarray, x: np.ndarray, c_noise: np.ndarray) -> np.ndarray:
    """Derivative (N, d, d) of value i of `forward` by coordinate j of ``x``, exact."""
    layers = architecture.split(np.asarray(parameters))
    return _by_rows(lambda rows: _derivative(layers, rows, x.shape[1]), x, c_noise, parameters.dtype)


def _by_rows(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, c_noise: np.ndarray, kind: Any) -> np.ndarray:
    """A function of inputs (`ROWS`, features), for all points; the last rows are filled up with zeros."""
    inputs = np.concatenate([x, embedded(np.asarray(c_noise))], axis=-1).astype(kind)
    filled = np.pad(inputs, ((0, -len(inputs) % ROWS), (0, 0)))
    with np.errstate(over="ignore"):
        found = [function(rows) for rows in np.split(filled, len(filled) // ROWS)] if len(filled) else [function(filled)]
    return np.concatenate(found)[: len(x)]


def _forward(layers: list[np.ndarray], h: np.ndarray) -> np.ndarray:
    *hidden, last = _pairs(layers)
    for weight, bias in hidden:
        z = h @ weight + bias
        h = z / (1 + np.exp(-z))
    return h @ last[0] + last[1]


def _derivative(layers: list[np.ndarray], h: np.ndarray, d: int) -> np.ndarray:
    """Derivatives (N, d, d) of the values by the first ``d`` inputs."""
    *hidden, last = _pairs(layers)
    tangent = np.broadcast_to(np.eye(d, h.shape[1], dtype=h.dtype), (len(h), d, h.shape[1]))
    for weight, bias in hidden:
        z = h @ weight + bias
        gate = 1 / (1 + np.exp(-z))
        tangent = (tangent.reshape(-1, len(weight)) @ weight).reshape(len(h), d, -1) * (gate * (1 + z * (1 - gate)))[:, None]
        h = z * gate
    return (tangent @ last[0]).swapaxes(-1, -2)


def _pairs(layers: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return zip(layers[::2], layers[1::2], strict=True)


@dataclass(frozen=True)
class PerceptronScore(Score):
    """The score of one perceptron, with its exact Jacobian."""

    architecture: Architecture = field(default_factory=lambda: Architecture(1, 1, 1, 1.0))
    parameters: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    def jacobian(self, x: Any, tau: Any) -> tuple[np.ndarray, np.ndarray]:
        """Jacobian ``ds_i/dx_j`` (N, d, d), exact, and its rounding (N,), absolute, that of the largest entry."""
        if self.reading != READING:
            return super().jacobian(x, tau)
        points, numbers = self._points(x, tau)
        sigma, square = numbers[:, 1], numbers[:, 1] ** 2 + self.sigma_data**2
        inner = jacobian(self.architecture, self.parameters, points / np.sqrt(square)[:, None], numbers[:, 2])
        own = np.eye(points.shape[1]) / square[:, None, None]
        found = (self.sigma_data / (sigma * square))[:, None, None] * inner - own
        rounding = SUMS * ROUNDING[self.parameters.dtype.name] * (np.abs(found).max(axis=(1, 2), initial=0.0) + 1 / sigma**2)
        return found, rounding

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Least and greatest noise level of the training."""
        return self.architecture.sigma_range


def score_of(architecture: Architecture, parameters: np.ndarray) -> Score:
    """The score of one network, whose arithmetic is in the type of its ``parameters (P,)``.

    Examples
    --------
    Without weights the denoiser is ``c_skip x``, the best one that is linear.

    >>> zero = score_of(Architecture(2, 8, 1, sigma_data=1.0), np.zeros(8 * 11 + 8 + 8 * 2 + 2))
    >>> zero(np.array([[2.0, 1.0]]), 0.5).round(12).tolist()  # -x/(sigma^2 + sigma_data^2)
    [[-1.0, -0.5]]
    """
    parameters = np.asarray(parameters)
    if parameters.shape != (architecture.size,):
        raise ValueError(f"parameters has shape {parameters.shape}; allowed: ({architecture.size},) of this architecture")

    def network(x: np.ndarray, c_noise: np.ndarray) -> np.ndarray:
        return forward(architecture, parameters, x, c_noise)

    plain = learned_score(network, PREDICTS, shape=(architecture.features,), sigma_data=architecture.sigma_data)
    return PerceptronScore(**vars(plain), architecture=architecture, parameters=parameters)
