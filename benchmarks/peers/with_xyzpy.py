"""The sweep with xyzpy."""

import sys

import numpy as np
import xyzpy
from point import exact

axes = {
    "separation": np.linspace(0.5, 8, int(sys.argv[1])),
    "variance": np.linspace(0.05, 2, 10),
    "weight": np.linspace(0.05, 0.95, 10),
}
runner = xyzpy.Runner(exact, var_names=["tau_star"])
runner.run_combos(axes, verbosity=0).to_netcdf(sys.argv[2])
