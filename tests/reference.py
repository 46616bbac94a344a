"""Reference values that no code of this project produced, and the rule by which they are met.

A case is met when ``|got - expected| <= rtol * |expected| + atol[field]`` element by element; integers, booleans and
null compare exactly (null: does not exist). ``s2`` is the variance v, ``sigma0`` a standard deviation.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Case = dict[str, Any]


@cache
def all_cases() -> list[Case]:
    """All reference cases of all kinds, of every file."""
    files = sorted(Path(__file__).parent.glob("reference-cases*.json"))
    every = [json.loads(file.read_text()) for file in files]
    return [case for stored in every for case in (stored["cases"] if isinstance(stored, dict) else stored)]


def cases(kind: str) -> list[Case]:
    """All reference cases of one kind."""
    result = [case for case in all_cases() if case["kind"] == kind]
    assert result, f"no reference cases of kind {kind!r}"
    return result


def identify(case: Case) -> str:
    """The case's id, for pytest's ``ids``."""
    return case["id"]


def array_of(value: Any) -> np.ndarray:
    """A literal array, or the draw that a recipe names: ``(k, d)`` for means, ``(d,)`` for a point."""
    if not isinstance(value, dict):
        return np.asarray(value, dtype=float)
    shape = (value["k"], value["d"]) if "k" in value else (value["d"],)
    return np.random.default_rng(value["seed"]).standard_normal(shape) * value["scale"]


def means_of(case: Case) -> np.ndarray:
    """Means of the case, (k, d)."""
    return array_of(case["inputs"]["means"])


def weights_of(case: Case) -> np.ndarray:
    """Weights of the case, normalised, (k,)."""
    weights = np.asarray(case["inputs"]["weights"], dtype=float)
    return weights / weights.sum()


def check(case: Case, field: str, got: Any) -> None:
    """Assert that ``got`` meets the expected value of ``field``."""
    expected = case["expected"][field]
    where = f"{case['id']}.{field}: got {got!r}, expected {expected!r}"
    if expected is None:
        assert got is None or np.all(np.isnan(got)), where
        return
    if isinstance(expected, bool | int) and not isinstance(expected, float):
        assert got == expected, where
        return
    wanted = np.asarray(expected, dtype=float)
    result = np.asarray(got, dtype=float)
    assert result.shape == wanted.shape, f"{where}: shapes {result.shape} and {wanted.shape}"
    bound = case["rtol"] * np.abs(wanted) + case["atol"].get(field, 0.0)
    assert np.all(np.abs(result - wanted) <= bound), f"{where}: off by {np.max(np.abs(result - wanted) - bound)}"
