"""Axes: ranges whose values are the decimals that one types."""

import math
from fractions import Fraction
from pathlib import Path

import pytest

import scoreshock as ss
from scoreshock import axes

from .study.test_study import DEFAULT, digests, sweep_of

CASES = Path(__file__).parent / "cases"


def test_whole_axes_stay_whole_and_others_become_floats():
    sweep = sweep_of(
        axes={"separation": [1, 2], "dimension": {"start": 1, "stop": 10**6, "num": 7, "scale": "log"}}, split=[]
    )
    assert sweep.axes["dimension"] == {"values": [1, 10, 100, 1000, 10**4, 10**5, 10**6]}
    assert [type(v) for v in sweep.axes["separation"]["values"]] == [float, float]
    linear = sweep_of(axes={"separation": [1], "dimension": {"start": 2, "stop": 10.0, "num": 5}}, split=[])
    assert linear.axes["dimension"] == {"values": [2, 4, 6, 8, 10]}


@pytest.mark.slow
def test_a_range_gives_the_decimals_that_one_types():
    pair = ss.evaluate(ss.load_study(DEFAULT).sweeps["pair"], "speciation")
    assert pair.separation.values.tolist() == [number / 10 for number in range(5, 81)]


@pytest.mark.parametrize(
    ("start", "stop", "num"),
    [
        (0.1, 2.1, 21),
        (-3.0, 3.0, 301),
        (0.0, 1.0, 4),
        (8, 0.5, 76),
        (1e-20, 1e-19, 10),
        (-1.7e308, 1.7e308, 5),
        (0.3, 0.3000001, 7),
    ],
)
def test_every_value_of_a_range_is_the_nearest_double(start, stop, num):
    first, last = (Fraction(repr(float(end))) for end in (start, stop))
    exact = [first + (last - first) * i / (num - 1) for i in range(num)]
    assert axes.values({"start": start, "stop": stop, "num": num}).tolist() == [float(value) for value in exact]


@pytest.mark.parametrize(
    ("start", "stop", "num", "expected"),
    [
        (0.01, 1000.0, 6, [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]),
        (1024, 1, 11, [2.0**k for k in range(10, -1, -1)]),
        (0.3, 0.3 * 7**3, 2, [0.3, 0.3 * 7**3]),
        (1.1, 1.1**5, 2, [1.1, 1.1**5]),
        (5e-324, 1.0, 2, [5e-324, 1.0]),
    ],
)
def test_decimals_in_a_logarithmic_range_are_themselves(start, stop, num, expected):
    assert axes.values({"start": start, "stop": stop, "num": num, "scale": "log"}).tolist() == expected


def test_values_of_a_logarithmic_range_are_nearest_to_the_exact_ones():
    result = axes.values({"start": 1.0, "stop": 2.0, "num": 13, "scale": "log"})
    for i, value in enumerate(result.tolist()):
        below, above = (Fraction(math.nextafter(value, side)) for side in (0.0, 3.0))
        middle = Fraction(value)
        assert ((below + middle) / 2) ** 12 <= 2**i <= ((above + middle) / 2) ** 12


@pytest.mark.slow
def test_extending_a_range_keeps_its_blocks():
    short, long = (ss.load_study(CASES / f"k8b_range_made_longer{end}.yaml").sweeps["s"] for end in ("", "_2"))
    assert digests(short, "speciation").items() < digests(long, "speciation").items()
    assert list(digests(short, "speciation"))[:3] == ["separation=0.1", "separation=0.2", "separation=0.3"]
    names = [
        {
            block.name
            for block in sweep_of(
                axes={"separation": {"start": 0.3, "stop": 0.3 * 10**decades, "num": 7 * decades + 1, "scale": "log"}},
                split=["separation"],
            ).blocks("speciation")
        }
        for decades in (1, 3)
    ]
    assert names[0] < names[1]


@pytest.mark.slow
def test_minus_zero_is_zero():
    one, other = (sweep_of(axes={"separation": [zero, 1.0]}, split=["separation"]) for zero in (0, -0.0))
    assert digests(one, "speciation") == digests(other, "speciation")
