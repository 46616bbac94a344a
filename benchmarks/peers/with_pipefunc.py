"""The sweep with pipefunc."""

import sys

import numpy as np
from pipefunc import PipeFunc, Pipeline
from point import exact

axes = {
    "separation": np.linspace(0.5, 8, int(sys.argv[1])),
    "variance": np.linspace(0.05, 2, 10),
    "weight": np.linspace(0.05, 0.95, 10),
}
mapspec = "separation[i], variance[j], weight[k] -> tau_star[i, j, k]"
pipeline = Pipeline([PipeFunc(exact, output_name="tau_star", mapspec=mapspec)])
results = pipeline.map(axes, parallel=False, storage="dict", show_progress=False)
results.to_xarray().astype({"tau_star": float}).to_netcdf(sys.argv[2])
