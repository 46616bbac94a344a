"""What the public names alone give for the reference cases: a function for each kind."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr

import scoreshock as ss
from tests.reference import array_of, means_of, weights_of

Answer = Callable[..., Iterator[tuple[str, Any]]]

ANSWERS: dict[str, Answer] = {}
"""Of each kind, a function from a case to pairs of a field and the package's value of it, by one route or several."""


def meets(kind: str) -> Callable[[Answer], Answer]:
    """Enter a function of a case and its inputs as the answer to all cases of ``kind``."""

    def entered(answer: Answer) -> Answer:
        assert kind not in ANSWERS, f"{kind!r} is answered twice"
        ANSWERS[kind] = answer
        return answer

    return entered


def mixture_of(case):
    return ss.mixture(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2)


def pair_of(a, sigma0, weight=0.5):
    """Means at -a and +a, ``weight`` that of the latter."""
    return ss.families.pair(separation=a, variance=sigma0**2, weight=weight)


def point(x):
    return xr.DataArray(array_of(x), dims="feature")


def number(array, **selection):
    """The only value of an array; NaN, which stands for 'does not exist', as None."""
    value = array.sel(**selection).item()
    return None if np.isnan(value) else value


def named(dataset, names):
    """Pairs of the file's fields and the values of the package's variables, ``names`` from the former to the latter."""
    return ((field, dataset[name].values) for field, name in names.items())


def score_function(mixture):
    """A mixture's score and its Jacobian as functions of points ``(..., n)`` and times ``(...)``."""

    def arrays(x, tau):
        dims = tuple(f"axis {i}" for i in range(np.ndim(tau)))
        return mixture, xr.DataArray(x, dims=(*dims, "feature")), xr.DataArray(tau, dims=dims)

    return lambda x, tau: ss.score(*arrays(x, tau)).values, lambda x, tau: ss.score_jacobian(*arrays(x, tau)).values
