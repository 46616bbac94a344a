"""A plugin that declares one of each: a family, a criterion, a kind of schedule, a quantity and a figure."""

import numpy as np
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Variable
from scoreshock.figures.description import Line, Panel
from scoreshock.figures.selection import selected
from scoreshock.options import Number, Positive
from scoreshock.schedules.kinds import Path


@ss.family
def shifted_pair(separation, variance=1.0, shift=0.5):
    """Two components at shift - a and shift + a."""
    return ss.mixture(ss.families.pair(separation).component_mean + shift, variance=variance)


@ss.criterion("half-leading", "half of the leading time", by_default=True)
def half_leading(spectrum, variance):
    """A quarter of the largest eigenvalue minus the variance, and 0 where that has a time."""
    tau = (spectrum.eigenvalues[..., 0] - variance) / 4
    return tau, np.zeros(tau.shape, dtype=np.int8)


@ss.schedule_kind("alpha = 1, sigma = rate t, t in [0, 1]", {"rate": Positive("last noise level", 2.0)})
def straight(rate):
    """Noise that grows evenly."""
    return Path(lambda t: (rate * t) ** 2, lambda q: np.sqrt(q) / rate, lambda q: (np.ones_like(q), np.sqrt(q)), 1.0)


@ss.quantity(
    (Variable("spread", "multiple of the distance of the means", description="Largest minus smallest, times factor."),),
    {"factor": Number("multiple of the distance", low=0.0)},
    seconds=(1e-7, 1e-7),
)
def spread(mixture, factor=2.0):
    """Multiple of the distance of the means along the first feature."""
    first = mixture.component_mean.isel(feature=0)
    ours = {"long_name": "multiple of the distance of the means", "units": "1", "description": "Times factor."}
    return xr.Dataset({"spread": (factor * (first.max("component") - first.min("component"))).assign_attrs(ours)})


@ss.figure(of="spread")
def distances(dataset, choice):
    """The distance over the separation."""
    values = selected(dataset.spread, choice.select)
    return [Panel(marks=(Line(values.separation.values, values.values),), title="distances", xlabel="a", ylabel="spread")]
