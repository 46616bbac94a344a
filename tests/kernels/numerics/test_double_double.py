"""Arithmetic in twice the working precision, against exact fractions."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.kernels.numerics.double_double import Doubled, exponential, total

TINY = 2.0**-100
numbers = st.floats(-1e30, 1e30).map(lambda a: a if abs(a) > 1e-30 else 1.0)
pairs = st.tuples(numbers, st.floats(-1, 1)).map(lambda p: Doubled([p[0]]) + p[0] * p[1] * 2.0**-54)


def exact(a):
    return Fraction(a.high.item()) + Fraction(a.low.item())


@given(pairs, pairs)
def test_products_and_quotients_keep_thirty_digits(a, b):
    for got, wanted in ((a * b, exact(a) * exact(b)), (a / b, exact(a) / exact(b))):
        assert abs(exact(got) - wanted) <= TINY * abs(wanted)


@given(pairs, pairs)
def test_sums_and_differences_keep_thirty_digits_of_the_larger_number(a, b):
    scale = TINY * (abs(exact(a)) + abs(exact(b)))
    assert abs(exact(a + b) - (exact(a) + exact(b))) <= scale
    assert abs(exact(a - b) - (exact(a) - exact(b))) <= scale


@given(st.lists(numbers, min_size=1, max_size=9))
def test_totals_of_floats_keep_thirty_digits_of_the_largest(values):
    got = total(Doubled(np.array(values)[:, None]))
    assert abs(exact(got) - sum(map(Fraction, values))) <= TINY * sum(map(abs, map(Fraction, values)))


def test_arrays_may_stand_on_either_side():
    a, b = np.array([3.0]), Doubled([4.0])
    assert [exact(r) for r in (a - b, a + b, a * b, b - a, -b, (a * 8) / b)] == [-1, 7, 12, 1, -4, 6]


@pytest.mark.parametrize("t", [0.0, -1e-300, -1e-20, -0.1, 0.3, -1.0, -50.25, 690.0, -745.0])
def test_exponential_keeps_twenty_nine_digits(t):
    number, power = exponential(Doubled([t]))
    with localcontext() as context:
        context.prec = 60
        wanted = Fraction(Decimal(t).exp())
    got = exact(number) * Fraction(2) ** power.item()
    assert abs(got - wanted) <= Fraction(1, 10**29) * wanted


def test_exponential_of_the_far_negative_is_as_good_as_zero():
    number, power = exponential(Doubled([-1e300, -3000.0]))
    assert (power < -2800).all()
    assert np.isfinite(number.high).all()
