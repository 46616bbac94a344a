"""The exponent and the factor against the ratio of the layer, with the closed form (55) and its asymptote (57)."""

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.figures import amplification
from scoreshock.figures.description import Line, Panel, Points


def lines_of(panel: Panel) -> dict[str, Line | Points]:
    return {mark.name: mark for mark in panel.marks if isinstance(mark, Line | Points)}


def test_all_points_of_a_sweep_are_on_the_closed_form() -> None:
    pair = ss.families.pair(separation=np.linspace(0.5, 6, 12), variance=[0.25, 1.0], weight=[0.5, 0.7])
    exponents, factors = amplification.exponent(ss.amplification(pair))
    drawn = lines_of(exponents)
    closed, quadrature, limit = (drawn[name] for name in ("closed form", "quadrature of the rate", "asymptote R/2 − ½ ln R"))
    ratio = closed.x
    assert (np.diff(ratio) > 0).all()
    assert ratio[-1] == 36 / 0.25
    np.testing.assert_allclose(closed.y, (ratio - 1 - np.log(ratio)) / 2, rtol=1e-12)
    np.testing.assert_allclose(quadrature.y, (quadrature.x - 1 - np.log(quadrature.x)) / 2, rtol=1e-9)
    np.testing.assert_allclose(limit.y - closed.y, 0.5, rtol=1e-9)  # the constant that (57) drops
    factor = lines_of(factors)
    np.testing.assert_allclose(factor["asymptote e^(R/2)/√R"].y / factor["factor e^Λ"].y, np.sqrt(np.e), rtol=1e-9)
    np.testing.assert_allclose(factor["factor e^Λ"].y, np.exp(closed.y), rtol=1e-9)
    assert factors.logy


def test_factors_beyond_double_precision_are_drawn_as_logarithms() -> None:
    pair = ss.families.pair(separation=np.geomspace(1.5, 1000, 8), variance=1.0)
    factors = amplification.exponent(ss.amplification(pair))[1]
    line = lines_of(factors)["factor e^Λ"]
    np.testing.assert_allclose(line.y * np.log(10), (line.x - 1 - np.log(line.x)) / 2, rtol=1e-9)
    assert factors.ylabel.startswith("log₁₀")
    assert line.y.max() == pytest.approx(1e6 / 2 / np.log(10), rel=1e-4)
