"""The sweep as a plain script."""

import sys
from itertools import product

import numpy as np
import xarray as xr
from point import exact

axes = {
    "separation": np.linspace(0.5, 8, int(sys.argv[1])),
    "variance": np.linspace(0.05, 2, 10),
    "weight": np.linspace(0.05, 0.95, 10),
}
shape = tuple(map(len, axes.values()))
values = np.reshape([exact(*point) for point in product(*axes.values())], shape)
xr.Dataset({"tau_star": (tuple(axes), values)}, axes).to_netcdf(sys.argv[2])
