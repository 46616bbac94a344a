"""Potentials and tables of one's own that cannot be used are refused in one sentence that names the argument."""

import math

import numpy as np
import pytest

import scoreshock as ss


def quartic(x):
    return (x * x - 1) ** 2


def once(x):
    return quartic(x) if np.ndim(x) == 1 else math.nan


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"potential": 3.0}, r"potential = 3.0 is not allowed; allowed: a function"),
        ({"potential": lambda x: 1j * quartic(x)}, "potential: returns complex128; allowed: float64"),
        ({"potential": lambda x: quartic(x).astype("float32")}, "potential: returns float32; allowed: float64"),
        ({"potential": lambda x: [str(y) for y in x]}, "potential: returns <U"),
        ({"potential": lambda x: math.exp(x)}, r"potential: fails for an array of places \(TypeError"),
        ({"potential": lambda x: 1.0 if x > 0 else 0.0}, r"potential: fails for an array of places \(ValueError"),
        ({"potential": lambda x: quartic(x).sum()}, r"potential: returns shape \(\) for 5 places"),
        ({"potential": lambda x: quartic(x - x.mean())}, "potential: its value at a place depends on the others"),
        ({"potential": lambda x: np.where(np.abs(x) < 0.1, np.nan, quartic(x))}, "potential: is not finite at x = "),
        ({"potential": lambda x: np.where(np.abs(x) < 0.1, -np.inf, quartic(x))}, "potential: is not finite at x = "),
        ({"potential": lambda x: np.full_like(x, np.nan)}, "potential: is not finite at any"),
        ({"potential": lambda x: -quartic(x)}, "potential: "),
        ({"potential": quartic, "slope": 2}, "slope = 2 is not allowed"),
        ({"potential": quartic, "slope": lambda x: -4 * x * (x * x - 1)}, "slope: is .* at x = .*, and differences of"),
        ({"potential": quartic, "curvature": lambda x: 4 + 0 * x}, "curvature: is 4 at x = .*, and differences of"),
        ({"potential": quartic, "interval": (3, -3)}, r"interval = \(3, -3\) is not allowed; allowed: two finite numbers"),
        ({"potential": quartic, "interval": 3}, "interval = 3 is not allowed"),
        ({"potential": quartic, "interval": (0, math.inf)}, "interval = "),
        ({"potential": quartic, "interval": (-3, 3), "split": 4}, "split = 4 is not allowed; allowed: .* between -3 and 3"),
        ({"potential": quartic, "split": math.nan}, "split = nan is not allowed"),
        ({"potential": quartic, "split": "0"}, "split = '0' is not allowed"),
    ],
)
def test_potentials(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        ss.well("potential", **arguments)
    text = str(error.value)
    assert len(text) <= 300
    assert "\n" not in text
    assert "allowed" in text


def test_a_split_outside_the_table():
    x = np.linspace(-3, 3, 61)
    with pytest.raises(ValueError, match="split = 4 is not allowed; allowed: a finite number between -3 and 3"):
        ss.well("table", x=x, log_density=-quartic(x), split=4)


@pytest.mark.slow
def test_a_function_of_1d_arrays_alone_is_enough():
    result = ss.well_speciation(ss.well("potential", potential=once))
    assert result.tau_star.sel(criterion="merging").item() == pytest.approx(0.269102819666421, rel=1e-9)
