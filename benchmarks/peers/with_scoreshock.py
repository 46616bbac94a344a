"""The sweep with scoreshock, in a session."""

import sys

import numpy as np

import scoreshock as ss

axes = {
    "separation": np.linspace(0.5, 8, int(sys.argv[1])),
    "variance": np.linspace(0.05, 2, 10),
    "weight": np.linspace(0.05, 0.95, 10),
}
ss.speciation(ss.families.pair(**axes), criteria=["exact"]).to_netcdf(sys.argv[2])
